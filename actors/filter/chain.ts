/**
 * Several filter nodes in a row as one module (`optimize_graph`): a frame passes through all of them in one call.
 *
 * Results are those of the nodes by themselves, by construction: every member has the graph it would have as a node,
 * configured from the frames that come out of the one before it (so formats, durations and time bases are settled between
 * any two as they are between nodes), and rebuilt when these change. Only where members treat one picture at a time are
 * they joined into one FFmpeg graph, see stretch.ts.
 */

import * as v from 'valibot';
import { nextTurn } from '../../ringbuffer/clock.js';
import { Packet, VideoFrame } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { MemberError } from '../../src/module/member-error.js';
import { strictOptions } from '../options.js';
import { adopt, type MediaFrame } from './adopt.js';
import { isFrame, Member, type Progress, type Pulled } from './member.js';
import { worksOnOnePicture } from './one-picture.js';
import { type FilterOptions, filterOptions } from './options.js';
import { makePlan, type Plan } from './plan.js';
import { Stretch } from './stretch.js';

/** Frames a call emits at most. */
const EMIT = 4;
/** Frames that move between members in a call at most: an endless `loop` may be followed by a filter that lets none pass. */
const MOVES = 64;

export interface ChainOptions {
  /** Upstream first. */
  readonly members: readonly {
    /** Index of the node on the graph's board. */
    readonly node: number;
    readonly options: FilterOptions;
  }[];
}

/** Every member is a node with input 0 and output 0 and no other. */
const PORTS = { inputs: [0], outputs: [0] };

export default class FilterChain implements Module<ChainOptions> {
  static readonly schema = v.pipe(
    strictOptions({ members: v.array(strictOptions({ node: v.number(), options: filterOptions })) }),
    v.readonly(),
  );

  #ctx!: ModuleContext<ChainOptions>;
  #progress!: Progress;
  #titles: string[] = [];
  /** Members and stretches of members, upstream first. */
  #parts: (Member | Stretch)[] = [];
  /** Frames that have come and were not wanted yet: at most what one call delivers. */
  readonly #queue: MediaFrame[] = [];
  #ending = false;
  /** The last call stopped at a limit, not for want of input. */
  #more = false;

  /** @throws MemberError with what the member's node would throw by itself. */
  init(ctx: ModuleContext<ChainOptions>): void {
    this.#ctx = ctx;
    this.#begin();
  }

  #begin(): void {
    const ctx = this.#ctx;
    this.#progress = { at: 0, moves: 0 };
    this.#parts = [];
    this.#ending = false;
    this.#more = false;
    const plans = ctx.options.members.map(({ options }, number) => {
      this.#progress.at = number;
      return { number, plan: this.#blaming(() => makePlan(options, PORTS, ctx.protocolWhitelist)) };
    });
    this.#titles = plans.map(({ plan }) => plan.title);
    let from = (): Pulled => this.#shift();
    for (const group of stretches(plans)) {
      const [first] = group;
      const part =
        group.length > 1
          ? new Stretch(group, from, this.#progress)
          : new Member(first!.number, first!.plan, from, this.#progress);
      this.#parts.push(part);
      from = () => part.pull();
    }
  }

  wants(): readonly number[] | undefined {
    return this.#more ? [] : undefined;
  }

  process(task: Task): void | Promise<void> {
    this.#progress.at = 0;
    return this.#blaming(() => {
      for (const packet of task.inputs.get(0) ?? []) {
        if (packet.isEof) this.#ending = true;
        else if (packet.control === undefined) this.#queue.push(adopt(packet, this.#titles[0]!, 0));
      }
      return this.#emit(task);
    });
  }

  #emit(task: Task): void | Promise<void> {
    const output = task.output(0);
    let emitted = 0;
    this.#more = true;
    this.#progress.moves = MOVES;
    while (emitted < EMIT) {
      const pulled = output.closed ? 'end' : this.#parts.at(-1)!.pull();
      if (isFrame(pulled)) {
        this.#count(pulled);
        output.push(new Packet(pulled));
        emitted++;
      } else if (pulled === 'again') {
        this.#more = false;
        break;
      } else if (pulled === 'later') {
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
    if (!this.#ending && this.#parts.some(({ sated }) => sated)) {
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

  #shift(): Pulled {
    return this.#queue.shift() ?? (this.#ending ? 'end' : 'again');
  }

  #count(frame: MediaFrame): void {
    if (frame instanceof VideoFrame) this.#ctx.meter.frames++;
    const time = frame.timestamp;
    if (time !== undefined) this.#ctx.meter.position = time;
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
    for (const part of this.#parts) part.release();
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
