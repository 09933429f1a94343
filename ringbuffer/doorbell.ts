import { misuse } from './errors.js';

declare global {
  interface Atomics {
    waitAsync(
      typedArray: Int32Array,
      index: number,
      value: number,
      timeout?: number,
    ):
      | { readonly async: false; readonly value: 'not-equal' | 'timed-out' }
      | { readonly async: true; readonly value: Promise<'ok' | 'timed-out'> };
  }
}

// Words of a doorbell. They share a line: all of them are touched only around parking, except that ringers read PARKED.
const MAGIC_WORD = 0;
const SEQUENCE = 1;
const PARKED = 2;
const RINGS = 3;
const PARKS = 4;
const TIMEOUTS = 5;

const MAGIC = 0x6d72_6265; // 'mrbe'
const BYTES = 128;

export type Wake = 'rung' | 'timed-out';

export interface DoorbellCounters {
  /** Times a sleeper was (or was about to be) woken. */
  rings: number;
  /** Times the waiting thread slept. */
  parks: number;
  /** Sleeps that ended by their time-out. With correct use and long time-outs: zero. */
  timeouts: number;
}

/**
 * The word a thread sleeps on until one of several other threads has something for it. Exactly one thread waits on a
 * doorbell, any number ring it. To wait without ever missing a ring:
 *
 * ```ts
 * const ticket = bell.ticket();              // 1. before looking for work
 * if (foundWork()) return;                   // 2. look
 * bell.arm();                                // 3. from here on ringers wake us
 * if (foundWork()) { bell.disarm(); return } // 4. look again: what came before 3 rang nobody
 * bell.wait(ticket);                         // 5. sleeps unless somebody rang since 1
 * ```
 *
 * A ringer makes its work visible first and rings after that. docs/ring-protocol.md shows why nothing is lost; the
 * bracketed names in the comments are the steps of docs/model/ring.pml.
 */
export class Doorbell {
  /** Size of a doorbell in shared memory. */
  static readonly BYTES = BYTES;

  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  private readonly words: Int32Array;
  private pending = false;

  private constructor(buffer: SharedArrayBuffer, byteOffset: number) {
    if (!(buffer instanceof SharedArrayBuffer) || !Number.isInteger(byteOffset)) {
      throw misuse('A doorbell lives in a SharedArrayBuffer, at a whole number of bytes');
    }
    if (byteOffset % 4 !== 0 || byteOffset < 0 || byteOffset + BYTES > buffer.byteLength) {
      throw misuse(
        `A doorbell takes ${BYTES} bytes at a multiple of 4; offset ${byteOffset} in ${buffer.byteLength} bytes is wrong`,
      );
    }
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.words = new Int32Array(buffer, byteOffset, BYTES / 4);
  }

  /**
   * A new doorbell, in memory of its own unless a place in zeroed shared memory is given.
   * @throws RingError ERR_MILLRACE_RING when there is no room at that place.
   */
  static create(buffer = new SharedArrayBuffer(BYTES), byteOffset = 0): Doorbell {
    const bell = new Doorbell(buffer, byteOffset);
    bell.words[MAGIC_WORD] = MAGIC;
    return bell;
  }

  /**
   * A doorbell that another thread created.
   * @throws RingError ERR_MILLRACE_RING when there is none at that place.
   */
  static attach(buffer: SharedArrayBuffer, byteOffset = 0): Doorbell {
    const bell = new Doorbell(buffer, byteOffset);
    if (bell.words[MAGIC_WORD] !== MAGIC) throw misuse(`No doorbell at offset ${byteOffset} of this shared memory`);
    return bell;
  }

  /** Step 1 of waiting: the sequence before looking for work. */
  ticket(): number {
    // [park.1] read before the scan: a ring after this moment makes the wait return at once
    return Atomics.load(this.words, SEQUENCE);
  }

  /** Step 2 of waiting. The caller must look for work once more after it. */
  arm(): void {
    // [park.2] set before the second scan: whoever publishes later than that scan sees the flag
    Atomics.store(this.words, PARKED, 1);
  }

  /** Takes `arm()` back because there was work after all. */
  disarm(): void {
    // [park.5] an awake thread is not rung: ringing costs a system call
    Atomics.store(this.words, PARKED, 0);
  }

