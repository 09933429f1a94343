/**
 * Which thread hosts which node.
 *
 * 1. A module that exists only as an object of this process runs on the calling thread; with `threads: 0` all do. A node
 *    with `thread: 'name'` goes to the thread of that name, which nobody else shares; one with `scheduler: k` to thread k.
 * 2. The others are put in the order of the graph, each branch followed to its end. Cheap nodes are fused with the node
 *    they get their packets from (sources: give them to); what is left is a sequence of stages.
 * 3. The sequence is cut into consecutive stretches, one per thread, so that the heaviest is as light as possible:
 *    inside a stretch links are direct, only the cuts cost a ring.
 * 4. `threads: n` makes n stretches, never more than nodes. 'auto' makes as few as keep every thread within the
 *    bottleneck: the heaviest stage, or what the cores need for the work of all. Where the codecs' own threads leave
 *    cores free, every expensive stage gets a thread. Never more than cores. And one is enough where nearly all the work
 *    is done by threads of the codecs: a further one costs its start, the compilation of the same code once more and
 *    a hop per packet, and wins nothing (bench/README.md, transcoding: `--threads 1` against 2 on two cores).
 *
 * What nodes cost is a guess (cost.ts): what a codec does in threads of its own is no load for its node's thread, and is
 * counted against the cores. Placement never changes a codec's number of threads.
 */
import { availableParallelism } from 'node:os';
import { balance } from './balance.js';
import { type Cost, estimate } from './cost.js';
import type { GraphSpec, NodeSpec } from './spec.js';
import { type Stage, stages } from './stages.js';

/** The calling thread. */
export const CALLING_THREAD = -1;

/** Why a node is where it is. */
export type PlacementReason =
  | 'threads-0'
  | 'in-process'
  | 'thread'
  | 'scheduler'
  | 'scheduler-out-of-range'
  | 'automatic';

export interface Placement {
  /** Worker threads to start. */
  threads: number;
  /** Of every worker thread the index or the name its nodes asked for; undefined: any will do. */
  asked: (number | string | undefined)[];
  /** Thread of every node, in the order of `spec.nodes`; CALLING_THREAD or 0 .. threads - 1. */
  threadOf: number[];
  /** Of every node. */
  reasons: PlacementReason[];
  costs: Cost[];
  /** Where the node was fused with another for being cheap: index of that node. */
  colocatedWith: (number | undefined)[];
  cores: number;
  /** How the number of threads came about, in a sentence. */
  why: string;
  warnings: string[];
}

/** Below this a stage is not worth a thread: about what a hop between threads may cost, in milliseconds per frame. */
export const WORTH_A_THREAD = 0.1;
/** Nor is one that takes less than this part of the bottleneck: fusing it costs no more than that. */
const WORTH_OF_BOTTLENECK = 1 / 20;
/** A thread that is busy all the time keeps codecs with threads of their own waiting for it. */
const UTILISATION = 0.75;
/** The same of one thread that serves all of them: the part of the time it may compute itself. */
const ENOUGH_FOR_ONE = 1 / 3;

/** @param rank position of every node in topological order, in the order of `spec.nodes`. */
export function place(spec: GraphSpec, rank: readonly number[], cores = availableParallelism()): Placement {
  const { nodes, options } = spec;
  const costs = estimate(spec, rank, cores);
  const none = nodes.map(() => undefined);
  const threadOf = new Array<number>(nodes.length).fill(CALLING_THREAD);
  if (options.threads === 0) {
    const reasons = nodes.map((): PlacementReason => 'threads-0');
    const why = 'threads: 0 runs everything on the calling thread';
    return { threads: 0, asked: [], threadOf, reasons, costs, colocatedWith: none, cores, why, warnings: [] };
  }

  const given = typeof options.threads === 'number' ? options.threads : undefined;
  const pins = readPins(nodes, given);
  const { free, indexed, names } = pins;
  for (const [index, thread] of pins.threadOf) threadOf[index] = thread;

  const bottleneck = bottleneckOf(costs, cores);
  const expensive = (index: number): boolean =>
    costs[index]!.share >= Math.max(WORTH_A_THREAD, bottleneck * WORTH_OF_BOTTLENECK);
  let groups = stages(spec, free, rank, costs, expensive);
  let wanted: number;
  let why: string;
  if (given === undefined) {
    const counted = countThreads({ groups, costs, cores, bottleneck, expensive, pins });
    wanted = Math.max(indexed, counted.threads);
    why = counted.threads < indexed ? `scheduler: ${indexed - 1} asks for ${plural(indexed, 'thread')}` : counted.why;
  } else {
    wanted = given;
    why = `threads: ${given} is given`;
    // Who asks for more threads than there are stages gets them: the next heavier nodes become stages, too.
    if (given > groups.length) {
      const shares = free.map((index) => costs[index]!.share).sort((a, b) => b - a);
      const least = shares[given - 1] ?? 0;
      groups = stages(spec, free, rank, costs, (index) => costs[index]!.share >= least);
    }
  }
  const numbered = Math.max(1, indexed, Math.min(wanted, groups.length + indexed));
  if (given !== undefined && numbered < given) why += ', but no more threads are started than there are nodes for them';

  const stretchOf = balance(
    groups.map((group) => group.share),
    numbered,
  );
  // Stretches go to the threads that have least to do by what was asked for explicitly.
  const load = new Array<number>(numbered).fill(0);
  for (const [index, thread] of pins.threadOf) load[thread]! += costs[index]!.share;
  const order = load.map((_, thread) => thread).sort((a, b) => load[a]! - load[b]! || a - b);
  const colocatedWith: (number | undefined)[] = none;
  groups.forEach((group, at) => {
    for (const index of group.nodes) {
      threadOf[index] = order[stretchOf[at]!]!;
      if (index !== group.anchor) colocatedWith[index] = group.anchor;
    }
  });

  if (names.size > 0) why += `; and ${plural(names.size, 'thread')} with a name`;
  const asked = new Array<number | string | undefined>(free.length === 0 ? indexed : numbered).fill(undefined);
  for (const thread of pins.threadOf.values()) asked[thread] = thread;
  for (const [name, members] of names) {
    for (const i of members) threadOf[i] = asked.length;
    asked.push(name);
  }
  const { reasons, warnings } = pins;
  return { ...compact(asked, threadOf), reasons, costs, colocatedWith, cores, why, warnings };
}

