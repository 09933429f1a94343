/** Nodes in the order in which they are dealt out to threads, the cheap ones fused with a neighbour. */
import type { Cost } from './cost.js';
import type { GraphSpec } from './spec.js';

export interface Stage {
  /** The expensive node of the stage; of cheap ones only, the first. Indexes are those of `spec.nodes`. */
  anchor: number;
  nodes: number[];
  /** Load for its thread. */
  share: number;
}

/**
 * @param free nodes to be dealt out.
 * @param expensive which of them make a stage of their own.
 */
export function stages(
  spec: Pick<GraphSpec, 'nodes' | 'links'>,
  free: readonly number[],
  rank: readonly number[],
  costs: readonly Cost[],
  expensive: (index: number) => boolean,
): Stage[] {
  const { producers, consumers } = neighbours(spec, free);
  const stageOf = new Map<number, Stage>();
  const result: Stage[] = [];
  const join = (index: number, stage: Stage): void => {
    stage.nodes.push(index);
    stage.share += costs[index]!.share;
    stageOf.set(index, stage);
  };
  const begin = (index: number): void => {
    const stage: Stage = { anchor: index, nodes: [], share: 0 };
    result.push(stage);
    join(index, stage);
  };
  const stageBefore = (index: number): Stage | undefined =>
    producers
      .get(index)!
      .map((producer) => stageOf.get(producer))
      .findLast((found) => found);
  const order = depthFirst(free, producers, consumers, rank);
  for (const index of order) if (expensive(index)) begin(index);
  // Downstream first: where a cheap node's packets come from decides, and that may be cheap itself.
  for (const index of order) {
    const stage = stageBefore(index);
    if (!stageOf.has(index) && stage) join(index, stage);
  }
  for (const index of order.toReversed()) {
    if (stageOf.has(index)) continue;
    const stage = consumers
      .get(index)!
      .map((consumer) => stageOf.get(consumer))
      .find((found) => found);
    if (stage) join(index, stage);
  }
  // Cheap nodes that hang together with no expensive one are a stage, with all that follows them.
  for (const index of order) {
    if (stageOf.has(index)) continue;
    const stage = stageBefore(index);
    if (stage) join(index, stage);
    else begin(index);
  }
  const place = new Map(order.map((index, at) => [index, at]));
  return result.sort((a, b) => place.get(a.anchor)! - place.get(b.anchor)!);
}

type Neighbours = ReadonlyMap<number, readonly number[]>;

function neighbours(
  spec: Pick<GraphSpec, 'nodes' | 'links'>,
  free: readonly number[],
): Record<'producers' | 'consumers', Neighbours> {
  const indexOf = new Map(spec.nodes.map((node, index) => [node.id, index]));
  const producers = new Map<number, number[]>(free.map((index) => [index, []]));
  const consumers = new Map<number, number[]>(free.map((index) => [index, []]));
  for (const { from, to } of spec.links) {
    const [producer, consumer] = [indexOf.get(from.node)!, indexOf.get(to.node)!];
    if (!producers.has(producer) || !producers.has(consumer)) continue;
    producers.get(consumer)!.push(producer);
    consumers.get(producer)!.push(consumer);
  }
  return { producers, consumers };
}

/**
 * A topological order in which each branch is followed as far as it goes before the next is begun, so that what is cut
 * out of the middle of it has few neighbours outside.
 */
function depthFirst(
  free: readonly number[],
  producers: Neighbours,
  consumers: Neighbours,
  rank: readonly number[],
): number[] {
  const open = new Map(free.map((index) => [index, producers.get(index)!.length]));
  const byRank = (a: number, b: number): number => rank[b]! - rank[a]!;
  const order: number[] = [];
  const stack = free.filter((index) => open.get(index) === 0).sort(byRank);
  for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
    order.push(index);
    const ready: number[] = [];
    for (const consumer of consumers.get(index)!) {
      const left = open.get(consumer)! - 1;
      open.set(consumer, left);
      if (left === 0) ready.push(consumer);
    }
    stack.push(...ready.sort(byRank));
  }
  return order;
}
