/** One pad of a synchroniser: the buffers that wait, the one that counts, and what became of the others. */
import type { Settings } from './options.js';
import { Queue } from './queue.js';
import type { DropReason, PadCounters, SyncBuffer } from './types.js';

/** A buffer whose PTS was checked. */
export interface Timed<T> extends SyncBuffer<T> {
  readonly pts: bigint;
}

export class Pad<T> {
  /** The first buffer that waits, if the policy may see one. */
  head: Timed<T> | undefined;
  /** The last buffer taken, which outputs have until another is taken. */
  last: Timed<T> | undefined;
  /** Whether an output had `last` already. */
  lastUsed = false;
  /** The end was announced; buffers may still wait before it. */
  closed = false;
  /** Nanoseconds: the time of the latest arrival, or of the first tick. Undefined before any tick. */
  since: bigint | undefined;
  readonly counters: PadCounters = { received: 0, used: 0, dropped: 0, reused: 0, absent: 0 };
  /** False if an output gets `last` for good, so that nothing can use it again. */
  readonly keepsLast: boolean;
  /** Nanoseconds. */
  readonly timeout: bigint | undefined;
  /** How many buffers may wait. */
  readonly limit: number;
  /** What waits behind the head. */
  private readonly queue = new Queue<Timed<T>>();

  constructor(
    readonly index: number,
    private readonly settings: Settings<T>,
  ) {
    this.timeout = settings.timeouts?.[index];
    this.limit = settings.maxQueue[index] ?? Number.POSITIVE_INFINITY;
    this.keepsLast = settings.mode !== 'nosync' || this.timeout !== undefined;
  }

  /** Number of buffers that wait, the head among them. */
  get length(): number {
    return (this.head === undefined ? 0 : 1) + this.queue.length;
  }

  /** Behind what waits; it becomes the head by `advance`. */
  enqueue(buffer: Timed<T>): void {
    this.queue.push(buffer);
  }

  /** Puts the next buffer at the head, which must be free; false if none waits. */
  advance(): boolean {
    this.head = this.queue.shift();
    return this.head !== undefined;
  }

  /** The head, which must be there, becomes the buffer that counts; its place stays free until `advance`. */
  take(): void {
    this.dropLast('superseded');
    this.last = this.head;
    this.lastUsed = false;
    this.head = undefined;
  }

  /** Gives up the head for want of room. */
  dropHead(): void {
    const head = this.head;
    this.head = undefined;
    if (head) this.discard(head, 'queue');
  }

  /** True if nothing came for as long as the pad may be silent, by the time `now`, and nothing is on its way. */
  silent(now: bigint | undefined): boolean {
    if (this.timeout === undefined || now === undefined || this.since === undefined) return false;
    return now - this.since >= this.timeout && this.settings.pending?.(this.index) !== true;
  }

  /** Lets go of everything. */
  clear(reason: DropReason): void {
    this.dropLast(reason);
    while (this.head !== undefined || this.advance()) {
      const head = this.head as Timed<T>;
      this.head = undefined;
      this.discard(head, reason);
    }
  }

  /** A buffer that will be in no output. */
  discard(buffer: Timed<T>, reason: DropReason): void {
    this.counters.dropped++;
    this.settings.trace?.({ kind: 'drop', pad: this.index, pts: buffer.pts, reason });
    this.settings.release?.(buffer.value);
  }

  private dropLast(reason: DropReason): void {
    const last = this.last;
    if (last === undefined) return;
    this.last = undefined;
    if (!this.lastUsed) this.discard(last, reason);
    else this.settings.release?.(last.value);
  }
}
