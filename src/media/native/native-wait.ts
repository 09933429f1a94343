/**
 * Threads that wait inside a native call. A demuxer that is fed from memory calls back into JavaScript for its next
 * bytes, and that callback sleeps until there are some; one that reads from the network waits for its peer in an
 * asynchronous call, which can be interrupted (interruptible.ts). Node ends a thread by making its JavaScript return at once, and
 * the addon aborts the whole process when a callback of its own ends that way. So whoever ends such a thread, or the
 * process, must first have it return from its native call. This table is how: one piece of shared memory per process,
 * known to every thread of ours, in which each waiting thread has a slot.
 *
 *   words (Int32)
 *     0  LAST     highest slot taken so far, plus one
 *     1  SERIAL   number of the last claim
 *     2  CALLING  asynchronous calls in flight (see `enter`)
 *     3  TURNS    number of the last thread that wanted to make one
 *   slot i, 64 bytes, at 64 * (i + 1)
 *     0  TAKEN    the claim's number from before the thread is started until it has left native code for good; else 0
 *     1  BELL     what the thread sleeps on; counts up whenever something it may wait for has changed
 *     2  STOP     number of the last claim whose waits are all to end at once: who feeds may say so after its thread has left,
 *                when the slot is somebody else's
 *     3  OWNER    `threadId` of the thread that started it, and that takes it along when it dies
 *     4  CREDIT   bytes of output that its owner has taken, modulo 2^32
 *     5  NEWS     what an owner sleeps on that may not use its event loop; counts up with every message for it
 *     6  WANTS    number of its turn while it waits to make an asynchronous call, else 0
 *     7  INSIDE   1: an asynchronous call of it is in flight
 *
 * No wake-up is lost: a waiter reads BELL before it looks for what it waits for, and everybody changes that first and
 * BELL afterwards. No event loop takes part, neither that of the waiter nor that of the caller.
 */

import { isMainThread, threadId } from 'node:worker_threads';
import { performance } from '../../../ringbuffer/clock.js';
import { MillraceError } from '../../errors/errors.js';

const SLOTS = 1024;
const SLOT_WORDS = 16;
const [LAST, SERIAL, CALLING, TURNS] = [0, 1, 2, 3] as const;
const [TAKEN, BELL, STOP, OWNER, CREDIT, NEWS, WANTS, INSIDE] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
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
    stop(table, at, claim);
    waiting.push([at, claim]);
  }
  const deadline = performance.now() + LEAVE_WITHIN;
  for (const [at, claim] of waiting) {
    Atomics.wait(table, at + TAKEN, claim, Math.max(0, deadline - performance.now()));
  }
}

