import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { soak } from './soak.js';

const test = suite('soak, short form');

test('graphs run and aborted one after the other leave no thread and no native object behind', async () => {
  const count = times(3, 6);
  assert.is((await soak(count, count)).aborted, count);
});

test.run();
