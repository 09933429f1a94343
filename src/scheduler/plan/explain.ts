/** Who sits where and why: the placement of a graph as data and as text. */
import type { Fusion } from './fuse-filters.js';
import { CALLING_THREAD, type Placement } from './placement.js';
import type { GraphSpec, NodeSpec } from './spec.js';

export interface PlacedNode {
  id: number;
  alias: string;
  module: string;
  /** Index of its thread, as in the report of a run; -1 is the calling thread. */
  thread: number;
  /** Id of the node that runs this one as a part of itself, if one does. */
  mergedInto: number | undefined;
  /** Why there, in a phrase. */
  why: string;
  /** What its cost was guessed from. */
  work: string;
  /** Guessed milliseconds per video frame on one core: all its work, and what its thread has to do of it. */
  cost: number;
  share: number;
  /** Threads its codec or filter has of its own; 1: none beside the node's. */
  codecThreads: number;
}

export interface PlacedThread {
  /** -1 is the calling thread. */
  thread: number;
  /** Aliases of its nodes, in the order of the graph. */
  nodes: string[];
  /** Sum of its nodes' shares. */
  share: number;
}

/** What `graph.explainPlacement()` returns. As a string it is a text of several lines. */
export interface PlacementExplanation {
  graph: string;
  /** Cores that were counted on. */
  cores: number;
  /** Worker threads that are started. */
  threads: number;
  /** How their number came about. */
  why: string;
  /** In the order of the graph. */
  nodes: PlacedNode[];
  byThread: PlacedThread[];
  /** Links that cross threads, links inside of one, and links inside of merged nodes. */
  links: { ring: number; direct: number; merged: number };
  warnings: string[];
  /** All of it as text. */
  toString(): string;
}

export function explain(
  spec: GraphSpec,
  placement: Placement,
  merging: Fusion,
  rank: readonly number[],
): PlacementExplanation {
  const order = spec.nodes.map((_, index) => index).sort((a, b) => rank[a]! - rank[b]!);
  const indexOf = new Map(spec.nodes.map((node, index) => [node.id, index]));
  const crossing = spec.links.filter(
    ({ from, to }) => placement.threadOf[indexOf.get(from.node)!] !== placement.threadOf[indexOf.get(to.node)!],
  ).length;
  const merged = [...merging.merged].length;
  const nodes = order.map((index) => placedNode(spec, placement, merging, index));
  const threads = [...new Set(nodes.map((node) => node.thread))].sort((a, b) => a - b);
  const explanation = {
    graph: spec.name,
    cores: placement.cores,
    threads: placement.threads,
    why: placement.why,
    nodes,
    byThread: threads.map((thread): PlacedThread => {
      const members = nodes.filter((node) => node.thread === thread);
      return {
        thread,
        nodes: members.map((node) => node.alias),
        share: round(members.reduce((sum, node) => sum + node.share, 0)),
      };
    }),
    // A node that is merged has one link behind it.
    links: { ring: crossing, direct: spec.links.length - crossing - merged, merged },
    warnings: [...placement.warnings],
  };
  // Not enumerable: it is no part of the data.
  return Object.defineProperty(explanation, 'toString', { value: () => text(explanation) });
}

function placedNode(spec: GraphSpec, placement: Placement, merging: Fusion, index: number): PlacedNode {
  const { id, alias, module } = spec.nodes[index]!;
  const { work, share, codecThreads, what } = placement.costs[index]!;
  return {
    id,
    alias,
    module: module.name,
    thread: placement.threadOf[index]!,
    mergedInto: merging.isMerged(index) ? spec.nodes[merging.hostOf(index)]!.id : undefined,
    why: `${reason(spec.nodes, placement, index)}${mergingOf(spec.nodes, merging, index)}`,
    work: what,
    cost: round(work),
    share: round(share),
    codecThreads,
  };
}

function reason(nodes: readonly NodeSpec[], placement: Placement, index: number): string {
  const node = nodes[index]!;
  if (node.copyOf && node.thread !== undefined) {
    return `parallel copy ${node.copyOf.number} of ${node.copyOf.count} of ${node.copyOf.alias}, on a thread of its own`;
  }
  switch (placement.reasons[index]!) {
    case 'threads-0':
      return 'threads: 0';
    case 'in-process':
      return 'an object of this process, which cannot leave it';
    case 'thread':
      return `thread: '${node.thread}'`;
    case 'scheduler':
      return `scheduler: ${node.scheduler}`;
    case 'scheduler-out-of-range':
      return `scheduler: ${node.scheduler} is out of range`;
    case 'automatic': {
      const fused = placement.colocatedWith[index];
      if (fused !== undefined) return `cheap: fused with ${nodes[fused]!.alias}`;
      const stages = nodes.filter(
        (_, other) =>
          placement.threadOf[other] === placement.threadOf[index] &&
          placement.reasons[other] === 'automatic' &&
          placement.colocatedWith[other] === undefined,
      ).length;
      return stages === 1 ? 'a stage of its own' : `one of ${stages} neighbouring stages that share a thread`;
    }
  }
}

function mergingOf(nodes: readonly NodeSpec[], merging: Fusion, index: number): string {
  const alias = (node: number): string => nodes[node]!.alias;
  if (merging.isMerged(index)) return `; merged into ${alias(merging.hostOf(index))}`;
  const chain = merging.chainOf(index);
  return chain === undefined ? '' : `; runs ${chain.slice(0, -1).map(alias).join(', ')} with itself`;
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

function text({ graph, cores, why, nodes, byThread, links, warnings }: PlacementExplanation): string {
  const workers = byThread.filter(({ thread }) => thread !== CALLING_THREAD).length;
  const lines = [
    `${graph}: ${workers} worker ${workers === 1 ? 'thread' : 'threads'} on ${cores} ${cores === 1 ? 'core' : 'cores'}` +
      ` (${why})`,
  ];
  for (const { thread, share } of byThread) {
    lines.push(`${thread === CALLING_THREAD ? 'calling thread' : `thread ${thread}`}: about ${share} ms per frame`);
    for (const node of nodes.filter((candidate) => candidate.thread === thread)) {
      const cost = node.codecThreads > 1 ? `${node.cost} ms, here ${node.share}` : `${node.cost} ms`;
      lines.push(`  ${node.alias}: ${node.work}, ${cost}; ${node.why}`);
    }
  }
  const inside = links.merged > 0 ? `, ${links.merged} inside of merged nodes` : '';
  lines.push(`links: ${links.ring} between threads, ${links.direct} inside of one${inside}`);
  for (const warning of warnings) lines.push(`warning: ${warning}`);
  return `${lines.join('\n')}\n`;
}