interface Affinity {
  /** Nodes that are placed automatically. */
  free: number[];
  /** Threads that were asked for by index. */
  indexed: number;
  names: Map<string, number[]>;
  /** Of nodes that have an index. */
  threadOf: Map<number, number>;
  reasons: PlacementReason[];
  warnings: string[];
}

function readPins(nodes: readonly NodeSpec[], given: number | undefined): Affinity {
  const pins: Affinity = { free: [], indexed: 0, names: new Map(), threadOf: new Map(), reasons: [], warnings: [] };
  nodes.forEach((node, i) => {
    if (node.module.definition !== undefined || (node.warm !== undefined && node.warm.place === undefined)) {
      pins.reasons[i] = 'in-process';
    } else if (node.thread !== undefined) {
      pins.reasons[i] = 'thread';
      pins.names.set(node.thread, [...(pins.names.get(node.thread) ?? []), i]);
    } else if (node.scheduler === undefined) {
      pins.reasons[i] = 'automatic';
      pins.free.push(i);
    } else {
      const outOfRange = given !== undefined && node.scheduler >= given;
      const thread = outOfRange ? 0 : node.scheduler;
      pins.reasons[i] = outOfRange ? 'scheduler-out-of-range' : 'scheduler';
      pins.threadOf.set(i, thread);
      pins.indexed = Math.max(pins.indexed, thread + 1);
      if (outOfRange) {
        pins.warnings.push(
          `node ${node.id} (${node.module.name} "${node.alias}"): scheduler ${node.scheduler} is out of range of ` +
            `${given} threads; it runs on thread 0`,
        );
      }
    }
  });
  return pins;
}

/** The time per frame below which no number of threads can bring the graph. */
function bottleneckOf(costs: readonly Cost[], cores: number): number {
  return Math.max(0, ...costs.map((cost) => cost.share), UTILISATION * timeOfAll(costs, cores));
}

/** The time per frame that all cores together need for the work of all. */
function timeOfAll(costs: readonly Cost[], cores: number): number {
  return costs.reduce((sum, cost) => sum + cost.work, 0) / cores;
}

interface Counting {
  groups: readonly Stage[];
  costs: readonly Cost[];
  cores: number;
  bottleneck: number;
  expensive: (index: number) => boolean;
  pins: Affinity;
}

/** How many threads 'auto' takes for what has an index or is free. */
function countThreads({ groups, costs, cores, bottleneck, expensive, pins }: Counting): {
  threads: number;
  why: string;
} {
  const named = [...pins.names.values()].filter((members) => members.some(expensive)).length;
  const cap = Math.max(1, cores - named);
  const own = costs.reduce((sum, cost, i) => sum + (expensive(i) ? cost.codecThreads - 1 : 0), 0);
  const left = Math.max(0, cap - own);
  const pinned = [...pins.threadOf.keys()].filter(expensive);
  const shares = [...pinned.map((i) => costs[i]!.share), ...groups.map((group) => group.share)];
  const bound = Math.max(bottleneck, ...shares) + 1e-9;
  let needed = 1;
  while (needed < shares.length && heaviest(shares, needed) > bound) needed++;
  const stageCount = pinned.length + groups.filter((group) => expensive(group.anchor)).length;
  const busy = costs.reduce((sum, cost) => sum + cost.busy, 0) / timeOfAll(costs, cores);
  const oneIsEnough = needed > 1 && left === 0 && pins.threadOf.size === 0 && busy <= ENOUGH_FOR_ONE;
  const threads = oneIsEnough ? 1 : Math.max(1, Math.min(cap, Math.max(needed, Math.min(stageCount, left))));
  const facts = [
    plural(stageCount, 'expensive stage'),
    `${plural(cores, 'core')}${named > 0 ? `, ${named} for threads with a name` : ''}`,
    own === 0
      ? 'no threads of codecs'
      : `${plural(own, 'further thread')} of codecs and filters, which leave ${plural(left, 'core')}`,
    oneIsEnough
      ? `one thread serves them all, itself busy for ${Math.round(busy * 100)} % of the time`
      : `${plural(needed, 'thread')} needed so that none is the bottleneck`,
  ];
  return { threads, why: `auto: ${facts.join('; ')}` };
}

/** The heaviest stretch when the sequence is cut into `parts`. */
function heaviest(shares: readonly number[], parts: number): number {
  const sums: number[] = [];
  balance(shares, parts).forEach((stretch, item) => {
    sums[stretch] = (sums[stretch] ?? 0) + shares[item]!;
  });
  return Math.max(0, ...sums);
}

/** Leaves out threads that nobody is on. */
function compact(asked: Placement['asked'], threadOf: number[]): Pick<Placement, 'threads' | 'asked' | 'threadOf'> {
  const used = new Map<number, number>();
  for (const thread of asked.keys()) if (threadOf.includes(thread)) used.set(thread, used.size);
  return {
    threads: used.size,
    asked: [...used.keys()].map((thread) => asked[thread]),
    threadOf: threadOf.map((t) => (t < 0 ? t : used.get(t)!)),
  };
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
