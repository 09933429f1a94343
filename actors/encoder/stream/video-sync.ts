/**
 * Which frames go out, how often, and with which time: the frame-rate conversion of the ffmpeg command
 * (`do_video_out` in fftools 5.1, `video_sync_process` since 6.1). Pure arithmetic in ticks of the encoder.
 *
 * The drift between a frame's own time and the next free place decides: too early by more than 1.1 ticks (cfr) or 0.6
 * (vfr) and the frame is dropped; too late by more than 1.1 (cfr) and the gap is filled, with the *previous* frame as
 * far as it lies before this one. The thresholds and the order of the steps are FFmpeg's: equal output depends on them.
 */
import { type Rational, rescale } from '../../../src/media/index.js';

/** `vscfr` is cfr that does not fill the time before the first frame. */
export type VsyncMethod = 'cfr' | 'vscfr' | 'vfr' | 'passthrough' | 'drop';

/** What to write for one frame: `previous` copies of the frame before it, then copies of the frame up to `total`. */
export interface Placement {
  readonly previous: number;
  readonly total: number;
  /** Time of the first copy, in ticks; each further copy is one tick later. */
  readonly pts: bigint;
  /** Duration to stamp on every copy, in ticks; 0 if unknown. */
  readonly duration: bigint;
  /** A gap of so many frames was too long to be true and has not been filled. */
  readonly skippedGap?: number;
}

/** FFmpeg refuses to fill a gap of more frames than this (dts_error_threshold * 30): a broken timestamp, not a gap. */
const LARGEST_GAP = 3600 * 30 * 30;

export class VideoSync {
  /** Frames repeated and left out so far. */
  duplicated = 0;
  dropped = 0;
  /** Those among the repeated that fill the time before the first frame. */
  leading = 0;
  /** Frames written so far. */
  count = 0;
  #nextPts = 0n;
  #lastDropped = false;
  #history: readonly [number, number, number] = [0, 0, 0];
  readonly #method: VsyncMethod;
  readonly #timeBase: Rational;
  readonly #limit: number;
  readonly #minimum: number;

  /**
   * @param timeBase Of the encoder.
   * @param limits `most` frames are written, and `least` by repeating the last one at the end.
   */
  constructor(method: VsyncMethod, timeBase: Rational, limits: { most?: number; least?: number } = {}) {
    this.#method = method;
    this.#timeBase = timeBase;
    this.#limit = limits.most ?? Number.POSITIVE_INFINITY;
    this.#minimum = limits.least ?? 0;
  }

  /** True when `most` frames have been written. */
  get full(): boolean {
    return this.count >= this.#limit;
  }

  /**
   * Places a frame.
   * @param pts In `from`; undefined puts the frame on the next free tick.
   * @param duration In ticks of the encoder, not rounded; 0 if unknown.
   */
  place(pts: bigint | undefined, from: Rational, duration: number): Placement {
    let ticks = pts === undefined ? Number(this.#nextPts) : preciseTicks(pts, from, this.#timeBase);
    let drift = ticks - Number(this.#nextPts);
    let delta = drift + duration;
    let previous = 0;
    let total = 1;
    const rounded = this.#method === 'cfr' || this.#method === 'vscfr';
    if (drift < 0 && delta > 0 && (rounded || this.#method === 'vfr')) {
      ticks = Number(this.#nextPts);
      duration += drift;
      drift = 0;
    }
    if (this.#method === 'vscfr' && this.count === 0 && drift >= 0.5) {
      delta = duration;
      drift = 0;
      this.#nextPts = roundHalfEven(ticks);
    }
    if (rounded) {
      if (delta < -1.1) total = 0;
      else if (delta > 1.1) {
        total = Number(roundHalfEven(delta));
        if (drift > 1.1) previous = Number(roundHalfEven(drift - 0.6));
      }
    } else if (this.#method === 'vfr') {
      if (delta <= -0.6) total = 0;
      else if (delta > 0.6) this.#nextPts = roundHalfEven(ticks);
    } else {
      this.#nextPts = roundHalfEven(ticks);
    }
    return this.#settle(previous, total, rounded ? 1n : roundHalfEven(Math.max(0, duration)), false);
  }

  /** The end: the median of the last three gaps is repeated once more, and what is missing from `least`. */
  finish(): Placement {
    const [a, b, c] = this.#history;
    const median = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    const missing = this.count > 0 ? Math.max(0, this.#minimum - this.count) : 0;
    const total = Math.max(median, missing);
    return this.#settle(total, total, 1n, true);
  }

  #settle(wantedPrevious: number, wantedTotal: number, duration: bigint, ending: boolean): Placement {
    const total = Math.max(0, Math.min(wantedTotal, this.#limit - this.count));
    const previous = Math.min(wantedPrevious, total);
    const pts = this.#nextPts;
    const [last, before] = this.#history;
    this.#history = [previous, last, before];
    if (previous === 0 && this.#lastDropped) this.dropped++;
    const once = (previous > 0 && this.#lastDropped ? 1 : 0) + (total > previous ? 1 : 0);
    if (total > once) {
      if (total > LARGEST_GAP) {
        this.dropped++;
        return { previous: 0, total: 0, pts, duration, skippedGap: total };
      }
      this.duplicated += total - once;
      if (this.count === 0) this.leading = total - once;
    }
    this.#lastDropped = total === previous && !ending;
    this.#nextPts += BigInt(total);
    this.count += total;
    return { previous, total, pts, duration };
  }
}

/**
 * A time in ticks with a fraction: FFmpeg rescales to a finer time base first (up to 16 bits more) and moves the result
 * a hair away from zero, so that exact midpoints round the same way everywhere.
 */
function preciseTicks(pts: bigint, from: Rational, to: Rational): number {
  const extraBits = Math.min(16, Math.max(0, 29 - Math.floor(Math.log2(to.den))));
  const fine = Number(rescale(pts, from, { num: to.num, den: to.den * 2 ** extraBits }));
  return fine / 2 ** extraBits + Math.sign(fine) / (1 << 17);
}

/** lrint: to the nearest integer, halves to even. */
export function roundHalfEven(value: number): bigint {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return BigInt(Math.round(value));
  return BigInt(floor % 2 === 0 ? floor : floor + 1);
}
