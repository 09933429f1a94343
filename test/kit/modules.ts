/** The test modules of test/fixtures/modules, by name, and small graphs made of them. */
import { fileURLToPath } from 'node:url';
import type { Graph, NodeHandle, NodeParameters } from 'millrace';
import { long } from './long.js';

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

/** Those for the n-th test of a file: at the first its packets stay in one thread, at the other they cross. In the long form all. */
export function placementsOf(n: number): readonly number[] {
  return long ? PLACEMENTS : n % 2 === 0 ? [0, 2] : [1, 3];
}

/** Numbers `n` of the values a sink saw. */
export function numbers(packets: readonly { value?: unknown }[]): number[] {
  return packets.map((packet) => (packet.value as { n: number }).n);
}
