/** The order of a graph's nodes. */
import type { GraphSpec } from './spec.js';

/**
 * Position of every node (in the order of `spec.nodes`) in a topological order, sources first; or the nodes of a cycle,
 * by alias, if there is one. Kahn's algorithm; nodes of the same depth keep the order in which they were built.
 */
export function topologicalRanks(spec: Pick<GraphSpec, 'nodes' | 'links'>): { rank: number[]; cycle?: string[] } {
  const indexOf = new Map(spec.nodes.map((node, index) => [node.id, index]));
  const consumers: number[][] = spec.nodes.map(() => []);
  const open = new Array<number>(spec.nodes.length).fill(0);
  for (const link of spec.links) {
    const to = indexOf.get(link.to.node)!;
    consumers[indexOf.get(link.from.node)!]!.push(to);
    open[to]!++;
  }
  const rank = new Array<number>(spec.nodes.length).fill(-1);
  const queue: number[] = [];
  open.forEach((count, index) => {
    if (count === 0) queue.push(index);
  });
  let next = 0;
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    rank[node] = next++;
    for (const consumer of consumers[node]!) if (--open[consumer]! === 0) queue.push(consumer);
  }
  if (next === spec.nodes.length) return { rank };
  return { rank, cycle: findCycle(spec, consumers, rank) };
}

function findCycle(spec: Pick<GraphSpec, 'nodes' | 'links'>, consumers: number[][], rank: number[]): string[] {
  // Every unranked node lies on a cycle or behind one; walking against the streams must come back to a node of it.
  const producers: number[][] = spec.nodes.map(() => []);
  consumers.forEach((list, from) => {
    for (const to of list) producers[to]!.push(from);
  });
  const path: number[] = [];
  let node = rank.indexOf(-1);
  while (!path.includes(node)) {
    path.push(node);
    node = producers[node]!.find((producer) => rank[producer] === -1)!;
  }
  const cycle = path.slice(path.indexOf(node)).reverse();
  cycle.unshift(cycle.at(-1)!);
  return cycle.map((index) => spec.nodes[index]!.alias);
}
