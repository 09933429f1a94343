/**
 * Several filter nodes in a row as one module (`optimize_graph`): a frame passes through all of them in one call.
 *
 * Results are those of the nodes by themselves, by construction: every member has the graph it would have as a node,
 * configured from the frames that come out of the one before it (so formats, durations and time bases are settled between
 * any two as they are between nodes), and rebuilt when these change. Only where members treat one picture at a time are
 * they joined into one FFmpeg graph, see joined-stages.ts.
 */

import * as v from 'valibot';
import { nextTurn } from '../../../ringbuffer/clock.js';
import { MemberError } from '../../../src/errors/errors.js';
import type { ChosenDevice } from '../../../src/media/index.js';
import { Packet, VideoFrame } from '../../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../../src/module/contract.js';
import { strictOptions } from '../../../src/schema/schema.js';
import { type FilterOptions, filterOptions } from '../options.js';
import { makePlan, type Plan } from '../plan/plan.js';
import { Breaks } from '../run/breaks.js';
import { changedOptions } from '../run/change.js';
import { adopt, type MediaFrame } from '../run/take-frame.js';
import { JoinedStages } from './joined-stages.js';
import { isFrame, Line, type Progress } from './line.js';
import { Member } from './stage.js';
import { worksOnOnePicture } from './stateless.js';

/** Frames a call emits at most. */
const EMIT = 4;
/**
 * Frames that move between members in a call at most, beside those that bring one through the whole chain: an endless
 * `loop` may be followed by a filter that lets none pass.
 */
const MOVES = 64;

export interface ChainOptions {
  /** Upstream first. */
  readonly members: readonly {
    /** Index of the node on the graph's board. */
    readonly node: number;
    readonly options: FilterOptions;
  }[];
}

/** What the runtime gives `dynamicReset`: the options are meant for one of the nodes. */
interface MemberChange {
  /** Index of the node on the graph's board. */
  readonly member: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Every member is a node with input 0 and output 0 and no other. */
const PORTS = { inputs: [0], outputs: [0] };

export default class FusedFilters implements Module<ChainOptions> {
  static readonly schema = v.pipe(
    strictOptions({ members: v.array(strictOptions({ node: v.number(), options: filterOptions })) }),
    v.readonly(),
  );

  #ctx!: ModuleContext<ChainOptions>;
  #progress!: Progress;
  #titles: string[] = [];
  /** Of the members, as they are now. */
  #options: FilterOptions[] = [];
  /** Members and stretches of members, upstream first. */
  #line!: Line;
  /** The line was told the end. */
  #ended = false;
  /** Frames that have come and were not wanted yet: at most what one call delivers. */
  readonly #queue: MediaFrame[] = [];
  readonly #breaks = new Breaks(PORTS.outputs);
  #ending = false;
  /** The last call stopped at a limit, not for want of input. */
  #more = false;

  /** @throws MemberError with what the member's node would throw by itself. */
  init(ctx: ModuleContext<ChainOptions>): void {
    this.#ctx = ctx;
    this.#options = ctx.options.members.map(({ options }) => options);
    this.#begin();
  }

