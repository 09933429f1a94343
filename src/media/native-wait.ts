/**
 * Threads that wait inside a native call. A demuxer that is fed from memory calls back into JavaScript for its next
 * bytes, and that callback sleeps until there are some. Node ends a thread by making its JavaScript return at once, and
 * the addon aborts the whole process when a callback of its own ends that way. So whoever ends such a thread, or the
 * process, must first have it return from its native call. This table is how: one piece of shared memory per process,
 * known to every thread of ours, in which each waiting thread has a slot.
 *
 *   words (Int32)
 *     0  LAST     highest slot taken so far, plus one
 *     1  SERIAL   number of the last claim
 *   slot i, 64 bytes, at 64 * (i + 1)
 *     0  TAKEN    the claim's number from before the thread is started until it has left native code for good; else 0
 *     1  BELL     what the thread sleeps on; counts up whenever something it may wait for has changed
 *     2  STOP     1: every wait is to end at once
 *     3  OWNER    `threadId` of the thread that started it, and that takes it along when it dies
 *     4  CREDIT   bytes of output that its owner has taken, modulo 2^32
 *
 * No wake-up is lost: a waiter reads BELL before it looks for what it waits for, and everybody changes that first and
 * BELL afterwards. No event loop takes part, neither that of the waiter nor that of the caller.
 */

import { isMainThread, threadId } from 'node:worker_threads';
import { performance } from '../../ringbuffer/clock.js';
import { MillraceError } from '../errors.js';

const SLOTS = 1024;
const SLOT_WORDS = 16;
const [LAST, SERIAL] = [0, 1] as const;
const [TAKEN, BELL, STOP, OWNER, CREDIT] = [0, 1, 2, 3, 4] as const;
/** Longest time in ms that the end of a thread or of the process is held up. */
const LEAVE_WITHIN = 2000;

let table: Int32Array | undefined;

/** The process's table, for the threads that are started from here. */
export function nativeWaits(): SharedArrayBuffer {
  return words().buffer as SharedArrayBuffer;
}

/** Called by a thread of ours with the table of the thread that started it, before anything here is used. */
export function adoptNativeWaits(buffer: SharedArrayBuffer): void {
  table = new Int32Array(buffer);
}

function words(): Int32Array {
  if (table === undefined) {
    table = new Int32Array(new SharedArrayBuffer((SLOTS + 1) * SLOT_WORDS * 4));
    // Listeners of 'exit' run before the threads are ended, whatever ends the process: the end of its work,
    // process.exit() or an uncaught error. In a thread of the application's it speaks for the threads started there.
    process.on('exit', () => leaveNativeCalls(isMainThread ? undefined : threadId));
  }
  return table;
}

/**
 * Makes waiting threads return from their native calls and blocks until they have, 2 s at most.
 * @param owner Only those that this thread has started; undefined: all of the process.
 */
export function leaveNativeCalls(owner?: number): void {
  if (table === undefined) return;
  const waiting: [at: number, claim: number][] = [];
  const last = Atomics.load(table, LAST);
  for (let slot = 0; slot < last; slot++) {
    const at = (slot + 1) * SLOT_WORDS;
    const claim = Atomics.load(table, at + TAKEN);
    if (claim === 0) continue;
    if (owner !== undefined && Atomics.load(table, at + OWNER) !== owner) continue;
    stop(table, at);
    waiting.push([at, claim]);
  }
  const deadline = performance.now() + LEAVE_WITHIN;
  for (const [at, claim] of waiting) {
    Atomics.wait(table, at + TAKEN, claim, Math.max(0, deadline - performance.now()));
  }
}

function stop(table: Int32Array, at: number): void {
  Atomics.store(table, at + STOP, 1);
  Atomics.add(table, at + BELL, 1);
  Atomics.notify(table, at + BELL);
}

/** One slot of the table: a waiting thread on one side, the thread that feeds it on the other. */
export class NativeWait {
  private constructor(
    private readonly words: Int32Array,
    readonly slot: number,
    readonly claim: number,
  ) {}

  private get at(): number {
    return (this.slot + 1) * SLOT_WORDS;
  }

  /**
   * For a thread that is about to be started. The slot is held until that thread calls `leave`.
   * @throws MillraceError ERR_MILLRACE_STATE if 1024 such threads are running.
   */
  static claim(): NativeWait {
    const table = words();
    const claim = (Atomics.add(table, SERIAL, 1) + 1) | 0 || 1;
    for (let slot = 0; slot < SLOTS; slot++) {
      const at = (slot + 1) * SLOT_WORDS;
      if (Atomics.compareExchange(table, at + TAKEN, 0, claim) !== 0) continue;
      Atomics.store(table, at + STOP, 0);
      Atomics.store(table, at + OWNER, threadId);
      Atomics.store(table, at + CREDIT, 0);
      let last = Atomics.load(table, LAST);
      while (last <= slot) last = Atomics.compareExchange(table, LAST, last, slot + 1);
      return new NativeWait(table, slot, claim);
    }
    throw new MillraceError('ERR_MILLRACE_STATE', `${SLOTS} decoders that are fed with bytes are running already`);
  }

  /** The slot that the starting thread has claimed. */
  static attach(buffer: SharedArrayBuffer, slot: number, claim: number): NativeWait {
    return new NativeWait(new Int32Array(buffer), slot, claim);
  }

  // --- of the thread that feeds -------------------------------------------------------------------------------------

  /** Something the thread may wait for has changed. */
  ring(): void {
    Atomics.add(this.words, this.at + BELL, 1);
    Atomics.notify(this.words, this.at + BELL);
  }

  /** Output of that many bytes has been taken. */
  take(bytes: number): void {
    Atomics.add(this.words, this.at + CREDIT, bytes);
    this.ring();
  }

  /** Ends every wait, also those to come. */
  stop(): void {
    stop(this.words, this.at);
  }

  // --- of the thread that waits -------------------------------------------------------------------------------------

  get stopped(): boolean {
    return Atomics.load(this.words, this.at + STOP) === 1;
  }

  /** Bytes taken so far, modulo 2^32: compare by subtraction. */
  get taken(): number {
    return Atomics.load(this.words, this.at + CREDIT);
  }

  /** What `look` finds, as soon as it finds something; undefined if the wait was stopped. */
  until<T>(look: () => T | undefined): T | undefined {
    for (;;) {
      const ticket = Atomics.load(this.words, this.at + BELL);
      if (this.stopped) return undefined;
      const found = look();
      if (found !== undefined) return found;
      Atomics.wait(this.words, this.at + BELL, ticket);
    }
  }

  // --- of both ------------------------------------------------------------------------------------------------------

  /** The thread has left native code for good, or has ended in another way: it may be ended, and the slot used again. */
  leave(): void {
    // Both sides may say so, and the second one must not free what somebody else has claimed meanwhile.
    if (Atomics.compareExchange(this.words, this.at + TAKEN, this.claim, 0) !== this.claim) return;
    Atomics.notify(this.words, this.at + TAKEN);
  }
}
