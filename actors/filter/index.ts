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
import { hasHead, type Input, idsOf, inputOf, noteFormats, substitute, unwatch } from './run/filter-inputs.js';
import { advance, Demand, lowest } from './run/input-demand.js';
import { KeptFrames } from './run/kept-frames.js';
import { explained, type Newcomer, Newcomers, optionsWith, requireJoining } from './run/newcomers.js';
import { RunningGraph } from './run/running-graph.js';
import { formatKey } from './run/stream-format.js';
import { adopt, type MediaFrame } from './run/take-frame.js';

/** Frames a call emits at most. */
const EMIT = 4;
/** Frames a call takes out and drops at most for an output whose consumers have left. */
const DROP = 16;
/** Frames that may go in before a change that waits for the pictures inside to come out. */
const PATIENCE = 100;
/** µs by which the times of a frame that comes out may differ from those of the one that went in. */
const ROUNDING = 1000;
/** µs: who joins, and begins so long before what the filter is at, is told. */
const LATE = 1_000_000;

interface Output {
  readonly id: number;
  ended: boolean;
  /** Nothing more comes before the next frame goes in. */
  dry: boolean;
  /** µs of the last frame. */
  time: number;
}

/** What the filter is, and the options that say so. */
interface Setting {
  readonly options: FilterOptions;
  readonly plan: Plan;
}

export default class FFmpegFilter implements Module<FilterOptions> {
  static readonly schema = filterOptions;

  #ctx!: ModuleContext<FilterOptions>;
  /** What the running graph is, or the next one if there is none. */
  #now!: Setting;
  /** What it is to become. */
  #next: Setting | undefined;
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
  /** Frames that may go in before it is, however much is inside; undefined: it is not to be built anew. */
  #due: number | undefined;
  readonly #kept = new KeptFrames();
  /** Pictures that may come out once more. */
  #repeats = 0;
  readonly #newcomers = new Newcomers();
  /** Inputs of the next graph. */
  readonly #arriving: Input[] = [];

  /** @throws MillraceError ERR_MILLRACE_OPTION for everything that can be known to be wrong without a frame. */
  init(ctx: ModuleContext<FilterOptions>): void {
    this.#ctx = ctx;
    this.#discards = ctx.outputs.length === 0;
    const plan = this.#makePlan(ctx.options, ctx.inputs);
    this.#now = { options: ctx.options, plan };
    if (ctx.inputs.length === 0 && ctx.outputs.length === 0) {
      throw new MillraceError('ERR_MILLRACE_OPTION', `Nothing is connected to the ${plan.title}`);
    }
    this.#begin();
  }

