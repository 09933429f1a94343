/** What a buffer source must know of the frames it will get, read from one of them. */
import { AV_NOPTS_VALUE, type AVPixelFormat, type AVSampleFormat } from 'node-av/constants';
import { avChannelLayoutDescribe } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  type AudioFrame,
  framesOf,
  HeldFrames,
  isSameUnit,
  isTimeBase,
  MICROSECONDS,
  pixelFormatName,
  type Rational,
  rescale,
  sampleFormatName,
  timeBaseOf,
  VideoFrame,
} from '../../../src/media/index.js';
import type { MediaKind } from '../plan/plan.js';

export interface StreamFormat {
  readonly kind: MediaKind;
  /** Equal for frames that can go through the same graph (the comparison of ffmpeg's ifilter_send_frame). */
  readonly key: string;
  /** Arguments of the buffer source. */
  readonly args: string;
  /** In which the graph takes timestamps. */
  readonly timeBase: Rational;
  /** Of pictures: how many pixels they have. */
  readonly area?: number;
  /** Of pictures: shape of a pixel, as in `args`. */
  readonly aspect?: string;
  /**
   * Of pictures: arguments of the filter `format` that lets nothing but this format through; undefined if a property has
   * no name.
   */
  readonly pin?: string | undefined;
  /** Name of the pixel format of pictures in main memory. */
  readonly pixels?: string | undefined;
  /** Of pictures on a device. Whoever asked for the format releases it. */
  readonly frames?: HeldFrames | undefined;
}

/** The part of a format that decides whether the graph must be built anew. */
export function formatKey(frame: VideoFrame | AudioFrame): string {
  const { av } = frame;
  if (frame instanceof VideoFrame) {
    const pool = framesOf(av);
    const where = pool === undefined ? '' : ` ${pool.softwareFormat} on ${pool.kind}`;
    return `v ${av.format} ${av.width}x${av.height} ${av.colorSpace} ${av.colorRange} ${av.alphaMode}${where}`;
  }
  const { order, mask, nbChannels } = av.channelLayout;
  return `a ${av.format} ${av.sampleRate} ${order} ${mask} ${nbChannels}`;
}

export function formatOf(frame: VideoFrame | AudioFrame): StreamFormat {
  const key = formatKey(frame);
  return frame instanceof VideoFrame ? videoFormat(frame, key) : audioFormat(frame, key);
}

function videoFormat(frame: VideoFrame, key: string): StreamFormat {
  const { av, frameRate } = frame;
  const timeBase = videoTimeBase(frame);
  const aspect = aspectOf(frame.sampleAspectRatio);
  const args = [
    `video_size=${av.width}x${av.height}`,
    `pix_fmt=${pixelFormatName(av.format as AVPixelFormat)}`,
    `time_base=${timeBase.num}/${timeBase.den}`,
    `pixel_aspect=${aspect}`,
    `colorspace=${av.colorSpace}`,
    `range=${av.colorRange}`,
    `alpha_mode=${av.alphaMode}`,
  ];
  if (frameRate && isTimeBase(frameRate)) args.push(`frame_rate=${frameRate.num}/${frameRate.den}`);
  const frames = HeldFrames.of(av);
  const pixels = frames === undefined ? pixelFormatName(av.format as AVPixelFormat) : undefined;
  const pin = frames === undefined ? pinOf(frame) : undefined;
  return {
    kind: 'video',
    key,
    args: args.join(':'),
    timeBase,
    area: av.width * av.height,
    aspect,
    pin,
    pixels,
    frames,
  };
}

export function aspectOf({ num, den }: Rational): string {
  return `${num}/${Math.max(den, 1)}`;
}

/** AVAlphaMode */
const ALPHA_MODES = ['unspecified', 'premultiplied', 'straight'];

function pinOf({ av, format, colorSpace, colorRange }: VideoFrame): string | undefined {
  const alpha = ALPHA_MODES[av.alphaMode];
  const unnamed = /^\d+$/;
  if (alpha === undefined || unnamed.test(colorSpace) || unnamed.test(colorRange)) return undefined;
  return `pix_fmts=${format}:color_spaces=${colorSpace}:color_ranges=${colorRange}:alpha_modes=${alpha}`;
}

function videoTimeBase(frame: VideoFrame): Rational {
  const { frameRate, timeBase } = frame;
  if (isTimeBase(timeBase)) return timeBase;
  return frameRate && isTimeBase(frameRate) ? { num: frameRate.den, den: frameRate.num } : MICROSECONDS;
}

function audioFormat(frame: AudioFrame, key: string): StreamFormat {
  const { av } = frame;
  if (!(av.sampleRate > 0)) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', 'An AudioFrame without a sample rate cannot be filtered');
  }
  const layout = avChannelLayoutDescribe(av.channelLayout);
  // As in ffmpeg, audio runs on the clock of its samples, whatever the time base of the container.
  const timeBase = { num: 1, den: av.sampleRate };
  const args = [
    `sample_rate=${av.sampleRate}`,
    `sample_fmt=${sampleFormatName(av.format as AVSampleFormat)}`,
    `time_base=1/${av.sampleRate}`,
    av.channelLayout.mask !== 0n && layout ? `channel_layout=${layout}` : `channels=${av.channels}`,
  ];
  return { kind: 'audio', key, args: args.join(':'), timeBase };
}

/**
 * Puts a frame's times into the graph's time base, and completes its duration from the frame rate or the number of
 * samples: libavfilter closes an input at the end of its last frame.
 */
export function adaptTime(frame: VideoFrame | AudioFrame, timeBase: Rational): void {
  const { av } = frame;
  const own = timeBaseOf(av);
  if (!isSameUnit(own, timeBase) && isTimeBase(own)) {
    if (av.pts !== AV_NOPTS_VALUE) av.pts = rescale(av.pts, own, timeBase);
    av.duration = rescale(av.duration, own, timeBase);
    frame.timeBase = timeBase;
  }
  if (av.duration > 0n) return;
  if (!(frame instanceof VideoFrame)) {
    av.duration = rescale(BigInt(av.nbSamples), { num: 1, den: av.sampleRate }, timeBase);
  } else if (frame.frameRate && isTimeBase(frame.frameRate)) {
    av.duration = rescale(1n, { num: frame.frameRate.den, den: frame.frameRate.num }, timeBase);
  }
}