  #begin(): void {
    const ctx = this.#ctx;
    this.#progress = { at: 0, moves: 0 };
    this.#ending = false;
    this.#ended = false;
    this.#more = false;
    const plans = this.#options.map((options, number) => {
      this.#progress.at = number;
      const plan = this.#blaming(() => makePlan(options, PORTS, ctx.protocolWhitelist));
      return { number, plan, device: options.hwaccel_device };
    });
    this.#titles = plans.map(({ plan }) => plan.title);
    const stages = stretches(plans).map((group) => {
      const [first] = group;
      return group.length > 1
        ? new JoinedStages(group, this.#progress)
        : new Member(first!.number, first!.plan, this.#progress, first!.device);
    });
    this.#line = new Line(stages, this.#progress);
  }

  wants(): readonly number[] | undefined {
    return this.#more ? [] : undefined;
  }

  process(task: Task): void | Promise<void> {
    this.#progress.at = 0;
    return this.#blaming(() => {
      for (const packet of task.inputs.get(0) ?? []) {
        if (packet.isEof) this.#ending = true;
        else if (packet.control === undefined) {
          const frame = adopt(packet, this.#titles[0]!, 0);
          this.#breaks.came(packet, frame);
          this.#queue.push(frame);
        }
      }
      return this.#emit(task);
    });
  }

  #emit(task: Task): void | Promise<void> {
    const output = task.output(0);
    let emitted = 0;
    this.#more = true;
    this.#progress.moves = MOVES + this.#titles.length;
    while (emitted < EMIT) {
      const step = output.closed ? 'end' : this.#line.step();
      if (isFrame(step)) {
        this.#count(step);
        output.push(new Packet(step, { discontinuity: this.#breaks.isNext(0) }));
        emitted++;
      } else if (step === 'hungry') {
        if (this.#feed()) continue;
        this.#more = false;
        break;
      } else if (step === 'later') {
        // To the engine a call that emits nothing after the end of the input is the last one.
        if (emitted === 0 && this.#ending) return this.#goOn(task);
        break;
      } else {
        this.#release();
        task.done();
        return;
      }
    }
    // What a member has closed by itself (a trim) closes all that is before it.
    if (!this.#ending && this.#line.full) {
      this.#ending = true;
      this.#drop();
      task.closeInput(0);
    }
  }

  async #goOn(task: Task): Promise<void> {
    await nextTurn();
    if (this.#ctx.signal.aborted) return;
    return this.#blaming(() => this.#emit(task));
  }

  /** Gives the line the next frame, or the end. @returns false if nothing has come. */
  #feed(): boolean {
    const frame = this.#queue.shift();
    if (frame !== undefined) {
      this.#breaks.went(frame);
      this.#line.give(frame);
    } else if (this.#ending && !this.#ended) {
      this.#ended = true;
      this.#line.end();
    } else return false;
    return true;
  }

  #count(frame: MediaFrame): void {
    if (frame instanceof VideoFrame) this.#ctx.meter.frames++;
    const time = frame.timestamp;
    if (time !== undefined) this.#ctx.meter.position = time;
  }

  /**
   * Other arguments of one member; see `FFmpegFilter.dynamicReset`.
   * @throws MemberError
   */
  dynamicReset(change: Readonly<Record<string, unknown>>): void {
    const { member, options } = change as unknown as MemberChange;
    const number = this.#ctx.options.members.findIndex(({ node }) => node === member);
    this.#progress.at = number;
    this.#blaming(() => {
      const changed = changedOptions(this.#options[number]!, options);
      const plan = makePlan(changed, PORTS, this.#ctx.protocolWhitelist);
      for (const stage of this.#line.stages) {
        if (stage instanceof JoinedStages && stage.has(number)) stage.change(number, plan);
        else if (stage instanceof Member && stage.number === number) stage.change(plan);
      }
      this.#options[number] = changed;
    });
  }

  #blaming<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new MemberError(this.#ctx.options.members[this.#progress.at]!.node, cause);
    }
  }

  #drop(): void {
    for (const frame of this.#queue.splice(0)) frame.close();
  }

  #release(): void {
    this.#drop();
    this.#line?.release();
  }

  reset(): void {
    this.#release();
    this.#begin();
  }

  close(): void {
    this.#release();
  }
}

interface Numbered {
  readonly number: number;
  readonly plan: Plan;
  readonly device?: ChosenDevice | undefined;
}

/** Groups neighbours that may be joined. */
function stretches(plans: readonly Numbered[]): Numbered[][] {
  const groups: Numbered[][] = [];
  let open = false;
  for (const numbered of plans) {
    const { plan } = numbered;
    const joins = worksOnOnePicture(plan);
    const group = groups.at(-1);
    if (open && joins && group?.[0]?.plan.threads === plan.threads) group.push(numbered);
    else groups.push([numbered]);
    open = joins;
  }
  return groups;
}
