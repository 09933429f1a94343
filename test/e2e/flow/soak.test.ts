import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { soak } from './soak.js';

const test = suite('soak, short form');

test('graphs run and aborted one after the other leave no thread and no native object behind', async () => {
  const { aborted } = await soak(6, 6);
  assert.is(aborted, 6);
});

test.run();
