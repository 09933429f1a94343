/** The short form of fuzz-bytes.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzz } from './fuzz-bytes.js';

const test = suite('mutated media');

test('every input ends in frames or in an error', async () => {
  const { frames, errors, failures } = await fuzz(0, 24, { perProcess: 24 });
  assert.equal(failures, []);
  assert.is(frames + errors, 24);
  assert.ok(frames > 0 && errors > 0, `${frames} gave frames, ${errors} an error`);
});

test.run();
