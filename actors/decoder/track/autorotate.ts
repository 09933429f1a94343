/** Crops pictures as their container wants it, and turns them upright by their display matrix, with ffmpeg's filters. */
import { AV_FRAME_DATA_DISPLAYMATRIX } from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import { check, download } from '../../../src/media/index.js';
import { FilterLine, type FilterSpec } from '../../shared/filter-line.js';

/** The 3x3 matrix of AV_FRAME_DATA_DISPLAYMATRIX: 16.16 fixed point, row by row. */
export type DisplayMatrix = Int32Array;

/**
 * Filters that undo a display matrix (ffmpeg_filter.c, configure_input_video_filter, with get_rotation): quarter turns
 * without loss, other angles by `rotate`, mirrored pictures by flips.
 */
export function uprightFilters(matrix: DisplayMatrix): FilterSpec[] {
  const at = (i: number) => matrix[i] ?? 0;
  const theta = rotation(matrix);
  if (Math.abs(theta - 90) < 1) return [['transpose', at(3) > 0 ? 'cclock_flip' : 'clock']];
  if (Math.abs(theta - 180) < 1) {
    const filters: FilterSpec[] = [];
    if (at(0) < 0) filters.push(['hflip', '']);
    if (at(4) < 0) filters.push(['vflip', '']);
    return filters;
  }
  if (Math.abs(theta - 270) < 1) return [['transpose', at(3) < 0 ? 'clock_flip' : 'cclock']];
  if (Math.abs(theta) > 1) return [['rotate', `${theta.toFixed(6)}*PI/180`]];
  return at(4) < 0 ? [['vflip', '']] : [];
}

/** Degrees clockwise by which the picture has to be turned, 0 to 360 (av_display_rotation_get). */
export function rotation(matrix: DisplayMatrix): number {
  const at = (i: number) => (matrix[i] ?? 0) / 65536;
  const width = Math.hypot(at(0), at(3));
  const height = Math.hypot(at(1), at(4));
  if (width === 0 || height === 0) return 0;
  const counterClockwise = -(Math.atan2(at(1) / height, at(0) / width) * 180) / Math.PI;
  const theta = -Math.round(counterClockwise);
  return theta - 360 * Math.floor(theta / 360 + 0.9 / 360);
}

export interface UprightOptions {
  /** Of the input, for errors. */
  readonly name: string;
  /** What the container wants cut off. */
  readonly crop: FilterSpec | undefined;
  /** Whether display matrices are followed; otherwise they stay on the frames. */
  readonly rotate: boolean;
}

export class AutoRotate {
  readonly #options: UprightOptions;
  #chain: FilterLine | undefined;
  #key = '';

  constructor(options: UprightOptions) {
    this.#options = options;
  }

  /** Crops the picture in place, then turns it if its display matrix says so, and takes that away. */
  apply(frame: Frame): void {
    const { crop, rotate, name } = this.#options;
    const matrix = rotate ? takeMatrix(frame) : undefined;
    if (matrix === undefined && crop === undefined) return;
    // They are turned by the processor.
    if (frame.isHwFrame()) bringHere(frame, name);
    const { num, den } = frame.sampleAspectRatio;
    const time = frame.timeBase;
    const source =
      `video_size=${frame.width}x${frame.height}:pix_fmt=${frame.format}:time_base=${time.num}/${time.den}` +
      `:pixel_aspect=${num}/${Math.max(den, 1)}:colorspace=${frame.colorSpace}:range=${frame.colorRange}` +
      `:alpha_mode=${frame.alphaMode}`;
    const key = `${source} ${matrix?.join() ?? 'upright'}`;
    if (key !== this.#key) {
      this.#rebuild(source, [...(crop ? [crop] : []), ...(matrix ? uprightFilters(matrix) : [])]);
    }
    this.#key = key;
    this.#chain?.push(frame, (turned) => {
      frame.unref();
      check(frame.ref(turned), `Cannot reference a turned picture of ${name}`);
    });
  }

  #rebuild(source: string, filters: FilterSpec[]): void {
    this.#chain?.close();
    this.#chain = undefined;
    if (filters.length === 0) return;
    const what = filters[0] === this.#options.crop ? 'crop the pictures' : 'turn the pictures upright';
    this.#chain = new FilterLine('video', source, filters, `Cannot ${what} of ${this.#options.name}`);
  }

  close(): void {
    this.#chain?.close();
    this.#chain = undefined;
  }
}

function bringHere(frame: Frame, name: string): void {
  const brought = download(frame);
  try {
    frame.unref();
    check(frame.ref(brought), `Cannot reference a picture of ${name}`);
  } finally {
    brought.free();
  }
}

function takeMatrix(frame: Frame): DisplayMatrix | undefined {
  const data = frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  if (data === null) return undefined;
  const matrix = new Int32Array(data.buffer.slice(data.byteOffset, data.byteOffset + 36));
  frame.removeSideData(AV_FRAME_DATA_DISPLAYMATRIX);
  return matrix;
}
