/**
 * Continuing timestamps over the end of a file: where, on the output's clock, the next one begins. The rule is that of
 * BMF's decoder (`get_start_time`). Microseconds throughout.
 */
export interface SpliceOptions {
  /** A file that begins up to so long before the last frame, but after its predecessor's beginning, repeats its end. */
  readonly overlap: bigint;
  /** A file that begins up to so long after the last frame keeps the gap. */
  readonly gap: bigint;
  /** Distance to the last frame where a file is put behind it. */
  readonly interval: bigint;
}

export interface SpliceState {
  /** Time of the last frame on the output's clock; undefined before the first. */
  readonly last: bigint | undefined;
  /** Time of the containers' clock that is 0 on the output's. */
  readonly zero: bigint;
  /** Where the file before began on the containers' clock. */
  readonly previous: bigint;
}

export interface Splice {
  /** Where the file begins on the output's clock. */
  readonly begin: bigint;
  /** It repeats the end of its predecessor: what lies up to this time on the output's clock is there already. */
  readonly after?: bigint;
}

/** @param start Where the file begins on its own clock. */
export function splice(start: bigint, { last, zero, previous }: SpliceState, options: SpliceOptions): Splice {
  if (last === undefined) return { begin: 0n };
  const own = start - zero;
  // A live stream that goes on after an interruption: its clock has gone on as well.
  if (own > last && own < last + options.gap) return { begin: own };
  // It has been reconnected, and the server sends again what it had buffered.
  if (own <= last && own >= last - options.overlap && start > previous) return { begin: own, after: last };
  return { begin: last + options.interval };
}
