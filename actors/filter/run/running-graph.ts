/** One configured libavfilter graph: frames in, frames out, one owner. */
import { constants } from 'node:os';
import {
  AV_BUFFERSRC_FLAG_KEEP_REF,
  AV_BUFFERSRC_FLAG_NONE,
  AV_BUFFERSRC_FLAG_PUSH,
  AV_NOPTS_VALUE,
  type AVPixelFormat,
} from 'node-av/constants';
import { type FilterContext, FilterGraph, Frame, type Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  AudioFrame,
  alone,
  type ChosenDevice,
  check,
  failure,
  isAgain,
  isEof,
  isTimeBase,
  ledger,
  MICROSECONDS,
  pixelFormatName,
  type Rational,
  rescale,
  VideoFrame,
} from '../../../src/media/index.js';
import { conversionsToGray, keepingLuma, type ToGray } from '../../shared/luma.js';
import { addFilter, allocate, instanceOf, type MediaKind, type Plan } from '../plan/plan.js';
import { describe, type Pad } from '../plan/wiring.js';
import type { FilterCommand } from './change.js';
import { type PlacedPlan, place } from './devices.js';
import { ownThreads } from './own-threads.js';
import { adaptTime, aspectOf, type StreamFormat } from './stream-format.js';

/** AVERROR(ENOSYS). */
const NO_COMMAND = -constants.errno.ENOSYS;

interface Source {
  /** One buffer source for each pad that takes this input. */
  readonly contexts: FilterContext[];
  readonly timeBase: Rational;
}

export interface OutputShape {
  /** Equal for outputs that are configured alike. */
  readonly key: string;
  readonly aspect: string;
  /** Name of the pixel format. */
  readonly format: string;
}

interface Sink {
  readonly context: FilterContext;
  readonly kind: MediaKind;
  readonly timeBase: NativeRational;
  readonly frameRate: Rational | undefined;
  /** Where the last frame of sound ended, in `timeBase`. */
  end: bigint | undefined;
}

/**
 * adelay of FFmpeg 8 counts from AV_NOPTS_VALUE on until its first input frame comes out: what lies in the lower half of
 * the negative numbers is no time.
 */
const EARLIEST = AV_NOPTS_VALUE / 2n;

export class RunningGraph {
  #native = new FilterGraph();
  readonly #placed: PlacedPlan;
  readonly #title: string;
  readonly #sources = new Map<number, Source>();
  readonly #sinks = new Map<number, Sink>();
  /** Waits to receive the next frame; taken over by that frame. */
  #spare: Frame | undefined;
  #closed = false;
  /** A frame has come out: what FFmpeg refuses of a graph, it mostly refuses before that. */
  #proven = false;
  /** Time of the first frame that went in, µs. */
  #start: bigint | undefined;

