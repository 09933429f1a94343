/** A part of a picture, without a copy: FFmpeg's filter `crop` moves the pointers of a frame and leaves its memory alone. */
import { AV_BUFFERSRC_FLAG_KEEP_REF, type AVPixelFormat } from 'node-av/constants';
import { Filter, type FilterContext, FilterGraph, Frame } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { check, pixelFormatName } from '../ffmpeg.js';
import { inUseFor } from '../known.js';

/** In pixels, from the upper left corner. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One filter for all parts of pictures of one size and format: it takes another part as a command. */
class Cropper {
  readonly #graph = new FilterGraph();
  readonly #source: FilterContext;
  readonly #sink: FilterContext;
  #last: Rectangle | undefined;

  /** @param like a frame that looks like those it is for. */
  constructor(like: Frame) {
    const { width, height, colorSpace, colorRange, alphaMode } = like;
    const format = like.format as AVPixelFormat;
    const what = whatOf(format);
    const colour = `colorspace=${colorSpace}:range=${colorRange}:alpha_mode=${alphaMode}`;
    this.#graph.alloc();
    try {
      this.#graph.nbThreads = 1;
      this.#source = this.#create('buffer', `video_size=${width}x${height}:pix_fmt=${format}:time_base=1/1:${colour}`);
      const crop = this.#create('crop', `${width}:${height}:0:0:exact=1`, 'crop');
      this.#sink = this.#create('buffersink');
      check(this.#source.link(0, crop, 0), what);
      check(crop.link(0, this.#sink, 0), what);
      check(this.#graph.configSync(), what);
      if (this.#sink.buffersinkGetFormat() !== format) {
        // FFmpeg has put a conversion in front.
        throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${what}: its pixels share bytes`, {
          hint: 'Convert it first, with frame.reformat({ format })',
        });
      }
    } catch (error) {
      this.#graph.free();
      throw error;
    }
  }

  #create(filter: string, args?: string, name = filter): FilterContext {
    const known = Filter.getByName(filter);
    const context = known && this.#graph.createFilter(known, name, args);
    if (!context) throw new MillraceError('ERR_MILLRACE_FFMPEG', `FFmpeg refuses the filter ${filter}`);
    return context;
  }

  /** @returns the caller's to free. */
  crop(source: Frame, part: Rectangle): Frame {
    const what = whatOf(source.format as AVPixelFormat);
    this.#aim(part, what);
    const target = new Frame();
    target.alloc();
    try {
      check(this.#source.buffersrcAddFrameSync(source, AV_BUFFERSRC_FLAG_KEEP_REF), what);
      check(this.#sink.buffersinkGetFrameSync(target), what);
      // On its way it was given the filters' clock, and a shape of its own.
      target.timeBase = source.timeBase;
      target.pts = source.pts;
      target.duration = source.duration;
      target.pktDts = source.pktDts;
      target.sampleAspectRatio = source.sampleAspectRatio;
      return target;
    } catch (error) {
      target.free();
      throw error;
    }
  }

  /** Each command is checked against what the others have set: first to where everything fits. */
  #aim({ x, y, width, height }: Rectangle, what: string): void {
    const last = this.#last;
    if (last?.x === x && last.y === y && last.width === width && last.height === height) return;
    const steps: [string, number][] = [
      ['x', 0],
      ['y', 0],
      ['w', width],
      ['h', height],
      ['x', x],
      ['y', y],
    ];
    this.#last = undefined;
    for (const [name, value] of steps) {
      const answer = this.#graph.sendCommand('crop', name, String(value));
      check(typeof answer === 'number' ? answer : 0, what);
    }
    this.#last = { x, y, width, height };
  }

  free(): void {
    this.#graph.free();
  }
}

function whatOf(format: AVPixelFormat): string {
  return `Cannot take a part of a ${pixelFormatName(format)} picture`;
}

const croppers = new Map<string, Cropper>();

/**
 * A frame of the same memory that shows a part of the picture, with all other properties of the frame; the caller owns it.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD for a format in which pixels share bytes.
 */
export function cropPicture(source: Frame, part: Rectangle): Frame {
  const { format, width, height, colorSpace, colorRange, alphaMode } = source;
  const key = `${format}:${width}x${height}:${colorSpace}:${colorRange}:${alphaMode}`;
  return inUseFor(croppers, key, () => new Cropper(source)).crop(source, part);
}

/** Formats of which a plane has the pairs of two colour samples, each for two pixels of a row. */
const PAIRED = /^(?:nv(?:12|21|16|20)|p[02]\d\d)/;

/** @throws MillraceError ERR_MILLRACE_PAYLOAD */
export function requireWithin({ x, y, width, height }: Rectangle, av: Frame): void {
  const format = pixelFormatName(av.format as AVPixelFormat);
  if (x % 2 !== 0 && PAIRED.test(format)) {
    // FFmpeg would begin in the middle of a pair, and take one colour for the other.
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `A part of a ${format} picture cannot begin at x ${x}`, {
      hint: "An even x, or another format first: frame.reformat({ format: 'yuv420p' })",
    });
  }
  const isWhole = [x, y, width, height].every((value) => Number.isSafeInteger(value));
  if (isWhole && x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= av.width && y + height <= av.height)
    return;
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `${width}x${height} pixels at (${x}, ${y}) are no part of a picture of ${av.width}x${av.height}`,
    { hint: 'x, y, width and height are whole numbers of pixels, from the upper left corner' },
  );
}
