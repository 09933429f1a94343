/** A camera that is killed and comes back, in the short form of `npm run stress:live`. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { play, randomOf } from './live-stress.js';

const test = suite('a camera that is killed');

test('over tcp: times rise, gaps are as long as the outages, nothing is left', async () => {
  const { faults, gaps } = await play('tcp', 1, randomOf(1), { scale: 0.1 });
  assert.equal(faults, []);
  assert.is(gaps.length, 1);
});
test.run();
