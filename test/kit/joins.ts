/** The modules of joins.mjs, and what a mux makes of streams. */
import { fileURLToPath } from 'node:url';
import type { Graph, NodeHandle, NodeParameters, Stream } from 'millrace';
import { TestSink } from 'millrace/testing';

export const JOINS = fileURLToPath(new URL('../fixtures/modules/joins.mjs', import.meta.url));

/** Adds a node of joins.mjs. */
export function addJoin(graph: Graph, entry: string, options: object, parameters: NodeParameters = {}): NodeHandle {
  return graph.module(
    { name: entry.toLowerCase(), path: JOINS, entry },
    options as Record<string, unknown>,
    parameters,
  );
}

export interface Bundle {
  pts: string;
  /** Of the buffer of each input; null for an input without one. */
  ids: (string | null)[];
}

/** Muxes the streams, runs the graph and tells what came out, in another thread than the mux. */
export async function muxed(graph: Graph, inputs: Stream[], options: object): Promise<Bundle[]> {
  const sink = new TestSink();
  graph
    .module('mux', options as Record<string, unknown>, { inputs })
    .module({ name: 'bundles', path: JOINS, entry: 'Bundles' }, {}, { thread: 'bundles' })
    .module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  return sink.packets.map(({ value }) => {
    const { pts, ids } = value as { pts: bigint; ids: Bundle['ids'] };
    return { pts: String(pts), ids };
  });
}
