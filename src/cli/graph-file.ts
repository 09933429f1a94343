/** Graph files as the command line takes them. */

import type { Allowed } from '../graph/file/trust.js';
import { Graph } from '../graph/graph.js';

/** @throws ConfigError with everything that is wrong. */
export function loadGraph(path: string, allow: Allowed): Graph {
  // Text that begins with { would be taken for the graph itself.
  return Graph.fromConfig(path.startsWith('{') ? `./${path}` : path, { allow });
}
