/**
 * Whether a thread has begun to load the addon. Ending a thread while it does aborts the process, and before that it can be
 * ended at any time: a thread that is not needed any more before it came so far is kept from it. One of the two comes
 * first, its own step or that of the one who ends it, and the other one sees it.
 *
 * No more than this is imported by the entry of a worker (worker.ts) itself.
 */

/** Word of the thread's memory (thread-stop.ts). */
export const GATE = 2;
const [SHUT, LOADING, REFUSED] = [0, 1, 2] as const;

/** Called by the thread before it loads anything. @returns false if it is not to begin any more. */
export function passGate(buffer: SharedArrayBuffer): boolean {
  return Atomics.compareExchange(new Int32Array(buffer), GATE, SHUT, LOADING) === SHUT;
}

/** Called by the one who ends the thread. @returns whether it has loaded nothing and never will. */
export function shutGate(words: Int32Array): boolean {
  return Atomics.compareExchange(words, GATE, SHUT, REFUSED) !== LOADING;
}
