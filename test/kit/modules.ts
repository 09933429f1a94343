/** The test modules of test/fixtures/modules, by name, and small graphs made of them. */
import { fileURLToPath } from 'node:url';
import type { Graph, NodeHandle, NodeParameters } from 'millrace';

const FILE = fileURLToPath(new URL('../fixtures/modules/plain.mjs', import.meta.url));

/** Adds a node of plain.mjs. */
export function add(
  graph: Graph,
  entry: string,
  options: Record<string, unknown> = {},
  parameters: NodeParameters = {},
): NodeHandle {
  return graph.module({ name: entry.toLowerCase(), path: FILE, entry }, options, parameters);
}

/** Thread settings under which every graph must give the same result. */
export const PLACEMENTS = [0, 1, 2, 3] as const;

/** Numbers `n` of the values a sink saw. */
export function numbers(packets: readonly { value?: unknown }[]): number[] {
  return packets.map((packet) => (packet.value as { n: number }).n);
}
