/** `time_out`: a graph in which nothing moves fails and says who waits for whom. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, GraphError, type NodeParameters } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const stalled = suite('time_out');
const graphOn = await sharedThreads(2);
const sleeper = new Int32Array(new SharedArrayBuffer(4));

function stuckGraph(where: string, options: object, parameters: NodeParameters = {}): Graph {
  const graph = new Graph({ time_out: 1, ...options });
  const source = add(graph, 'Endless', {}, { alias: 'source' });
  const bad = add(graph, 'Failing', { where, after: 5 }, { ...parameters, alias: 'bad', inputs: [source] });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [bad], callback: sink.callback, alias: 'sink' });
  return graph;
}

async function failure(graph: Graph): Promise<GraphError> {
  try {
    await graph.run();
  } catch (error) {
    assert.instance(error, GraphError);
    return error as GraphError;
  }
  throw new Error('it did not fail');
}

for (const threads of [0, 3]) {
  stalled(`threads: ${threads}: an endless await is found, with those who wait for it`, async () => {
    const leaks = new LeakWatch();
    const error = await failure(stuckGraph('never', { threads, stop_grace: 200 }));
    assert.equal([error.code, error.alias, error.phase], ['ERR_MILLRACE_STALLED', 'bad', 'process']);
    assert.match(error.message, /no progress for 1 s \(time_out\): "bad" \(failing\) has been in process for \d/);
    assert.match(
      error.message,
      /"source" \(endless\) on .* waits for "bad" \(failing\) to take from output 0 \(\d+ of 8/,
    );
    assert.match(
      error.message,
      /"sink" \(test_sink\) on .* waits for packets of "bad" \(failing\) on input 0 \(0 of 8/,
    );
    assert.match(error.message, /last packet taken at/);
    leaks.check(error);
  });
}

stalled('an endless loop in the only worker is seen from the calling thread', async () => {
  const error = await failure(stuckGraph('hang', { threads: 1, stop_grace: 200 }));
  assert.equal([error.code, error.alias, error.phase], ['ERR_MILLRACE_STALLED', 'bad', 'process']);
  assert.match(error.warnings.join('\n'), /the thread of .*bad.* did not stop within 200 ms and was terminated/);
});

stalled('an endless loop in one thread ends the others while the calling thread is blocked', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-'));
  try {
    const graph = new Graph({ time_out: 1, stop_grace: 200 });
    const source = add(graph, 'Endless', {}, { alias: 'source', thread: 'a' });
    const bad = add(graph, 'Failing', { where: 'hang' }, { alias: 'bad', thread: 'b', inputs: [source] });
    const file = join(directory, 'closed');
    add(graph, 'Signer', { file }, { inputs: [bad], thread: 'c' });
    const outcome = failure(graph);
    let waited = 0;
    for (; waited < 30_000 && !existsSync(file); waited += 20) Atomics.wait(sleeper, 0, 0, 20);
    assert.ok(existsSync(file), 'the last module was closed while this thread was blocked');
    assert.is((await outcome).code, 'ERR_MILLRACE_STALLED');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

stalled('a graph that is slower than that, but moves, runs to its end', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ time_out: 1, threads });
    const source = new TestSource({ count: 8, delay: 200 });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, {
      inputs: [graph.module(source.spec, source.options)],
      callback: sink.callback,
    });
    await graph.run();
    assert.is(sink.packets.length, 8);
  }
});

stalled('a module that is never initialised is named', async () => {
  // The module is loaded already: on a busy machine that may take longer than the limit.
  const graph = graphOn({ time_out: 1, threads: 1, stop_grace: 200 });
  add(graph, 'Stuck', {}, { alias: 'stuck' });
  const error = await failure(graph);
  assert.equal([error.code, error.alias, error.phase], ['ERR_MILLRACE_STALLED', 'stuck', 'init']);
});

stalled('without it nobody watches', async () => {
  const graph = stuckGraph('never', { time_out: 0, threads: 1, stop_grace: 100 });
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 1500);
  const error = await graph.run({ signal: abort.signal }).then(
    () => undefined,
    (cause: GraphError) => cause,
  );
  assert.is(error?.code, 'ERR_MILLRACE_ABORTED');
});

stalled.run();
