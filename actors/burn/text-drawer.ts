/** Draws text subtitles with FFmpeg's filter `subtitles`, that is with libass. */
import { MillraceError } from '../../src/errors/errors.js';
import { pixelFormatName, type StreamInfo, type Subtitle, VideoFrame } from '../../src/media/index.js';
import type { ModuleContext } from '../../src/module/contract.js';
import { FilterLine } from '../shared/filter-line.js';
import type { Drawer } from './drawer.js';
import type { BurnOptions } from './options.js';
import { withScript } from './script-file.js';
import { sourceFor } from './shape.js';

/** Microseconds for which the last of subtitles that do not say when they end is shown. */
const LAST = 5_000_000;
/** libass counts in milliseconds: pictures so near to a subtitle are left to it. */
const NEAR = 1000;

export class TextDrawer implements Drawer {
  readonly #ctx: ModuleContext<BurnOptions>;
  readonly #subtitles: readonly Subtitle[];
  /** The latest end of each and those before it. */
  readonly #ends: readonly number[];
  readonly #fonts: readonly StreamInfo[];
  #filters: FilterLine | undefined;
  #shape = '';

  constructor(ctx: ModuleContext<BurnOptions>, subtitles: readonly Subtitle[], fonts: readonly StreamInfo[]) {
    this.#ctx = ctx;
    this.#fonts = fonts;
    this.#subtitles = timed(subtitles);
    let latest = Number.NEGATIVE_INFINITY;
    this.#ends = this.#subtitles.map(({ end }) => (latest = Math.max(latest, end)));
  }

  draw(frame: VideoFrame): VideoFrame | undefined {
    if (!this.#isDrawn(frame.timestamp)) return undefined;
    const shape = sourceFor(frame);
    if (shape !== this.#shape) this.#open(shape, frame);
    let drawn: VideoFrame | undefined;
    this.#filters!.push(frame.av, (result) => {
      const copy = result.clone();
      if (copy === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot reference a picture: out of memory');
      drawn?.close();
      drawn = VideoFrame.wrap(copy, { frameRate: frame.frameRate });
    });
    return drawn;
  }

  #isDrawn(time: number | undefined): boolean {
    if (time === undefined) return false;
    // The last one that has begun.
    let [low, high] = [0, this.#subtitles.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#subtitles[middle]!.start <= time + NEAR) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.#ends[low - 1]! >= time - NEAR;
  }

  #open(shape: string, frame: VideoFrame): void {
    this.close();
    const { style, fonts_dir } = this.#ctx.options;
    const header = this.#subtitles.find((subtitle) => subtitle.header !== undefined)?.header;
    const what = `Cannot draw subtitles into ${frame.width}x${frame.height} ${frame.format} pictures`;
    this.#filters = withScript(this.#ctx, this.#subtitles, { header, fonts: this.#fonts }, (path) => {
      const args = [
        `filename=${escaped(path)}`,
        ...(fonts_dir === undefined ? [] : [`fontsdir=${escaped(fonts_dir)}`]),
        ...(style === undefined ? [] : [`force_style=${escaped(style)}`]),
      ].join(':');
      // What is not drawn into stays as it is.
      const format = `pix_fmts=${pixelFormatName(frame.av.format as Parameters<typeof pixelFormatName>[0])}`;
      return new FilterLine(
        'video',
        shape,
        [
          ['subtitles', args],
          ['format', format],
        ],
        what,
      );
    });
    this.#shape = shape;
  }

  close(): void {
    this.#filters?.close();
    this.#filters = undefined;
  }
}

/** By their starts, none of them before 0, each with an end. */
function timed(subtitles: readonly Subtitle[]): Subtitle[] {
  const sorted = [...subtitles].sort((a, b) => a.start - b.start).filter(({ end, start }) => end > 0 || end === start);
  return sorted.map((subtitle, i) => {
    const start = Math.max(0, subtitle.start);
    const isOpen = subtitle.end === subtitle.start;
    const next = isOpen ? sorted.find((other, n) => n > i && other.start > subtitle.start) : undefined;
    const end = isOpen ? (next?.start ?? start + LAST) : subtitle.end;
    return start === subtitle.start && end === subtitle.end ? subtitle : subtitle.with({ start, end });
  });
}

/** A value in the arguments of a filter. */
function escaped(value: string): string {
  return value.replace(/[\\':]/g, '\\$&');
}
