/** Graphs that are looked at, and changed, while they run. */
import type { Graph, GraphStatus, NodeHandle, Stream } from 'millrace';
import { TestSink, TestSource } from 'millrace/testing';

/** Looks at the graph until the condition holds, or it has failed; its time limit is the test runner's. */
export async function until(graph: Graph, holds: (now: GraphStatus) => boolean): Promise<GraphStatus> {
  for (;;) {
    const now = graph.status();
    if (holds(now)) return now;
    // Its error is that of close().
    if (now.state === 'failed') await graph.close();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const node = (status: GraphStatus, alias: string) => status.nodes.find((one) => one.alias === alias)!;

/** A source that never ends. @param delay ms between two packets, where it need not be quick. */
export function endless(graph: Graph, alias = 'source', delay?: number): NodeHandle {
  const source = new TestSource({ kind: 'value', ...(delay !== undefined && { delay }) });
  return graph.module(source.spec, source.options, { alias });
}

export function sinkOf(graph: Graph, stream: Stream, alias: string): TestSink {
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [stream], callback: sink.callback, alias });
  return sink;
}
