/** Memory for pictures, and copies between it and tightly packed bytes, done by FFmpeg. */
import {
  AV_PICTURE_TYPE_NONE,
  AVCHROMA_LOC_UNSPECIFIED,
  AVCOL_RANGE_UNSPECIFIED,
  AVCOL_SPC_UNSPECIFIED,
  type AVPixelFormat,
} from 'node-av/constants';
import { Filter, type FilterContext, FilterGraph, Frame, Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { check, pixelFormatName, toNativeTimestamp } from '../ffmpeg.js';
import { inUseFor } from '../known.js';

/**
 * Fresh memory for a large picture is slow: at 1080p the page faults of the first writing cost many times the writing
 * itself. FFmpeg's filters therefore take pictures from pools of reference-counted buffers. node-av does not show these
 * pools, but the source filter that draws nothing hands out their pictures, in 2 µs each. A buffer returns to its pool
 * when its last reference goes, wherever that is, also after the pool itself was given up.
 */
class PicturePool {
  readonly #graph = new FilterGraph();
  readonly #sink: FilterContext;

  constructor(format: AVPixelFormat, width: number, height: number) {
    const what = `Cannot make a pool of ${pixelFormatName(format)} pictures of ${width}x${height}`;
    this.#graph.alloc();
    try {
      // Otherwise each graph starts worker threads.
      this.#graph.nbThreads = 1;
      const source = this.#create('nullsrc', `size=${width}x${height}:rate=1`);
      const convert = this.#create('format', `pix_fmts=${pixelFormatName(format)}`);
      this.#sink = this.#create('buffersink');
      check(source.link(0, convert, 0), what);
      check(convert.link(0, this.#sink, 0), what);
      check(this.#graph.configSync(), what);
    } catch (error) {
      this.#graph.free();
      throw error;
    }
  }

  #create(name: string, args?: string): FilterContext {
    const filter = Filter.getByName(name);
    const context = filter && this.#graph.createFilter(filter, name, args);
    if (!context) {
      throw new MillraceError('ERR_MILLRACE_FFMPEG', `FFmpeg has no filter ${name}, or it refused '${args}'`);
    }
    return context;
  }

  take(): Frame {
    const av = new Frame();
    av.alloc();
    const ret = this.#sink.buffersinkGetFrameSync(av);
    if (ret < 0) av.free();
    check(ret, 'Cannot allocate a picture');
    av.pts = toNativeTimestamp(undefined);
    av.duration = 0n;
    av.timeBase = new NativeRational(0, 1);
    av.sampleAspectRatio = new NativeRational(0, 1);
    av.flags = 0;
    av.pictType = AV_PICTURE_TYPE_NONE;
    av.colorRange = AVCOL_RANGE_UNSPECIFIED;
    av.colorSpace = AVCOL_SPC_UNSPECIFIED;
    av.chromaLocation = AVCHROMA_LOC_UNSPECIFIED;
    return av;
  }

  free(): void {
    this.#graph.free();
  }
}

/** Pictures of a pool that goes stay valid. */
const pools = new Map<string, PicturePool>();

/**
 * A node-av frame with memory for a picture and no other properties; the caller owns it. Its pixels are not set.
 * @throws FFmpegError for an impossible size or a format without pixels in memory.
 */
export function allocPicture(format: AVPixelFormat, width: number, height: number): Frame {
  // A plain allocation names what is wrong with the size or the format, and takes no memory until it is written to.
  const key = `${format}:${width}x${height}`;
  const make = (): PicturePool => {
    allocAlone(format, width, height).free();
    return new PicturePool(format, width, height);
  };
  return inUseFor(pools, key, make).take();
}

function allocAlone(format: AVPixelFormat, width: number, height: number): Frame {
  const av = new Frame();
  av.alloc();
  av.format = format;
  av.width = width;
  av.height = height;
  const ret = av.allocBuffer();
  if (ret < 0) av.free();
  check(ret, `Cannot allocate a ${pixelFormatName(format)} picture of ${width}x${height}`);
  return av;
}

/** Copies the pixels of a frame into `target`, tightly packed: planes one after another, rows without padding. */
export function packPicture(source: Frame, target: Uint8Array): void {
  withPacked(source, target, (packed) => check(packed.copy(source), 'Cannot copy the pixels of a frame'));
}

/** Copies a tightly packed picture into the memory of `target`. */
export function unpackPicture(target: Frame, source: Uint8Array): void {
  withPacked(target, source, (packed) => check(target.copy(packed), 'Cannot copy pixels into a frame'));
}

/**
 * Calls `use` with a frame over `bytes`, shaped like `shape`. It owns nothing: `Frame.fromBuffer` does not copy, it
 * points the frame at the bytes. Here that saves the views of native memory which reading `frame.data` makes: those
 * count as external memory in V8 and cost several times the copy itself in garbage collections.
 */
function withPacked(shape: Frame, bytes: Uint8Array, use: (packed: Frame) => void): void {
  const packed = new Frame();
  packed.alloc();
  try {
    packed.format = shape.format;
    packed.width = shape.width;
    packed.height = shape.height;
    check(packed.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)), 'Cannot lay out a picture');
    use(packed);
  } finally {
    packed.free();
  }
}
