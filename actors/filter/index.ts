/**
 * `c_ffmpeg_filter`: FFmpeg filters as a module. Any number of inputs and outputs, video and audio.
 *
 * The graph is configured from the first frame of every input and built anew when the format of an input changes.
 * Frames go in one at a time, each time everything that comes of it is taken out first, a few frames per call, so that
 * back-pressure acts between them; `run/filter-feed.ts` puts them in, `run/filter-outputs.ts` takes out what comes. Here is when a graph is made, fed, and replaced by another one.
 */
import { MillraceError } from '../../src/errors/errors.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { type FilterOptions, filterOptions } from './options.js';
import { makePlan, type Plan } from './plan/plan.js';
import { Breaks } from './run/breaks.js';
import { changedOptions, commandsBetween } from './run/change.js';
import { FilterFeed } from './run/filter-feed.js';
import { type Input, idsOf, noteFormats, substitute } from './run/filter-inputs.js';
import { FilterOutputs, ROUNDING } from './run/filter-outputs.js';
import { Demand } from './run/input-demand.js';
import { Joining, type Setting } from './run/joining.js';
import { KeptFrames } from './run/kept-frames.js';
import { RunningGraph } from './run/running-graph.js';
import { formatKey } from './run/stream-format.js';
import type { MediaFrame } from './run/take-frame.js';

/** Frames that may go in before a change that waits for the pictures inside to come out. */
const PATIENCE = 100;

export default class FFmpegFilter implements Module<FilterOptions> {
  static readonly schema = filterOptions;

