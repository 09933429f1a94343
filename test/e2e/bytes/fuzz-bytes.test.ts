/** The short form of fuzz-bytes.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedThreads } from '../../kit/shared-threads.js';
import { decodeHere, neverDrawn } from './fuzz-bytes.js';

/** Numbers of inputs in which every kind of mutation occurs. */
const [FIRST, COUNT] = [8, 8];

const test = suite('mutated media');
const graphOn = await sharedThreads(1);

test('every input ends in frames or in an error', async () => {
  assert.equal(neverDrawn(FIRST, COUNT), []);
  const { frames, errors, failures } = await decodeHere(FIRST, COUNT, graphOn);
  assert.equal(failures, []);
  assert.is(frames + errors, COUNT);
  assert.ok(frames > 0 && errors > 0, `${frames} gave frames, ${errors} an error`);
});

test.run();
