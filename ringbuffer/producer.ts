import type { Doorbell } from './doorbell.js';
import { misuse, RingError } from './errors.js';
import {
  ABANDONED,
  CLOSING,
  DATA,
  DATA_WORD,
  HEAD,
  HEADER,
  MAX_KIND,
  PADDING,
  POISONED,
  PRODUCER_MARKS,
  PUBLISHED,
  RELEASED,
  type RingShape,
  STALLS,
  STATE,
  TAIL,
  TOTAL_BYTES,
  TOTAL_RECORDS,
  WANT,
} from './layout.js';
import { waitFor, waitForAsync } from './wait.js';

export type SpaceStatus = 'ok' | 'abandoned' | 'poisoned';

/**
 * The writing side of a ring; one at a time. `RingBuffer.producer()` makes it.
 *
 * A record is claimed (`claim` gives its place), filled through `bytes` or `view`, and published by `commit`. Several
 * claims may be published at once. Nothing that was not committed is ever seen by the consumer, so a producer that
 * dies halfway leaves a sound ring.
 */
export class RingProducer {
  /** The ring's data area; offsets from `claim` are indices into it. The same object for the producer's whole life. */
  readonly bytes: Uint8Array;
  /** The same memory as `bytes`. */
  readonly view: DataView;
  /** Largest payload in bytes that `claim` accepts. */
  readonly maxRecord: number;

  private readonly capacity: number;
  private readonly maxRecords: number;
  private readonly words: Int32Array;
  private readonly totals: Float64Array;
  private readonly bell: Doorbell;
  private readonly own: Doorbell;
  private readonly spin: number;

  private tail: number; // published position
  private next: number; // position after the last claim; equal to tail when nothing is claimed
  private head: number; // consumer's position when last looked at
  private publishedRecords: number;
  private releasedRecords: number; // as of `head` or later
  private claimedRecords = 0;
  private claimedBytes = 0;
  private stalled = false;

  /** @internal */
  constructor(ring: RingShape, bell: Doorbell, own: Doorbell, spin: number) {
    const words = new Int32Array(ring.buffer);
    this.words = words;
    this.totals = new Float64Array(ring.buffer);
    this.bytes = new Uint8Array(ring.buffer, DATA, ring.capacity);
    this.view = new DataView(ring.buffer, DATA, ring.capacity);
    this.capacity = ring.capacity;
    this.maxRecord = ring.maxRecord;
    this.maxRecords = ring.maxRecords;
    this.bell = bell;
    this.own = own;
    this.spin = spin;
    this.tail = Atomics.load(words, TAIL);
    this.next = this.tail;
    this.head = Atomics.load(words, HEAD);
    this.publishedRecords = words[PUBLISHED]!;
    this.releasedRecords = words[RELEASED]!;
  }

  /**
   * Takes room for a record of `bytes` payload bytes and returns the payload's offset (a multiple of 8) in `bytes` and
   * `view`, or -1: no room, or as many records in flight as the ring allows, or the ring is abandoned or poisoned.
   * The place holds whatever was there before.
   * @param kind 0..65535, for the user.
   * @throws RingError ERR_MILLRACE_RECORD_TOO_LARGE when such a record could never be written; ERR_MILLRACE_RING for
   * a size or kind that is no such number, and after `close()`.
   */
  claim(bytes: number, kind = 0): number {
    if (bytes >>> 0 !== bytes || bytes > this.maxRecord) throw this.wrongSize(bytes);
    if (kind >>> 0 !== kind || kind > MAX_KIND) throw misuse(`A record's kind is 0..${MAX_KIND}, not ${kind}`);
    // [claim.1] who closed, or has nobody to write for, gets no room. A plain load, an atomic one being ten times as
    // dear: it may see an end a moment late, and whoever waits for room looks with an atomic one
    if (this.words[STATE] !== 0) return this.refuse();

    const size = recordSize(bytes);
    let index = this.next & (this.capacity - 1);
    const rest = this.capacity - index;
    const padding = size > rest ? rest : 0;
    if (!this.fits(padding + size)) {
      this.countStall();
      return -1;
    }
    this.stalled = false;
    const words = this.words;
    if (padding !== 0) {
      const at = DATA_WORD + (index >> 2);
      words[at] = padding - HEADER;
      words[at + 1] = PADDING;
      index = 0;
    }
    const at = DATA_WORD + (index >> 2);
    // [claim.3] plain stores: invisible until [publish.1], which orders them
    words[at] = bytes;
    words[at + 1] = kind;
    this.next = (this.next + padding + size) | 0;
    this.claimedRecords++;
    this.claimedBytes += bytes;
    return index + HEADER;
  }

