import { RingConsumer } from './consumer.js';
import { Doorbell } from './doorbell.js';
import { misuse } from './errors.js';
import {
  CAPACITY_WORD,
  CONSUMER_BELL,
  CONSUMER_MARKS,
  DATA,
  HEAD,
  HEADER,
  MAGIC,
  MAGIC_WORD,
  MAX_CAPACITY,
  MAX_RECORD_WORD,
  MAX_RECORDS_WORD,
  MIN_CAPACITY,
  POISONED,
  PRODUCER_BELL,
  PRODUCER_MARKS,
  PUBLISHED,
  RELEASED,
  STALLS,
  STATE,
  TAIL,
  TOTAL_BYTES,
  TOTAL_RECORDS,
  VERSION,
  VERSION_WORD,
} from './layout.js';
import { RingProducer } from './producer.js';

const DEFAULT_SPIN = 200;

export interface RingOptions {
  /** Bytes for records, headers included: a power of two from 16 to 2^30. */
  capacity: number;
  /** Records in flight at which `claim` returns -1 although there is room. Default 0: no such limit. */
  maxRecords?: number;
  /** Largest payload in bytes. Default and upper limit: capacity / 2 - 8, which fits at every position. */
  maxRecordBytes?: number;
  /** First value of the free-running counters, a multiple of 8. Default 0; tests start near the wrap. */
  start?: number;
}

export interface SideOptions {
  /** The other side's doorbell: rung when it may be asleep on it. Default: the ring's own doorbell for that side. */
  bell?: Doorbell;
  /** The doorbell this side sleeps on in its `waitFor…` calls. Default: the ring's own doorbell for this side. */
  own?: Doorbell;
  /** How often `waitFor…` looks before it sleeps. Default 200, about a microsecond; 0 when cores are scarce. */
  spin?: number;
}

export interface RingCounters {
  /** Records and payload bytes published since the ring was created. */
  records: number;
  bytes: number;
  /** Records released by the consumer. */
  released: number;
  /**
   * Most bytes (headers and padding included) and records in flight that either side found when it looked: exact for a
   * ring with `maxRecords` and for one that was full; otherwise a lower bound, which costs nothing.
   */
  highWaterBytes: number;
  highWaterRecords: number;
  /** Times the producer ran out of room (however often it then tried). */
  stalls: number;
  /** Sleeps and timed-out sleeps of both sides on the ring's own doorbells; other doorbells count theirs themselves. */
  parks: number;
  timeouts: number;
}

/**
 * A lock-free byte ring in shared memory for one producer and one consumer, each in any thread. This object is the
 * neutral handle: it makes the two sides and can be asked and poisoned from everywhere. Send `buffer` to another
 * thread and `attach` there. Layout: layout.ts. Protocol and its proof: docs/ring-protocol.md.
 */
export class RingBuffer {
  readonly buffer: SharedArrayBuffer;
  /** Bytes for records, headers included. */
  readonly capacity: number;
  /** Largest payload in bytes. */
  readonly maxRecord: number;
  /** Records in flight at which `claim` returns -1; 0: no limit. */
  readonly maxRecords: number;

  private readonly words: Int32Array;
  private readonly totals: Float64Array;
  private readonly producerBell: Doorbell;
  private readonly consumerBell: Doorbell;
  private readonly bells: Set<Doorbell>;

  private constructor(buffer: SharedArrayBuffer) {
    if (!(buffer instanceof SharedArrayBuffer)) throw misuse('A ring is made by RingBuffer.create() or attach()');
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.totals = new Float64Array(buffer);
    this.capacity = this.words[CAPACITY_WORD]!;
    this.maxRecord = this.words[MAX_RECORD_WORD]!;
    this.maxRecords = this.words[MAX_RECORDS_WORD]!;
    this.producerBell = Doorbell.attach(buffer, PRODUCER_BELL);
    this.consumerBell = Doorbell.attach(buffer, CONSUMER_BELL);
    this.bells = new Set([this.producerBell, this.consumerBell]);
  }

  /** Bytes of shared memory that a ring of that capacity takes. */
  static storageFor(capacity: number): number {
    if (!isCapacity(capacity)) {
      throw misuse(
        `A ring's capacity is a power of two from ${MIN_CAPACITY} to ${MAX_CAPACITY}, not ${String(capacity)}`,
      );
    }
    return DATA + capacity;
  }

  /** @throws RingError ERR_MILLRACE_RING for options that make no ring. */
  static create(options: RingOptions): RingBuffer {
    if (typeof options !== 'object' || options === null) throw misuse('A ring is made with { capacity }');
    const { capacity, maxRecords = 0, start = 0 } = options;
    const buffer = new SharedArrayBuffer(RingBuffer.storageFor(capacity));
    const limit = capacity / 2 - HEADER;
    const maxRecord = options.maxRecordBytes ?? limit;
    if (!Number.isInteger(maxRecord) || maxRecord < 0 || maxRecord > limit) {
      throw misuse(`A ring of ${capacity} bytes takes records of 0..${limit} bytes; maxRecordBytes is ${maxRecord}`);
    }
    if (!Number.isInteger(maxRecords) || maxRecords < 0 || maxRecords > MAX_CAPACITY) {
      throw misuse(`maxRecords is a number of records, not ${maxRecords}`);
    }
    if (!Number.isInteger(start) || start % HEADER !== 0) throw misuse(`start is a multiple of 8, not ${start}`);
    const words = new Int32Array(buffer);
    words[CAPACITY_WORD] = capacity;
    words[MAX_RECORD_WORD] = maxRecord;
    words[MAX_RECORDS_WORD] = maxRecords;
    for (const counter of [TAIL, HEAD, PUBLISHED, RELEASED]) words[counter] = start;
    words[VERSION_WORD] = VERSION;
    words[MAGIC_WORD] = MAGIC;
    Doorbell.create(buffer, PRODUCER_BELL);
    Doorbell.create(buffer, CONSUMER_BELL);
    return new RingBuffer(buffer);
  }

