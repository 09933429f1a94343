/** One picture over many: a filter graph of two sources, the second of which is a single frame. */
import { AV_BUFFERSRC_FLAG_KEEP_REF } from 'node-av/constants';
import { Filter, type FilterContext, type Frame } from 'node-av/lib';
import { MillraceError, withLines } from '../../src/errors/errors.js';
import { alone, check, isAgain, isEof, linesOf, NO_CODEC, type VideoFrame } from '../../src/media/index.js';
import { OwnGraph } from '../shared/filter-line.js';
import { sourceFor } from './shape.js';

const WHAT = 'Cannot draw subtitles';

export interface Placement {
  /** Pixels of the main picture. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export class Overlay {
  readonly #own = new OwnGraph();
  #source!: FilterContext;
  #sink!: FilterContext;

  /**
   * @param main One of the pictures, all of which are like it.
   * @param top stays the caller's; its time is not later than that of any of the pictures, in the same unit.
   */
  constructor(main: VideoFrame, top: VideoFrame, { x, y, width, height }: Placement) {
    try {
      alone(() => {
        this.#source = this.#create('buffer', sourceFor(main));
        const second = this.#create('buffer', sourceFor(top));
        const scale = this.#create('scale', `${width}:${height}:flags=bicubic`);
        const overlay = this.#create('overlay', `x=${x}:y=${y}:format=auto:eof_action=repeat`);
        const format = this.#create('format', `pix_fmts=${main.format}`);
        this.#sink = this.#create('buffersink', null);
        for (const [from, to, input] of [
          [this.#source, overlay, 0],
          [second, scale, 0],
          [scale, overlay, 1],
          [overlay, format, 0],
          [format, this.#sink, 0],
        ] as const) {
          check(from.link(0, to, input), WHAT);
        }
        check(this.#own.graph.configSync(), WHAT);
        check(second.buffersrcAddFrameSync(top.av, AV_BUFFERSRC_FLAG_KEEP_REF), WHAT);
        check(second.buffersrcAddFrameSync(null), WHAT);
      });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #create(name: string, args: string | null): FilterContext {
    const filter = Filter.getByName(name);
    const context = filter && this.#own.graph.createFilter(filter, `${name}${this.#own.graph.nbFilters}`, args);
    if (context) return context;
    const message = `${WHAT}: FFmpeg refuses ${name}=${args}`;
    throw new MillraceError('ERR_MILLRACE_FFMPEG', message, withLines({}, linesOf(NO_CODEC)));
  }

  /** @returns the picture with the other one over it; the frame stays the caller's. */
  draw(frame: VideoFrame): Frame {
    check(this.#source.buffersrcAddFrameSync(frame.av, AV_BUFFERSRC_FLAG_KEEP_REF), WHAT);
    const ret = this.#sink.buffersinkGetFrameSync(this.#own.frame);
    if (isAgain(ret) || isEof(ret)) throw new MillraceError('ERR_MILLRACE_FFMPEG', `${WHAT}: FFmpeg keeps the picture`);
    check(ret, WHAT);
    const drawn = this.#own.frame.clone();
    this.#own.frame.unref();
    if (drawn === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', `${WHAT}: out of memory`);
    return drawn;
  }

  close(): void {
    this.#own.close();
  }
}
