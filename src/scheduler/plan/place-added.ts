/**
 * Which thread hosts a node that comes to a running graph. The rule is that of placement.ts as far as the threads are there: what
 * belongs to the calling thread, or asks for a thread by name or index, goes there; a cheap node goes to where its packets come
 * from, an expensive one to the thread that has least to do. A thread with a name is for who asks for it. Threads are started
 * only for who asks for one, or if there is none; one of which everything has left is taken again.
 */
import { availableParallelism } from 'node:os';
import { type Cost, estimateAdded } from './cost.js';
import { CALLING_THREAD, type Placement, WORTH_A_THREAD } from './placement.js';
import type { GraphSpec, NodeSpec } from './spec.js';

export interface AddedPlaces {
  /** Of each node that comes: CALLING_THREAD, the number of a thread, or `-2 - i` for entry i of `fresh`. */
  readonly threadOf: number[];
  /** What the threads to be started are asked to be. */
  readonly fresh: (number | string | undefined)[];
  /** Of each node that comes. */
  readonly costs: readonly Cost[];
}

/** A thread that is still to be started, by its place among them. */
export const freshThread = (place: number): number => -2 - place;

/**
 * @param spec the graph with what comes, whose nodes are from `first` on.
 * @param rank position of every node in topological order.
 * @param open numbers of the workers that still host something.
 * @param hasResting there is one that does no more, and could.
 * @param isOver whether a node has ended, and costs its thread nothing more.
 */
export function placeAdded(
  spec: GraphSpec,
  first: number,
  rank: readonly number[],
  placement: Placement,
  open: readonly number[],
  hasResting: boolean,
  isOver: (node: number) => boolean,
): AddedPlaces {
  const indexOf = new Map(spec.nodes.map(({ id }, index) => [id, index]));
  const own = estimateAdded(spec, placement.costs, rank, availableParallelism());
  const costs = [...placement.costs, ...own];
  const threadOf = new Map(placement.threadOf.map((thread, node) => [node, thread]));
  // What every thread has to do that is for everybody.
  const load = new Map(
    open.filter((thread) => typeof placement.asked[thread] !== 'string').map((thread) => [thread, 0]),
  );
  const fresh: (number | string | undefined)[] = [];
  for (const [node, thread] of threadOf) {
    if (load.has(thread) && !isOver(node)) load.set(thread, load.get(thread)! + costs[node]!.share);
  }
  const asked = (which: number | string): number => {
    const known = placement.asked.indexOf(which);
    if (known >= 0 && open.includes(known)) return known;
    if (typeof which === 'number' && open.includes(which) && placement.asked[which] === undefined) return which;
    const place = fresh.indexOf(which);
    return place >= 0 ? freshThread(place) : start(which);
  };
  const start = (which: number | string | undefined): number => {
    const thread = freshThread(fresh.push(which) - 1);
    if (typeof which !== 'string') load.set(thread, 0);
    return thread;
  };
  const leastBusy = (): number => {
    const [least] = [...load].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    if (least === undefined || (least[1] > 0 && hasResting && !fresh.includes(undefined))) return start(undefined);
    return least[0];
  };
  const automatic = (node: number): number => {
    const from = spec.links
      .filter(({ to }) => to.node === spec.nodes[node]!.id)
      .map((link) => threadOf.get(indexOf.get(link.from.node)!)!)
      .find((thread) => load.has(thread));
    return from === undefined || costs[node]!.share >= WORTH_A_THREAD ? leastBusy() : from;
  };
  const place = (spec: NodeSpec, node: number): number => {
    if (spec.module.definition !== undefined || (spec.warm !== undefined && spec.warm.place === undefined)) {
      return CALLING_THREAD;
    }
    if (spec.thread !== undefined) return asked(spec.thread);
    return spec.scheduler === undefined ? automatic(node) : asked(spec.scheduler);
  };
  const added = spec.nodes.map((_, node) => node).slice(first);
  for (const node of added.toSorted((a, b) => rank[a]! - rank[b]!)) {
    const thread = spec.options.threads === 0 ? CALLING_THREAD : place(spec.nodes[node]!, node);
    threadOf.set(node, thread);
    if (load.has(thread)) load.set(thread, load.get(thread)! + costs[node]!.share);
  }
  return { threadOf: added.map((node) => threadOf.get(node)!), fresh, costs: own };
}