  /** A ring that another thread created. @throws RingError ERR_MILLRACE_RING when `buffer` holds none. */
  static attach(buffer: SharedArrayBuffer): RingBuffer {
    if (!(buffer instanceof SharedArrayBuffer) || buffer.byteLength < DATA + MIN_CAPACITY) {
      throw misuse('Not a ring: a SharedArrayBuffer made by RingBuffer.create() is needed');
    }
    const words = new Int32Array(buffer, 0, MAX_RECORDS_WORD + 1);
    if (words[MAGIC_WORD] !== MAGIC) throw misuse('Not a ring: this shared memory does not begin with its mark');
    if (words[VERSION_WORD] !== VERSION) {
      throw misuse(`This ring has layout version ${words[VERSION_WORD]}; this code reads version ${VERSION}`);
    }
    const capacity = words[CAPACITY_WORD]!;
    if (!isCapacity(capacity) || buffer.byteLength !== DATA + capacity) {
      throw misuse(`Not a ring: it says its capacity is ${capacity}, its shared memory has ${buffer.byteLength} bytes`);
    }
    return new RingBuffer(buffer);
  }

  /**
   * The writing side. One at a time may be in use; a later one goes on where the last `commit` left off.
   * @throws RingError ERR_MILLRACE_RING for options that are none.
   */
  producer(options: SideOptions = {}): RingProducer {
    if (typeof options !== 'object' || options === null) throw misuse('The options of a side of a ring are an object');
    const { bell = this.consumerBell, own = this.producerBell, spin = DEFAULT_SPIN } = options;
    requireBells([bell, own]);
    this.bells.add(bell).add(own);
    return new RingProducer(this, bell, own, spin);
  }

  /**
   * The reading side. One at a time may be in use; a later one goes on where the last `release` left off.
   * @throws RingError ERR_MILLRACE_RING for options that are none.
   */
  consumer(options: SideOptions = {}): RingConsumer {
    if (typeof options !== 'object' || options === null) throw misuse('The options of a side of a ring are an object');
    const { bell = this.producerBell, own = this.consumerBell, spin = DEFAULT_SPIN } = options;
    requireBells([bell, own]);
    this.bells.add(bell).add(own);
    return new RingConsumer(this, bell, own, spin);
  }

  /**
   * Aborts the ring: claims return -1, waits end with 'poisoned'. From any thread, also when a side has died. Wakes
   * whoever sleeps on the ring's own doorbells, on those given to `producer()` and `consumer()` of this object, and on
   * `bells`: a thread that is neither side passes the doorbells of both.
   */
  poison(...bells: Doorbell[]): void {
    requireBells(bells);
    // [poison.1] before the alarms: the sides look at it when they wake
    Atomics.or(this.words, STATE, POISONED);
    // [poison.2] both sides, and whether or not they say that they sleep: a dead ringer may have cleared the flag
    for (const bell of new Set([...this.bells, ...bells])) bell.alarm();
  }

  get poisoned(): boolean {
    return (Atomics.load(this.words, STATE) & POISONED) !== 0;
  }

  /** Records published and not released. */
  inFlight(): number {
    // The lagging counter first, so that the difference is never negative.
    const released = Atomics.load(this.words, RELEASED);
    return (Atomics.load(this.words, PUBLISHED) - released) | 0;
  }

  /** Bytes published and not released, headers and padding included. */
  usedBytes(): number {
    const head = Atomics.load(this.words, HEAD);
    return Math.min(this.capacity, (Atomics.load(this.words, TAIL) - head) | 0);
  }

  /** What the ring has done so far. Costs the two sides nothing. */
  counters(): RingCounters {
    const { words, totals } = this;
    const producer = this.producerBell.counters();
    const consumer = this.consumerBell.counters();
    const inFlight = this.inFlight();
    const records = totals[TOTAL_RECORDS]!;
    return {
      records,
      bytes: totals[TOTAL_BYTES]!,
      released: records - inFlight,
      highWaterBytes: Math.max(words[PRODUCER_MARKS]!, words[CONSUMER_MARKS]!, this.usedBytes()),
      highWaterRecords: Math.max(words[PRODUCER_MARKS + 1]!, words[CONSUMER_MARKS + 1]!, inFlight),
      stalls: Atomics.load(words, STALLS) >>> 0,
      parks: producer.parks + consumer.parks,
      timeouts: producer.timeouts + consumer.timeouts,
    };
  }
}

function isCapacity(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= MIN_CAPACITY && bytes <= MAX_CAPACITY && (bytes & (bytes - 1)) === 0;
}

/** Before anything changes: half of an abort would be worse than none. */
function requireBells(bells: readonly unknown[]): void {
  for (const bell of bells) {
    const isBell = typeof bell === 'object' && bell !== null && 'alarm' in bell && 'ring' in bell;
    if (!isBell) throw misuse('What is rung is a Doorbell');
  }
}

// A bundler calls a class that names itself within by another name.
Object.defineProperty(RingBuffer, 'name', { value: 'RingBuffer', configurable: true });
