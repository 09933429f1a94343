/**
 * Native calls that wait for a peer, in a thread of their own: asynchronous ones, so that the thread's event loop hears
 * the request to leave and can interrupt them, wherever they are. FFmpeg looks at the interrupt flag of a context at
 * least every 100 ms while it waits for a socket, and a flag that is set stays set: the call returns, and so does every
 * later one of that context. What FFmpeg cannot leave is a call of the system that waits by itself (the lookup of a
 * name, a file on a disk that does not answer).
 *
 * Invariant: the thread ends only when no call is in flight (native-wait.ts): the addon aborts the process otherwise.
 */
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../../ringbuffer/clock.js';
import { type ErrorCode, MillraceError } from '../../errors/errors.js';
import type { NativeWait } from './native-wait.js';

/** What can be interrupted: a FormatContext. */
export interface Interruptible {
  interrupt(): void;
}

/** Why a call came back: its own result, or what it was interrupted for. */
export type Outcome<T> = { readonly result: T } | 'stopped' | 'late';

/** The words for a peer that has kept a call waiting for too long. */
export interface Late {
  readonly code: ErrorCode;
  /** Followed by for how long. */
  readonly why: string;
  readonly hint: string;
}

/** Of libuv, when UV_THREADPOOL_SIZE does not say otherwise. */
const POOL_SIZE = 4;
/** Waiting that long in ms for a thread of the pool is told. */
const LONG = 1000;

interface Waiter {
  look(): boolean;
  end(): void;
}

export class InterruptibleCalls {
  readonly #wait: NativeWait;
  readonly #context: Interruptible;
  readonly #onCrowd: (limit: number) => void;
  #waiters: Waiter[] = [];
  #crowdTold = false;
  #inFlight = false;
  #closed = false;

  /** @param onCrowd told once if a call has to wait for others of the process, with how many may be in flight. */
  constructor(wait: NativeWait, context: Interruptible, onCrowd: (limit: number) => void = () => {}) {
    this.#wait = wait;
    this.#context = context;
    this.#onCrowd = onCrowd;
    void this.#listen();
  }

  get stopped(): boolean {
    return this.#wait.stopped;
  }

  /** Looks again at what is waited for, whenever the bell rings. */
  async #listen(): Promise<void> {
    // A pending Atomics.waitAsync does not keep the thread's event loop alive.
    const alive = setInterval(() => {}, 2 ** 30);
    while (!this.#closed) {
      const ticket = this.#wait.ticket;
      if (this.stopped) {
        if (this.#inFlight) this.#context.interrupt();
        for (const waiter of this.#waiters.splice(0)) waiter.end();
        break;
      }
      this.look();
      await this.#wait.rung(ticket);
    }
    clearInterval(alive);
  }

  /** Something that may be waited for has changed, in this thread. */
  look(): void {
    this.#waiters = this.#waiters.filter((waiter) => !waiter.look());
  }

  /** What `find` finds, as soon as it finds something; undefined if the thread is to leave. */
  until<T>(find: () => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      const look = (): boolean => {
        const found = find();
        if (found !== undefined) resolve(found);
        return found !== undefined;
      };
      if (this.stopped) resolve(undefined);
      else if (!look()) this.#waiters.push({ look, end: () => resolve(undefined) });
    });
  }

  /** Waits for so many ms, or until something has happened (`look`). @returns false if the thread is to leave. */
  async pause(milliseconds: number, happened: () => boolean = () => false): Promise<boolean> {
    let over: true | undefined;
    const timer = setTimeout(() => {
      over = true;
      this.look();
    }, milliseconds);
    try {
      return (await this.until(() => over ?? (happened() || undefined))) === true;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Makes a call when the pool has a thread for it, and interrupts it after so many ms, or when the thread is to leave.
   * The time in which other calls hold the pool does not count.
   */
  async run<T>(limit: number, call: () => Promise<T>): Promise<Outcome<T>> {
    if (!(await this.#enter())) return 'stopped';
    // Nothing is awaited between this look and the call: a request that comes later finds it in flight.
    if (this.stopped) {
      this.#wait.exit();
      return 'stopped';
    }
    let late = false;
    const timer = Number.isFinite(limit)
      ? setTimeout(() => {
          late = true;
          this.#context.interrupt();
        }, limit)
      : undefined;
    this.#inFlight = true;
    try {
      const result = await call();
      if (this.stopped) return 'stopped';
      return late ? 'late' : { result };
    } finally {
      this.#inFlight = false;
      clearTimeout(timer);
      this.#wait.exit();
    }
  }

  /**
   * `run` for whoever takes nothing but the result.
   * @param what it does, in errors.
   * @param late how the peer is told to have kept it waiting: its code, what happened, and what `timeout_ms` is.
   * @throws MillraceError with that code for a call that took too long, ERR_MILLRACE_ABORTED when the thread is to leave.
   */
  async orThrow<T>(what: string, limit: number | undefined, call: () => Promise<T>, late: Late): Promise<T> {
    const outcome = await this.run(limit ?? Number.POSITIVE_INFINITY, call);
    if (outcome === 'stopped') throw new MillraceError('ERR_MILLRACE_ABORTED', `${what}: it was closed`);
    if (outcome !== 'late') return outcome.result;
    throw new MillraceError(late.code, `${what}: ${late.why} for ${limit} ms`, { hint: late.hint });
  }

  async #enter(): Promise<boolean> {
    const limit = callsAtOnce();
    const enter = (): true | undefined => this.#wait.enter(limit) || undefined;
    if (!this.stopped && enter()) return true;
    const timer = setTimeout(() => {
      if (!this.#crowdTold) this.#onCrowd(limit);
      this.#crowdTold = true;
    }, LONG);
    try {
      return (await this.until(enter)) ?? false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Nothing is called any more. */
  close(): void {
    this.#closed = true;
    this.#wait.ring();
  }
}

/**
 * Calls of the process that may wait for peers at once: the threads of libuv's pool but one, which is left to files and
 * names. UV_THREADPOOL_SIZE counts as it was when the process began.
 */
function callsAtOnce(): number {
  const given = Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '', 10);
  const threads = Number.isNaN(given) ? POOL_SIZE : Math.min(Math.max(given, 1), 1024);
  return Math.max(1, threads - 1);
}

/** Why an input or output has to wait although its peer is there. */
export function crowded(name: string, limit: number): string {
  return (
    `${name} has to wait for others: ${limit} inputs and outputs of the network may wait for their peers at once. ` +
    'Start node with UV_THREADPOOL_SIZE at their number and two more'
  );
}