  /** @param inputs of the filter; those that have ended may be left out. */
  #makePlan(options: FilterOptions, inputs: readonly number[]): Plan {
    const { outputs, protocolWhitelist } = this.#ctx;
    const ended = new Set(this.#inputs.flatMap(({ id, ended }) => (ended ? [id] : [])));
    const plan = makePlan(options, { inputs, outputs, ended }, protocolWhitelist);
    // Filters whose output nobody wants may do something else (write, measure). They are pulled at all the same: pushed
    // by its input, a filter that makes pictures without end would never come back from FFmpeg.
    if (!this.#discards) return plan;
    return { ...plan, outputs: new Map(plan.unused.map((pad, id) => [id, pad])), unused: [] };
  }

  #begin(): void {
    const { inputs } = this.#ctx;
    const outputs = [...this.#now.plan.outputs.keys()];
    this.#inputs = inputs.map((id) => inputOf(id));
    this.#outputs = outputs.map((id) => ({ id, ended: false, dry: false, time: -Infinity }));
    this.#demand = new Demand(inputs, outputs);
    this.#breaks = new Breaks(outputs);
    this.#more = false;
    this.#replacing = false;
    this.#due = undefined;
    this.#repeats = 0;
  }

  wants(): readonly number[] | undefined {
    if (this.#inputs.length === 0) return undefined;
    if (this.#more) return [];
    const { wanted } = this.#newcomers;
    if (this.#graph === undefined) {
      return [...this.#inputs.filter((input) => !hasHead(input)).map(({ id }) => id), ...wanted];
    }
    const next = this.#demand.next(this.#held);
    return [...this.#inputs.filter((input) => input.id === next).map(({ id }) => id), ...wanted];
  }

  process(task: Task): void {
    this.#take(task);
    if (this.#newcomers.all.length > 0) this.#admit(task);
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
      this.#configure(this.#now.plan);
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
    const { all } = this.#newcomers;
    const isJoined = this.#arriving.length + all.length > 0;
    for (const input of isJoined ? [...this.#inputs, ...this.#arriving, ...all] : this.#inputs) {
      for (const packet of task.inputs.get(input.id) ?? []) {
        if (packet.isEof) input.ending = true;
        else if (packet.control === undefined && !('ended' in input && input.ended)) {
          const frame = adopt(packet, this.#now.plan.title, input.id);
          this.#breaks.came(packet, frame);
          input.queue.push(frame);
        }
      }
    }
  }

  #configure(plan: Plan): void {
    noteFormats(this.#inputs);
    this.#graph = this.#build(plan, this.#inputs);
    for (const move of this.#graph.moves) this.#ctx.log.info(move);
    const inside = this.#kept.take();
    this.#kept.begin(plan);
    for (const [id, frames] of inside) this.#feedAgain(id, frames);
    for (const { id, ended } of this.#inputs) if (ended && plan.inputs.has(id)) this.#graph.end(id);
    for (const output of this.#outputs) output.dry = false;
  }

  /** What the graph before held goes into the one that takes its place. */
  #feedAgain(id: number, frames: readonly MediaFrame[]): void {
    const input = this.#inputs.find((candidate) => candidate.id === id);
    for (const frame of frames) {
      if (input?.format?.key === formatKey(frame)) {
        this.#kept.feeding(id, frame);
        if (this.#kept.isFirst(id)) this.#repeats++;
        this.#graph!.feed(id, frame, false);
      }
      frame.close();
    }
  }

  #build(plan: Plan, inputs: readonly Input[]): RunningGraph {
    const used = inputs.filter(({ id }) => plan.inputs.has(id));
    const formats = new Map(used.map((input) => [input.id, input.format ?? substitute(input, used, plan)]));
    return new RunningGraph(plan, formats, this.#ctx.options.hwaccel_device);
  }
  #run(task: Task): void {
    this.#more = true;
    for (;;) {
      if (!this.#emit(task)) return;
      if (this.#areOver(task)) break;
      if (this.#due !== undefined && this.#mayBeChanged()) this.#beginReplacing();
      if (this.#replacing) this.#replace(task);
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
        this.#kept.given(frame);
        if (this.#isRepeated(frame, output.time)) {
          frame.close();
          continue;
        }
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

  /** It came out of the graph before, from which this one was given its pictures. */
  #isRepeated(frame: MediaFrame, last: number): boolean {
    if (this.#repeats === 0 || !(frame instanceof VideoFrame)) return false;
    const { timestamp } = frame;
    const isRepeated = timestamp !== undefined && timestamp < last + ROUNDING;
    this.#repeats = isRepeated ? this.#repeats - 1 : 0;
    return isRepeated;
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
    // Before it is made the only one of its kind.
    this.#kept.feeding(input.id, frame);
    if (this.#due !== undefined) this.#due--;
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
   * Another graph is to take the place of this one: what it still holds comes out first, as at the end of its input. Not so
   * with several inputs, where the end of one means something else than its change (concat would go on to the next,
   * overlay repeat the last picture): there what waits inside goes into the next graph (kept-frames.ts), or is lost as in
   * ffmpeg. Nor with filters that make frames of their own: such a graph might never end.
   */
  #beginReplacing(): void {
    this.#replacing = true;
    this.#due = undefined;
    const [input] = this.#inputs;
    if (this.#inputs.length > 1 || this.#now.plan.hasSources || input === undefined) return;
    this.#graph!.end(input.id);
    this.#stir();
  }

  /** Nothing of the first input is inside, or it has been waited for long enough. */
  #mayBeChanged(): boolean {
    if (this.#due! <= 0) return true;
    const isLive = (id: number): boolean => this.#inputs.some((input) => input.id === id && !input.ended);
    return this.#kept.isSettled(this.#demand.reached + ROUNDING, isLive);
  }

  /**
   * Other arguments, or other filters with as many inputs and outputs, from the next frame on: by commands of FFmpeg where the
   * filters take what changes, else by a new graph. What the old one still holds comes out as when a format changes.
   * @throws MillraceError ERR_MILLRACE_OPTION for what FFmpeg refuses: then everything is as it was.
   */
  dynamicReset(given: Readonly<Record<string, unknown>>): void {
    try {
      this.#changeOptions(given);
    } catch (error) {
      // What names an input that is still to come holds from its first frame on.
      if (!this.#newcomers.hold(given, (newcomers) => this.#settingWith(newcomers))) throw error;
    }
  }

  #changeOptions(given: Readonly<Record<string, unknown>>): void {
    const before = this.#next ?? this.#now;
    const options = changedOptions(before.options, given);
    const inputs = [...this.#inputs, ...this.#arriving];
    const plan = this.#makePlan(options, idsOf(inputs));
    const graph = this.#graph;
    const isChanging = this.#replacing || this.#next !== undefined;
    const commands = graph === undefined || isChanging ? undefined : commandsBetween(before.plan, plan);
    // What can be refused is refused here, while everything is as it was.
    if (graph !== undefined) this.#build(plan, inputs).close();
    if (graph !== undefined && commands && graph.command(commands)) this.#now = { options, plan };
    else if (graph !== undefined && this.#inputs.length === 0) throw cannotBeginAnew(before.plan.title);
    else this.#change({ options, plan });
  }

  /** It is to become something else, at the next boundary at which nothing is lost. */
  #change(next: Setting): void {
    if (this.#graph === undefined) {
      this.#now = next;
      this.#arrive(this.#arriving.splice(0));
      return;
    }
    this.#next = next;
    if (this.#replacing || this.#due !== undefined) return;
    if (this.#inputs.length > 1) {
      this.#kept.armed = true;
      this.#due = PATIENCE;
    } else this.#beginReplacing();
  }

  // --- further inputs -----------------------------------------------------------------------------------------------

  /**
   * A further input, which takes part from its first frame on.
   * @throws MillraceError ERR_MILLRACE_OPTION for filters that cannot have it: then everything is as it was.
   */
  addInput(id: number, given: Newcomer['given']): void {
    const newcomer = { id, given };
    try {
      this.#settingWith([newcomer]);
    } catch (error) {
      // What it is then may count on one that is still to come.
      const { all } = this.#newcomers;
      if (all.length === 0) throw explained(error, given);
      this.#settingWith([...all, newcomer]);
    }
    this.#newcomers.add(id, given);
  }

  #settingWith(newcomers: readonly Pick<Newcomer, 'id' | 'given'>[]): Setting {
    const before = this.#next ?? this.#now;
    requireJoining(before.plan);
    const ids = idsOf([...this.#inputs, ...this.#arriving]);
    let live = this.#inputs.filter(({ ended }) => !ended).length + this.#arriving.length;
    let setting = before;
    for (const { id, given } of newcomers) {
      const options = optionsWith(setting.options, given, setting.plan, live++);
      ids.push(id);
      setting = { options, plan: this.#makePlan(options, ids) };
    }
    requireJoining(setting.plan);
    return setting;
  }

  /** Those whose first frame has come. */
  #admit(task: Task): void {
    for (const newcomer of [...this.#newcomers.all]) {
      const { id, queue, ending } = newcomer;
      if (queue.length === 0) {
        if (ending) this.#newcomers.remove(newcomer);
        continue;
      }
      const isFirst = this.#newcomers.all[0] === newcomer;
      let setting: Setting;
      try {
        setting = this.#settingWith([newcomer]);
      } catch (error) {
        if (!isFirst) continue; // its options may count on one that is still to come
        this.#newcomers.remove(newcomer);
        this.#turnAway([inputOf(id, queue)], error, task);
        continue;
      }
      this.#newcomers.remove(newcomer);
      const input = inputOf(id, queue, ending);
      noteFormats([input]);
      this.#arriving.push(input);
      this.#change(setting);
    }
  }

  /** They cannot be taken after all. The filter goes on without them. */
  #turnAway(inputs: readonly Input[], cause: unknown, task: Task): void {
    for (const input of inputs) {
      for (const frame of input.queue.splice(0)) frame.close();
      input.format?.frames?.release();
      task.closeInput(input.id);
      this.#ctx.log.warn(`input ${input.id} cannot be joined, and is not taken: ${(cause as Error).message}`);
    }
  }

  /** From now on they are inputs like the others. */
  #arrive(inputs: readonly Input[]): void {
    for (const input of inputs) {
      const [head] = input.queue;
      const { reached } = this.#demand;
      const behind = head?.timestamp === undefined || !Number.isFinite(reached) ? 0 : reached - head.timestamp;
      // Sound is mixed sample by sample, whatever its times say.
      const isSound = input.format?.kind === 'audio';
      this.#demand.add(input.id, isSound ? behind : 0);
      this.#inputs.push(input);
      if (isSound || behind < LATE) continue;
      this.#ctx.log.warn(
        `input ${input.id} begins ${(behind / 1e6).toFixed(1)} s before what the filter is at: all of that has to be read before ` +
          'anything is shown. Give it the time of the others, by setpts',
      );
    }
  }

  #replace(task: Task): void {
    const arriving = this.#arriving.splice(0);
    // What has ended and has no place in the next graph is forgotten.
    const next = this.#next ?? this.#now;
    const staying = this.#inputs.filter(({ id, ended }) => !ended || next.plan.inputs.has(id));
    this.#replacing = false;
    this.#next = undefined;
    noteFormats(this.#inputs);
    try {
      if (arriving.length > 0) this.#build(next.plan, [...staying, ...arriving]).close();
      this.#now = next;
    } catch (error) {
      this.#turnAway(arriving.splice(0), error, task);
    }
    this.#graph!.close();
    this.#graph = undefined;
    if (this.#now === next) {
      for (const input of this.#inputs) {
        if (staying.includes(input)) continue;
        this.#demand.remove(input.id);
        input.format?.frames?.release();
      }
      this.#inputs = staying;
      this.#arrive(arriving);
    }
    this.#configure(this.#now.plan);
  }

  #finish(task: Task): void {
    for (const output of this.#outputs) if (!output.ended) this.#endOutput(output, task);
    this.#release();
    task.done();
  }

  #release(): void {
    this.#now = this.#next ?? this.#now;
    this.#next = undefined;
    this.#graph?.close();
    this.#graph = undefined;
    this.#kept.release();
    this.#newcomers.release();
    for (const input of [...this.#inputs, ...this.#arriving.splice(0)]) {
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
