/**
 * `optimize_graph`: filter nodes that follow one another in one thread are run as one actor (actors/filter/fused/fused-filters.ts).
 *
 * The graph stays as it was built: its nodes and links keep their places on the board and in the report. Only the last node
 * of a chain is run, with the input of the first; the others are there by name.
 */
import { builtinOf } from '../../catalog/builtin.js';
import type { Placement } from './placement.js';
import type { GraphSpec, LinkSpec, NodeSpec } from './spec.js';

export class Fusion {
  /** Of every node that is run by another one: index of that node. */
  private readonly hosts = new Map<number, number>();
  /** Of every node that runs others: their indexes and its own, upstream first. */
  private readonly chains = new Map<number, readonly number[]>();

  constructor(chains: readonly (readonly number[])[] = []) {
    for (const chain of chains) {
      const carrier = chain.at(-1)!;
      this.chains.set(carrier, chain);
      for (const node of chain) if (node !== carrier) this.hosts.set(node, carrier);
    }
  }

  /** Indexes of the nodes that are run by others. */
  get merged(): Iterable<number> {
    return this.hosts.keys();
  }

  isMerged(node: number): boolean {
    return this.hosts.has(node);
  }

  /** The node that runs this one: mostly itself. */
  hostOf(node: number): number {
    return this.hosts.get(node) ?? node;
  }

  /** The nodes that this one runs, upstream first and itself last; undefined if only itself. */
  chainOf(node: number): readonly number[] | undefined {
    return this.chains.get(node);
  }
}

export function fuseFilters(spec: GraphSpec, { threadOf }: Pick<Placement, 'threadOf'>): Fusion {
  if (!spec.options.optimizeGraph) return new Fusion();
  const { nodes, links } = spec;
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]));
  const mergeable = nodes.map((node) => isMergeable(node, links));
  /** The one node behind a node, if the two are to be merged. */
  const next = new Map<number, number>();
  for (const [index, node] of nodes.entries()) {
    const outgoing = links.filter(({ from }) => from.node === node.id);
    if (!mergeable[index] || outgoing.length !== 1) continue;
    const consumer = indexOf.get(outgoing[0]!.to.node)!;
    if (!mergeable[consumer] || threadOf[consumer] !== threadOf[index]) continue;
    // One module has one list.
    if (nodes[consumer]!.protocolWhitelist !== node.protocolWhitelist) continue;
    // The limit of a link that is not there any more could not be kept.
    if (nodes[consumer]!.queueLimit === undefined) next.set(index, consumer);
  }
  const inside = new Set(next.values());
  const chains: number[][] = [];
  for (const first of next.keys()) {
    if (inside.has(first)) continue;
    const chain = [first];
    for (let node = next.get(first); node !== undefined; node = next.get(node)) chain.push(node);
    chains.push(chain);
  }
  return new Fusion(chains);
}

/** A filter with input 0 and output 0 and no other, and with nothing of its own beside its options. */
function isMergeable(node: NodeSpec, links: readonly LinkSpec[]): boolean {
  const { module } = node;
  if (builtinOf(module)?.work !== 'filtering') return false;
  if (node.inputManager !== undefined || node.callback !== undefined || node.copyOf !== undefined) return false;
  // It ends alone.
  if (node.onError === 'drop-branch') return false;
  const inputs = links.filter(({ to }) => to.node === node.id);
  const outputs = links.filter(({ from }) => from.node === node.id);
  return (
    inputs.length === 1 &&
    inputs[0]!.to.input === 0 &&
    outputs.length > 0 &&
    outputs.every(({ from }) => from.output === 0)
  );
}
