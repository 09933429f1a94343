/**
 * How threads are ended. Node ends a thread by making its JavaScript return at once, and the addon takes the whole
 * process down when that happens within one of its calls (a fatal error of N-API: no JavaScript can be run any more). So
 * whoever ends a thread, or the process with all of them, asks it first to come to rest: its host (host.ts) sees the
 * request between two units of work, or is woken for it, and blocks the thread for ever. A thread that still loads the
 * addon comes to rest when it has loaded it; one that has not begun to, never will (boot-gate.ts). A call of a module under way is waited for, a second at most; what an
 * asynchronous one would have done next is not done.
 *
 *   words (Int32)
 *     0  ASKED    1: to come to rest                                   written by who started the thread
 *     1  RESTS    1: nothing of it runs any more, or it has ended      written by the thread
 *     2  GATE     whether it has begun to load the addon               compare-and-swap (boot-gate.ts)
 *
 * No event loop takes part but the thread's own: a process that ends is blocked meanwhile.
 */
import { clearInterval, performance, setInterval } from '../../ringbuffer/clock.js';
import type { Doorbell } from '../../ringbuffer/index.js';
import { shutGate } from './boot-gate.js';

const [ASKED, RESTS] = [0, 1] as const;
/** Longest time in ms that a thread holds up its end. */
const LIMIT = 1000;
/**
 * The same in ms for one that has begun to load what it runs and may not have finished. Ending it meanwhile would abort the
 * process, so this is longer than that takes on any machine, and yet not for ever: a loader may hang.
 */
export const LOADING_LIMIT = 15_000;

/** Threads started from this one. */
const started = new Set<ThreadStop>();
let listening = false;
let deadline: number | undefined;

export class ThreadStop {
  private readonly words: Int32Array;

  private constructor(
    readonly buffer: SharedArrayBuffer,
    private readonly bell?: Doorbell,
  ) {
    this.words = new Int32Array(buffer);
  }

  /** For a thread that is about to be started. @param bell what its host sleeps on. */
  static create(bell: Doorbell): ThreadStop {
    // Listeners of 'exit' run before the threads are ended, whatever ends the process or the thread.
    if (!listening) process.on('exit', restThreads);
    listening = true;
    const rest = new ThreadStop(new SharedArrayBuffer(12), bell);
    started.add(rest);
    return rest;
  }

  static attach(buffer: SharedArrayBuffer): ThreadStop {
    return new ThreadStop(buffer);
  }

  // --- of the thread itself -----------------------------------------------------------------------------------------

  get asked(): boolean {
    return Atomics.load(this.words, ASKED) !== 0;
  }

  /** Nothing of the thread runs any more. */
  reach(): void {
    Atomics.store(this.words, RESTS, 1);
    Atomics.notify(this.words, RESTS);
  }

  /** Blocks this thread until it is ended; those that were started from it come first. */
  stay(): never {
    restThreads();
    this.reach();
    for (;;) Atomics.wait(this.words, RESTS, 1);
  }

  // --- of the one that asks -----------------------------------------------------------------------------------------

  ask(): void {
    Atomics.store(this.words, ASKED, 1);
    if (shutGate(this.words)) this.reach();
    this.bell?.alarm();
  }

  /** The thread could not be started. */
  forget(): void {
    this.reach();
    started.delete(this);
  }

  /** Blocks until the thread rests. @param until performance.now() */
  wait(until: number): void {
    Atomics.wait(this.words, RESTS, 0, Math.max(0, until - performance.now()));
  }

  /**
   * Asks, and resolves when the thread rests and may be ended, or when it has had its time.
   * @param loaded whether it is known to have loaded what it runs.
   */
  async end(loaded: boolean): Promise<void> {
    this.ask();
    const wait = Atomics.waitAsync(this.words, RESTS, 0, loaded ? LIMIT : LOADING_LIMIT);
    if (wait.async) {
      // A pending wait does not keep the process alive.
      const alive = setInterval(() => {}, 2 ** 30);
      await wait.value;
      clearInterval(alive);
    }
    started.delete(this);
  }
}

/** Blocks until every thread that was started from this one rests, a second at most. For the end of the process only. */
export function restThreads(): void {
  deadline ??= performance.now() + LIMIT;
  for (const rest of started) rest.ask();
  for (const rest of started) rest.wait(deadline);
}
