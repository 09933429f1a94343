/** Cuts decoded streams to a range of time, frame by frame and sample by sample, as FFmpeg's trim and atrim do. */
import type { AVSampleFormat } from 'node-av/constants';
import { avChannelLayoutDescribe, type Frame, Frame as NativeFrame } from 'node-av/lib';
import {
  check,
  fromNativeTimestamp,
  MICROSECONDS,
  type Rational,
  rescale,
  sampleFormatName,
} from '../../../src/media/index.js';
import { FilterLine } from '../../shared/filter-line.js';

/** A range on the output's clock, in microseconds. */
export interface Range {
  /** Undefined: from the first frame on, whatever its time. */
  readonly start: bigint | undefined;
  /** The time at which it ends. */
  readonly end?: bigint | undefined;
  /**
   * Length from the first decoded frame that is let through, which is how `-to` of the ffmpeg command counts; `end`
   * then holds for packets only.
   */
  readonly length?: bigint | undefined;
}

/** What becomes of a frame: it is before the range, (partly) in it, or the range has ended. */
export type Cut = 'before' | 'inside' | 'after';

/** The range in ticks of one stream. */
class Bounds {
  readonly start: bigint | undefined;
  readonly #length: bigint | undefined;
  #end: bigint | undefined;

  constructor(range: Range, timeBase: Rational) {
    const ticks = (time: bigint | undefined) =>
      time === undefined ? undefined : rescale(time, MICROSECONDS, timeBase);
    this.start = ticks(range.start);
    this.#length = ticks(range.length);
    this.#end = range.length === undefined ? ticks(range.end) : undefined;
  }

  /** The end, once the first time inside is known. */
  endAfter(first: bigint): bigint | undefined {
    if (this.#end === undefined && this.#length !== undefined) this.#end = first + this.#length;
    return this.#end;
  }
}

export class Trim {
  readonly #range: Range;
  readonly #isUnlimited: boolean;
  #bounds: Bounds | undefined;
  #unit = '';

  constructor(range: Range) {
    const { start, length, end } = range;
    this.#range = range;
    this.#isUnlimited = start === undefined && length === undefined && end === undefined;
  }

  #boundsFor(frame: Frame): Bounds {
    const { num, den } = frame.timeBase;
    // A sample rate that changes takes the time base with it; the end then counts anew from the next frame.
    if (this.#bounds === undefined || this.#unit !== `${num}/${den}`) {
      this.#bounds = new Bounds(this.#range, { num, den });
      this.#unit = `${num}/${den}`;
    }
    return this.#bounds;
  }

  video(frame: Frame): Cut {
    if (this.#isUnlimited) return 'inside';
    const bounds = this.#boundsFor(frame);
    const pts = fromNativeTimestamp(frame.pts) ?? 0n;
    if (bounds.start !== undefined && pts < bounds.start) return 'before';
    const end = bounds.endAfter(pts);
    return end !== undefined && pts >= end ? 'after' : 'inside';
  }

  /**
   * Cuts an audio frame whose time base is 1/sample rate.
   * @returns The frame that is left: the same, or a new one that replaces it (the old one has been freed).
   */
  audio(frame: Frame): Frame | 'before' | 'after' {
    if (this.#isUnlimited) return frame;
    const bounds = this.#boundsFor(frame);
    const pts = fromNativeTimestamp(frame.pts) ?? 0n;
    const samples = BigInt(frame.nbSamples);
    const skip = bounds.start !== undefined && pts < bounds.start ? bounds.start - pts : 0n;
    if (skip >= samples) return 'before';
    const end = bounds.endAfter(pts + skip);
    if (end !== undefined && pts >= end) return 'after';
    const keep = end !== undefined && end - pts < samples ? end - pts : samples;
    if (keep <= skip) return 'after';
    return skip === 0n && keep === samples ? frame : cutSamples(frame, skip, keep);
  }
}

/** The samples of a frame from the one numbered `begin` to the one before `end`; the frame itself is freed. */
function cutSamples(source: Frame, begin: bigint, end: bigint): Frame {
  const format = sampleFormatName(source.format as AVSampleFormat);
  const layout = avChannelLayoutDescribe(source.channelLayout) ?? `${source.channels}c`;
  const rate = source.sampleRate;
  const what = 'Cannot cut an audio frame';
  const target = new NativeFrame();
  target.alloc();
  let chain: FilterLine | undefined;
  try {
    chain = new FilterLine(
      'audio',
      `sample_rate=${rate}:sample_fmt=${format}:channel_layout=${layout}:time_base=1/${rate}`,
      [['atrim', `start_sample=${begin}:end_sample=${end}`]],
      what,
    );
    const keep = (cut: Frame) => {
      target.unref();
      check(target.ref(cut), what);
    };
    chain.push(source, keep);
    chain.push(null, keep);
    return target;
  } catch (error) {
    target.free();
    throw error;
  } finally {
    chain?.close();
    source.free();
  }
}
