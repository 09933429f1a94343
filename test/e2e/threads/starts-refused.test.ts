/** A start succeeds as a whole, or leaves nothing behind and can be tried again. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, type GraphOptionsInput, Packet, Runtime, syncModule, VideoFrame } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { obeying } from '../../kit/calls.js';
import { alive, allowThreads, timers } from '../../kit/no-threads.js';
import { rejection, thrown } from '../../kit/rejection.js';
import { payloads, summing, values } from '../../kit/serving.js';

const starts = suite('starts that are refused');
const folder = mkdtempSync(join(tmpdir(), 'millrace-'));

starts.before.each(() => allowThreads(Number.POSITIVE_INFINITY));
starts.after(() => rmSync(folder, { recursive: true }));

/** On two threads, unless they are the same. */
function pair(options: GraphOptionsInput = {}, second = 'b'): { graph: Graph; sink: TestSink } {
  const graph = new Graph(options);
  const source = new TestSource({ count: 5 });
  const sink = new TestSink();
  graph
    .module(source.spec, source.options, { thread: 'a' })
    .module(sink.spec, sink.options, { thread: second, callback: sink.callback });
  return { graph, sink };
}

starts(
  'a thread that cannot be made: those before it end, the error says so, and the graph can be run later',
  async () => {
    const { graph, sink } = pair();
    const before = timers();
    for (const count of [1, 0]) {
      allowThreads(count);
      const error = await rejection(graph.run());
      assert.is(error.name, 'GraphError');
      assert.is(error.code, 'ERR_MILLRACE_WORKER_DIED');
      assert.match(error.message, /cannot be started: Worker initialization failure: EAGAIN.*`threads`/);
      assert.is(alive.size, 0);
      assert.is(timers(), before);
      assert.is(thrown(() => graph.stats()).code, 'ERR_MILLRACE_STATE');
      assert.is(thrown(() => graph.stop()).code, 'ERR_MILLRACE_STATE');
    }
    allowThreads(2);
    await graph.run();
    assert.is(sink.packets.length, 5);
    assert.is(alive.size, 0);
  },
);

starts('the same for a graph that is pushed into and read, which loses nothing by it', async () => {
  const graph = new Graph({ threads: 1 });
  const input = graph.inputStream('in');
  const reader = input
    .module(obeying('Echo'), {}, { thread: 'a' })
    .module(obeying('Echo'), {}, { thread: 'b' })
    .packets();
  allowThreads(1);
  assert.is((await rejection(graph.start({ mode: 'push' }))).code, 'ERR_MILLRACE_WORKER_DIED');
  assert.is((await rejection(reader.next())).code, 'ERR_MILLRACE_WORKER_DIED');
  assert.is((await rejection(input.push(new Packet(1)))).code, 'ERR_MILLRACE_STATE');
  allowThreads(2);
  await graph.start({ mode: 'push' });
  await input.push(new Packet(1));
  assert.is((await reader.next()).value?.payload, 1);
  await input.end();
  assert.is((await reader.next()).done, true);
  await graph.close();
  assert.is(alive.size, 0);
});

starts('a runtime keeps the threads it could start, and its close ends them', async () => {
  const runtime = new Runtime({ threads: 2 });
  const { graph, sink } = pair({ runtime });
  allowThreads(1);
  assert.is((await rejection(graph.run())).code, 'ERR_MILLRACE_WORKER_DIED');
  assert.equal([runtime.stats().threads, runtime.stats().runs, alive.size], [1, 0, 1]);
  allowThreads(1);
  await graph.run();
  assert.is(sink.packets.length, 5);
  await runtime.close();
  assert.is(alive.size, 0);
});

starts('a call whose thread cannot be made fails, releases its packets, and the next one may succeed', async () => {
  for (const parameters of [{}, { thread: 'refused', idleTimeout: 0 }]) {
    const leaks = new LeakWatch();
    const module = syncModule(obeying('Echo'), {}, [0], [0], parameters);
    const frame = (): Packet => new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray' }));
    allowThreads(0);
    assert.is(thrown(() => module.process({ 0: [frame()] })).code, 'ERR_MILLRACE_WORKER_DIED');
    assert.is((await rejection(module.processAsync({ 0: [frame()] }))).code, 'ERR_MILLRACE_WORKER_DIED');
    allowThreads(1);
    assert.equal(payloads(module.process({ 0: [new Packet(3)] }).outputs[0]), [3]);
    await module.closeAsync();
    leaks.check();
  }
});

starts('a server that could not be started can be started later', async () => {
  const trace = join(folder, 'served.json');
  const { graph, stream } = summing({ threads: 1, trace });
  allowThreads(0);
  assert.is((await rejection(graph.serve({ outputs: { sum: stream } }))).code, 'ERR_MILLRACE_WORKER_DIED');
  assert.is(
    (await rejection(graph.serve({ outputs: { sum: stream }, signal: AbortSignal.abort() }))).code,
    'ERR_MILLRACE_ABORTED',
  );
  assert.not(existsSync(trace));
  allowThreads(1);
  const server = await graph.serve({ outputs: { sum: stream } });
  const result = await server.submit(values(1, 2, 3));
  const last = payloads(result.outputs.sum).at(-1);
  result.close();
  await server.close();
  assert.ok(last);
  assert.is(alive.size, 0);
  assert.ok(existsSync(trace));
});

starts('a trace of a refused start is not left behind, and its path is free', async () => {
  const trace = join(folder, 'trace.json');
  const { graph } = pair({}, 'a');
  allowThreads(0);
  await rejection(graph.run({ trace }));
  assert.not(existsSync(trace));
  const runtime = new Runtime({ threads: 1 });
  await runtime.close();
  assert.is((await rejection(pair({ runtime }).graph.run({ trace }))).code, 'ERR_MILLRACE_STATE');
  assert.not(existsSync(trace));
  allowThreads(1);
  await graph.run({ trace });
  assert.ok(Array.isArray(JSON.parse(readFileSync(trace, 'utf8'))));
  // What was there before stays, whatever it is.
  allowThreads(0);
  await rejection(pair().graph.run({ trace: '/dev/null' }));
  assert.ok(statSync('/dev/null').isCharacterDevice());
});

starts('a trace that cannot be written refuses the start before a thread is made', async () => {
  const { graph, sink } = pair({}, 'a');
  allowThreads(0);
  const error = await rejection(graph.run({ trace: join(folder, 'no', 'such', 'folder.json') }));
  assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
  allowThreads(1);
  await graph.run();
  assert.is(sink.packets.length, 5);
});

starts('onProgress that throws in its last call fails the run and leaves no timer', async () => {
  for (const threads of [0, 1]) {
    const before = timers();
    const graph = new Graph({ threads, stop_grace: 60_000 });
    const source = new TestSource({ count: 5 });
    graph.module(source.spec, source.options).module('null_sink');
    const onProgress = (): void => {
      if (graph.stats().nodes.every(({ state }) => state === 'closed')) throw new Error('mine');
    };
    const error = await rejection(graph.run({ onProgress }));
    assert.is(error.code, 'ERR_MILLRACE_CALLBACK');
    assert.is(timers(), before);
  }
});

starts.run();
