/** Decoded audio samples. */
import type { AVSampleFormat } from 'node-av/constants';
import {
  avChannelLayoutDefault,
  avGetBytesPerSample,
  avSampleFmtIsPlanar,
  Frame,
  Rational as NativeRational,
} from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { requireObject } from '../../schema/argument.js';
import { check, sampleFormat, sampleFormatName, toNativeTimestamp } from '../ffmpeg.js';
import { markOwned } from '../packet/owned.js';
import { assignableLayout, describeLayout, type ParsedLayout, parseLayout, relabel } from './channel-layout.js';
import { FrameBase, type FrameTime, otherKind, type Plane, requireFrameTime } from './frame-base.js';

export interface AudioFrameOptions extends FrameTime {
  /** Samples per second of one channel. */
  sampleRate: number;
  /** Number of channels, in FFmpeg's default layout for that many unless `channelLayout` says otherwise. */
  channels?: number;
  /** FFmpeg's description, e.g. 'stereo', '5.1', 'FL+FR+LFE', '3 channels'. */
  channelLayout?: string;
  /** FFmpeg sample format: 'fltp', 's16', …; a 'p' at the end means one plane per channel. */
  format: string;
  /** Samples per channel. */
  samples: number;
}

/** Samples of one channel. */
export type Samples = Uint8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

const arrayTypes = {
  u8: Uint8Array,
  s16: Int16Array,
  s32: Int32Array,
  s64: BigInt64Array,
  flt: Float32Array,
  dbl: Float64Array,
} as const;

/** Owns one reference to one AVFrame; `close()` gives it back. */
export class AudioFrame extends FrameBase {
  static {
    markOwned(AudioFrame.prototype);
  }

  /**
   * Takes over the ownership of a node-av frame: the caller must not free it any more.
   * @param extra.free what releases it, instead of its own `free`.
   */
  static wrap(av: Frame, extra: { free?: (av: Frame) => void } = {}): AudioFrame {
    requireObject(extra, 'what AudioFrame.wrap is given besides', 'ERR_MILLRACE_PAYLOAD');
    return new AudioFrame(av, extra.free);
  }

  /**
   * A frame with memory of its own, whose samples are not set. Its time base is 1/sampleRate unless given.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for an unknown format or layout, or a number of channels that is not
   * that of the layout.
   */
  static alloc(options: AudioFrameOptions): AudioFrame {
    requireObject(options, 'options of an audio frame', 'ERR_MILLRACE_PAYLOAD');
    requireFrameTime(options);
    const layout = layoutOf(options);
    const av = allocSamples(sampleFormat(options.format), layout, options.sampleRate, options.samples);
    const timeBase = options.timeBase ?? { num: 1, den: options.sampleRate };
    av.timeBase = new NativeRational(timeBase.num, timeBase.den);
    av.pts = toNativeTimestamp(options.pts);
    if (options.duration !== undefined) av.duration = options.duration;
    return AudioFrame.wrap(av);
  }

