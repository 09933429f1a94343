/** A private FFmpeg filter graph of one source, a chain of filters and one sink, fed and read frame by frame. */
import { AV_BUFFERSRC_FLAG_KEEP_REF } from 'node-av/constants';
import {
  Filter,
  type FilterContext,
  FilterGraph,
  Frame,
  type HardwareDeviceContext,
  type HardwareFramesContext,
} from 'node-av/lib';
import { MillraceError, withLines } from '../../src/errors/errors.js';
import {
  alone,
  check,
  failure,
  isAgain,
  isEof,
  ledger,
  linesOf,
  NO_CODEC,
  type Rational,
} from '../../src/media/index.js';
import { conversionsToGray, keepingLuma } from './luma.js';

/** A filter by FFmpeg's name with its arguments in FFmpeg's syntax. */
export type FilterSpec = readonly [name: string, args: string];

/** That of the ffmpeg command, also where the graph inserts one by itself to convert the pixel format. */
const SCALER = 'flags=bicubic';

export interface LineDevices {
  /** The pool of the pictures that come. */
  readonly frames?: HardwareFramesContext | undefined;
  /** Where `hwupload` brings them. */
  readonly upload?: HardwareDeviceContext | undefined;
}

/** A filter graph of one owner, and a frame for what comes out of it. */
export class OwnGraph {
  graph = new FilterGraph();
  readonly frame = new Frame();
  #closed = false;

  constructor() {
    this.graph.alloc();
    ledger.opened('filter-graph');
    this.frame.alloc();
    ledger.opened('scratch-frame');
  }

  /** Another graph takes its place, with nothing in it. */
  empty(): void {
    this.graph.free();
    this.graph = new FilterGraph();
    this.graph.alloc();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.graph.free();
    ledger.closed('filter-graph');
    this.frame.free();
    ledger.closed('scratch-frame');
  }
}

export class FilterLine {
  readonly #own = new OwnGraph();
  #source!: FilterContext;
  #sink!: FilterContext;
  readonly #what: string;
  readonly #devices: LineDevices;

  /**
   * @param kind Decides between FFmpeg's `buffer`/`buffersink` and `abuffer`/`abuffersink`.
   * @param what Names the conversion in errors, e.g. `Cannot convert video for out.mp4`.
   * @param devices Of pictures that come from a device, or go to one.
   * @throws FFmpegError with code ERR_MILLRACE_OPTION if FFmpeg refuses a filter or its arguments.
   */
  constructor(
    kind: 'video' | 'audio',
    sourceArgs: string,
    filters: readonly FilterSpec[],
    what: string,
    devices: LineDevices = {},
  ) {
    this.#what = what;
    this.#devices = devices;
    try {
      alone(() => this.#build(kind, sourceArgs, filters, SCALER));
      const gray = kind === 'video' ? conversionsToGray(this.#own.graph.dump(), new Set(['scale'])) : undefined;
      if (gray === undefined) return;
      this.#own.empty();
      const faithful = filters.map(
        ([name, args]): FilterSpec => [name, gray.scalers.has(name) ? keepingLuma(args) : args],
      );
      this.#build(kind, sourceArgs, faithful, gray.inserted ? keepingLuma(SCALER) : SCALER);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #build(kind: 'video' | 'audio', sourceArgs: string, filters: readonly FilterSpec[], scaler: string): void {
    this.#own.graph.scaleSwsOpts = scaler;
    // Only filters of pictures divide their work: threads for sound would be started and ended for nothing.
    if (kind === 'audio') this.#own.graph.nbThreads = 1;
    const prefix = kind === 'audio' ? 'a' : '';
    this.#source = this.#create(`${prefix}buffer`, sourceArgs);
    let last = this.#source;
    for (const [name, args] of filters) {
      const next = this.#create(name, args);
      check(last.link(0, next, 0), this.#what);
      last = next;
    }
    this.#sink = this.#create(`${prefix}buffersink`, null);
    check(last.link(0, this.#sink, 0), this.#what);
    check(this.#own.graph.configSync(), this.#what, { code: 'ERR_MILLRACE_OPTION' });
  }

  #create(name: string, args: string | null): FilterContext {
    const filter = Filter.getByName(name);
    if (!filter) throw new MillraceError('ERR_MILLRACE_FFMPEG', `${this.#what}: this FFmpeg has no filter '${name}'`);
    const refused = (cause?: unknown): never => {
      const message = `${this.#what}: FFmpeg refuses ${name}=${args}`;
      throw new MillraceError('ERR_MILLRACE_OPTION', message, withLines({ cause }, linesOf(NO_CODEC)));
    };
    let context: FilterContext | null;
    try {
      const { frames, upload } = this.#devices;
      if ((name === 'buffer' && frames) || (name === 'hwupload' && upload)) {
        context = this.#own.graph.allocFilter(filter, name);
        if (context === null) return refused();
        if (name === 'hwupload') context.hwDeviceCtx = upload!;
        else check(context.buffersrcParametersSet({ hwFramesCtx: frames! }), this.#what);
        check(context.initStr(args || null), this.#what, { code: 'ERR_MILLRACE_OPTION' });
        return context;
      }
      context = this.#own.graph.createFilter(filter, name, args);
    } catch (cause) {
      return refused(cause);
    }
    return context ?? refused();
  }

  /** Of the frames that come out. */
  get timeBase(): Rational {
    const { num, den } = this.#sink.buffersinkGetTimeBase();
    return { num, den };
  }

  /** Width to height of one pixel after the chain. */
  get sampleAspectRatio(): Rational {
    const { num, den } = this.#sink.buffersinkGetSampleAspectRatio();
    return { num, den };
  }

  /**
   * Feeds a frame, which stays the caller's, or with null the end; `each` sees every frame that comes out and may not
   * keep it (`ref` it to keep it).
   */
  push(frame: Frame | null, each: (frame: Frame) => void): void {
    check(this.#source.buffersrcAddFrameSync(frame, AV_BUFFERSRC_FLAG_KEEP_REF), this.#what);
    for (;;) {
      const ret = this.#sink.buffersinkGetFrameSync(this.#own.frame);
      if (ret < 0) {
        if (isAgain(ret) || isEof(ret)) return;
        throw failure(ret, this.#what);
      }
      try {
        each(this.#own.frame);
      } finally {
        this.#own.frame.unref();
      }
    }
  }

  close(): void {
    this.#own.close();
  }
}
