/** Helpers of the graph tests. */
import type { MillraceError } from '../../src/errors/errors.js';
import type { NodeConfig } from '../../src/graph/file/format.js';
import type { Graph } from '../../src/graph/graph.js';

/** What a call throws. */
export function refused(call: () => unknown): MillraceError {
  try {
    call();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('nothing was refused');
}

/** The links of a graph as `alias[output] -> alias[input]`, in the order they were made. */
export function wiring(graph: Graph): string[] {
  const { nodes } = graph.toConfig();
  const alias = (node: NodeConfig): string => node.alias || `${node.module_info.name}_${node.id}`;
  return nodes.flatMap((node) =>
    node.input_streams.flatMap(({ identifier }, input) => {
      for (const producer of nodes) {
        const output = producer.output_streams.findIndex(
          (stream) => stream.identifier.replace(/^\w+:/, '') === identifier,
        );
        if (output >= 0) return [`${alias(producer)}[${output}] -> ${alias(node)}[${input}]`];
      }
      return [];
    }),
  );
}
