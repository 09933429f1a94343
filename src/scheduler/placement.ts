/**
 * Which thread hosts which node.
 *
 * A node that says where it belongs (`scheduler: k`, `thread: 'name'`) goes there; a module that exists only as an
 * object of this process goes to the calling thread. The others are laid out along the graph, in topological order, cut
 * into as many consecutive stretches as there are threads so that the heaviest stretch is as light as possible: a
 * stretch is a pipeline stage, its inner links are direct, and only the cuts cost a ring.
 */
import { availableParallelism } from 'node:os';
import type { GraphSpec, NodeSpec } from './spec.js';

/** The calling thread. */
export const CALLING_THREAD = -1;

export interface Placement {
  /** Worker threads to start. */
  threads: number;
  /** Thread of every node, in the order of `spec.nodes`; CALLING_THREAD or 0 .. threads - 1. */
  threadOf: number[];
  warnings: string[];
}

/** Guessed share of the work, relative to each other: what has its own codec weighs most. */
const WEIGHTS: Record<string, number> = { decoder: 3, filter: 2, encoder: 6, pass_through: 0.1, null_sink: 0.1 };
const USER_WEIGHT = 2;
/** A node of at least this weight deserves a thread of its own. */
const HEAVY = 1;

function weight(node: NodeSpec): number {
  return WEIGHTS[node.module.name.replace(/^c_ffmpeg_|^ffmpeg_/, '')] ?? USER_WEIGHT;
}

/** @param rank position of every node in topological order, in the order of `spec.nodes`. */
export function place(spec: GraphSpec, rank: readonly number[]): Placement {
  const { nodes, options } = spec;
  const warnings: string[] = [];
  const threadOf = new Array<number>(nodes.length).fill(CALLING_THREAD);
  const movable = nodes.map((node) => node.module.definition === undefined);
  if (options.threads === 0) return { threads: 0, threadOf, warnings };

  const given = typeof options.threads === 'number' ? options.threads : undefined;
  const free: number[] = [];
  const names = new Map<string, number[]>();
  let indexed = 0;
  nodes.forEach((node, i) => {
    if (!movable[i]) return;
    if (node.thread !== undefined) {
      names.set(node.thread, [...(names.get(node.thread) ?? []), i]);
    } else if (node.scheduler === undefined) {
      free.push(i);
    } else if (given !== undefined && node.scheduler >= given) {
      warnings.push(
        `node ${node.id} (${node.module.name} "${node.alias}"): scheduler ${node.scheduler} is out of range of ` +
          `${given} threads; it runs on thread 0`,
      );
      threadOf[i] = 0;
      indexed = Math.max(indexed, 1);
    } else {
      threadOf[i] = node.scheduler;
      indexed = Math.max(indexed, node.scheduler + 1);
    }
  });

  const wanted =
    given ?? Math.max(indexed, autoThreads(nodes.filter((node, i) => movable[i] && node.thread === undefined)));
  // Never more threads than nodes to put on them, except that an index that was asked for exists.
  const numbered = Math.max(indexed, Math.min(wanted, free.length + indexed));
  free.sort((a, b) => rank[a]! - rank[b]!);
  const cuts = cut(
    free.map((i) => weight(nodes[i]!)),
    Math.max(1, numbered),
  );
  // Stretches go to the threads that have least to do by what was asked for explicitly.
  const load = new Array<number>(Math.max(1, numbered)).fill(0);
  nodes.forEach((node, i) => {
    if (threadOf[i]! >= 0) load[threadOf[i]!]! += weight(node);
  });
  const order = load.map((_, thread) => thread).sort((a, b) => load[a]! - load[b]! || a - b);
  free.forEach((i, at) => {
    threadOf[i] = order[cuts[at]!]!;
  });

  let threads = free.length === 0 ? indexed : numbered;
  for (const members of names.values()) {
    for (const i of members) threadOf[i] = threads;
    threads++;
  }
  return compact(threads, threadOf, warnings);
}

function autoThreads(nodes: NodeSpec[]): number {
  const heavy = nodes.filter((node) => weight(node) >= HEAVY).length;
  return Math.max(1, Math.min(heavy, availableParallelism()));
}

/**
 * Stretch of every item when the sequence is cut into `parts` stretches (or one per item, if there are fewer) so that
 * the heaviest is as light as possible.
 */
function cut(weights: readonly number[], parts: number): number[] {
  let low = Math.max(0, ...weights);
  let high = weights.reduce((sum, w) => sum + w, 0);
  // Finer than any difference between the guessed weights.
  while (high - low > 0.05) {
    const middle = (low + high) / 2;
    if (stretches(weights, middle).length <= parts) high = middle;
    else low = middle;
  }
  const cuts = stretches(weights, high);
  // Who asked for more threads than that gets them: the heaviest stretch that can be split is.
  while (cuts.length < Math.min(parts, weights.length)) splitHeaviest(weights, cuts);
  return weights.map((_, item) => cuts.findLastIndex((start) => start <= item));
}

/** First item of every stretch when none may weigh more than `most`. */
function stretches(weights: readonly number[], most: number): number[] {
  const starts: number[] = [];
  let sum = Number.POSITIVE_INFINITY;
  weights.forEach((w, item) => {
    if (sum + w > most + 1e-9) {
      starts.push(item);
      sum = 0;
    }
    sum += w;
  });
  return starts;
}

function splitHeaviest(weights: readonly number[], starts: number[]): void {
  const sumOf = (from: number, to: number): number => weights.slice(from, to).reduce((sum, w) => sum + w, 0);
  let best = { weight: -1, at: 0, item: 0 };
  starts.forEach((from, at) => {
    const to = starts[at + 1] ?? weights.length;
    const weight = sumOf(from, to);
    if (to - from < 2 || weight <= best.weight) return;
    let item = from + 1;
    while (item + 1 < to && sumOf(from, item + 1) <= weight / 2) item++;
    best = { weight, at: at + 1, item };
  });
  starts.splice(best.at, 0, best.item);
}

/** Leaves out threads that nobody is on. */
function compact(threads: number, threadOf: number[], warnings: string[]): Placement {
  const used = new Map<number, number>();
  for (let thread = 0; thread < threads; thread++) if (threadOf.includes(thread)) used.set(thread, used.size);
  return { threads: used.size, threadOf: threadOf.map((t) => (t < 0 ? t : used.get(t)!)), warnings };
}
