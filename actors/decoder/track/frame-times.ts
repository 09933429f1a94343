/**
 * Timestamps of decoded frames as the ffmpeg command derives them (fftools/ffmpeg_dec.c: audio_ts_process,
 * video_duration_estimate, video_frame_process): missing ones are continued from the frame before, and audio counts
 * in samples without jitter.
 */
import { AV_NOPTS_VALUE } from 'node-av/constants';
import { avRescaleDelta, type Frame, Rational as NativeRational } from 'node-av/lib';
import { fromNativeTimestamp, MICROSECONDS, type Rational, rescale } from '../../../src/media/index.js';
import type { Played } from '../time/timeline.js';

export interface FrameTimes {
  /** Sets pts, time base and duration of a frame that has just come from the decoder. */
  stamp(frame: Frame): void;
  /** Undefined before the first frame. */
  readonly played: Played | undefined;
  /**
   * After a seek the next frame stands for itself.
   * @param time Of the next frame if it has no timestamp, microseconds.
   */
  restart(time: bigint): void;
}

export interface VideoTiming {
  /** Of the packets. */
  readonly timeBase: Rational;
  /** What the decoder takes the frame rate to be; undefined if it does not know. */
  readonly codecRate: Rational | undefined;
  /** What the container says; undefined if it does not. */
  readonly streamRate: Rational | undefined;
  /** The container has no timestamps of its own, so that durations come from the codec. */
  readonly unreliable: boolean;
}

export class VideoTimes implements FrameTimes {
  readonly #timing: VideoTiming;
  readonly #timeBase: NativeRational;
  #last: bigint | undefined;
  #duration = 0n;
  /** Of the first picture there was. */
  #begin: bigint | undefined;
  /** Of the first frame, without a timestamp. */
  #first = 0n;

  constructor(timing: VideoTiming) {
    this.#timing = timing;
    this.#timeBase = new NativeRational(timing.timeBase.num, timing.timeBase.den);
  }

  stamp(frame: Frame): void {
    const best = fromNativeTimestamp(frame.bestEffortTimestamp);
    const pts = best ?? (this.#last === undefined ? this.#first : this.#last + this.#duration);
    this.#duration = this.#estimate(frame, pts);
    this.#last = pts;
    this.#begin ??= pts;
    frame.pts = pts;
    frame.timeBase = this.#timeBase;
  }

  #estimate(frame: Frame, pts: bigint): bigint {
    const { timeBase, codecRate, streamRate, unreliable } = this.#timing;
    const duration = frame.duration;
    const distance = this.#last === undefined ? -1n : pts - this.#last;
    // libavformat makes a duration of 1 up where the container has none.
    const madeUp = duration === 1n && distance > 2n;
    if (duration > 0n && !unreliable && !madeUp) return duration;
    // A frame with repeated fields lasts longer; its fields last half a frame each.
    const fields = BigInt(frame.repeatPict + 2);
    const ofCodec = codecRate ? rescale(fields, { num: codecRate.den, den: 2 * codecRate.num }, timeBase) : 0n;
    if (ofCodec > 0n && unreliable) return ofCodec;
    if (distance > 0n) return distance;
    if (duration > 0n) return duration;
    if (ofCodec > 0n) return ofCodec;
    const ofStream = streamRate ? rescale(1n, { num: streamRate.den, den: streamRate.num }, timeBase) : 0n;
    if (ofStream > 0n) return ofStream;
    return this.#duration > 1n ? this.#duration : 1n;
  }

  get played(): Played | undefined {
    if (this.#last === undefined) return undefined;
    const microseconds = (ticks: bigint) => rescale(ticks, this.#timing.timeBase, MICROSECONDS);
    return { begin: microseconds(this.#begin ?? this.#last), end: microseconds(this.#last + this.#duration) };
  }

  restart(time: bigint): void {
    this.#last = undefined;
    this.#first = rescale(time, MICROSECONDS, this.#timing.timeBase);
  }
}

export class AudioTimes implements FrameTimes {
  readonly #packets: NativeRational;
  /** The clock that all sample rates seen so far divide. */
  #clock: Rational = { num: 1, den: 1 };
  #sampleRate = 0;
  #sampleTime = new NativeRational(1, 1);
  #last: bigint | undefined;
  #duration = 0n;
  #state = { value: AV_NOPTS_VALUE };
  /** Of the first frame without a timestamp, microseconds. */
  #first = 0n;

  constructor(timeBase: Rational) {
    this.#packets = new NativeRational(timeBase.num, timeBase.den);
  }

  stamp(frame: Frame): void {
    const { sampleRate, nbSamples } = frame;
    if (sampleRate !== this.#sampleRate) this.#changeRate(sampleRate);
    const length = BigInt(nbSamples);
    const clock = this.#clock;
    const predicted =
      this.#last === undefined ? rescale(this.#first, MICROSECONDS, clock) : this.#last + this.#duration;
    let pts = fromNativeTimestamp(frame.pts);
    let unit: Rational = this.#packets;
    if (pts === undefined) {
      pts = predicted;
      unit = clock;
    } else if (this.#last !== undefined && pts > rescale(predicted, clock, unit, 'up')) {
      // A gap: the time of this frame counts, not the samples since the last.
      this.#state.value = AV_NOPTS_VALUE;
    }
    this.#last = avRescaleDelta(unit, pts, clock, nbSamples, this.#state, clock);
    this.#duration = rescale(length, this.#sampleTime, clock);
    frame.pts = rescale(this.#last, clock, this.#sampleTime);
    frame.duration = length;
    frame.timeBase = this.#sampleTime;
  }

  #changeRate(sampleRate: number): void {
    const before = this.#clock;
    const common = (before.den / greatestCommonDivisor(before.den, sampleRate)) * sampleRate;
    // 28224000 holds all common rates where the exact clock would leave 32 bits.
    let clock: Rational = { num: 1, den: common > 0x7fffffff ? 28_224_000 : common };
    const { num, den } = this.#packets;
    if (num === 1 && den > clock.den && den % clock.den === 0) clock = { num, den };
    if (this.#last !== undefined) this.#last = rescale(this.#last, before, clock);
    this.#duration = rescale(this.#duration, before, clock);
    this.#clock = clock;
    this.#sampleRate = sampleRate;
    this.#sampleTime = new NativeRational(1, sampleRate);
  }

  get played(): Played | undefined {
    if (this.#last === undefined) return undefined;
    return { begin: undefined, end: rescale(this.#last + this.#duration, this.#clock, MICROSECONDS) };
  }

  restart(time: bigint): void {
    this.#last = undefined;
    this.#first = time;
    this.#state.value = AV_NOPTS_VALUE;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