  /** Publishes every claim since the last `commit`, at once and in order, and wakes the consumer if it sleeps. */
  commit(): void {
    if (this.next === this.tail) return;
    const words = this.words;
    const totals = this.totals;
    totals[TOTAL_RECORDS]! += this.claimedRecords;
    totals[TOTAL_BYTES]! += this.claimedBytes;
    this.publishedRecords = (this.publishedRecords + this.claimedRecords) | 0;
    words[PUBLISHED] = this.publishedRecords;
    this.tail = this.next;
    this.claimedRecords = 0;
    this.claimedBytes = 0;
    // [publish.1] the records become visible, whole
    Atomics.store(words, TAIL, this.tail);
    // [publish.2] after they are visible: the other way round the consumer could look too early and sleep
    this.bell.ring();
    // Rings with a record limit carry few, large records; their marks are to be exact.
    if (this.maxRecords !== 0) this.reload();
  }

  /** Forgets every claim since the last `commit`. */
  abort(): void {
    this.next = this.tail;
    this.claimedRecords = 0;
    this.claimedBytes = 0;
  }

  /** Claims, copies `source` and commits (earlier claims too). False as when `claim` returns -1. Throws as `claim`. */
  tryWrite(source: Uint8Array, kind = 0): boolean {
    if (!ArrayBuffer.isView(source)) throw misuse('What is written is a Uint8Array');
    const offset = this.claim(source.byteLength, kind);
    if (offset < 0) return false;
    this.bytes.set(source, offset);
    this.commit();
    return true;
  }

  /**
   * Announces that room for a record of `bytes` payload bytes is waited for, and looks again. False: there is none, and
   * the `release()` that makes it will ring the producer's bell. True: do not wait; there is room, or the ring is
   * abandoned or poisoned. Call it with that bell armed, as the look after `arm()`.
   * @throws RingError as `claim`; also while claims are uncommitted, since room might then depend on ourselves.
   */
  wantSpace(bytes: number): boolean {
    const need = this.need(bytes);
    // [want.1] announced before the look: a release after that look sees it
    Atomics.store(this.words, WANT, need);
    // [want.2] what was released, closed or poisoned before the announcement rang nobody
    const ready = this.spaceStatus(need) !== undefined;
    // [want.3] taken back, or the consumer would ring for nothing
    if (ready) Atomics.store(this.words, WANT, 0);
    return ready;
  }

  /**
   * Blocks the thread until a record of `bytes` payload bytes can be claimed.
   * @param timeoutMs milliseconds.
   * @throws RingError as `wantSpace`.
   */
  waitForSpace(bytes: number, timeoutMs = Number.POSITIVE_INFINITY): SpaceStatus | 'timed-out' {
    const need = this.need(bytes);
    const look = () => this.spaceStatus(need);
    const armedLook = () => (this.wantSpace(bytes) ? look() : undefined);
    return waitFor(this.own, look, armedLook, this.spin, timeoutMs);
  }

  /** `waitForSpace` without blocking the thread. */
  async waitForSpaceAsync(bytes: number, timeoutMs = Number.POSITIVE_INFINITY): Promise<SpaceStatus | 'timed-out'> {
    const need = this.need(bytes);
    const look = () => this.spaceStatus(need);
    const armedLook = () => (this.wantSpace(bytes) ? look() : undefined);
    return waitForAsync(this.own, look, armedLook, this.spin, timeoutMs);
  }

