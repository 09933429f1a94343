/**
 * The ring's shared memory. Every group of words that one side writes often has a 128-byte line of its own (two cache
 * lines, because processors fetch them in pairs), so that the sides do not slow each other down.
 *
 * ```text
 * byte   line       words (32 bits)                                              written by
 *    0   identity   magic, version, capacity, maxRecord, maxRecords              create() only
 *  128   tail       TAIL: position up to which records are published             producer
 *  256   head       HEAD: position up to which records are released              consumer
 *  384   state      STATE bits: closing 1, abandoned 2, poisoned 4               anyone, rarely (Atomics.or)
 *  512   want       WANT: bytes of room the producer waits for, 0 = none         producer; consumer clears it
 *  640   bell       built-in doorbell the consumer waits on                      see doorbell.ts
 *  768   bell       built-in doorbell the producer waits on
 *  896   counts     PUBLISHED records, high-water bytes and records, stalls;     producer
 *                   from +64 as doubles: total records, total bytes
 * 1024   counts     RELEASED records, high-water bytes and records               consumer
 * 1152   data       `capacity` bytes of records                                  producer
 * ```
 *
 * The counts are apart from the positions because the other side polls the positions: every store to a polled line may
 * cost a transfer between the processors' caches.
 *
 * TAIL and HEAD are free-running 32-bit byte counters: the place in the data is `position & (capacity - 1)`, and they
 * are compared by subtraction only, so that passing 2^31 or 2^32 means nothing.
 *
 * A record, always starting at a multiple of 8:
 *
 * ```text
 *  +0  payload length in bytes (without rounding)
 *  +4  kind 0..65535, or PADDING: skip to the start of the data
 *  +8  payload, then up to 7 unused bytes
 * ```
 */
export const MAGIC = 0x6d72_7267; // 'mrrg'
export const VERSION = 1;

// Indices into an Int32Array over the whole buffer.
export const MAGIC_WORD = 0;
export const VERSION_WORD = 1;
export const CAPACITY_WORD = 2;
export const MAX_RECORD_WORD = 3;
export const MAX_RECORDS_WORD = 4;

export const TAIL = 128 / 4;
export const HEAD = 256 / 4;
export const STATE = 384 / 4;
export const WANT = 512 / 4;
export const PUBLISHED = 896 / 4;
export const PRODUCER_MARKS = PUBLISHED + 1; // bytes, then records
export const STALLS = PUBLISHED + 3;
export const RELEASED = 1024 / 4;
export const CONSUMER_MARKS = RELEASED + 1; // bytes, then records
export const DATA_WORD = 1152 / 4;

// Indices into a Float64Array over the whole buffer: totals that outgrow 32 bits, each with one writer.
export const TOTAL_RECORDS = (896 + 64) / 8;
export const TOTAL_BYTES = TOTAL_RECORDS + 1;

// Byte offsets.
export const CONSUMER_BELL = 640;
export const PRODUCER_BELL = 768;
export const DATA = 1152;

export const HEADER = 8;
export const MAX_KIND = 0xffff;
export const PADDING = 0x1_0000;
export const MIN_CAPACITY = 16;
export const MAX_CAPACITY = 2 ** 30;

/** The producer has finished; what is in the ring is still to be read. */
export const CLOSING = 1;
/** The consumer has left; nothing will be read any more. */
export const ABANDONED = 2;
/** The whole is being aborted. */
export const POISONED = 4;

/** What the two sides of a ring know of it. */
export interface RingShape {
  readonly buffer: SharedArrayBuffer;
  /** Bytes for records, headers included. */
  readonly capacity: number;
  /** Largest payload in bytes. */
  readonly maxRecord: number;
  /** Records in flight at which `claim` returns -1; 0: no limit. */
  readonly maxRecords: number;
}
