/** What goes into a synchroniser and what comes out of it. */

/**
 * Which buffers of several pads belong together; the names of NNStreamer's `sync_mode`.
 * `nosync`: the k-th of every pad. `slowest`: the pad with the fewest buffers sets the pace. `basepad`: one output per
 * buffer of the base pad. `refresh`: one output per buffer of any pad.
 */
export type SyncMode = 'nosync' | 'slowest' | 'basepad' | 'refresh';

/** What is given up when a queue is full: the buffer that waits longest, the one that comes, or nothing. */
export type DropPolicy = 'oldest' | 'newest' | 'fail';

/** One value for every pad, or one per pad; null in a list: none for that pad. */
export type PerPad<V> = V | readonly (V | null)[];

/** One buffer on its way into a pad. The object is kept until the buffer is used: make a new one for every push. */
export interface SyncBuffer<T> {
  /** Nanoseconds. Null is what streams without timestamps have; it is refused. */
  readonly pts: bigint | null;
  /** Nanoseconds. */
  readonly duration?: bigint | undefined;
  readonly value: T;
}

/** What one pad gives to an output. */
export interface SyncInput<T> {
  /** Nanoseconds, of this buffer: the output's own PTS may be another. */
  readonly pts: bigint;
  readonly value: T;
  /** True if an earlier output had this buffer already. */
  readonly reused: boolean;
}

/**
 * One set of buffers that belong together. `inputs` has one entry per pad, in pad order. `Gap` is null where pads have
 * a timeout: the entry of a pad that was silent and never delivered is null.
 */
export interface SyncOutput<T, Gap extends null = never> {
  /** Nanoseconds: the base time of the policy's round. */
  readonly pts: bigint;
  /** Nanoseconds: that of the buffer whose PTS became the output's. Absent if none did, or if it had none. */
  readonly duration?: bigint;
  readonly inputs: readonly (SyncInput<T> | Gap)[];
}

/** What happened to a buffer other than being used once. */
export type SyncEvent =
  | {
      readonly kind: 'drop';
      readonly pad: number;
      /** Nanoseconds, of the buffer. */
      readonly pts: bigint;
      /**
       * `superseded`: a newer buffer of its pad took its place before any output; `queue`: the queue was full; `end`:
       * the output had ended; `reset`: the synchroniser was reset.
       */
      readonly reason: DropReason;
    }
  | {
      readonly kind: 'reuse';
      readonly pad: number;
      /** Nanoseconds, of the buffer. */
      readonly pts: bigint;
      /** Nanoseconds, of the output that has it once more. */
      readonly output: bigint;
    };

export type DropReason = 'superseded' | 'queue' | 'end' | 'reset';

/** Figures of one pad since the start or the last reset. When the output has ended, `received = used + dropped`. */
export interface PadCounters {
  /** Buffers pushed. */
  received: number;
  /** Buffers that were in at least one output. */
  used: number;
  /** Buffers that were, and will be, in none. */
  dropped: number;
  /** Outputs that had a buffer of this pad which an earlier output had already. */
  reused: number;
  /** Outputs in which the pad has no buffer, because it was silent for its timeout before it ever delivered. */
  absent: number;
}
