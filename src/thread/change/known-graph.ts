/** What a thread knows of the graph grows by what comes anywhere: it takes part in finding deadlocks and stalls among all. */
import type { Growth, PartitionSpec } from '../protocol.js';

export function learnOf(growth: Growth, spec: PartitionSpec): void {
  spec.nodes.push(...growth.nodes);
  spec.links.push(...growth.links);
  spec.nodeThreads.push(...growth.nodeThreads);
  spec.names.push(...growth.names);
  spec.allLinks.push(...growth.allLinks);
  spec.pushed.push(...growth.pushed);
  if (spec.watch === undefined || growth.watched === undefined) return;
  spec.watch.nodes.push(...growth.watched.nodes);
  spec.watch.links.push(...growth.watched.links);
  spec.watch.localThread = growth.watched.localThread;
}
