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
import { download } from '../device/frames.js';
import { check, pixelFormat, pixelFormatName, toNativeTimestamp } from '../ffmpeg.js';
import { markOwned } from '../packet/owned.js';
import type { Rational } from '../time.js';
import { requireRate, requireUnit } from '../time-door.js';
import { colorPrimariesName, colorRangeName, colorSpaceName, colorTransferName } from './color.js';
import { cropPicture, type Rectangle, requireWithin } from './crop.js';
import { type PictureDescription, pictureTags, wantedColour } from './description.js';
import { FrameBase, type FrameTime, otherKind, type Plane, requireFrameTime } from './frame-base.js';
import { allocPicture, unpackPicture } from './picture-memory.js';
import { meanPictureType } from './picture-type.js';
import { type Pixels, packedPixels } from './pixels.js';
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
   * @param pixels One array of the whole picture, or one per plane.
   * @param options `format` is 'rgba' unless given. `strides`: bytes from one row to the next, one number for each plane, of arrays whose
   *   rows are padded, or that show a part of a larger picture; default: rows without padding.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if the bytes do not fit the size and format.
   * @example
   * const { data, info } = await sharp('in.png').raw().toBuffer({ resolveWithObject: true });
   * const frame = VideoFrame.from(data, { width: info.width, height: info.height, format: info.channels === 4 ? 'rgba' : 'rgb24' });
   */
  static from(
    pixels: Pixels,
    options: Omit<VideoFrameOptions, 'format'> & { format?: string; strides?: number | readonly number[] | undefined },
  ): VideoFrame {
    requireObject(options, 'options of a video frame', 'ERR_MILLRACE_PAYLOAD');
    const { format = 'rgba', strides, ...rest } = options;
    const packed = packedPixels(pixels, { format, width: rest.width, height: rest.height, strides });
    const frame = VideoFrame.alloc({ ...rest, format });
    try {
      unpackPicture(frame.av, packed);
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

  /** True for a picture in the memory of a device, such as a graphics processor: `download()` brings it into main memory. */
  get hardware(): boolean {
    return this.av.isHwFrame();
  }

  /**
   * The picture in main memory, with all other properties of this one: a new frame, for a picture that lies there already a
   * clone.
   * @throws FFmpegError if the device does not give it.
   */
  download(): VideoFrame {
    return this.hardware ? VideoFrame.wrap(download(this.av)).copyProps(this) : this.clone();
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
    if (this.hardware) return this.downloaded((frame) => frame.toBuffer(format));
    if (format !== undefined && format !== this.format) {
      const converted = this.reformat({ format });
      try {
        return converted.av.toBuffer();
      } finally {
        converted.close();
      }
    }
    return this.av.toBuffer();
  }

  private downloaded<T>(use: (frame: VideoFrame) => T): T {
    const frame = this.download();
    try {
      return use(frame);
    } finally {
      frame.close();
    }
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

  /** What the picture looks like, as `reformat` takes it: `frame.reformat(other.description)`. */
  get description(): PictureDescription {
    const { width, height, format, colorSpace, colorRange } = this;
    return { width, height, format, colorSpace, colorRange };
  }

  /**
   * A new frame in another size, pixel format, colour matrix or range (libswscale, bicubic), with all other properties of
   * this one. What is not given, or 'unknown', stays, or follows from the format: RGB is of full range. Without any change it
   * is a clone.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a size, a format or a colour that is none.
   */
  reformat(options: Partial<PictureDescription>): VideoFrame {
    requireObject(options, 'what a frame is to become', 'ERR_MILLRACE_PAYLOAD');
    const { av } = this;
    const width = options.width ?? av.width;
    const height = options.height ?? av.height;
    const format = options.format === undefined ? (av.format as AVPixelFormat) : pixelFormat(options.format);
    const colour = wantedColour(options, pixelFormatName(format));
    const isSame = (wanted: number | undefined, is: number): boolean => wanted === undefined || wanted === is;
    const sameColour = isSame(colour.space, av.colorSpace) && isSame(colour.range, av.colorRange);
    if (width === av.width && height === av.height && format === av.format && sameColour) return this.clone();
    if (this.hardware) return this.downloaded((frame) => frame.reformat(options));
    return VideoFrame.wrap(scalePicture(av, width, height, format, colour), { frameRate: this.frameRate });
  }

  /**
   * A frame that shows a part of this picture, in the same memory: nothing is copied, and what is written into the planes of
   * one is seen in the other (`writable()` makes them part). All else is as in this frame. In formats of fewer colour samples
   * (4:2:0) odd edges take the colour of the neighbour.
   * @param part `crop(x, y, width, height)` means the same.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for a part that is not within the picture, for formats in which pixels share
   *   bytes (monob, yuyv422), and for hardware frames.
   */
  crop(part: Rectangle): VideoFrame;
  crop(x: number, y: number, width: number, height: number): VideoFrame;
  crop(...args: [Rectangle] | [x: number, y: number, width: number, height: number]): VideoFrame {
    const [first, y, width, height] = args;
    const part = typeof first === 'object' ? first : { x: first, y: y!, width: width!, height: height! };
    requireObject(part, 'the part of a picture', 'ERR_MILLRACE_PAYLOAD');
    const { av } = this;
    requireSoftware(av);
    requireWithin(part, av);
    return VideoFrame.wrap(cropPicture(av, part), { frameRate: this.frameRate });
  }

  /**
   * Takes over what is not the picture of another frame: time, duration, rate, metadata and `data`, side data, how it was coded;
   * and its colour tags and the shape of its pixels where this frame has none and is of the same kind (YUV, RGB) and size.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if the other one is no VideoFrame.
   */
  copyProps(from: VideoFrame): this {
    if (!(from instanceof VideoFrame)) throw otherKind(this, from);
    const { av } = this;
    const keepPicture = pictureTags(av);
    this.copyCommon(from);
    keepPicture(from.av);
    this.frameRate = from.frameRate;
    return this;
  }
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for a frame whose pixels are not in main memory. */
export function requireSoftware(av: Frame): void {
  if (!av.isHwFrame()) return;
  const format = pixelFormatName(av.format as AVPixelFormat);
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `The pixels of a ${format} frame are in the memory of a device`, {
    hint: "Download it first: frame.download(), or the filter 'hwdownload'",
  });
}
