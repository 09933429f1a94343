/**
 * The process ends while graphs run: Node then stops the worker threads one after another, and each takes its native
 * memory with it. A thread that still runs must not read frames of one that is gone (thread/pins.ts), so every graph is
 * aborted first. Nor must a thread be stopped within a call of the addon (Board.beginWork), so calls under way are waited
 * for, a second at most. No code of a graph runs here: what it has begun stays unfinished.
 */
import type { Board } from '../thread/board.js';

/** With the number of threads of the graph's own. */
const running = new Map<Board, number>();

function onExit(): void {
  for (const board of running.keys()) board.setAborting();
  for (const [board, threads] of running) board.leave(threads);
  for (const board of running.keys()) board.awaitReaders();
}

/**
 * @param threads Threads of the graph that are workers: the first ones on its board.
 * @returns ends the guard, when the run's threads are gone.
 */
export function guardExit(board: Board, threads: number): () => void {
  if (running.size === 0) process.on('exit', onExit);
  running.set(board, threads);
  return () => {
    running.delete(board);
    if (running.size === 0) process.off('exit', onExit);
  };
}