  /**
   * Builds and configures the graph.
   * @param formats By input id.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if an input's kind of media is not what its filter takes; FFmpegError
   * with FFmpeg's text if the graph cannot be configured.
   */
  constructor(planned: Plan, formats: ReadonlyMap<number, StreamFormat>, chosen?: ChosenDevice) {
    this.#title = planned.title;
    this.#placed = place(planned, formats, chosen);
    const { plan } = this.#placed;
    this.#native.alloc();
    ledger.opened('filter-graph');
    try {
      alone(() => this.#build(plan, formats));
      const scalers = plan.filters.flatMap((spec, i) => (spec.name === 'scale' ? [instanceOf(spec, i)] : []));
      const gray = conversionsToGray(this.#native.dump(), new Set(scalers));
      if (gray) this.#rebuild(plan, formats, gray);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #rebuild(plan: Plan, formats: ReadonlyMap<number, StreamFormat>, { scalers, inserted }: ToGray): void {
    const filters = plan.filters.map((spec, i) =>
      scalers.has(instanceOf(spec, i)) ? { ...spec, args: keepingLuma(spec.args) } : spec,
    );
    const scaleOptions = inserted ? keepingLuma(plan.scaleOptions) : plan.scaleOptions;
    this.#native.free();
    this.#native = new FilterGraph();
    this.#native.alloc();
    this.#sources.clear();
    this.#sinks.clear();
    this.#build({ ...plan, filters, scaleOptions }, formats);
  }

  #build(plan: Plan, formats: ReadonlyMap<number, StreamFormat>): void {
    const graph = this.#native;
    graph.nbThreads = ownThreads(plan, formats);
    if (plan.scaleOptions) graph.scaleSwsOpts = plan.scaleOptions;
    const { devices } = this.#placed;
    const filters = plan.filters.map((spec, i) => addFilter(graph, spec, i, devices.get(i)));
    for (const [id, pads] of plan.inputs) {
      const format = formats.get(id)!;
      const contexts = pads.map((pad, i) => {
        requireKind(plan, id, pad, format.kind);
        const source = allocate(graph, format.kind === 'video' ? 'buffer' : 'abuffer', `input_${id}_${i}`);
        if (format.frames) {
          const { context: hwFramesCtx } = format.frames;
          check(source.buffersrcParametersSet({ hwFramesCtx }), `Cannot describe input ${id} to FFmpeg`);
        }
        check(source.initStr(format.args), `Cannot describe input ${id} to FFmpeg (${format.args})`);
        check(source.link(0, filters[pad.filter]!, pad.pad), `Input ${id} does not fit ${this.#title}`, {
          hint: `It carries ${format.kind}`,
        });
        return source;
      });
      this.#sources.set(id, { contexts, timeBase: format.timeBase });
    }
    for (const { from, to } of plan.links) {
      const [source, target] = [filters[from.filter]!, filters[to.filter]!];
      check(
        source.link(from.pad, target, to.pad),
        `Cannot link the ${describe(plan.filters[from.filter]!)} to the ${describe(plan.filters[to.filter]!)}`,
        { hint: 'Video pads go to video pads, audio pads to audio pads' },
      );
    }
    const ends = [...plan.outputs].map(([id, pad]) => ({
      id,
      ...this.#end(plan, filters, pad, 'buffersink', `output_${id}`),
    }));
    plan.unused.forEach((pad, i) => {
      this.#end(plan, filters, pad, 'nullsink', `unused_${i}`);
    });
    check(graph.configSync(), `Cannot configure ${this.#title}`, {
      hint: `Its input: ${[...formats.values()].map(({ args }) => args).join(' and ') || 'none'}`,
    });
    for (const { id, context, kind } of ends) {
      const timeBase = context.buffersinkGetTimeBase();
      const rate = kind === 'video' ? context.buffersinkGetFrameRate() : undefined;
      const frameRate = rate && isTimeBase(rate) ? { num: rate.num, den: rate.den } : undefined;
      this.#sinks.set(id, { context, kind, timeBase, frameRate, end: undefined });
    }
  }

  /** Puts a sink on an output pad: one to be pulled for the node's outputs, one that discards for the others. */
  #end(plan: Plan, filters: readonly FilterContext[], pad: Pad, type: 'buffersink' | 'nullsink', name: string) {
    const kind = plan.pads[pad.filter]!.outputs[pad.pad]!;
    const context = allocate(this.#native, kind === 'video' ? type : `a${type}`, name);
    check(context.initStr(null), `Cannot initialise a ${type}`);
    check(
      filters[pad.filter]!.link(pad.pad, context, 0),
      `Cannot take the output of the ${describe(plan.filters[pad.filter]!)}`,
    );
    return { context, kind };
  }

  /**
   * Feeds one frame. The frame's reference moves into the graph, unless `keep`: the frame is then empty, still to be closed.
   * @returns false if the graph takes nothing more on this input.
   */
  feed(id: number, frame: VideoFrame | AudioFrame, keep: boolean): boolean {
    const { contexts, timeBase } = this.#sources.get(id)!;
    adaptTime(frame, timeBase);
    const { av } = frame;
    if (this.#start === undefined && av.pts !== AV_NOPTS_VALUE) this.#start = rescale(av.pts, timeBase, MICROSECONDS);
    // Without a sink to pull at, pushing is what drives the graph.
    const push = this.#sinks.size === 0 ? AV_BUFFERSRC_FLAG_PUSH : AV_BUFFERSRC_FLAG_NONE;
    let open = false;
    for (let i = 0; i < contexts.length; i++) {
      const flags = keep || i < contexts.length - 1 ? push | AV_BUFFERSRC_FLAG_KEEP_REF : push;
      const taken = this.#guarded(() => {
        const ret = contexts[i]!.buffersrcAddFrameSync(av, flags as typeof AV_BUFFERSRC_FLAG_NONE);
        if (ret < 0 && !isEof(ret)) throw failure(ret, `The ${this.#title} failed on a frame of input ${id}`);
        return ret >= 0;
      });
      open ||= taken;
    }
    return open;
  }

  #guarded<T>(call: () => T): T {
    return this.#proven ? call() : alone(call);
  }

