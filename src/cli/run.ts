/** `millrace run graph.json` */
import { execute, type OutputFlags } from './execute.js';
import { loadGraph } from './graph-file.js';

export interface RunFlags extends OutputFlags {
  readonly allowModules?: boolean;
  readonly allowProtocol?: readonly string[];
}

export async function run(file: string, flags: RunFlags): Promise<number> {
  const graph = loadGraph(file, { modules: flags.allowModules, protocols: flags.allowProtocol });
  return execute(graph, file, flags);
}
