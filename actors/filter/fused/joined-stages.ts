/**
 * Neighbouring members that work on one picture at a time, run as one FFmpeg graph.
 *
 * What makes that exact: libavfilter negotiates pixel formats over a whole graph, so that a joined graph may convert
 * elsewhere than its members by themselves would. Therefore the members run by themselves first, for STEADY pictures.
 * Their frames tell the format between any two of them, a filter `format` between the two lets nothing else through, and
 * the joined graph is taken only if its output is configured as that of the last member is. Since the members remember
 * nothing, they can be exchanged for it between two pictures. A picture of another format brings the members back: by
 * themselves they decide which of them has to be configured anew.
 */

import type { FilterSpec } from '../plan/filter-spec.js';
import { ONE_PICTURE, type Plan } from '../plan/plan.js';
import { RunningGraph } from '../run/running-graph.js';
import { formatKey } from '../run/stream-format.js';
import type { MediaFrame } from '../run/take-frame.js';
import { isFrame, Line, type Progress, type Stage, type Step } from './line.js';
import { Member } from './stage.js';
import { FEW_BITS, worksOnOnePicture } from './stateless.js';

/** Pictures in a row of one format, after which the members are joined. */
export const STEADY = 4;

export class JoinedStages implements Stage {
  readonly #members: readonly Member[];
  readonly #line: Line;
  readonly #progress: Progress;
  readonly #number: number;
  #joined: RunningGraph | undefined;
  #full = false;
  /** All of its members treat one picture at a time. */
  #joins = true;
  #steady = 0;
  #configured = 0;

  /** @param plans With the number of each member, to be blamed for errors. */
  constructor(plans: readonly { number: number; plan: Plan }[], progress: Progress) {
    this.#progress = progress;
    this.#number = plans[0]!.number;
    this.#members = plans.map(({ number, plan }) => new Member(number, plan, progress));
    this.#line = new Line(this.#members, progress);
  }

  has(number: number): boolean {
    return this.#members.some((member) => member.number === number);
  }

  get full(): boolean {
    return this.#full || this.#line.full;
  }

  step(): Step {
    if (this.#joined !== undefined) {
      this.#blameAll();
      const pulled = this.#joined.pull(0);
      if (typeof pulled !== 'string') return pulled;
      if (pulled === 'again' && !this.#full) return 'hungry';
      this.release();
      this.#full = true;
      return 'end';
    }
    if (this.#full) return 'end';
    const step = this.#line.step();
    if (isFrame(step) && this.#joins && this.#isSteady()) this.#join();
    return step;
  }

  give(frame: MediaFrame): void {
    if (this.#joined === undefined) this.#line.give(frame);
    else if (formatKey(frame) !== this.#members[0]!.format!.key) this.#part(frame);
    else this.#feed(this.#joined, frame);
  }

  /** The members run by themselves then, and are joined again if they still may be. @throws as `Member.change`. */
  change(number: number, plan: Plan): void {
    const member = this.#members.find((candidate) => candidate.number === number)!;
    // Members that were joined have no graphs to be asked whether they would take it.
    if (this.#joined !== undefined && member.format !== undefined) {
      new RunningGraph(plan, new Map([[0, member.format]])).close();
    }
    member.change(plan);
    this.#joins &&= worksOnOnePicture(plan) && plan.threads === this.#members[0]!.plan.threads;
    this.#joined?.close();
    this.#joined = undefined;
    this.#steady = 0;
  }

  end(): void {
    if (this.#joined === undefined) {
      this.#line.end();
      return;
    }
    this.#blameAll();
    this.#full = true;
    this.#joined.end(0);
  }

  /** One of them has failed then, but which of them cannot be known: the joined graph's own words name them all. */
  #blameAll(): void {
    this.#progress.at = this.#number;
  }

  #feed(graph: RunningGraph, frame: MediaFrame): void {
    this.#blameAll();
    try {
      if (!graph.feed(0, frame, false)) this.#full = true;
    } finally {
      frame.close();
    }
  }

  #part(frame: MediaFrame): void {
    this.#joined?.close();
    this.#joined = undefined;
    this.#steady = 0;
    this.#line.give(frame);
  }

  /** True once, with the STEADY-th picture since a member was last configured. */
  #isSteady(): boolean {
    const configured = this.#members.reduce((sum, member) => sum + member.configured, 0);
    if (configured !== this.#configured) this.#steady = 0;
    this.#configured = configured;
    return ++this.#steady === STEADY && this.#members.every(({ full }) => !full);
  }

  /** Puts one graph in the place of the members', unless something speaks against it. */
  #join(): void {
    const members = this.#members;
    const last = members.at(-1)!.graph!.shape(0);
    const plan = joinedPlan(members);
    // On a device the filters of a line do their work one after the other in any case.
    if (plan === undefined || FEW_BITS.test(last.format) || members.some(({ format }) => format?.frames)) return;
    const joined = new RunningGraph(plan, new Map([[0, members[0]!.format!]]));
    if (joined.shape(0).key !== last.key) {
      joined.close();
      return;
    }
    for (const member of members) member.release();
    this.#joined = joined;
  }

  release(): void {
    this.#joined?.close();
    this.#joined = undefined;
    this.#line.release();
  }
}

/** The members' filters in a row, the format between any two of them pinned; undefined if that would change a result. */
function joinedPlan(members: readonly Member[]): Plan | undefined {
  const filters: FilterSpec[] = [];
  for (const [i, { plan, format }] of members.entries()) {
    if (i > 0) {
      const before = members[i - 1]!.graph!.shape(0);
      // Of the pixels' shape the frames may say something else than the filter they come from.
      if (before.aspect !== format?.aspect || format.pin === undefined || FEW_BITS.test(before.format))
        return undefined;
      filters.push({ name: 'format', instance: `between_${i}`, args: format.pin });
    }
    filters.push({ ...plan.filters[0]!, instance: `member_${i}` });
  }
  const end = filters.length - 1;
  return {
    filters,
    pads: filters.map(() => ONE_PICTURE),
    title: `filters ${members.map(({ plan }) => plan.title.replace(/^filter /, '')).join(', ')}`,
    hasSources: false,
    scaleOptions: undefined,
    threads: members[0]!.plan.threads,
    links: filters.slice(1).map((_, i) => ({ from: { filter: i, pad: 0 }, to: { filter: i + 1, pad: 0 } })),
    inputs: new Map([[0, [{ filter: 0, pad: 0 }]]]),
    outputs: new Map([[0, { filter: end, pad: 0 }]]),
    unused: [],
  };
}
