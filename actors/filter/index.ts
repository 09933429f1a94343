/**
 * `c_ffmpeg_filter`: FFmpeg filters as a module. Any number of inputs and outputs, video and audio.
 *
 * The graph is configured from the first frame of every input and built anew when the format of an input changes.
 * Frames go in one at a time, each time everything that comes of it is taken out first, at most EMIT frames per call, so
 * that back-pressure acts between them; which input goes next is decided by `run/input-demand.ts`.
 */
import { MillraceError } from '../../src/errors/errors.js';
import { Packet, VideoFrame } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { type FilterOptions, filterOptions } from './options.js';
import { makePlan, type Plan } from './plan/plan.js';
import { Breaks } from './run/breaks.js';
import { changedOptions, commandsBetween } from './run/change.js';
import { advance, Demand, lowest } from './run/input-demand.js';
import { RunningGraph } from './run/running-graph.js';
import { formatKey, formatOf, type StreamFormat } from './run/stream-format.js';
import { adopt, type MediaFrame } from './run/take-frame.js';

/** Frames a call emits at most. */
const EMIT = 4;
/** Frames a call takes out and drops at most for an output whose consumers have left. */
const DROP = 16;

interface Input {
  readonly id: number;
  /** Frames that have come and were not wanted yet; at most what one call delivers beyond the first. */
  readonly queue: MediaFrame[];
  /** EOF has come; it takes effect after the queue. */
  ending: boolean;
  /** The graph has been told the end, or takes nothing more. */
  ended: boolean;
  format: StreamFormat | undefined;
  /** The frame fed last, while the demand watches whether the graph lets go of it. */
  watched: MediaFrame | undefined;
}

interface Output {
  readonly id: number;
  ended: boolean;
  /** Nothing more comes before the next frame goes in. */
  dry: boolean;
  /** µs of the last frame. */
  time: number;
}

export default class FFmpegFilter implements Module<FilterOptions> {
  static readonly schema = filterOptions;

  #ctx!: ModuleContext<FilterOptions>;
  #plan!: Plan;
  #graph: RunningGraph | undefined;
  #inputs: Input[] = [];
  #outputs: Output[] = [];
  #demand!: Demand;
  #breaks!: Breaks;
  /** The last call stopped at its limit, not for want of input. */
  #more = false;
  /** Nobody is connected to its outputs. */
  #discards = false;
  /** The running graph is being emptied, to be built anew. */
  #replacing = false;
  /** The options as they are now. */
  #options!: FilterOptions;
  /** The graph to be built then, if the options were changed. */
  #next: Plan | undefined;

