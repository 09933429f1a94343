/**
 * Threads started ahead: loading FFmpeg takes a thread as long as it takes this one, so a program that knows it is about
 * to run a graph, and has still to import what builds it, has both done at once. Whoever starts them ends what no run took.
 */
import { availableParallelism } from 'node:os';
import { startThread, type Thread } from './thread.js';

/**
 * Rounds in which a thread looks for work before it parks, by the cores at hand. Spinning costs ten times and more as
 * soon as more threads are busy than there are cores; on a small machine a decoder and an encoder already are that case.
 */
export function automaticSpin(): number {
  return availableParallelism() > 4 ? 2000 : 200;
}

const waiting: Thread[] = [];

export function startEarly(count: number): void {
  for (let i = 0; i < count; i++) waiting.push(startThread(automaticSpin()));
}

/** A thread that was started ahead and spins as often as this; undefined when there is none. */
export function takeEarly(spin: number): Thread | undefined {
  const at = waiting.findIndex((thread) => thread.spin === spin && !thread.ended);
  return at < 0 ? undefined : waiting.splice(at, 1)[0];
}

/** Ends those that nobody took; resolves when they have gone. */
export async function endEarly(): Promise<void> {
  await Promise.all(waiting.splice(0).map((thread) => thread.terminate()));
}
