/** What an open input holds, without decoding it. */
import {
  AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_PKT_DATA_DOVI_CONF,
  AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
  type AVPacketSideDataType,
} from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { colorPrimariesName, colorRangeName, colorSpaceName, colorTransferName } from '../../src/media/frame/color.js';
import {
  fromNativeTimestamp,
  MICROSECONDS,
  type Rational,
  StreamInfo,
  type StreamInfoData,
} from '../../src/media/index.js';
import type { Input } from '../decoder/input/input.js';
import { rotation } from '../decoder/track/autorotate.js';
import { dispositionNames } from '../shared/dispositions.js';
import { contentLight, dolbyVision, masteringDisplay } from '../shared/hdr.js';
import type { MediaColor, MediaHdr, MediaInfo, MediaStream } from '../shared/media-info.js';
import { readOutline } from '../shared/outline.js';
import { profileName } from './profiles.js';

export function describeInput(input: Input): MediaInfo {
  const pieces = input.dump();
  return {
    path: input.path,
    format: defined({
      name: input.format,
      duration: seconds(input.duration, MICROSECONDS),
      start: seconds(input.startTime, MICROSECONDS),
      bitRate: known(input.bitRate),
      size: input.size,
      tags: input.tags,
      ...(pieces && readOutline(pieces)),
    }),
    streams: input.streams.map(describe),
  };
}

function describe(stream: Stream): MediaStream {
  const info = StreamInfo.fromCodecParameters(stream.codecpar, {
    timeBase: stream.timeBase,
    frameRate: stream.avgFrameRate,
    sampleAspectRatio: stream.sampleAspectRatio,
    disposition: stream.disposition,
    metadata: stream.metadata?.getAll(),
  });
  // The numbers for which the stream's own object has no names.
  const data = info.toJSON();
  const { kind, codec, timeBase, metadata } = data;
  const { num, den } = timeBase;
  return defined({
    index: stream.index,
    kind,
    codec,
    profile: profileName(codec, data.profile),
    level: known(data.level),
    language: metadata.language,
    title: metadata.title,
    tags: metadata,
    disposition: dispositionNames(info.disposition),
    timeBase: { num, den },
    start: seconds(fromNativeTimestamp(stream.startTime), timeBase),
    duration: seconds(fromNativeTimestamp(stream.duration), timeBase),
    bitRate: known(info.bitRate),
    frames: known(Number(stream.nbFrames)),
    ...(kind === 'video' ? picture(stream, info, data) : kind === 'audio' ? sound(info, data) : {}),
  });
}

function picture(stream: Stream, info: StreamInfo, data: StreamInfoData): Undefinable<MediaStream> {
  return {
    width: known(info.width),
    height: known(info.height),
    sampleAspectRatio: fraction(info.sampleAspectRatio),
    rotation: known(rotationOf(stream)),
    pixelFormat: named(info.format),
    fieldOrder: FIELD_ORDERS[data.fieldOrder],
    color: whole<MediaColor>({
      range: specified(colorRangeName(data.colorRange)),
      space: specified(colorSpaceName(data.colorSpace)),
      primaries: specified(colorPrimariesName(data.colorPrimaries)),
      transfer: specified(colorTransferName(data.colorTransfer)),
      chromaLocation: CHROMA_LOCATIONS[data.chromaLocation],
    }),
    hdr: whole<MediaHdr>({
      masteringDisplay: masteringDisplay(sideData(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA)),
      contentLight: contentLight(sideData(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL)),
      dolbyVision: dolbyVision(sideData(stream, AV_PKT_DATA_DOVI_CONF)),
    }),
    frameRate: fraction(info.frameRate),
  };
}

function sound(info: StreamInfo, data: StreamInfoData): Undefinable<MediaStream> {
  return {
    sampleRate: known(info.sampleRate),
    channels: known(info.channels),
    channelLayout: info.channelLayout || undefined,
    sampleFormat: named(info.format),
    bitsPerSample: known(data.bitsPerRawSample),
  };
}

const FIELD_ORDERS = [undefined, 'progressive', 'tt', 'bb', 'tb', 'bt'];
const CHROMA_LOCATIONS = [undefined, 'left', 'center', 'topleft', 'top', 'bottomleft', 'bottom'];

function sideData(stream: Stream, wanted: AVPacketSideDataType): Buffer | undefined {
  return stream.codecpar.getAllCodedSideData().find(({ type }) => type === wanted)?.data;
}

function rotationOf(stream: Stream): number {
  const matrix = sideData(stream, AV_PKT_DATA_DISPLAYMATRIX);
  return matrix === undefined ? 0 : rotation(Int32Array.from({ length: 9 }, (_, i) => matrix.readInt32LE(4 * i)));
}

/** A time of FFmpeg's as seconds. */
export function seconds(value: bigint | undefined, unit: Rational): number | undefined {
  return value === undefined ? undefined : (Number(value) * unit.num) / unit.den;
}

/** FFmpeg's 0 for numbers it does not know, and -99. */
function known(value: number): number | undefined {
  return value > 0 ? value : undefined;
}

function named(format: string): string | undefined {
  return format === 'none' ? undefined : format;
}

function specified(name: string): string | undefined {
  return name === 'unknown' || name === 'reserved' ? undefined : name;
}

function fraction(value: Rational | undefined): Rational | undefined {
  return value && value.num > 0 && value.den > 0 ? { num: value.num, den: value.den } : undefined;
}

type Undefinable<T> = { [K in keyof T]?: T[K] | undefined };

/** Without the keys that are undefined. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined } & object): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}

/** The same; undefined if nothing is left. */
function whole<T extends object>(value: Undefinable<T>): T | undefined {
  const left = defined<Partial<T>>(value as Partial<T>);
  return Object.keys(left).length > 0 ? (left as T) : undefined;
}
