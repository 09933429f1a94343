/**
 * Continuing timestamps over the end of a file: where, on the output's clock, the next one begins. The rule is that of
 * BMF's decoder (`get_start_time`), and what its documentation says of `overlap_time`, which its code does not do.
 * Microseconds throughout.
 */
import { EncodedPacket, type Packet, StreamInfo } from '../../../src/media/index.js';

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

/** Keeps the clock of the output over all files. */
export class Splicer {
  readonly #options: SpliceOptions;
  /** Time of the last frame on the output's clock, of all outputs. */
  #last: bigint | undefined;
  #zero = 0n;
  #previous = 0n;
  /** What lies up to this time on the output's clock was there before. */
  #after: bigint | undefined;
  /** Outputs that have gone past it. */
  readonly #resumed = new Set<number>();
  /** What the stream copied last on an output was. */
  readonly #copied = new Map<number, string>();

  constructor(options: SpliceOptions) {
    this.#options = options;
  }

  /**
   * A file begins. @returns Where, on the output's clock.
   * @param start Where it begins on its own clock.
   * @param skipped So much of it is left out at its beginning.
   * @param kept Its timestamps are kept as they are, so it does not matter what was there before.
   */
  begin(start: bigint, { skipped, kept }: { skipped: bigint; kept: boolean }): bigint {
    const state = { last: this.#last, zero: this.#zero, previous: this.#previous };
    const { begin, after } = splice(start, state, this.#options);
    this.#previous = start;
    this.#zero = start + skipped - begin;
    this.#after = kept ? undefined : after;
    this.#resumed.clear();
    return begin;
  }

  /** What comes on an output was there with the file before; otherwise it is the latest that was there. */
  isRepeated(output: number, { payload, timestamp }: Packet): boolean {
    if (payload instanceof StreamInfo) {
      // Whoever copies the stream goes on with the next file as long as it is of the same kind.
      const before = this.#copied.get(output);
      this.#copied.set(output, essence(payload));
      return before === essence(payload);
    }
    if (timestamp === undefined) return false;
    const time = BigInt(Math.round(timestamp));
    const after = this.#after;
    if (after !== undefined && !this.#resumed.has(output)) {
      // A copied stream can be resumed at key frames only.
      if (time <= after || (payload instanceof EncodedPacket && !payload.isKey)) return true;
      this.#resumed.add(output);
    }
    if (this.#last === undefined || time > this.#last) this.#last = time;
    return false;
  }
}

/** What must not change for packets of two files to be packets of one stream. */
function essence({ codec, width, height, sampleRate, channels, extradata }: StreamInfo): string {
  return [codec, width, height, sampleRate, channels, Buffer.from(extradata).toString('base64')].join(' ');
}
