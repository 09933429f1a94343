/**
 * Waiting for those who are in the middle of taking a frame by reference. Threads that are about to end, and their native
 * memory with them, do that for all consumers of what they have sent. It takes a consumer microseconds; after two seconds,
 * for all of them together, those that still read are taken for dead. What one begins to take from then on it does not read
 * (link/frame-pins.ts).
 */
import type { Board } from './board.js';

/** Waits of a millisecond. Counted, because the clock also runs while the process is suspended. */
const READER_WAITS = 2000;

/** Blocks the thread, because the threads that call it are about to end. */
export function awaitReaders(board: Board, links: Iterable<number>): void {
  let waits = 0;
  for (const link of links) {
    while (waits < READER_WAITS && board.isReading(link)) {
      waits++;
      if (!board.waitWhileReading(link)) break;
    }
  }
}

/** The same for a thread that has to go on meanwhile. */
export async function readersDone(board: Board, links: Iterable<number>): Promise<void> {
  let waits = 0;
  for (const link of links) {
    while (waits < READER_WAITS && board.isReading(link)) {
      waits++;
      const pause = board.whileReading(link);
      if (pause === undefined) break;
      await pause;
    }
  }
}
