/** What becomes of threads that do not stop, with threads that are made up. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Partitions } from '../../../src/scheduler/plan/partitions.js';
import { RunThreads } from '../../../src/scheduler/run/run-threads.js';
import type { ThreadSource } from '../../../src/scheduler/threads/thread-pool.js';
import { Undo } from '../../../src/scheduler/threads/undo.js';
import type { Board } from '../../../src/thread/board/board.js';

const threads = suite('threads of a run');

/** A run on some threads; `terminating` is called with the number of the one that is being terminated. */
function run(count: number, terminating: (thread: number, run: RunThreads) => void) {
  const events: string[] = [];
  let over!: () => void;
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const taken = Array.from({ length: count }, (_, thread) => ({
    attach: () => {},
    detach: () => {},
    takeStrays: () => [],
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
  } as unknown as Partitions;
  const board = { setThreadState: (n: number) => events.push(`dead ${n}`) } as unknown as Board;
  const run = new RunThreads(source, cut, board, 1, {
    message: () => {},
    died: () => events.push('died'),
    warning: (text) => events.push(text.replace(/ and was terminated.*/, '')),
    over,
  });
  run.take(Array(count).fill(undefined), new Undo());
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

threads.run();
