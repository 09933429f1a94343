/**
 * Keeps frames at a given rate, as BMF's `extract_frames` does (its VideoSync in mode VSYNC_VFR, taken from ffmpeg's
 * do_video_out): a frame is kept when it lies less than 0.6 of an interval before the next wanted one.
 */
import type { Frame } from 'node-av/lib';
import { fromNativeTimestamp, type Rational, rescale } from '../../../src/media/index.js';

export class FrameExtractor {
  readonly #interval: Rational;
  readonly #sourceRate: Rational;
  /** Number of the next wanted frame. */
  #next = 0;

  constructor(rate: Rational, sourceRate: Rational) {
    this.#interval = { num: rate.den, den: rate.num };
    this.#sourceRate = sourceRate;
  }

  /** Whether the frame is kept; its pts becomes that of its place in the new rate, in the frame's own time base. */
  keep(frame: Frame): boolean {
    const timeBase = frame.timeBase;
    const pts = Number(fromNativeTimestamp(frame.pts) ?? 0n);
    const seconds = (pts * timeBase.num) / timeBase.den;
    const perInterval = this.#interval.den / this.#interval.num;
    // A hair towards infinity, so that an exact half is not lost to rounding.
    const place = seconds * perInterval + Math.sign(pts) / 131_072;
    const duration = Math.min((this.#sourceRate.den / this.#sourceRate.num) * perInterval, 1);
    const late = place - this.#next + duration;
    if (late <= -0.6) return false;
    if (late > 0.6) this.#next = Math.round(Math.max(place, this.#next));
    frame.pts = rescale(BigInt(this.#next), this.#interval, timeBase);
    this.#next++;
    return true;
  }
}
