/** Merged filters and filters node by node make the same of pictures whose size, format and shape change on the way. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { alike, pictures, sameMerged } from '../../kit/filter-chains.js';
import { long } from '../../kit/long.js';
import { PICTURE_CHAINS, titleOf } from '../../kit/picture-chains.js';

const test = suite('merged filters: changes of format');

const CHANGING = pictures(
  [
    ...alike(6, [48, 32], 'yuv420p', [4, 3]),
    ...alike(5, [32, 48], 'yuv420p', [1, 1]),
    ...alike(5, [32, 48], 'yuv444p', [8, 9]),
    ...alike(1, [48, 32], 'gray'),
    ...alike(5, [48, 32], 'yuv420p', [4, 3]),
  ],
  { rate: 25 },
);

// Each of them is in the test of pictures that stay alike.
for (const steps of PICTURE_CHAINS.filter((_, i) => long || i % 2 === 0)) {
  test(titleOf(steps), async () => {
    assert.ok((await sameMerged(CHANGING, steps)).length > 0);
  });
}

test.run();