  /**
   * Sleeps until the doorbell has been rung since `ticket`, blocking the thread. Disarms.
   * @param timeoutMs milliseconds; a time-out is counted.
   * @throws RingError ERR_MILLRACE_RING while a `waitAsync` of this object is pending.
   */
  wait(ticket: number, timeoutMs = Number.POSITIVE_INFINITY): Wake {
    this.refuseSecondWait();
    // [park.4] atomically: sleep only if nobody has rung since the ticket
    const result = Atomics.wait(this.words, SEQUENCE, ticket, timeoutMs);
    return this.woken(result);
  }

  /**
   * `wait` for a moment only, as the first stage of a longer one: that nobody rings meanwhile is expected and not
   * counted as a time-out. The caller begins again at step 1 after it.
   * @param timeoutMs milliseconds.
   * @throws RingError as `wait`.
   */
  nap(ticket: number, timeoutMs: number): Wake {
    this.refuseSecondWait();
    // As in `wait`; a ring that is missed here costs the rest of the nap and nothing else.
    const result = Atomics.wait(this.words, SEQUENCE, ticket, timeoutMs);
    this.disarm();
    if (result === 'timed-out') return 'timed-out';
    if (result === 'ok') Atomics.add(this.words, PARKS, 1);
    return 'rung';
  }

  /**
   * `wait` without blocking the thread. The answer is immediate when the doorbell has been rung since `ticket`.
   * A pending wait does not keep the event loop alive; hold a referenced handle meanwhile. It cannot be taken back:
   * ring the bell to end it.
   * @throws RingError ERR_MILLRACE_RING while an earlier call is pending (a forgotten one would never be freed).
   */
  waitAsync(ticket: number, timeoutMs = Number.POSITIVE_INFINITY): Promise<Wake> | 'rung' {
    this.refuseSecondWait();
    // [park.4] as above
    const result = Atomics.waitAsync(this.words, SEQUENCE, ticket, timeoutMs);
    if (!result.async) {
      const wake = this.woken(result.value);
      return wake === 'rung' ? wake : Promise.resolve(wake);
    }
    this.pending = true;
    return result.value.then((value) => {
      this.pending = false;
      return this.woken(value);
    });
  }

  /**
   * Wakes the waiting thread if it is asleep or about to be. Call it after the work has become visible. Costs one load
   * when the thread is awake, and one ring wakes it for all ringers.
   */
  ring(): void {
    // [ring.1] an awake thread finds the work by itself
    if (Atomics.load(this.words, PARKED) === 0) return;
    // [ring.2] of several ringers one does the waking. Cleared before the sequence moves: a later clear could wipe out the next arm()
    if (Atomics.exchange(this.words, PARKED, 0) === 0) return;
    this.alarm();
  }

  /**
   * Wakes the waiting thread whether or not it says that it sleeps. For rare events that must arrive even if a ringer
   * died halfway: closing, poisoning, the death of a thread.
   */
  alarm(): void {
    Atomics.add(this.words, RINGS, 1);
    // [alarm.1] the thread that has not fallen asleep yet will not
    Atomics.add(this.words, SEQUENCE, 1);
    // [alarm.2] the thread that sleeps wakes; all sleepers, because an abandoned waitAsync must not swallow the call
    Atomics.notify(this.words, SEQUENCE);
  }

  /** Readable from any thread. 32-bit counters that wrap. */
  counters(): DoorbellCounters {
    return {
      rings: Atomics.load(this.words, RINGS) >>> 0,
      parks: Atomics.load(this.words, PARKS) >>> 0,
      timeouts: Atomics.load(this.words, TIMEOUTS) >>> 0,
    };
  }

  private refuseSecondWait(): void {
    if (this.pending) throw misuse('A waitAsync on this doorbell is pending; await it before waiting again');
  }

  private woken(result: 'ok' | 'not-equal' | 'timed-out'): Wake {
    this.disarm();
    if (result !== 'not-equal') Atomics.add(this.words, PARKS, 1);
    if (result !== 'timed-out') return 'rung';
    Atomics.add(this.words, TIMEOUTS, 1);
    return 'timed-out';
  }
}

// A bundler calls a class that names itself within by another name.
Object.defineProperty(Doorbell, 'name', { value: 'Doorbell', configurable: true });
