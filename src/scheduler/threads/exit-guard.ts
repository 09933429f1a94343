/**
 * The process ends while graphs run: Node then stops the worker threads one after another, and each takes its native
 * memory with it. A thread that still runs must not read frames of one that is gone (link/frame-pins.ts). So the threads come
 * to rest first (thread/thread-stop.ts); those that do not, because a call of a module goes on, find their graph aborted. No
 * code of a graph runs here: what it has begun stays unfinished.
 */
import type { Board } from '../../thread/board/board.js';
import { awaitReaders } from '../../thread/board/readers.js';
import { restThreads } from '../../thread/thread-stop.js';

const running = new Set<Board>();

function onExit(): void {
  restThreads();
  for (const board of running) board.setAborting();
  for (const board of running) awaitReaders(board, Array(board.links).keys());
}

/** @returns ends the guard, when the run's threads are gone. */
export function guardExit(board: Board): () => void {
  if (running.size === 0) process.on('exit', onExit);
  running.add(board);
  return () => {
    running.delete(board);
    if (running.size === 0) process.off('exit', onExit);
  };
}
