/** What a part needs to know of a node before it makes an actor of it. */
import { instantiate, loadNode } from '../../catalog/load.js';
import type { Module } from '../../module/contract.js';
import { ParallelCopy } from '../actor/parallel-copy.js';
import type { PartitionLink, PartitionNode } from '../protocol.js';
import { warmModule } from '../warm/warm-modules.js';

/** Its module; or, where that cannot be had and its branch only is to end, one that knows nothing, and why. */
export async function load(node: PartitionNode): Promise<{ module: Module; failure?: { cause: unknown } }> {
  try {
    const module = node.warm === undefined ? instantiate(await loadNode(node)) : await warmModule(node.warm);
    return { module: node.isCopy ? new ParallelCopy(module) : module };
  } catch (cause) {
    if (node.onError !== 'drop-branch') throw cause;
    return { module: { process: (task) => task.done() }, failure: { cause } };
  }
}

/** The links at each node, by its index. */
export function linksByNode(links: readonly PartitionLink[]): Map<number, PartitionLink[]> {
  const byNode = new Map<number, PartitionLink[]>();
  for (const link of links) {
    for (const node of new Set([link.producer, link.consumer])) {
      const list = byNode.get(node);
      if (list === undefined) byNode.set(node, [link]);
      else list.push(link);
    }
  }
  return byNode;
}
