/**
 * Who answers `ctx.callback(key, value)`: the node's callback for that key, else the node's callback for all keys, else the
 * graph's for that key. A number and its text are the same key, because a graph file has only texts.
 */
import { MillraceError } from '../../errors/errors.js';
import type { CalledKeys } from '../../thread/protocol.js';
import type { CallbackAsked, GraphSpec, NodeSpec } from '../plan/spec.js';

type Callbacks = Pick<GraphSpec, 'callbacks'>;

/** The keys for which somebody answers the node. */
export function calledKeys({ callbacks }: Callbacks, node: NodeSpec): CalledKeys {
  if (node.callback !== undefined) return 'all';
  return [...new Set([...(callbacks?.keys() ?? []), ...(node.callbacks?.keys() ?? [])])];
}

/** @throws MillraceError ERR_MILLRACE_STATE if nobody answers, which the threads know before they ask. */
export function answer({ callbacks }: Callbacks, node: NodeSpec, key: string | number, value: unknown): unknown {
  const asked: CallbackAsked = { key, node: node.copyOf?.alias ?? node.alias };
  const own = node.callbacks?.get(String(key));
  // A text is the name of one of the graph's, as graph files bind them.
  const named = typeof own === 'string' ? callbacks?.get(own) : own;
  if (named !== undefined) return named(value, asked);
  if (node.callback !== undefined) return node.callback(key, value);
  const common = callbacks?.get(String(key));
  if (common !== undefined) return common(value, asked);
  throw new MillraceError('ERR_MILLRACE_STATE', `nobody answers '${key}' of node ${asked.node}`);
}
