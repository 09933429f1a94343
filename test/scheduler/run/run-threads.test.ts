/** What becomes of threads that do not stop, with threads that are made up. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Partitions } from '../../../src/scheduler/plan/partitions.js';
import { RunThreads } from '../../../src/scheduler/run/run-threads.js';
import type { Thread } from '../../../src/scheduler/threads/thread.js';
import type { ThreadSource } from '../../../src/scheduler/threads/thread-pool.js';
import { Undo } from '../../../src/scheduler/threads/undo.js';
import type { Board } from '../../../src/thread/board/board.js';

const threads = suite('threads of a run');

/**
 * A run on some threads; `terminating` is called with the number of the one that is being terminated.
 * @param facts what else is to be known of the threads, at any time.
 */
function run(
  count: number,
  terminating: (thread: number, run: RunThreads) => void,
  facts: () => Partial<Pick<Thread, 'userCount' | 'loading' | 'whenLoaded'>> = () => ({}),
) {
  const events: string[] = [];
  let over!: () => void;
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const taken = Array.from({ length: count }, (_, thread) => ({
    attach: () => {},
    detach: () => {},
    takeUnexpected: () => [],
    get userCount() {
      return facts().userCount ?? 1;
    },
    get loading() {
      return facts().loading ?? false;
    },
    whenLoaded: () => facts().whenLoaded?.(),
    terminate: async () => {
      events.push(`terminate ${thread}`);
      await Promise.resolve();
      terminating(thread, run);
    },
  }));
  const source = { take: () => taken, giveBack: async () => {} } as unknown as ThreadSource;
  const cut = {
    threads: count,
    hasLocalPart: false,
    links: [],
    namesOn: (n: number) => `node${n}`,
    asked: Array(count).fill(undefined),
  } as unknown as Partitions;
  const board = { setThreadState: (n: number) => events.push(`dead ${n}`) } as unknown as Board;
  const run = new RunThreads(source, cut, board, 1, {
    message: () => {},
    died: () => events.push('died'),
    warning: (text) => events.push(text.replace(/ and was terminated.*/, '')),
    ended: () => {},
    over,
  });
  run.take(new Undo());
  return { run, events, ended };
}

threads('one that answers while another is being terminated is left alone', async () => {
  const {
    run: silent,
    events,
    ended,
  } = run(3, (thread, run) => {
    if (thread === 0) run.ended(1, { frames: 2 });
  });
  silent.expectEnd();
  await ended;
  assert.equal(events, [
    'the thread of node0 did not stop within 1 ms',
    'terminate 0',
    'dead 0',
    'the thread of node2 did not stop within 1 ms',
    'terminate 2',
    'dead 2',
  ]);
  assert.equal(silent.leaked, { frames: 2 });
});

threads('those that have ended in time are not terminated, and the end is told once', async () => {
  const { run: prompt, events, ended } = run(2, () => {});
  prompt.expectEnd();
  prompt.ended(0, {});
  prompt.ended(0, { frames: 1 });
  prompt.ended(1, {});
  await ended;
  await prompt.giveBack();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(events, []);
  assert.equal(prompt.leaked, {}, 'what a thread says after its end is not counted');
});

threads(
  'one that others share and that still loads is not taken for stuck: its time begins when it has loaded',
  async () => {
    for (const answers of [true, false]) {
      const loading = { isOver: false };
      const {
        run: early,
        events,
        ended,
      } = run(
        1,
        () => {},
        () => ({
          userCount: 2,
          loading: !loading.isOver,
          whenLoaded: async () => {
            events.push('loaded');
            loading.isOver = true;
            if (answers) early.ended(0, {});
          },
        }),
      );
      early.expectEnd();
      await ended;
      assert.equal(
        events,
        answers ? ['loaded'] : ['loaded', 'the thread of node0 did not stop within 1 ms', 'terminate 0', 'dead 0'],
      );
    }
  },
);

threads('one that still loads and that nobody else has anything on is ended at once', async () => {
  const {
    run: alone,
    events,
    ended,
  } = run(
    1,
    () => {},
    () => ({ loading: true }),
  );
  alone.expectEnd();
  await ended;
  assert.equal(events, ['the thread of node0 did not stop within 1 ms', 'terminate 0', 'dead 0']);
});

threads.run();
