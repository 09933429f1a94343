/** Brings pictures to the size and pixel format the encoder takes, as the ffmpeg command does with -s and -pix_fmt. */
import {
  AV_CODEC_ID_MJPEG,
  type AVAlphaMode,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_RGB,
  AVCOL_SPC_UNSPECIFIED,
  type AVColorRange,
  type AVColorSpace,
  type AVPixelFormat,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { colorRangeName, colorSpaceName, isRgb } from '../../../src/media/frame/color.js';
import {
  type Device,
  downloading,
  type FramesOf,
  framesOf,
  kindOfFormat,
  openDevice,
  pixelFormat,
  pixelFormatName,
  type Rational,
  uploadable,
  uploading,
  type VideoFrame,
} from '../../../src/media/index.js';
import { FilterLine, type FilterSpec } from '../../shared/filter-line.js';
import type { EncoderSettings } from '../codec/codec.js';
import type { VideoParams } from '../options.js';

/** What a frame must be like for a conversion to take it; another shape needs another conversion. */
interface Shape {
  readonly width: number;
  readonly height: number;
  readonly format: AVPixelFormat;
  readonly colorSpace: AVColorSpace;
  readonly colorRange: AVColorRange;
  readonly alphaMode: AVAlphaMode;
  /** Of a picture on a device. */
  readonly frames: FramesOf | undefined;
}

export class PictureConverter {
  readonly #params: VideoParams;
  readonly #settings: EncoderSettings;
  readonly #output: string;
  #shape: Shape | undefined;
  /** Opened for an encoder that takes pictures there. */
  #device: Device | undefined;
  /** undefined: frames of this shape pass as they are. */
  #filters: FilterLine | undefined;
  /** What the first frame was brought to; all later ones are as well. */
  #target: { readonly width: number; readonly height: number; readonly format: AVPixelFormat } | undefined;

  /** @param output Names the output in errors. */
  constructor(params: VideoParams, settings: EncoderSettings, output: string) {
    this.#params = params;
    this.#settings = settings;
    this.#output = output;
  }

  /**
   * Calls `each` with the converted frame, which it may not keep.
   * @throws MillraceError if FFmpeg cannot convert frames of this kind.
   */
  convert(frame: VideoFrame, each: (converted: Frame) => void): void {
    const { av } = frame;
    const shape = shapeOf(av);
    if (!this.#shape || !sameShape(this.#shape, shape)) this.#reshape(shape, frame.sampleAspectRatio);
    const settled = (converted: Frame): void => {
      if (this.#target === undefined) this.#checkMatrix([converted.format as AVPixelFormat]);
      this.#target ??= { width: converted.width, height: converted.height, format: converted.format as AVPixelFormat };
      each(converted);
    };
    if (this.#filters) this.#filters.push(av, settled);
    else settled(av);
  }

  /** A matrix makes luma and chroma of RGB: pictures have one, or are RGB. */
  #checkMatrix(formats: readonly AVPixelFormat[]): void {
    const { colorSpace = AVCOL_SPC_UNSPECIFIED } = this.#settings.wishes;
    const names = formats.map(pixelFormatName);
    if (colorSpace === AVCOL_SPC_UNSPECIFIED) return;
    if (names.some((name) => isRgb(name) === (colorSpace === AVCOL_SPC_RGB))) return;
    const what = `'${this.#params.av.colorspace}' does not suit ${names.join(', ')}`;
    const hint = names.every(isRgb)
      ? "It is RGB and has no matrix: name a pixel format such as 'yuv420p' in pix_fmt, or leave colorspace out"
      : "It is for RGB: name a pixel format such as 'gbrp' in pix_fmt, or a matrix such as 'bt709'";
    const message = `video_params.colorspace: ${what}, which ${this.#output} is made of`;
    throw new MillraceError('ERR_MILLRACE_OPTION', message, { hint });
  }

  /** Width to height of one pixel of converted frames; undefined where nothing changes it. */
  get sampleAspectRatio(): Rational | undefined {
    return this.#filters?.sampleAspectRatio;
  }

  close(): void {
    this.#closeFilters();
    this.#device?.release();
    this.#device = undefined;
  }

  #closeFilters(): void {
    this.#filters?.close();
    this.#filters = undefined;
  }

  #reshape(cameAs: Shape, aspect: Rational): void {
    this.#closeFilters();
    this.#shape = undefined;
    const filters: FilterSpec[] = [];
    const [width, height] = this.#target ? [this.#target.width, this.#target.height] : this.#wantedSize(cameAs);
    if (width !== cameAs.width || height !== cameAs.height) filters.push(['scale', `${width}:${height}:flags=bicubic`]);
    const formats = this.#target ? [this.#target.format] : acceptedFormats(this.#params, this.#settings);
    // What is on a device stays there if the encoder takes it as it is, and is brought into main memory otherwise.
    const { frames } = cameAs;
    const stays = frames !== undefined && filters.length === 0 && (formats?.includes(cameAs.format) ?? true);
    const shape = frames && !stays ? { ...cameAs, format: frames.softwareFormat, frames: undefined } : cameAs;
    if (shape !== cameAs) {
      filters.unshift(...downloading(pixelFormatName(shape.format)));
    }
    const upload = shape.frames ? undefined : this.#uploadFor(formats);
    const wanted = this.#wantedColours(shape);
    if (upload) {
      filters.push(...uploading(uploadable(pixelFormatName(shape.format), upload.formats)));
    } else if ((formats && !formats.includes(shape.format)) || wanted !== '') {
      const suitable = this.#suitable(formats ?? [shape.format], shape);
      this.#checkMatrix(suitable);
      const names = suitable.map(pixelFormatName);
      filters.push(['format', `pix_fmts=${names.join('|')}${wanted}`]);
    }
    if (filters.length > 0) {
      const name = `${shape.width}x${shape.height} ${pixelFormatName(shape.format)}`;
      const source =
        `video_size=${shape.width}x${shape.height}:pix_fmt=${cameAs.format}:time_base=1/1000000` +
        `:pixel_aspect=${aspect.num}/${Math.max(aspect.den, 1)}:colorspace=${shape.colorSpace}:range=${shape.colorRange}` +
        `:alpha_mode=${shape.alphaMode}`;
      const what = `Cannot bring ${name} frames to the form ${this.#output} needs`;
      this.#filters = new FilterLine('video', source, filters, what, {
        frames: frames?.context,
        upload: upload?.context,
      });
    }
    this.#shape = cameAs;
  }

  /** The device to which pictures have to be brought for an encoder that takes no others. */
  #uploadFor(formats: readonly AVPixelFormat[] | undefined): Device | undefined {
    const kinds = formats?.map(kindOfFormat);
    if (!kinds || kinds.length === 0 || kinds.includes(undefined)) return undefined;
    const { hwaccel_device: chosen } = this.#params;
    const kind = chosen && kinds.includes(chosen.kind) ? chosen.kind : kinds[0]!;
    this.#device ??= openDevice(kind, chosen?.kind === kind ? chosen.name : undefined);
    return this.#device;
  }

  /** What FFmpeg is to convert besides, as the ffmpeg command does for -colorspace and -color_range. */
  #wantedColours(shape: Shape): string {
    const { colorSpace = shape.colorSpace, colorRange = shape.colorRange } = this.#settings.wishes;
    if (shape.frames) return '';
    const space = colorSpace === shape.colorSpace ? '' : `:color_spaces=${colorSpaceName(colorSpace)}`;
    return colorRange === shape.colorRange ? space : `${space}:color_ranges=${colorRangeName(colorRange)}`;
  }

  /** The format of the frames where it will do. The names with a j are of full range only. */
  #suitable(formats: readonly AVPixelFormat[], shape: Shape): readonly AVPixelFormat[] {
    const limited = this.#settings.wishes.colorRange === AVCOL_RANGE_MPEG && this.#params.pix_fmt === undefined;
    const fits = limited ? formats.filter((format) => !pixelFormatName(format).startsWith('yuvj')) : formats;
    const own = limited ? pixelFormat(pixelFormatName(shape.format).replace(/^yuvj/, 'yuv')) : shape.format;
    if (fits.length === 0) return formats;
    return fits.includes(own) ? [own] : fits;
  }

  #wantedSize(shape: Shape): readonly [number, number] {
    const { width = 0, height = 0 } = this.#params;
    if (width === 0 && height === 0) return [shape.width, shape.height];
    // FFmpeg's scale takes 0 for "as it is"; one size alone is meant to keep the picture's proportions.
    return [width || -2, height || -2];
  }
}

/** Pixel formats that may reach the encoder; undefined: any. */
function acceptedFormats(params: VideoParams, { codec }: EncoderSettings): readonly AVPixelFormat[] | undefined {
  if (params.pix_fmt !== undefined) return [pixelFormat(params.pix_fmt)];
  const known = codec.pixelFormats ?? undefined;
  // JPEG is full range: the plain formats are for streams that say so, and the encoder refuses limited range.
  if (codec.id === AV_CODEC_ID_MJPEG) return known?.filter((format) => pixelFormatName(format).startsWith('yuvj'));
  return known;
}

function shapeOf(frame: Frame): Shape {
  const { width, height, colorSpace, colorRange, alphaMode } = frame;
  const frames = framesOf(frame);
  return { width, height, format: frame.format as AVPixelFormat, colorSpace, colorRange, alphaMode, frames };
}

function sameShape(a: Shape, b: Shape): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    a.format === b.format &&
    a.colorSpace === b.colorSpace &&
    a.colorRange === b.colorRange &&
    a.alphaMode === b.alphaMode &&
    a.frames?.softwareFormat === b.frames?.softwareFormat
  );
}
