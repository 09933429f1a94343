/**
 * Timers and clocks as they were when the package was imported. Test runners replace the global ones (`useFakeTimers` of
 * Jest, Vitest and sinon): a graph that took those would stand still until somebody moves the clock by hand. Nothing else
 * in the package may call them directly, and what comes from the modules of Node is out of reach of a replaced global.
 *
 * A timer of Node that is set for longer than 2^31 - 1 ms (24.8 days) fires after 1 ms. Here every number works.
 */
import { performance as nodePerformance } from 'node:perf_hooks';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

/** The longest delay of one timer of Node, in ms. */
const LONGEST_DELAY = 2 ** 31 - 1;

// Taken now: the properties of these modules can be replaced as well.
const { setTimeout: start, clearTimeout: stop } = timers;
const { setInterval: startInterval, clearInterval: stopInterval } = timers;
const { setTimeout: nap, setImmediate: turn } = timersPromises;
const settled = Promise.resolve();

export const { setImmediate, clearImmediate } = timers;

export const performance = {
  /** Milliseconds since this thread began. */
  now: nodePerformance.now.bind(nodePerformance),
  /** Unix time at which this thread began, in ms. */
  timeOrigin: nodePerformance.timeOrigin,
};

/** Nanoseconds, on the one clock of all threads. (Of the global `process`: an import of it would open stdin and stdout.) */
export const monotonic: () => bigint = process.hrtime.bigint;

/** A timer that was set here. */
export class Timer {
  #handle: NodeJS.Timeout | undefined;
  #referenced = true;

  constructor(callback: () => void, milliseconds: number) {
    this.#set(callback, milliseconds);
  }

  #set(callback: () => void, milliseconds: number): void {
    const part = withinReach(milliseconds);
    this.#handle = start(() => {
      if (milliseconds > part) this.#set(callback, milliseconds - part);
      else callback();
    }, part);
    if (!this.#referenced) this.#handle.unref();
  }

  /** The process need not go on for it. */
  unref(): this {
    this.#referenced = false;
    this.#handle?.unref();
    return this;
  }

  clear(): void {
    stop(this.#handle);
  }
}

/** Node.js warns of a delay that is below zero, as what is left of a time that is over, and does not wait what is too long. */
function withinReach(milliseconds: number): number {
  return Math.min(Math.max(milliseconds, 0), LONGEST_DELAY);
}

/** @param milliseconds Any number; Infinity: never. */
export function setTimeout(callback: () => void, milliseconds: number): Timer {
  return new Timer(callback, milliseconds);
}

export function clearTimeout(timer: Timer | undefined): void {
  timer?.clear();
}

/** @param milliseconds What is longer than 24.8 days becomes that. */
export function setInterval(callback: () => void, milliseconds: number): NodeJS.Timeout {
  return startInterval(callback, withinReach(milliseconds));
}

export function clearInterval(interval: NodeJS.Timeout | undefined): void {
  stopInterval(interval);
}

/** After the call in progress, before the event loop goes on. */
export function queueMicrotask(callback: () => void): void {
  // The global one may have been replaced before the import, and belongs to no module.
  void settled.then(callback);
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return turn();
}

/**
 * Resolves after so many milliseconds, any number of them.
 * @throws AbortError when the signal aborts.
 */
export async function sleep(milliseconds: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
  let left = milliseconds;
  do {
    const part = withinReach(left);
    await nap(part, undefined, { ...(signal && { signal }) });
    left -= part;
  } while (left > 0);
}