  /** @throws MillraceError ERR_MILLRACE_OPTION for everything that can be known to be wrong without a frame. */
  init(ctx: ModuleContext<FilterOptions>): void {
    this.#ctx = ctx;
    this.#options = ctx.options;
    this.#plan = makePlan(ctx.options, ctx, ctx.protocolWhitelist);
    if (ctx.inputs.length === 0 && ctx.outputs.length === 0) {
      throw new MillraceError('ERR_MILLRACE_OPTION', `Nothing is connected to the ${this.#plan.title}`);
    }
    // Filters whose output nobody wants may do something else (write, measure). They are pulled at all the same: pushed
    // by its input, a filter that makes pictures without end would never come back from FFmpeg.
    this.#discards = ctx.outputs.length === 0;
    if (this.#discards) {
      const outputs = new Map(this.#plan.unused.map((pad, id) => [id, pad]));
      this.#plan = { ...this.#plan, outputs, unused: [] };
    }
    this.#begin();
  }

  #begin(): void {
    const { inputs } = this.#ctx;
    const outputs = [...this.#plan.outputs.keys()];
    this.#inputs = inputs.map((id) => ({
      id,
      queue: [],
      ending: false,
      ended: false,
      format: undefined,
      watched: undefined,
    }));
    this.#outputs = outputs.map((id) => ({ id, ended: false, dry: false, time: -Infinity }));
    this.#demand = new Demand(inputs, outputs);
    this.#breaks = new Breaks(outputs);
    this.#more = false;
    this.#replacing = false;
  }

  wants(): readonly number[] | undefined {
    if (this.#inputs.length === 0) return undefined;
    if (this.#more) return [];
    if (this.#graph === undefined) return this.#inputs.filter((input) => !hasHead(input)).map(({ id }) => id);
    const next = this.#demand.next(this.#held);
    return this.#inputs.filter((input) => input.id === next).map(({ id }) => id);
  }

  process(task: Task): void {
    this.#take(task);
    if (this.#areOver(task)) {
      this.#finish(task);
      return;
    }
    if (this.#graph === undefined) {
      if (!this.#inputs.every(hasHead)) return;
      if (this.#inputs.length > 0 && this.#inputs.every(({ queue }) => queue.length === 0)) {
        this.#finish(task);
        return;
      }
      this.#configure();
    }
    this.#run(task);
    // What the graph has closed by itself (the audio beside a finished trim) need not be produced any more.
    for (const input of this.#inputs) {
      if (!input.ended || input.ending) continue;
      input.ending = true;
      task.closeInput(input.id);
    }
  }

  /** All outputs have ended, or everybody has left them. */
  #areOver(task: Task): boolean {
    if (this.#outputs.length === 0) return false;
    return this.#outputs.every(({ id, ended }) => ended || (!this.#discards && task.output(id).closed));
  }

  /** Takes the frames of a call over from their packets. */
  #take(task: Task): void {
    for (const input of this.#inputs) {
      for (const packet of task.inputs.get(input.id) ?? []) {
        if (packet.isEof) input.ending = true;
        else if (packet.control === undefined && !input.ended) {
          const frame = adopt(packet, this.#plan.title, input.id);
          this.#breaks.came(packet, frame);
          input.queue.push(frame);
        }
      }
    }
  }

  #configure(): void {
    for (const input of this.#inputs) {
      const head = input.queue[0];
      if (head === undefined) continue;
      input.format?.frames?.release();
      input.format = formatOf(head);
    }
    this.#graph = new RunningGraph(this.#plan, this.#formats(), this.#ctx.options.hwaccel_device);
    for (const move of this.#graph.moves) this.#ctx.log.info(move);
    for (const { id, ended } of this.#inputs) if (ended) this.#graph.end(id);
    for (const output of this.#outputs) output.dry = false;
  }

  #formats(): Map<number, StreamFormat> {
    return new Map(this.#inputs.map((input) => [input.id, input.format ?? this.#substitute(input)]));
  }

  /** The format to stand in for an input that ended before its first frame: that of another one of its kind. */
  #substitute({ id }: Input): StreamFormat {
    const [pad] = this.#plan.inputs.get(id)!;
    const kind = this.#plan.pads[pad!.filter]!.inputs[pad!.pad]!;
    const other = this.#inputs.find(({ format }) => format?.kind === kind);
    if (other?.format) return other.format;
    throw new MillraceError(
      'ERR_MILLRACE_INPUT',
      `Input ${id} of the ${this.#plan.title} ended before its first frame, so that its format is unknown`,
      {
        hint: `No other ${kind} input can tell it either. Leave the stream out, or make sure that it has frames`,
      },
    );
  }

  #run(task: Task): void {
    this.#more = true;
    for (;;) {
      if (!this.#emit(task)) return;
      if (this.#areOver(task)) break;
      if (this.#replacing) this.#replace();
      else if (!this.#feed()) {
        this.#more = false;
        if (this.#inputs.some(({ ended }) => !ended)) return;
        break;
      }
    }
    this.#finish(task);
  }

  /** Takes out what the graph has, the output with the lowest time first. @returns false at the limit of a call. */
  #emit(task: Task): boolean {
    let emitted = 0;
    let dropped = 0;
    for (;;) {
      const ready = this.#outputs.filter(({ ended, dry }) => !ended && !dry);
      if (ready.length === 0) return true;
      const id = lowest(ready.map((output) => [output.id, output]));
      const output = ready.find((candidate) => candidate.id === id)!;
      const port = task.output(id);
      const frame = this.#graph!.pull(id);
      if (frame === 'again') output.dry = true;
      else if (frame === 'end') this.#endOutput(output, task);
      else {
        const time = frame.timestamp;
        output.time = advance(output.time, time);
        this.#demand.produced(id, time);
        // What one output asked for may have brought frames for the others.
        for (const other of this.#outputs) if (other !== output) other.dry = false;
        if (this.#discards) {
          frame.close();
          if (++dropped >= DROP) return false;
        } else if (port.closed) {
          frame.close();
          this.#demand.outputEnded(id);
          if (++dropped >= DROP) output.dry = true;
        } else {
          this.#count(frame, time);
          port.push(new Packet(frame, { discontinuity: this.#breaks.isNext(id) }));
          if (++emitted >= EMIT) return false;
        }
      }
    }
  }

  #count(frame: MediaFrame, time: number | undefined): void {
    if (frame instanceof VideoFrame) this.#ctx.meter.frames++;
    if (time !== undefined) this.#ctx.meter.position = time;
  }

  #endOutput(output: Output, task: Task): void {
    if (this.#replacing) {
      output.dry = true;
      return;
    }
    output.ended = true;
    this.#demand.outputEnded(output.id);
    const port = task.output(output.id);
    if (!port.closed) port.push(Packet.eof());
  }

  /** Feeds one end or one frame. @returns false if there is nothing to feed. */
  #feed(): boolean {
    const graph = this.#graph!;
    const ending = this.#inputs.find(({ queue, ending, ended }) => ending && !ended && queue.length === 0);
    if (ending) {
      graph.end(ending.id);
      this.#close(ending);
      this.#stir();
      return true;
    }
    const id = this.#demand.next(this.#held);
    const input = this.#inputs.find((candidate) => candidate.id === id);
    const frame = input?.queue[0];
    if (input === undefined || frame === undefined) return false;
    if (formatKey(frame) !== input.format?.key) {
      this.#beginReplacing();
      return true;
    }
    input.queue.shift();
    this.#breaks.went(frame);
    this.#feedFrame(graph, input, frame);
    this.#stir();
    return true;
  }

  #feedFrame(graph: RunningGraph, input: Input, frame: MediaFrame): void {
    const time = frame.timestamp;
    const watching = this.#demand.watching;
    if (!watching) for (const each of this.#inputs) unwatch(each);
    let taken = false;
    try {
      // A watched frame is made the only one of its kind, so that a second reference to it can only be the graph's.
      if (watching) frame.writable();
      taken = graph.feed(input.id, frame, watching);
    } finally {
      unwatch(input);
      if (watching && taken) input.watched = frame;
      else frame.close();
    }
    if (taken) this.#demand.fed(input.id, time);
    else this.#close(input);
  }

  readonly #held = (id: number): boolean => {
    const watched = this.#inputs.find((input) => input.id === id)?.watched;
    return watched !== undefined && !watched.av.isWritable;
  };

  /** This input has ended, for the graph at least. */
  #close(input: Input): void {
    input.ended = true;
    unwatch(input);
    for (const frame of input.queue.splice(0)) frame.close();
    this.#demand.ended(input.id);
  }

  #stir(): void {
    for (const output of this.#outputs) output.dry = false;
  }

  /**
   * The format of an input has changed: what the graph still holds comes out first, as at the end of its input. Not so
   * with several inputs, where the end of one means something else than its change (concat would go on to the next,
   * overlay repeat the last picture): there, as in ffmpeg, what waits inside for another input is lost. Nor with filters
   * that make frames of their own: such a graph might never end.
   */
  #beginReplacing(): void {
    this.#replacing = true;
    const [input] = this.#inputs;
    if (this.#inputs.length > 1 || this.#plan.hasSources || input === undefined) return;
    this.#graph!.end(input.id);
    this.#stir();
  }

  /**
   * Other arguments, or other filters with as many inputs and outputs, from the next frame on: by commands of FFmpeg where the
   * filters take what changes, else by a new graph. What the old one still holds comes out as when a format changes.
   * @throws MillraceError ERR_MILLRACE_OPTION for what FFmpeg refuses: then everything is as it was.
   */
  dynamicReset(given: Readonly<Record<string, unknown>>): void {
    const options = changedOptions(this.#options, given);
    const plan = makePlan(options, this.#ctx, this.#ctx.protocolWhitelist);
    const before = this.#next ?? this.#plan;
    const graph = this.#graph;
    const commands = graph === undefined || this.#replacing ? undefined : commandsBetween(before, plan);
    // What can be refused is refused here, while everything is as it was.
    if (graph !== undefined) new RunningGraph(plan, this.#formats(), this.#ctx.options.hwaccel_device).close();
    if (graph === undefined || (commands && graph.command(commands))) this.#plan = plan;
    else {
      if (this.#inputs.length === 0) throw cannotBeginAnew(this.#plan.title);
      this.#next = plan;
      if (!this.#replacing) this.#beginReplacing();
    }
    this.#options = options;
  }

  #replace(): void {
    this.#replacing = false;
    this.#plan = this.#next ?? this.#plan;
    this.#next = undefined;
    this.#graph!.close();
    this.#graph = undefined;
    this.#configure();
  }

  #finish(task: Task): void {
    for (const output of this.#outputs) if (!output.ended) this.#endOutput(output, task);
    this.#release();
    task.done();
  }

  #release(): void {
    this.#plan = this.#next ?? this.#plan;
    this.#next = undefined;
    this.#graph?.close();
    this.#graph = undefined;
    for (const input of this.#inputs) {
      unwatch(input);
      for (const frame of input.queue.splice(0)) frame.close();
      input.format?.frames?.release();
      input.format = undefined;
    }
  }

  reset(): void {
    this.#release();
    this.#begin();
  }

  close(): void {
    this.#release();
  }
}

/** Its frames would begin at time 0 once more. */
function cannotBeginAnew(title: string): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_OPTION',
    `The ${title} has no input, and FFmpeg has no command for what is to change`,
    {
      hint: 'Such a filter can be changed only by its commands: https://ffmpeg.org/ffmpeg-filters.html#Changing-options-at-runtime-with-a-command',
    },
  );
}

function hasHead({ queue, ending }: Input): boolean {
  return ending || queue.length > 0;
}

function unwatch(input: Input): void {
  input.watched?.close();
  input.watched = undefined;
}
