/** Threads of a runtime: whoever makes up names without end has no threads without end. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Thread } from '../../../src/scheduler/threads/thread.js';
import { KeptThreads } from '../../../src/scheduler/threads/thread-pool.js';

const test = suite('threads that a runtime keeps');

/** What the runtime knows of a thread. */
class Idle {
  idle = true;
  ended = false;
  userCount = 0;
  terminate(): Promise<void> {
    this.ended = true;
    return Promise.resolve();
  }
}

test('of named threads that nobody uses the one that was wanted longest ago ends, and no other', async () => {
  const started: Idle[] = [];
  const kept = new KeptThreads(0, 1, 2, () => {
    const thread = new Idle();
    started.push(thread);
    return thread as unknown as Thread;
  });
  const ended = (): number[] => started.flatMap((thread, index) => (thread.ended ? [index] : []));
  kept.take([undefined, 'used', 'second']);
  started[1]!.idle = false;
  assert.is(kept.thread('second'), kept.thread('second'), 'what is there is taken');
  kept.thread('third');
  assert.equal(ended(), [], 'two may be idle, and one is used');
  kept.thread('second');
  kept.thread(7);
  assert.equal(ended(), [3], 'the third was wanted before the second');
  started[1]!.idle = true;
  kept.take(['second', 'used', 'fifth']);
  assert.equal(ended(), [3], 'what is wanted at the same time stays');
  for (let name = 0; name < 50; name++) kept.thread(`name ${name}`);
  assert.is(kept.threads.length, 3);
  assert.not.ok(started[0]!.ended, 'the one for whoever names none');
  await kept.close(new Error('the test is over'));
  assert.ok(started.every((thread) => thread.ended));
});

test.run();
