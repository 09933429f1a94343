/** Which input streams are streams of bytes: those of which every consumer takes the pieces of a file. */
import { builtinOf } from '../../catalog/builtin.js';
import type { GraphSpec, NodeSpec } from '../../scheduler/plan/spec.js';

/** Everybody behind the node takes a file as a whole, and reads it from anywhere in it. */
export function feedsFiles({ nodes, links }: GraphSpec, id: number): boolean {
  const consumers = links
    .filter(({ from }) => from.node === id)
    .map(({ to }) => nodes.find((node) => node.id === to.node)!);
  return consumers.length > 0 && consumers.every((node) => node.distNums === undefined && takesFiles(node));
}

function takesFiles({ module, options }: Pick<NodeSpec, 'module' | 'options'>): boolean {
  return builtinOf(module)?.takesBytes?.(options) ?? false;
}

/** Nobody behind the node can tell whether its packets were joined: what matters is the bytes in them. */
export function feedsBytes({ nodes, links }: GraphSpec, id: number): boolean {
  const consumers = links
    .filter(({ from }) => from.node === id)
    .map(({ to }) => nodes.find((node) => node.id === to.node)!);
  return consumers.length > 0 && consumers.every(takesBytes);
}

function takesBytes({ module, options, inputManager, distNums }: NodeSpec): boolean {
  // A manager goes by the times of packets, and copies take them in turns.
  const isPlain = (inputManager === undefined || inputManager === 'immediate') && distNums === undefined;
  return isPlain && takesFiles({ module, options });
}