  #ctx!: ModuleContext<FilterOptions>;
  /** What the running graph is, or the next one if there is none. */
  #now!: Setting;
  /** What it is to become. */
  #next: Setting | undefined;
  #graph: RunningGraph | undefined;
  #feed: FilterFeed | undefined;
  #outputs!: FilterOutputs;
  #demand!: Demand;
  /** The last call stopped at its limit, not for want of input. */
  #more = false;
  /** Nobody is connected to its outputs. */
  #discards = false;
  /** The running graph is being emptied, to be built anew. */
  #replacing = false;
  /** Frames that may go in before it is, however much is inside; undefined: it is not to be built anew. */
  #due: number | undefined;
  readonly #kept = new KeptFrames();
  readonly #joining = new Joining({
    warn: (text) => this.#ctx.log.warn(text),
    setting: () => this.#next ?? this.#now,
    inputs: () => this.#inputs,
    makePlan: (options, inputs) => this.#makePlan(options, inputs),
    change: (next) => this.#change(next),
  });

  get #inputs(): readonly Input[] {
    return this.#feed?.all ?? [];
  }

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
    this.#demand = new Demand(inputs, outputs);
    const breaks = new Breaks(outputs);
    this.#feed = new FilterFeed(inputs, this.#demand, breaks, this.#kept);
    const watchers = { meter: this.#ctx.meter, demand: this.#demand, kept: this.#kept, breaks };
    this.#outputs = new FilterOutputs(outputs, this.#discards, watchers);
    this.#more = false;
    this.#replacing = false;
    this.#due = undefined;
  }

  wants(): readonly number[] | undefined {
    if (this.#inputs.length === 0) return undefined;
    if (this.#more) return [];
    return [...this.#feed!.wanted(this.#graph !== undefined), ...this.#joining.wanted];
  }

  process(task: Task): void {
    const feed = this.#feed!;
    const joining = this.#joining;
    feed.take(task, this.#now.plan.title, joining.isEmpty ? undefined : joining.all);
    if (!joining.isEmpty) joining.admit(task);
    if (this.#outputs.areOver(task)) {
      this.#finish(task);
      return;
    }
    if (this.#graph === undefined) {
      if (!feed.areKnown) return;
      if (feed.areEmpty) {
        this.#finish(task);
        return;
      }
      this.#configure(this.#now.plan);
    }
    this.#run(task);
    feed.leave(task);
  }

  #configure(plan: Plan): void {
    noteFormats(this.#inputs);
    this.#graph = this.#build(plan, this.#inputs);
    for (const move of this.#graph.moves) this.#ctx.log.info(move);
    const inside = this.#kept.take();
    this.#kept.begin(plan);
    for (const [id, frames] of inside) this.#feedAgain(id, frames);
    for (const { id, ended } of this.#inputs) if (ended && plan.inputs.has(id)) this.#graph.end(id);
    this.#outputs.stir();
  }

  /** What the graph before held goes into the one that takes its place. */
  #feedAgain(id: number, frames: readonly MediaFrame[]): void {
    const input = this.#inputs.find((candidate) => candidate.id === id);
    for (const frame of frames) {
      if (input?.format?.key === formatKey(frame)) {
        this.#kept.feeding(id, frame);
        if (this.#kept.isFirst(id)) this.#outputs.expectRepeated();
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
      if (!this.#outputs.emit(this.#graph!, task, this.#replacing)) return;
      if (this.#outputs.areOver(task)) break;
      if (this.#due !== undefined && this.#mayBeChanged()) this.#beginReplacing();
      if (this.#replacing) this.#replace(task);
      else if (!this.#feedNext()) {
        this.#more = false;
        if (!this.#feed!.areOver) return;
        break;
      }
    }
    this.#finish(task);
  }

  /** @returns false if there is nothing to feed. */
  #feedNext(): boolean {
    const fed = this.#feed!.feed(this.#graph!);
    if (fed === 'nothing') return false;
    if (fed === 'other format') {
      this.#beginReplacing();
      return true;
    }
    if (fed === 'frame' && this.#due !== undefined) this.#due--;
    this.#outputs.stir();
    return true;
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
    this.#outputs.stir();
  }

  /** Nothing of the first input is inside, or it has been waited for long enough. */
  #mayBeChanged(): boolean {
    if (this.#due! <= 0) return true;
    return this.#kept.isSettled(this.#demand.reached + ROUNDING, (id) => this.#feed!.isLive(id));
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
      if (!this.#joining.hold(given)) throw error;
    }
  }

  #changeOptions(given: Readonly<Record<string, unknown>>): void {
    const before = this.#next ?? this.#now;
    const options = changedOptions(before.options, given);
    const inputs = [...this.#inputs, ...this.#joining.arriving];
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
      this.#arrive(this.#joining.take());
      return;
    }
    this.#next = next;
    if (this.#replacing || this.#due !== undefined) return;
    if (this.#inputs.length > 1) {
      this.#kept.armed = true;
      this.#due = PATIENCE;
    } else this.#beginReplacing();
  }

  /**
   * A further input, which takes part from its first frame on.
   * @throws MillraceError ERR_MILLRACE_OPTION for filters that cannot have it: then everything is as it was.
   */
  addInput(id: number, given: Readonly<Record<string, unknown>> | undefined): void {
    this.#joining.add(id, given);
  }

  #arrive(inputs: readonly Input[]): void {
    this.#joining.arrive(inputs, this.#demand);
    this.#feed!.add(inputs);
  }

  #replace(task: Task): void {
    const arriving = this.#joining.take();
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
      this.#joining.turnAway(arriving.splice(0), error, task);
    }
    this.#graph!.close();
    this.#graph = undefined;
    if (this.#now === next) {
      this.#feed!.keep(staying);
      this.#arrive(arriving);
    }
    this.#configure(this.#now.plan);
  }

  #finish(task: Task): void {
    this.#outputs.endAll(task);
    this.#release();
    task.done();
  }

  #release(): void {
    this.#now = this.#next ?? this.#now;
    this.#next = undefined;
    this.#graph?.close();
    this.#graph = undefined;
    this.#kept.release();
    this.#joining.release();
    this.#feed?.release();
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
