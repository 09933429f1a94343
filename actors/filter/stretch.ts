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
import type { MediaFrame } from './adopt.js';
import { isFrame, Member, type Progress, type Pull, type Pulled } from './member.js';
import { FEW_BITS } from './one-picture.js';
import type { Plan } from './plan.js';
import { RunningGraph } from './running-graph.js';
import { formatKey } from './stream-format.js';
import type { FilterSpec } from './wiring.js';

/** Pictures in a row of one format, after which the members are joined. */
export const STEADY = 4;

export class Stretch {
  /** Nobody is asked for frames any more. */
  sated = false;
  readonly #members: readonly Member[];
  readonly #progress: Progress;
  readonly #from: Pull;
  readonly #number: number;
  #joined: RunningGraph | undefined;
  /** The picture that brought the members back. */
  #held: MediaFrame | undefined;
  #steady = 0;
  #configured = 0;

  /** @param plans With the number of each member, to be blamed for errors. */
  constructor(plans: readonly { number: number; plan: Plan }[], from: Pull, progress: Progress) {
    this.#from = from;
    this.#progress = progress;
    this.#number = plans[0]!.number;
    const members: Member[] = [];
    let previous: Pull = () => this.#source();
    for (const { number, plan } of plans) {
      const member = new Member(number, plan, previous, progress);
      members.push(member);
      previous = () => member.pull();
    }
    this.#members = members;
  }

  pull(): Pulled {
    while (this.#joined !== undefined) {
      // One of them has failed then, but which of them cannot be known: the joined graph's own words name them all.
      this.#progress.at = this.#number;
      const pulled = this.#joined.pull(0);
      if (isFrame(pulled)) return pulled;
      if (pulled === 'end' || this.sated) {
        this.release();
        this.sated = true;
        return 'end';
      }
      if (this.#progress.moves-- <= 0) return 'later';
      const came = this.#from();
      this.#progress.at = this.#number;
      if (came === 'end') {
        this.sated = true;
        this.#joined.end(0);
      } else if (!isFrame(came)) return came;
      else if (formatKey(came) !== this.#members[0]!.format!.key) this.#part(came);
      else this.#feed(this.#joined, came);
    }
    const pulled = this.sated ? 'end' : this.#members.at(-1)!.pull();
    if (pulled === 'end') this.sated = true;
    if (isFrame(pulled) && this.#isSteady()) this.#join();
    return pulled;
  }

  #feed(graph: RunningGraph, frame: MediaFrame): void {
    try {
      if (!graph.feed(0, frame, false)) this.sated = true;
    } finally {
      frame.close();
    }
  }

  #source(): Pulled {
    const held = this.#held;
    if (held === undefined) return this.#from();
    this.#held = undefined;
    return held;
  }

  #part(frame: MediaFrame): void {
    this.#joined?.close();
    this.#joined = undefined;
    this.#steady = 0;
    this.#held = frame;
  }

  /** True once, with the STEADY-th picture since a member was last configured. */
  #isSteady(): boolean {
    const configured = this.#members.reduce((sum, member) => sum + member.configured, 0);
    if (configured !== this.#configured) this.#steady = 0;
    this.#configured = configured;
    return ++this.#steady === STEADY && this.#members.every(({ sated }) => !sated);
  }

  /** Puts one graph in the place of the members', unless something speaks against it. */
  #join(): void {
    const members = this.#members;
    const last = members.at(-1)!.graph!.shape(0);
    const plan = joinedPlan(members);
    if (plan === undefined || FEW_BITS.test(last.format)) return;
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
    this.#held?.close();
    this.#held = undefined;
    for (const member of this.#members) member.release();
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
    pads: filters.map(() => ({ inputs: ['video'], outputs: ['video'], dynamicInputs: false, dynamicOutputs: false })),
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
