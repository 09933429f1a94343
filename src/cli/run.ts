/** `millrace run graph.json` */
import { resolve } from 'node:path';
import type { Allowed } from '../graph/file/trust.js';
import { Graph } from '../graph/graph.js';
import { UsageError } from './errors.js';
import { execute, type OutputFlags } from './execute.js';

export interface RunFlags extends OutputFlags {
  readonly allowModules?: boolean;
  readonly allowProtocol?: readonly string[];
}

export async function run(file: string, flags: RunFlags): Promise<number> {
  if (flags.trace !== undefined && resolve(flags.trace) === resolve(file)) {
    throw new UsageError(`--trace ${flags.trace} is the graph file itself`);
  }
  const graph = loadGraph(file, { modules: flags.allowModules, protocols: flags.allowProtocol });
  return execute(graph, file, flags);
}

/** @throws ConfigError with everything that is wrong. */
export function loadGraph(path: string, allow: Allowed, subgraphs = true): Graph {
  // Text that begins with { would be taken for the graph itself.
  return Graph.fromConfig(path.startsWith('{') ? `./${path}` : path, { allow, subgraphs });
}
