import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { causeOfDeath } from '../../../src/scheduler/threads/thread.js';

const test = suite('why a thread is gone');

test('its error, its exit code, or that it was ended from outside, which has no code', () => {
  assert.is(causeOfDeath(1, new Error('out of heap')), 'out of heap');
  assert.is(causeOfDeath(7, undefined), 'exit code 7');
  assert.is(causeOfDeath(-1, undefined), 'it was terminated');
});

test.run();
