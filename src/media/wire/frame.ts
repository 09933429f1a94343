/** Frames across threads, by copy: all properties of AVFrame that node-av shows, and the pixels or samples. */
import {
  AV_FRAME_DATA_RAW_COLOR_PARAMS,
  type AVAlphaMode,
  type AVChromaLocation,
  type AVColorPrimaries,
  type AVColorRange,
  type AVColorSpace,
  type AVColorTransferCharacteristic,
  type AVFrameSideDataType,
  type AVPictureType,
  type AVPixelFormat,
  type AVSampleFormat,
} from 'node-av/constants';
import { type Frame, Rational as NativeRational } from 'node-av/lib';
import { AudioFrame, allocSamples } from '../frame/audio-frame.js';
import { describeLayout, parseLayout } from '../frame/channel-layout.js';
import { applyMetadata } from '../frame/metadata.js';
import { allocPicture, packPicture, unpackPicture } from '../frame/picture-memory.js';
import { pictureLayout } from '../frame/plane-layout.js';
import { requireSoftware, VideoFrame } from '../frame/video-frame.js';
import type { Rational } from '../time.js';
import { type Blob, blobOf } from './blob.js';

interface FrameMeta {
  format: number;
  pts: bigint;
  dts: bigint;
  duration: bigint;
  num: number;
  den: number;
  flags: number;
  quality: number;
  errors: number;
  metadata?: Record<string, string>;
  /** AVFrameSideDataType of each blob after the first. */
  sideData: number[];
}

export interface VideoMeta extends FrameMeta {
  width: number;
  height: number;
  frameRate?: Rational;
  aspect: Rational;
  range: number;
  primaries: number;
  transfer: number;
  space: number;
  chroma: number;
  alpha: number;
  picture: number;
  repeat: number;
}

/**
 * A list, because sound comes in many small frames: the names of properties would be most of what is packed and read. The
 * layout is FFmpeg's description, the one form that also holds custom orders.
 */
export type AudioMeta = readonly [
  ...sound: [samples: number, rate: number, layout: string],
  ...time: [pts: bigint, dts: bigint, duration: bigint, num: number, den: number],
  ...state: [format: number, flags: number, quality: number, errors: number],
  ...beside: [sideData: number[], metadata: Record<string, string> | null],
];

// The last kind of side data this FFmpeg knows.
const LAST_SIDE_DATA = AV_FRAME_DATA_RAW_COLOR_PARAMS;

/** Not carried: opaque pointers, cropping not yet applied, and all but the first of several side data of one type. */
export function videoMeta(frame: VideoFrame): [VideoMeta, Blob[]] {
  const { av } = frame;
  requireSoftware(av);
  const { width, height } = av;
  const { num, den } = av.sampleAspectRatio;
  const [common, sideData] = describeCommon(av);
  const meta: VideoMeta = {
    ...common,
    width,
    height,
    aspect: { num, den },
    range: av.colorRange,
    primaries: av.colorPrimaries,
    transfer: av.colorTrc,
    space: av.colorSpace,
    chroma: av.chromaLocation,
    alpha: av.alphaMode,
    picture: av.pictType,
    repeat: av.repeatPict,
  };
  if (frame.frameRate) meta.frameRate = { num: frame.frameRate.num, den: frame.frameRate.den };
  const { packedBytes } = pictureLayout(av.format as AVPixelFormat, width, height);
  const picture: Blob = { byteLength: packedBytes, copyTo: (target) => packPicture(frame.av, target) };
  return [meta, [picture, ...sideData]];
}

