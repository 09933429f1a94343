/** Turns pictures upright by their display matrix, with the filters that the ffmpeg command chooses for it. */
import { AV_FRAME_DATA_DISPLAYMATRIX } from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import { check } from '../../src/media/index.js';
import { FilterChain, type FilterSpec } from '../encoder/filter-chain.js';

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

export class Upright {
  readonly #name: string;
  #chain: FilterChain | undefined;
  #key = '';

  /** @param name Of the input, for errors. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Turns the picture in place if its display matrix says so, and takes the matrix away. */
  apply(frame: Frame): void {
    const data = frame.getSideData(AV_FRAME_DATA_DISPLAYMATRIX);
    if (data === null) return;
    const matrix = new Int32Array(data.buffer.slice(data.byteOffset, data.byteOffset + 36));
    frame.removeSideData(AV_FRAME_DATA_DISPLAYMATRIX);
    const { num, den } = frame.sampleAspectRatio;
    const time = frame.timeBase;
    const source =
      `video_size=${frame.width}x${frame.height}:pix_fmt=${frame.format}:time_base=${time.num}/${time.den}` +
      `:pixel_aspect=${num}/${den}:colorspace=${frame.colorSpace}:range=${frame.colorRange}`;
    const key = `${source} ${matrix.join()}`;
    if (key !== this.#key) this.#rebuild(source, uprightFilters(matrix));
    this.#key = key;
    this.#chain?.push(frame, (turned) => {
      frame.unref();
      check(frame.ref(turned), `Cannot reference a turned picture of ${this.#name}`);
    });
  }

  #rebuild(source: string, filters: FilterSpec[]): void {
    this.#chain?.close();
    this.#chain = undefined;
    if (filters.length === 0) return;
    this.#chain = new FilterChain('video', source, filters, `Cannot turn the pictures of ${this.#name} upright`);
  }

  close(): void {
    this.#chain?.close();
    this.#chain = undefined;
  }
}
