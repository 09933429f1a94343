import type { Doorbell } from './doorbell.js';
import { misuse } from './errors.js';
import {
  ABANDONED,
  CLOSING,
  CONSUMER_MARKS,
  DATA,
  DATA_WORD,
  HEAD,
  HEADER,
  PADDING,
  POISONED,
  PUBLISHED,
  RELEASED,
  type RingShape,
  STATE,
  TAIL,
  WANT,
} from './layout.js';
import { waitFor, waitForAsync } from './wait.js';

export type RecordStatus = 'ok' | 'ended' | 'poisoned';

/**
 * The reading side of a ring; one at a time. `RingBuffer.consumer()` makes it.
 *
 * `peek` finds the next record, `length` and `kind` describe it, `release` gives its place back to the producer; what
 * was read from `bytes` in place is valid until then. Records that were published before the ring was closed or
 * poisoned can still be read.
 */
export class RingConsumer {
  /** The ring's data area; offsets from `peek` are indices into it. The same object for the consumer's whole life. */
  readonly bytes: Uint8Array;
  /** The same memory as `bytes`. */
  readonly view: DataView;

  private readonly capacity: number;
  private readonly words: Int32Array;
  private readonly bell: Doorbell;
  private readonly own: Doorbell;
  private readonly spin: number;

  private head: number; // released position
  private tail: number; // producer's position when last looked at
  private releasedRecords: number;
  private size = 0; // of the peeked record with header and padding; 0: none
  private offset = -1;
  private payloadLength = 0;
  private payloadKind = 0;

  /** @internal */
  constructor(ring: RingShape, bell: Doorbell, own: Doorbell, spin: number) {
    const words = new Int32Array(ring.buffer);
    this.words = words;
    this.bytes = new Uint8Array(ring.buffer, DATA, ring.capacity);
    this.view = new DataView(ring.buffer, DATA, ring.capacity);
    this.capacity = ring.capacity;
    this.bell = bell;
    this.own = own;
    this.spin = spin;
    this.head = Atomics.load(words, HEAD);
    this.tail = this.head;
    this.releasedRecords = words[RELEASED]!;
  }

  /** Payload offset (a multiple of 8) of the next record, or -1: none now. The same record until `release`. */
  peek(): number {
    if (this.size !== 0) return this.offset;
    const words = this.words;
    if (this.head === this.tail) {
      // [peek.1] orders the reads below after the producer's plain stores
      this.tail = Atomics.load(words, TAIL);
      if (this.head === this.tail) return -1;
      this.measure();
    }
    let index = this.head & (this.capacity - 1);
    let padding = 0;
    if (words[DATA_WORD + (index >> 2) + 1] === PADDING) {
      // Padding is only ever published together with the record after it.
      padding = this.capacity - index;
      index = 0;
    }
    const at = DATA_WORD + (index >> 2);
    // [peek.2] only now: before [peek.1] there could be anything here
    this.payloadLength = words[at]!;
    this.payloadKind = words[at + 1]!;
    this.size = padding + ((this.payloadLength + HEADER + 7) & ~7);
    this.offset = index + HEADER;
    return this.offset;
  }

  /** Payload length in bytes of the peeked record. */
  get length(): number {
    return this.payloadLength;
  }

  /** Kind of the peeked record. */
  get kind(): number {
    return this.payloadKind;
  }

  /**
   * Gives the peeked record's place back and wakes the producer if it waits for room and now has it.
   * @throws RingError ERR_MILLRACE_RING when no record was peeked.
   */
  release(): void {
    if (this.size === 0) throw misuse('release() without a record: peek() first');
    const words = this.words;
    this.head = (this.head + this.size) | 0;
    this.size = 0;
    this.releasedRecords = (this.releasedRecords + 1) | 0;
    words[RELEASED] = this.releasedRecords;
    // [release.1] after the last read of the record: from here on it may be overwritten
    Atomics.store(words, HEAD, this.head);
    // [release.2] after the room is visible: the other way round the producer could look too early and sleep
    if (Atomics.load(words, WANT) !== 0) this.grant();
  }

  /** The producer has closed and every record has been released. */
  get ended(): boolean {
    // [end.1] before the position: the other way round the last record could slip in between
    if ((Atomics.load(this.words, STATE) & CLOSING) === 0) return false;
    // [end.2] closing does not end what was published before it
    return Atomics.load(this.words, TAIL) === this.head;
  }

  get poisoned(): boolean {
    return (Atomics.load(this.words, STATE) & POISONED) !== 0;
  }

  /**
   * Blocks the thread until there is a record to peek, or there will be none.
   * 'poisoned' comes before records, 'ended' after the last.
   * @param timeoutMs milliseconds.
   */
  waitForRecord(timeoutMs = Number.POSITIVE_INFINITY): RecordStatus | 'timed-out' {
    const look = () => this.recordStatus();
    return waitFor(this.own, look, look, this.spin, timeoutMs);
  }

  /** `waitForRecord` without blocking the thread. */
  async waitForRecordAsync(timeoutMs = Number.POSITIVE_INFINITY): Promise<RecordStatus | 'timed-out'> {
    const look = () => this.recordStatus();
    return waitForAsync(this.own, look, look, this.spin, timeoutMs);
  }

  /**
   * Leaves the ring: the producer's claims fail from now on and it learns why. Records not yet read stay where they
   * are; `drain` them if they refer to anything that must be let go of. Idempotent.
   */
  close(): void {
    // [abandon.1] before the alarm: the producer looks at it when it wakes
    Atomics.or(this.words, STATE, ABANDONED);
    // [abandon.2] a producer asleep for want of room learns that there will be none
    this.bell.alarm();
  }

  /** Releases every record there is, each after showing it to `visit`; returns how many. Works in every state. */
  drain(visit?: (offset: number, length: number, kind: number) => void): number {
    let count = 0;
    for (let offset = this.peek(); offset >= 0; offset = this.peek()) {
      visit?.(offset, this.payloadLength, this.payloadKind);
      this.release();
      count++;
    }
    return count;
  }

  private recordStatus(): RecordStatus | undefined {
    if (this.poisoned) return 'poisoned';
    const ended = this.ended;
    if (this.peek() >= 0) return 'ok';
    return ended ? 'ended' : undefined;
  }

  /** Marks what is waiting, at a moment when the producer's lines had to be fetched anyway. */
  private measure(): void {
    const words = this.words;
    const bytes = (this.tail - this.head) | 0;
    if (bytes <= words[CONSUMER_MARKS]!) return;
    words[CONSUMER_MARKS] = bytes;
    const records = (Atomics.load(words, PUBLISHED) - this.releasedRecords) | 0;
    if (records > words[CONSUMER_MARKS + 1]!) words[CONSUMER_MARKS + 1] = records;
  }

  private grant(): void {
    const words = this.words;
    const free = this.capacity - ((Atomics.load(words, TAIL) - this.head) | 0);
    // [release.3] not yet enough: a later release will be, at the latest the one that empties the ring
    if (free < Atomics.load(words, WANT)) return;
    // [release.4] one announcement, one ring
    if (Atomics.exchange(words, WANT, 0) === 0) return;
    // [release.5] the producer armed its bell before it announced
    this.bell.ring();
  }
}