export function restoreVideo(meta: VideoMeta, picture: Uint8Array, sideData: readonly Uint8Array[]): VideoFrame {
  const av = allocPicture(meta.format as AVPixelFormat, meta.width, meta.height);
  try {
    unpackPicture(av, picture);
    restoreCommon(av, meta, sideData);
    av.sampleAspectRatio = new NativeRational(meta.aspect.num, meta.aspect.den);
    av.colorRange = meta.range as AVColorRange;
    av.colorPrimaries = meta.primaries as AVColorPrimaries;
    av.colorTrc = meta.transfer as AVColorTransferCharacteristic;
    av.colorSpace = meta.space as AVColorSpace;
    av.chromaLocation = meta.chroma as AVChromaLocation;
    av.alphaMode = meta.alpha as AVAlphaMode;
    av.pictType = meta.picture as AVPictureType;
    av.repeatPict = meta.repeat;
  } catch (error) {
    av.free();
    throw error;
  }
  return VideoFrame.wrap(av, { frameRate: meta.frameRate });
}

export function audioMeta(frame: AudioFrame): [AudioMeta, Blob[]] {
  const { av } = frame;
  const [common, sideData] = describeCommon(av);
  const { format, pts, dts, duration, num, den, flags, quality, errors, metadata = null } = common;
  const meta: AudioMeta = [
    ...([av.nbSamples, av.sampleRate, describeLayout(av.channelLayout)] as const),
    ...([pts, dts, duration, num, den] as const),
    ...([format, flags, quality, errors] as const),
    ...([common.sideData, metadata] as const),
  ];
  const planes = frame.planes().map((plane) => plane.data);
  const samples: Blob = {
    byteLength: planes.reduce((sum, plane) => sum + plane.byteLength, 0),
    copyTo(target) {
      let at = 0;
      for (const plane of planes) {
        target.set(plane, at);
        at += plane.byteLength;
      }
    },
  };
  return [meta, [samples, ...sideData]];
}

export function restoreAudio(meta: AudioMeta, samples: Uint8Array, sideData: readonly Uint8Array[]): AudioFrame {
  const [count, rate, layout, pts, dts, duration, num, den, format, flags, quality, errors, kinds, metadata] = meta;
  const av = allocSamples(format as AVSampleFormat, parseLayout(layout), rate, count);
  const frame = AudioFrame.wrap(av);
  try {
    const common: FrameMeta = { format, pts, dts, duration, num, den, flags, quality, errors, sideData: kinds };
    restoreCommon(av, metadata === null ? common : { ...common, metadata }, sideData);
    av.sampleRate = rate;
    let at = 0;
    for (const { data } of frame.planes()) {
      data.set(samples.subarray(at, at + data.byteLength));
      at += data.byteLength;
    }
  } catch (error) {
    frame.close();
    throw error;
  }
  return frame;
}

function describeCommon(av: Frame): [FrameMeta, Blob[]] {
  const { num, den } = av.timeBase;
  const meta: FrameMeta = {
    format: av.format,
    pts: av.pts,
    dts: av.pktDts,
    duration: av.duration,
    num,
    den,
    flags: av.flags,
    quality: av.quality,
    errors: av.decodeErrorFlags,
    sideData: [],
  };
  const dictionary = av.getMetadata();
  try {
    if (dictionary.count() > 0) meta.metadata = dictionary.getAll();
  } finally {
    dictionary.free();
  }
  const blobs: Blob[] = [];
  const native = av.getNative();
  for (let type = 0; type <= LAST_SIDE_DATA; type++) {
    const data = native.getSideData(type as AVFrameSideDataType);
    if (data === null) continue;
    meta.sideData.push(type);
    blobs.push(blobOf(data));
  }
  return [meta, blobs];
}

/** Comes before all other properties are set: metadata resets them. */
function restoreCommon(av: Frame, meta: FrameMeta, sideData: readonly Uint8Array[]): void {
  if (meta.metadata) applyMetadata(av, meta.metadata);
  av.pts = meta.pts;
  av.pktDts = meta.dts;
  av.duration = meta.duration;
  av.timeBase = new NativeRational(meta.num, meta.den);
  av.flags = meta.flags;
  av.quality = meta.quality;
  av.decodeErrorFlags = meta.errors;
  meta.sideData.forEach((type, i) => {
    const bytes = sideData[i]!;
    av.newSideData(type as AVFrameSideDataType, bytes.byteLength).set(bytes);
  });
}
