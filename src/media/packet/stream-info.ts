/** What a decoder or muxer has to know of a stream before its first packet: AVCodecParameters as plain data. */
import {
  AV_OPT_TYPE_INT,
  type AVChromaLocation,
  type AVCodecID,
  type AVColorPrimaries,
  type AVColorRange,
  type AVColorSpace,
  type AVColorTransferCharacteristic,
  AVMEDIA_TYPE_ATTACHMENT,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_SUBTITLE,
  AVMEDIA_TYPE_VIDEO,
  type AVMediaType,
  type AVPacketSideDataType,
  type AVPixelFormat,
  type AVProfile,
  type AVSampleFormat,
} from 'node-av/constants';
import { avGetCodecName, CodecContext, CodecParameters, Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { requireNative, requireObject } from '../../schema/argument.js';
import { check, pixelFormatName, sampleFormatName } from '../ffmpeg.js';
import { describeLayout, parseLayout } from '../frame/channel-layout.js';
import type { Rational } from '../time.js';
import { requireUnit } from '../time-door.js';

export type StreamKind = 'video' | 'audio' | 'subtitle' | 'data' | 'attachment';

/** JSON holds all of it: no bigint, bytes as base64. Numbers without a name are FFmpeg's own. */
export interface StreamInfoData {
  kind: StreamKind;
  /** FFmpeg's name of the codec, e.g. 'h264'. */
  codec: string;
  /** AVMediaType and AVCodecID. */
  codecType: number;
  codecId: number;
  /** The container's four bytes for the codec; 0 if unknown. */
  codecTag: number;
  /** Seconds per unit of the packets' times. */
  timeBase: Rational;
  /** Frames per second, if known. */
  frameRate?: Rational | undefined;
  /** Bits per second; 0 if unknown. */
  bitRate: number;
  /** AVPixelFormat or AVSampleFormat; -1 if unknown. */
  format: number;
  profile: number;
  level: number;
  bitsPerCodedSample: number;
  bitsPerRawSample: number;
  /** Pixels. */
  width: number;
  height: number;
  sampleAspectRatio: Rational;
  colorRange: number;
  colorPrimaries: number;
  colorTransfer: number;
  colorSpace: number;
  chromaLocation: number;
  /** Frames the decoder delays its output by at least. */
  videoDelay: number;
  sampleRate: number;
  channels: number;
  /** FFmpeg's description, '' without channels. */
  channelLayout: string;
  /** Samples per packet and channel; 0 if it varies. */
  frameSize: number;
  /** Samples the encoder put before the first. */
  initialPadding: number;
  /** Bytes per packet, which some audio codecs (ADPCM, WMA) need to know; 0 if unknown. */
  blockAlign: number;
  /** AVFieldOrder of video. */
  fieldOrder: number;
  /** Codec headers, base64; '' if there are none. */
  extradata: string;
  /** Data that holds for the whole stream, such as a display matrix; `type` is an AVPacketSideDataType, data base64. */
  sideData: { type: number; data: string }[];
  /** AV_DISPOSITION_* bits of the stream. */
  disposition: number;
  metadata: Record<string, string>;
}

const NUMBERS = [
  ...(['codecType', 'codecId', 'codecTag', 'bitRate', 'format', 'profile', 'level', 'bitsPerCodedSample'] as const),
  ...(['bitsPerRawSample', 'width', 'height', 'colorRange', 'colorPrimaries', 'colorTransfer', 'colorSpace'] as const),
  ...(['chromaLocation', 'videoDelay', 'sampleRate', 'channels', 'frameSize', 'initialPadding', 'blockAlign'] as const),
  ...(['fieldOrder', 'disposition'] as const),
] satisfies (keyof StreamInfoData)[];
const TEXTS = ['kind', 'codec', 'channelLayout', 'extradata'] as const satisfies (keyof StreamInfoData)[];
const OBJECTS = ['sampleAspectRatio', 'sideData', 'metadata'] as const satisfies (keyof StreamInfoData)[];

/** What FFmpeg's setters would take for something else, or refuse without saying what it is. */
function requireData(data: StreamInfoData): void {
  const refuse = (name: keyof StreamInfoData, is: string): never => {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${name} of a stream cannot be ${describeValue(data[name])}`, {
      hint: `It is ${is}, as toJSON() of a StreamInfo gives it`,
    });
  };
  for (const name of NUMBERS) if (!Number.isInteger(data[name])) refuse(name, 'a whole number');
  for (const name of TEXTS) if (typeof data[name] !== 'string') refuse(name, 'a text');
  for (const name of OBJECTS) if (typeof data[name] !== 'object' || data[name] === null) refuse(name, 'an object');
  requireUnit(data.timeBase);
}

export class StreamInfo {
  readonly #data: Readonly<StreamInfoData>;

  private constructor(data: StreamInfoData) {
    this.#data = data;
  }

  /**
   * Reads codec parameters, which stay the caller's.
   * @param stream What a container knows besides: `timeBase` is that of the packets to come. A pixel aspect that the
   * container has goes before that of the codec (av_guess_sample_aspect_ratio).
   */
  static fromCodecParameters(
    par: CodecParameters,
    stream: {
      timeBase: Rational;
      frameRate?: Rational | undefined;
      sampleAspectRatio?: Rational | undefined;
      disposition?: number | undefined;
      metadata?: Record<string, string> | undefined;
    },
  ): StreamInfo {
    requireNative(par, 'the codec parameters of a stream');
    requireObject(stream, 'what is known of a stream besides', 'ERR_MILLRACE_PAYLOAD');
    return new StreamInfo({
      kind: kindOf(par.codecType),
      codec: avGetCodecName(par.codecId) ?? 'none',
      codecType: par.codecType,
      codecId: par.codecId,
      codecTag: par.codecTag,
      timeBase: plain(stream.timeBase),
      frameRate: stream.frameRate ? plain(stream.frameRate) : undefined,
      bitRate: Number(par.bitRate),
      format: par.format,
      profile: par.profile,
      level: par.level,
      bitsPerCodedSample: par.bitsPerCodedSample,
      bitsPerRawSample: par.bitsPerRawSample,
      width: par.width,
      height: par.height,
      sampleAspectRatio: guessAspect(stream.sampleAspectRatio, par.sampleAspectRatio),
      colorRange: par.colorRange,
      colorPrimaries: par.colorPrimaries,
      colorTransfer: par.colorTrc,
      colorSpace: par.colorSpace,
      chromaLocation: par.chromaLocation,
      videoDelay: par.videoDelay,
      sampleRate: par.sampleRate,
      channels: par.channels,
      channelLayout: par.channels > 0 ? describeLayout(par.channelLayout) : '',
      frameSize: par.frameSize,
      initialPadding: par.initialPadding,
      ...hiddenParameters(par),
      extradata: par.extradata?.toString('base64') ?? '',
      sideData: par.getAllCodedSideData().map(({ type, data }) => ({ type, data: data.toString('base64') })),
      disposition: stream.disposition ?? 0,
      metadata: { ...stream.metadata },
    });
  }

  /**
   * From what `toJSON()` has told.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for data that is not all of it.
   */
  static fromJSON(data: StreamInfoData): StreamInfo {
    requireObject(data, 'the data of a stream', 'ERR_MILLRACE_PAYLOAD');
    requireData(data);
    return new StreamInfo(structuredClone(data));
  }

  /** For JSON.stringify, and for crossing threads. */
  toJSON(): StreamInfoData {
    return structuredClone(this.#data);
  }

  /** New codec parameters, which the caller frees. */
  toCodecParameters(): CodecParameters {
    const data = this.#data;
    const par = new CodecParameters();
    par.alloc();
    try {
      setFirst(par, data);
      par.codecType = data.codecType as AVMediaType;
      par.codecId = data.codecId as AVCodecID;
      par.codecTag = data.codecTag;
      par.bitRate = BigInt(data.bitRate);
      par.format = data.format as AVPixelFormat | AVSampleFormat;
      par.profile = data.profile as AVProfile;
      par.level = data.level;
      par.bitsPerCodedSample = data.bitsPerCodedSample;
      par.bitsPerRawSample = data.bitsPerRawSample;
      par.width = data.width;
      par.height = data.height;
      par.sampleAspectRatio = native(data.sampleAspectRatio);
      if (data.frameRate) par.frameRate = native(data.frameRate);
      par.colorRange = data.colorRange as AVColorRange;
      par.colorPrimaries = data.colorPrimaries as AVColorPrimaries;
      par.colorTrc = data.colorTransfer as AVColorTransferCharacteristic;
      par.colorSpace = data.colorSpace as AVColorSpace;
      par.chromaLocation = data.chromaLocation as AVChromaLocation;
      par.videoDelay = data.videoDelay;
      par.sampleRate = data.sampleRate;
      par.frameSize = data.frameSize;
      par.initialPadding = data.initialPadding;
      if (data.extradata) par.extradata = Buffer.from(data.extradata, 'base64');
      for (const { type, data: bytes } of data.sideData) {
        const ret = par.addCodedSideData(type as AVPacketSideDataType, Buffer.from(bytes, 'base64'));
        check(ret, `Cannot add side data of type ${type} to the parameters of ${data.codec}`);
      }
      return par;
    } catch (error) {
      par.free();
      throw error;
    }
  }

  get kind(): StreamKind {
    return this.#data.kind;
  }

  /** FFmpeg's name of the codec, e.g. 'h264'. */
  get codec(): string {
    return this.#data.codec;
  }

  /** Seconds per unit of the packets' times. */
  get timeBase(): Rational {
    return this.#data.timeBase;
  }

  /** Frames per second, if known. */
  get frameRate(): Rational | undefined {
    return this.#data.frameRate;
  }

  /** Pixels; 0 unless it is video. */
  get width(): number {
    return this.#data.width;
  }

  get height(): number {
    return this.#data.height;
  }

  get sampleAspectRatio(): Rational {
    return this.#data.sampleAspectRatio;
  }

  /** FFmpeg's name of the pixel or sample format; 'none' if unknown. */
  get format(): string {
    const format = this.#data.format;
    if (this.kind === 'audio') return sampleFormatName(format as AVSampleFormat);
    return this.kind === 'video' ? pixelFormatName(format as AVPixelFormat) : 'none';
  }

  /** Samples per second; 0 unless it is audio. */
  get sampleRate(): number {
    return this.#data.sampleRate;
  }

  get channels(): number {
    return this.#data.channels;
  }

  /** FFmpeg's description, e.g. 'stereo'; '' unless it is audio. */
  get channelLayout(): string {
    return this.#data.channelLayout;
  }

  /** Bits per second; 0 if unknown. */
  get bitRate(): number {
    return this.#data.bitRate;
  }

  /** Codec headers, a copy; empty if there are none. */
  get extradata(): Uint8Array {
    return new Uint8Array(Buffer.from(this.#data.extradata, 'base64'));
  }

  /** AV_DISPOSITION_* bits. */
  get disposition(): number {
    return this.#data.disposition;
  }

  get metadata(): Readonly<Record<string, string>> {
    return this.#data.metadata;
  }
}

/** What node-av shows only as options of a codec context. */
function hiddenParameters(par: CodecParameters): { blockAlign: number; fieldOrder: number } {
  const codec = new CodecContext();
  codec.allocContext3(null);
  try {
    check(codec.parametersToContext(par), `Cannot read the parameters of ${avGetCodecName(par.codecId) ?? 'a stream'}`);
    return {
      blockAlign: codec.getOption('block_align', AV_OPT_TYPE_INT) ?? 0,
      fieldOrder: codec.getOption('field_order', AV_OPT_TYPE_INT) ?? 0,
    };
  } finally {
    codec.freeContext();
  }
}

/**
 * Must come first: copying from a codec context resets all other parameters. It is the way for what node-av cannot set
 * directly, among it the map of a custom layout, which is native memory; FFmpeg copies it between its own structs.
 */
function setFirst(
  par: CodecParameters,
  { channels, channelLayout, blockAlign, fieldOrder, codecType }: StreamInfoData,
) {
  const layout = channels > 0 ? parseLayout(channelLayout) : undefined;
  if (layout?.names !== undefined || blockAlign > 0 || fieldOrder > 0) {
    const codec = new CodecContext();
    codec.allocContext3(null);
    try {
      // avcodec_parameters_from_context copies only what the kind of stream has.
      codec.codecType = codecType as AVMediaType;
      if (blockAlign > 0) check(codec.setOption('block_align', String(blockAlign)), 'Cannot set the block size');
      if (fieldOrder > 0) check(codec.setOption('field_order', String(fieldOrder)), 'Cannot set the field order');
      if (layout?.names !== undefined)
        check(codec.setOption('ch_layout', layout.names), `Cannot set the channel layout '${channelLayout}'`);
      check(par.fromContext(codec), 'Cannot copy the parameters of a stream');
    } finally {
      codec.freeContext();
    }
  }
  if (layout !== undefined && layout.names === undefined) par.channelLayout = layout;
}

export function kindOf(type: AVMediaType): StreamKind {
  if (type === AVMEDIA_TYPE_VIDEO) return 'video';
  if (type === AVMEDIA_TYPE_AUDIO) return 'audio';
  if (type === AVMEDIA_TYPE_ATTACHMENT) return 'attachment';
  return type === AVMEDIA_TYPE_SUBTITLE ? 'subtitle' : 'data';
}

/** The aspect that counts: the container's if it has one, else the codec's (av_guess_sample_aspect_ratio). */
function guessAspect(container: Rational | undefined, codec: Rational): Rational {
  return plain(container !== undefined && isAspect(container) ? container : codec);
}

/** False for the 0/1 of an aspect that is not known. */
export function isAspect({ num, den }: Rational): boolean {
  return num > 0 && den > 0;
}

function plain({ num, den }: Rational): Rational {
  return { num, den };
}

function native({ num, den }: Rational): NativeRational {
  return new NativeRational(num, den);
}
