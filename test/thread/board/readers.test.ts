/** Waiting for those who are in the middle of taking a frame from a thread that ends. */
import { setImmediate as turn } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Board } from '../../../src/thread/board/board.js';
import { awaitReaders, readersDone } from '../../../src/thread/board/readers.js';

const readers = suite('readers of a thread that ends');

/** A board of links on all of which somebody reads. */
function reading(links: number): Board {
  const board = Board.create(1, 2, links);
  for (let link = 0; link < links; link++) board.setReading(link, true);
  return board;
}

readers('one that has died in the middle of it is waited for once, however many links it has', () => {
  const board = reading(5);
  const original = Atomics.wait;
  let waits = 0;
  Atomics.wait = ((...[, , , milliseconds]: Parameters<typeof Atomics.wait>) => {
    waits += milliseconds ?? Number.POSITIVE_INFINITY;
    return 'timed-out';
  }) as typeof Atomics.wait;
  try {
    awaitReaders(board, [0, 1, 2, 3, 4]);
  } finally {
    Atomics.wait = original;
  }
  assert.is(waits, 2000);
});

readers(
  'the event loop goes on while they are waited for, and they are not waited for longer than they read',
  async () => {
    const board = reading(3);
    let done = false;
    const waiting = readersDone(board, [0, 1, 2]).then(() => {
      done = true;
    });
    for (let link = 0; link < 3; link++) {
      for (let turns = 0; turns < 5; turns++) await turn();
      assert.is(done, false);
      board.setReading(link, false);
    }
    // A pending wait does not keep the process alive.
    const alive = setInterval(() => {}, 1000);
    await waiting;
    clearInterval(alive);
    await readersDone(board, [0, 1, 2]);
  },
);

readers.run();