  /** No more records will come; uncommitted claims are forgotten. The consumer ends after the last record. Idempotent. */
  close(): void {
    this.abort();
    // [close.1] after the last commit, so whoever sees it sees every record
    Atomics.or(this.words, STATE, CLOSING);
    // [close.2] a consumer asleep on an empty ring learns of the end
    this.bell.alarm();
  }

  get closed(): boolean {
    return (Atomics.load(this.words, STATE) & CLOSING) !== 0;
  }

  /** The consumer has left: claims return -1 from now on, and what it did not read will not be read. */
  get abandoned(): boolean {
    return (Atomics.load(this.words, STATE) & ABANDONED) !== 0;
  }

  get poisoned(): boolean {
    return (Atomics.load(this.words, STATE) & POISONED) !== 0;
  }

  /** Free bytes, headers and uncommitted claims deducted. A record may need more than its size: see `maxRecord`. */
  free(): number {
    this.head = Atomics.load(this.words, HEAD);
    return this.capacity - ((this.next - this.head) | 0);
  }

  /** Records published so far, as a 32-bit number that wraps. The n-th record is done with once `released` passed n. */
  get published(): number {
    return this.publishedRecords >>> 0;
  }

  /** Records the consumer has released so far, as a 32-bit number that wraps; compare by subtraction. */
  get released(): number {
    this.reload();
    return this.releasedRecords >>> 0;
  }

  private fits(size: number): boolean {
    if (this.hasRoom(size)) return true;
    this.reload();
    return this.hasRoom(size);
  }

  private hasRoom(size: number): boolean {
    if (((this.next + size - this.head) | 0) > this.capacity) return false;
    const inFlight = (this.publishedRecords + this.claimedRecords - this.releasedRecords) | 0;
    return this.maxRecords === 0 || inFlight < this.maxRecords;
  }

  private reload(): void {
    const words = this.words;
    // [claim.2] only what the consumer has let go of may be overwritten
    this.head = Atomics.load(words, HEAD);
    // After the position, which the consumer stores last: never fewer than the position says.
    this.releasedRecords = Atomics.load(words, RELEASED);
    const bytes = (this.tail - this.head) | 0;
    const records = (this.publishedRecords - this.releasedRecords) | 0;
    if (bytes > words[PRODUCER_MARKS]!) words[PRODUCER_MARKS] = bytes;
    if (records > words[PRODUCER_MARKS + 1]!) words[PRODUCER_MARKS + 1] = records;
  }

  /** Bytes from the published position that must be free for such a record, with the padding it needs there. */
  private need(bytes: number): number {
    if (bytes >>> 0 !== bytes || bytes > this.maxRecord) throw this.wrongSize(bytes);
    if (this.next !== this.tail) throw misuse('commit() or abort() the claims before waiting for space');
    const size = recordSize(bytes);
    const rest = this.capacity - (this.next & (this.capacity - 1));
    return size > rest ? rest + size : size;
  }

  private spaceStatus(need: number): SpaceStatus | undefined {
    const state = Atomics.load(this.words, STATE);
    if (state & POISONED) return 'poisoned';
    if (state & CLOSING) throw misuse('This producer has been closed');
    if (state & ABANDONED) return 'abandoned';
    return this.fits(need) ? 'ok' : undefined;
  }

  private refuse(): -1 {
    if (Atomics.load(this.words, STATE) & CLOSING) throw misuse('This producer has been closed');
    return -1;
  }

  private wrongSize(bytes: number): RingError {
    if (bytes >>> 0 !== bytes && !(bytes > this.maxRecord)) return misuse(`${bytes} is not a number of bytes`);
    return new RingError(
      'ERR_MILLRACE_RECORD_TOO_LARGE',
      `A record of ${bytes} bytes does not go into this ring: its limit is ${this.maxRecord} bytes (capacity ${this.capacity})`,
    );
  }

  /** Counts the beginning of a time without room, not every attempt during it. */
  private countStall(): void {
    if (this.stalled) return;
    this.stalled = true;
    this.words[STALLS]!++;
  }
}

function recordSize(bytes: number): number {
  return (bytes + HEADER + 7) & ~7;
}