  /**
   * A frame with a copy of the given samples, one array per channel. Without `format` the samples stay planar in the
   * type of the arrays (Float32Array: 'fltp', Int16Array: 's16p', …); a packed format interleaves them.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if the arrays differ in type or length, or are not of the format's type.
   */
  static from(
    channels: readonly Samples[],
    options: Omit<AudioFrameOptions, 'format' | 'samples' | 'channels'> & { format?: string },
  ): AudioFrame {
    if (!Array.isArray(channels)) {
      const hint = 'Give a list with one array per channel: AudioFrame.from([left, right], { sampleRate })';
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `The channels cannot be ${describeValue(channels)}`, { hint });
    }
    const first = (channels as readonly Samples[])[0];
    if (first === undefined) throw new MillraceError('ERR_MILLRACE_PAYLOAD', 'An audio frame has at least one channel');
    requireObject(options, 'options of an audio frame', 'ERR_MILLRACE_PAYLOAD');
    const type = sampleTypeOf(first);
    const format = options.format ?? `${type}p`;
    const expected = sampleFormatName(sampleFormat(format)).replace(/p$/, '') as keyof typeof arrayTypes;
    const samples = first.length;
    channels.forEach((channel, i) => {
      if (channel instanceof arrayTypes[expected] && channel.length === samples) return;
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `Channel ${i} is ${channel.constructor.name}[${channel.length}], ${format} takes ${arrayTypes[expected].name}[${samples}]`,
        { hint: 'All channels have the same length and the type of the sample format' },
      );
    });
    const frame = AudioFrame.alloc({ ...options, format, samples, channels: channels.length });
    try {
      frame.#fill(channels, expected);
    } catch (error) {
      frame.close();
      throw error;
    }
    return frame;
  }

  #fill(channels: readonly Samples[], type: keyof typeof arrayTypes): void {
    const planes = this.planes();
    if (this.planar) {
      planes.forEach((plane, i) => {
        const { buffer, byteOffset, byteLength } = channels[i]!;
        plane.data.set(new Uint8Array(buffer, byteOffset, byteLength));
      });
      return;
    }
    const { buffer, byteOffset } = planes[0]!.data;
    const count = channels.length;
    const target = new arrayTypes[type](buffer as ArrayBuffer, byteOffset, this.samples * count);
    channels.forEach((channel, c) => {
      channel.forEach((value, i) => {
        target[i * count + c] = value;
      });
    });
  }

  /** Samples per second of one channel. */
  get sampleRate(): number {
    return this.av.sampleRate;
  }

  get channels(): number {
    return this.av.channels;
  }

  /** FFmpeg's description, e.g. 'stereo', '5.1(side)', '2 channels (FR+FL)'. */
  get channelLayout(): string {
    return describeLayout(this.av.channelLayout);
  }

  /** FFmpeg's name of the sample format, e.g. 'fltp'. */
  get format(): string {
    return sampleFormatName(this.av.format as AVSampleFormat);
  }

  /** True: one plane per channel. False: one plane with the channels interleaved. */
  get planar(): boolean {
    return avSampleFmtIsPlanar(this.av.format as AVSampleFormat);
  }

  /** Samples per channel. */
  get samples(): number {
    return this.av.nbSamples;
  }

  protected override mapPlanes(av: Frame): Plane[] {
    // Not `data`: it has places for eight channels only.
    return (av.extendedData ?? []).map((view) => {
      const data = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      return { data, stride: data.byteLength, width: data.byteLength, height: 1 };
    });
  }

  /**
   * Takes over what is not the sound of another frame: time, duration, metadata and `data`, side data.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if the other one is no AudioFrame.
   */
  copyProps(from: AudioFrame): this {
    if (!(from instanceof AudioFrame)) throw otherKind(this, from);
    const { av } = this;
    const { sampleRate } = av;
    this.copyCommon(from);
    av.sampleRate = sampleRate;
    return this;
  }

  clone(): AudioFrame {
    return AudioFrame.wrap(this.cloneNative());
  }

  /** The samples in one piece: planes one after another. */
  toBuffer(): Buffer {
    return Buffer.concat(this.planes().map((plane) => plane.data));
  }
}

/** A node-av frame with memory for samples; the caller owns it. */
export function allocSamples(format: AVSampleFormat, layout: ParsedLayout, sampleRate: number, samples: number): Frame {
  const what = `Cannot allocate ${samples} ${sampleFormatName(format)} samples of ${layout.nbChannels} channels`;
  if (!Number.isInteger(sampleRate) || sampleRate <= 0 || avGetBytesPerSample(format) <= 0) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${what} at ${sampleRate} Hz`, {
      hint: 'The sample rate is a positive integer',
    });
  }
  const av = new Frame();
  av.alloc();
  av.format = format;
  av.sampleRate = sampleRate;
  av.nbSamples = samples;
  av.channelLayout = assignableLayout(layout);
  try {
    check(av.allocBuffer(), what);
    if (layout.names === undefined) return av;
    const labelled = relabel(av, layout);
    av.free();
    return labelled;
  } catch (error) {
    av.free();
    throw error;
  }
}

function layoutOf({ channels, channelLayout }: AudioFrameOptions): ParsedLayout {
  if (channelLayout === undefined && channels === undefined) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', 'An audio frame needs channels or channelLayout');
  }
  const layout = channelLayout === undefined ? avChannelLayoutDefault(channels!) : parseLayout(channelLayout);
  if (channels !== undefined && layout.nbChannels !== channels) {
    throw new MillraceError(
      'ERR_MILLRACE_PAYLOAD',
      `The channel layout '${channelLayout}' has ${layout.nbChannels} channels, not ${channels}`,
    );
  }
  return layout;
}

function sampleTypeOf(samples: Samples): keyof typeof arrayTypes {
  for (const [name, type] of Object.entries(arrayTypes)) {
    if (samples instanceof type) return name as keyof typeof arrayTypes;
  }
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `Audio samples cannot be ${Object.prototype.toString.call(samples)}`,
    {
      hint: `They are ${Object.values(arrayTypes)
        .map((type) => type.name)
        .join(', ')}`,
    },
  );
}