/** Claims of a slot are numbered upwards: one is never taken back by that of an older claim. */
function stop(table: Int32Array, at: number, claim: number): void {
  for (let last = Atomics.load(table, at + STOP); last === 0 || ((claim - last) | 0) > 0; ) {
    const before = Atomics.compareExchange(table, at + STOP, last, claim);
    if (before === last) break;
    last = before;
  }
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
      Atomics.store(table, at + OWNER, threadId);
      for (const word of [CREDIT, NEWS, WANTS, INSIDE]) Atomics.store(table, at + word, 0);
      let last = Atomics.load(table, LAST);
      while (last <= slot) last = Atomics.compareExchange(table, LAST, last, slot + 1);
      return new NativeWait(table, slot, claim);
    }
    throw new MillraceError(
      'ERR_MILLRACE_STATE',
      `${SLOTS} inputs and outputs of bytes or of the network are open already`,
    );
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

  /** Output of that many bytes has been taken. One that has left counts no more: the slot may be somebody else's. */
  take(bytes: number): void {
    if (this.left) return;
    Atomics.add(this.words, this.at + CREDIT, bytes);
    this.ring();
  }

  /** Ends every wait, also those to come. */
  stop(): void {
    stop(this.words, this.at, this.claim);
  }

  /** The thread is gone, or about to be, and has nothing more to say. */
  get left(): boolean {
    return Atomics.load(this.words, this.at + TAKEN) !== this.claim;
  }

  /** Blocks until the thread has left native code for good, or for so many ms. */
  awaitLeave(milliseconds: number): void {
    Atomics.wait(this.words, this.at + TAKEN, this.claim, milliseconds);
  }

  /** Number of the last message for the owner; read before looking for messages, for `awaitNews`. */
  get news(): number {
    return Atomics.load(this.words, this.at + NEWS);
  }

  /** Blocks until a message has come after number `news`, or for so many ms. @returns false if none has. */
  awaitNews(news: number, milliseconds: number): boolean {
    return Atomics.wait(this.words, this.at + NEWS, news, milliseconds) !== 'timed-out';
  }

  // --- of the thread that waits -------------------------------------------------------------------------------------

  get stopped(): boolean {
    return Atomics.load(this.words, this.at + STOP) === this.claim;
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

  /** What the bell counts; read before looking for what is waited for, for `rung`. */
  get ticket(): number {
    return Atomics.load(this.words, this.at + BELL);
  }

  /** Resolves when the bell has rung since the ticket was read. One at a time: an abandoned wait would swallow a ring. */
  async rung(ticket: number): Promise<void> {
    const wait = Atomics.waitAsync(this.words, this.at + BELL, ticket);
    if (wait.async) await wait.value;
  }

  /** A message for the owner is on its way. */
  tell(): void {
    Atomics.add(this.words, this.at + NEWS, 1);
    Atomics.notify(this.words, this.at + NEWS);
  }

  /**
   * To make an asynchronous call, which holds one of the threads of libuv's pool for as long as it waits: the pool serves
   * files and names as well, for the whole process, so one of its threads at least is left to them. Who has to wait is
   * next when its turn comes, and its bell rings then.
   * @param limit Calls that may be in flight.
   * @returns false if it has to wait.
   */
  enter(limit: number): boolean {
    const { words, at } = this;
    if (Atomics.load(words, at + WANTS) === 0) {
      Atomics.store(words, at + WANTS, (Atomics.add(words, TURNS, 1) + 1) | 0 || 1);
    }
    for (let calling = Atomics.load(words, CALLING); calling < limit && this.isNext(); ) {
      const before = Atomics.compareExchange(words, CALLING, calling, calling + 1);
      if (before === calling) {
        Atomics.store(words, at + INSIDE, 1);
        Atomics.store(words, at + WANTS, 0);
        // There may be room for more than one, and the others stand back for who came before them.
        this.ringWaiting();
        return true;
      }
      calling = before;
    }
    return false;
  }

  /** The call has settled. */
  exit(): void {
    if (Atomics.exchange(this.words, this.at + INSIDE, 0) === 0) return;
    Atomics.sub(this.words, CALLING, 1);
    this.ringWaiting();
  }

  /** Nobody has waited longer. */
  private isNext(): boolean {
    const own = Atomics.load(this.words, this.at + WANTS);
    return !this.some((at) => {
      const other = Atomics.load(this.words, at + WANTS);
      return other !== 0 && ((other - own) | 0) < 0;
    });
  }

  private ringWaiting(): void {
    this.some((at) => {
      if (Atomics.load(this.words, at + WANTS) !== 0) {
        Atomics.add(this.words, at + BELL, 1);
        Atomics.notify(this.words, at + BELL);
      }
      return false;
    });
  }

  /** Whether it holds for a slot that is taken. */
  private some(holds: (at: number) => boolean): boolean {
    const last = Atomics.load(this.words, LAST);
    for (let slot = 0; slot < last; slot++) {
      const at = (slot + 1) * SLOT_WORDS;
      if (Atomics.load(this.words, at + TAKEN) !== 0 && holds(at)) return true;
    }
    return false;
  }

  // --- of both ------------------------------------------------------------------------------------------------------

  /** The thread has left native code for good, or has ended in another way: it may be ended, and the slot used again. */
  leave(): void {
    // Both sides may say so, and the second one must not free what somebody else has claimed meanwhile.
    if (Atomics.load(this.words, this.at + TAKEN) !== this.claim) return;
    const waited = Atomics.exchange(this.words, this.at + WANTS, 0) !== 0;
    this.exit();
    this.tell();
    if (Atomics.compareExchange(this.words, this.at + TAKEN, this.claim, 0) !== this.claim) return;
    if (waited) this.ringWaiting();
    Atomics.notify(this.words, this.at + TAKEN);
  }
}
