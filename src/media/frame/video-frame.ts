/** A decoded picture. */

import {
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_KEY,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
  type AVPictureType,
  type AVPixelFormat,
} from 'node-av/constants';
import { type Frame, Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { requireObject } from '../../schema/argument.js';
import { check, pixelFormat, pixelFormatName, toNativeTimestamp } from '../ffmpeg.js';
import { markOwned } from '../packet/owned.js';
import type { Rational } from '../time.js';
import { requireRate, requireUnit } from '../time-door.js';
import { colorPrimariesName, colorRangeName, colorSpaceName, colorTransferName } from './color.js';
import { FrameBase, type FrameTime, type Plane, requireFrameTime } from './frame-base.js';
import { allocPicture, unpackPicture } from './picture-memory.js';
import { meanPictureType } from './picture-type.js';
import { pictureLayout } from './plane-layout.js';
import { scalePicture } from './scale.js';

export interface VideoFrameOptions extends FrameTime {
  /** Pixels. */
  width: number;
  height: number;
  /** FFmpeg pixel format, e.g. 'yuv420p'. */
  format: string;
  /** Frames per second. */
  frameRate?: Rational | undefined;
}

/** AVPictureType, from AV_PICTURE_TYPE_I = 1 on. */
const PICTURE_TYPES = ['I', 'P', 'B', 'S', 'SI', 'SP', 'BI'] as const;
export type PictureType = (typeof PICTURE_TYPES)[number];

/** Owns one reference to one AVFrame; `close()` gives it back. */
export class VideoFrame extends FrameBase {
  static {
    markOwned(VideoFrame.prototype);
  }

  /** Frames per second if the stream has a known rate. Not part of AVFrame; travels with the frame nevertheless. */
  frameRate: Rational | undefined;

  private constructor(av: Frame, frameRate: Rational | undefined, free?: (av: Frame) => void) {
    super(av, free);
    this.frameRate = frameRate;
  }

  /**
   * Takes over the ownership of a node-av frame: the caller must not free it any more.
   * @param extra.free what releases it, instead of its own `free`.
   */
  static wrap(av: Frame, extra: { frameRate?: Rational | undefined; free?: (av: Frame) => void } = {}): VideoFrame {
    requireObject(extra, 'what VideoFrame.wrap is given besides', 'ERR_MILLRACE_PAYLOAD');
    return new VideoFrame(av, extra.frameRate, extra.free);
  }

  /**
   * A frame with memory of its own, whose pixels are not set.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for an unknown format, FFmpegError for an impossible size.
   */
  static alloc(options: VideoFrameOptions): VideoFrame {
    requireObject(options, 'options of a video frame', 'ERR_MILLRACE_PAYLOAD');
    requireFrameTime(options);
    requireRate(options.frameRate, 'frameRate');
    const av = allocPicture(pixelFormat(options.format), options.width, options.height);
    // Of a picture that no decoder made, whatever is written into `av.pictType` is the user's word.
    meanPictureType(av);
    av.pts = toNativeTimestamp(options.pts);
    if (options.duration !== undefined) av.duration = options.duration;
    if (options.timeBase) av.timeBase = new NativeRational(options.timeBase.num, options.timeBase.den);
    return VideoFrame.wrap(av, { frameRate: options.frameRate });
  }

  /**
   * A frame with a copy of the given pixels.
   * @param pixels One array of the whole picture, or one per plane; rows without padding.
   * @param options `format` is 'rgba' unless given.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if the bytes do not fit the size and format.
   */
  static from(
    pixels: Uint8Array | Uint8ClampedArray | readonly (Uint8Array | Uint8ClampedArray)[],
    options: Omit<VideoFrameOptions, 'format'> & { format?: string },
  ): VideoFrame {
    requireObject(options, 'options of a video frame', 'ERR_MILLRACE_PAYLOAD');
    const format = options.format ?? 'rgba';
    const { width, height } = options;
    const parts: readonly unknown[] = isArray(pixels) ? pixels : [pixels];
    const other = parts.find((part) => !(part instanceof Uint8Array || part instanceof Uint8ClampedArray));
    if (parts.length === 0 || parts.some((part) => part === other)) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `Pixels cannot be ${describeValue(other)}`, {
        hint: 'They are a Uint8Array of the whole picture, or a list with one per plane',
      });
    }
    const { planes, packedBytes } = pictureLayout(pixelFormat(format), width, height);
    const sizes = planes.map((plane) => plane.rowBytes * plane.rows);
    const given = isArray(pixels) ? pixels.map((plane) => plane.byteLength) : [pixels.byteLength];
    const fits = isArray(pixels)
      ? given.length === sizes.length && given.every((size, i) => size === sizes[i])
      : given[0] === packedBytes;
    if (!fits) {
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `A ${format} picture of ${width}x${height} takes ${sizes.join(' + ')} bytes, ${given.join(' + ')} were given`,
        { hint: 'Rows are expected without padding between them' },
      );
    }
    const frame = VideoFrame.alloc({ ...options, format });
    try {
      unpackPicture(frame.av, isArray(pixels) ? Buffer.concat(pixels.map(asBytes)) : asBytes(pixels));
    } catch (error) {
      frame.close();
      throw error;
    }
    return frame;
  }

  get width(): number {
    return this.av.width;
  }

  get height(): number {
    return this.av.height;
  }

  /** FFmpeg's name of the pixel format, e.g. 'yuv420p'. */
  get format(): string {
    return pixelFormatName(this.av.format as AVPixelFormat);
  }

  /** Width to height of one pixel; 0/1 if unknown. */
  get sampleAspectRatio(): Rational {
    const { num, den } = this.av.sampleAspectRatio;
    return { num, den };
  }

  set sampleAspectRatio(value: Rational) {
    const { num, den } = requireUnit(value, 'sampleAspectRatio');
    this.av.sampleAspectRatio = new NativeRational(num, den);
  }

  /** FFmpeg's name of the matrix: 'bt709', 'smpte170m', 'gbr', …, 'unknown'. */
  get colorSpace(): string {
    return colorSpaceName(this.av.colorSpace);
  }

  /** 'tv' (limited), 'pc' (full) or 'unknown'. */
  get colorRange(): string {
    return colorRangeName(this.av.colorRange);
  }

  /** FFmpeg's name of the primaries: 'bt709', 'bt2020', …, 'unknown'. */
  get colorPrimaries(): string {
    return colorPrimariesName(this.av.colorPrimaries);
  }

  /** FFmpeg's name of the transfer curve: 'bt709', 'smpte2084', …, 'unknown'. */
  get colorTransfer(): string {
    return colorTransferName(this.av.colorTrc);
  }

  get keyFrame(): boolean {
    return (this.av.flags & AV_FRAME_FLAG_KEY) !== 0;
  }

  /**
   * How the picture was coded, as its decoder saw it. Setting it tells encoders how to code it: 'I' makes a key frame,
   * undefined leaves it to the encoder, which is also what becomes of a type that a decoder left. Codecs without that
   * choice (all key frames, or none to order) follow their own rules, and the run warns.
   */
  get pictureType(): PictureType | undefined {
    return PICTURE_TYPES[this.av.pictType - 1];
  }

  set pictureType(value: PictureType | undefined) {
    const { av } = this;
    if (value !== undefined && !PICTURE_TYPES.includes(value)) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `pictureType cannot be ${describeValue(value)}`, {
        hint: `It is one of ${PICTURE_TYPES.join(', ')}; undefined leaves it to the encoder`,
      });
    }
    av.pictType = (value === undefined ? 0 : PICTURE_TYPES.indexOf(value) + 1) as AVPictureType;
    meanPictureType(av);
  }

  get interlaced(): boolean {
    return (this.av.flags & AV_FRAME_FLAG_INTERLACED) !== 0;
  }

  /** Of an interlaced frame: the top field comes first. */
  get topFieldFirst(): boolean {
    return (this.av.flags & AV_FRAME_FLAG_TOP_FIELD_FIRST) !== 0;
  }

  /** True for a picture in the memory of a graphics processor; its pixels have to be downloaded before they are read. */
  get hardware(): boolean {
    return this.av.isHwFrame();
  }

  /**
   * See `FrameBase.planes`. A picture that is stored bottom-up (FFmpeg's vflip does that) is first stored top-down in
   * memory of its own, because a view cannot run backwards. The palette of 'pal8' comes last and is a copy.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a hardware frame.
   */
  override planes(): Plane[] {
    if (this.av.linesize.some((stride) => stride < 0)) this.#straighten();
    return super.planes();
  }

  #straighten(): void {
    const source = this.av;
    const target = allocPicture(source.format as AVPixelFormat, source.width, source.height);
    try {
      check(target.copy(source), 'Cannot copy a picture that is stored bottom-up');
      check(target.copyProps(source), 'Cannot copy the properties of a picture');
      this.replace((av) => {
        av.unref();
        check(av.ref(target), 'Cannot reference a picture');
      });
    } finally {
      target.free();
    }
  }

  protected override mapPlanes(av: Frame): Plane[] {
    requireSoftware(av);
    const views = av.data ?? [];
    const strides = av.linesize;
    const { planes } = pictureLayout(av.format as AVPixelFormat, av.width, av.height);
    return planes.map(({ rowBytes, rows }, i) => {
      const view = views[i];
      if (view === undefined) {
        const palette = av.toBuffer().subarray(-rowBytes);
        return { data: new Uint8Array(palette), stride: rowBytes, width: rowBytes, height: rows };
      }
      const stride = strides[i]!;
      // Cut after the last pixel: of a cropped picture the padding of the last row may lie outside its memory.
      const data = new Uint8Array(view.buffer, view.byteOffset, (rows - 1) * stride + rowBytes);
      return { data, stride, width: rowBytes, height: rows };
    });
  }

  clone(): VideoFrame {
    return VideoFrame.wrap(this.cloneNative(), { frameRate: this.frameRate });
  }

  /** The pixels in one piece, planes one after another, rows without padding; converted if another format is asked for. */
  toBuffer(format?: string): Buffer {
    if (format !== undefined && format !== this.format) {
      const converted = this.reformat({ format });
      try {
        return converted.av.toBuffer();
      } finally {
        converted.close();
      }
    }
    requireSoftware(this.av);
    return this.av.toBuffer();
  }

  /** The picture as RGBA, 8 bits each, as a canvas takes it. */
  toImageData(): { data: Uint8ClampedArray; width: number; height: number } {
    const rgba = this.toBuffer('rgba');
    return {
      data: new Uint8ClampedArray(rgba.buffer, rgba.byteOffset, rgba.byteLength),
      width: this.width,
      height: this.height,
    };
  }

  /**
   * A new frame in another size or pixel format (libswscale, bicubic), with all other properties of this one. Without
   * any change it is a clone.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a size or a format that is none.
   */
  reformat(options: { width?: number; height?: number; format?: string }): VideoFrame {
    requireObject(options, 'what a frame is to become', 'ERR_MILLRACE_PAYLOAD');
    const width = options.width ?? this.width;
    const height = options.height ?? this.height;
    const format = options.format === undefined ? (this.av.format as AVPixelFormat) : pixelFormat(options.format);
    if (width === this.width && height === this.height && format === this.av.format) return this.clone();
    return VideoFrame.wrap(scalePicture(this.av, width, height, format), { frameRate: this.frameRate });
  }
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for a frame whose pixels are not in main memory. */
export function requireSoftware(av: Frame): void {
  if (!av.isHwFrame()) return;
  const format = pixelFormatName(av.format as AVPixelFormat);
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `The pixels of a ${format} frame are in the memory of a device`, {
    hint: "Download it first, for instance with the filter 'hwdownload'",
  });
}

function asBytes(view: Uint8Array | Uint8ClampedArray): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function isArray<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