  /** The end of an input, at the end of its last frame. */
  end(id: number): void {
    const push = this.#sinks.size === 0 ? AV_BUFFERSRC_FLAG_PUSH : AV_BUFFERSRC_FLAG_NONE;
    for (const context of this.#sources.get(id)!.contexts) {
      const ret = context.buffersrcAddFrameSync(null, push);
      if (!isEof(ret)) check(ret, `The ${this.#title} failed at the end of input ${id}`);
    }
  }

  /** The next frame of an output; 'again' if more input is needed for it. */
  pull(id: number): VideoFrame | AudioFrame | 'again' | 'end' {
    const sink = this.#sinks.get(id)!;
    const { context, kind, timeBase, frameRate } = sink;
    let av = this.#spare;
    if (av === undefined) {
      av = new Frame();
      av.alloc();
      this.#spare = av;
      ledger.opened('scratch-frame');
    }
    const target = av;
    const got = this.#guarded(() => {
      const ret = context.buffersinkGetFrameSync(target);
      if (ret >= 0) return 'frame';
      if (isAgain(ret)) return 'again';
      if (isEof(ret)) return 'end';
      throw failure(ret, `The ${this.#title} failed`);
    });
    if (got !== 'frame') return got;
    this.#proven = true;
    this.#spare = undefined;
    ledger.closed('scratch-frame');
    // libavfilter copies the decoding time of some frame that went in, which says nothing of this one. Without it the
    // encoder knows that the frame does not come straight from a decoder.
    av.pktDts = AV_NOPTS_VALUE;
    av.timeBase = timeBase;
    if (kind === 'video') return VideoFrame.wrap(av, { frameRate });
    const frame = AudioFrame.wrap(av);
    this.#settleTime(frame, sink);
    return frame;
  }

  /** What a video output is configured for: size, pixel format and shape, colour, time base and rate. */
  shape(id: number): OutputShape {
    const { context, timeBase, frameRate } = this.#sinks.get(id)!;
    const aspect = aspectOf(context.buffersinkGetSampleAspectRatio());
    const format = pixelFormatName(context.buffersinkGetFormat() as AVPixelFormat);
    const values = [
      `${context.buffersinkGetWidth()}x${context.buffersinkGetHeight()}`,
      format,
      context.buffersinkGetColorspace(),
      context.buffersinkGetColorRange(),
      aspect,
      `${timeBase.num}/${timeBase.den}`,
      frameRate ? `${frameRate.num}/${frameRate.den}` : 'no rate',
    ];
    return { key: values.join(' '), aspect, format };
  }

  /** As in ffmpeg, sound without a time follows what came before; the first goes to the beginning of the input. */
  #settleTime(frame: AudioFrame, sink: Sink): void {
    if (frame.av.pts < EARLIEST) frame.pts = sink.end ?? rescale(this.#start ?? 0n, MICROSECONDS, sink.timeBase);
    const length = rescale(BigInt(frame.samples), { num: 1, den: frame.sampleRate }, sink.timeBase);
    sink.end = frame.av.pts + length;
  }

  /**
   * Tells the running filters other values of their arguments. FFmpeg takes one after the other; one that takes no further
   * one has taken those before it.
   * @returns false if one of them is no command of its filter: then the graph has to be built anew.
   * @throws FFmpegError for a value that the filter refuses.
   */
  command(commands: readonly FilterCommand[]): boolean {
    for (const { target, name, value } of commands) {
      const answer = this.#native.sendCommand(target, name, value);
      const ret = typeof answer === 'number' ? answer : 0;
      if (ret === NO_COMMAND) return false;
      check(ret, `'${name}=${value}' was refused by the ${this.#title}`, { code: 'ERR_MILLRACE_OPTION' });
    }
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#spare) {
      this.#spare.free();
      this.#spare = undefined;
      ledger.closed('scratch-frame');
    }
    this.#native.free();
    ledger.closed('filter-graph');
    this.#placed.release();
  }

  /** How pictures are brought to devices and back, in words. */
  get moves(): readonly string[] {
    return this.#placed.moves;
  }
}

function requireKind(plan: Plan, id: number, pad: Pad, kind: MediaKind): void {
  const expected = plan.pads[pad.filter]!.inputs[pad.pad]!;
  if (expected === kind) return;
  const came = kind === 'video' ? 'a VideoFrame' : 'an AudioFrame';
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `The ${describe(plan.filters[pad.filter]!)} takes ${expected} on input ${id}, ${came} came`,
    {
      hint:
        expected === 'audio' ? "Audio has filters of its own, often with an 'a' in front" : 'Connect a video stream',
    },
  );
}
