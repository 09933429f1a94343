/** `graph.status()`, `pause()` and `resume()`. */
import { defineModule, Graph, type GraphStatus, type ModuleContext, Packet } from 'millrace';
import { TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, numbers } from '../../kit/modules.js';
import { node, until } from '../../kit/running.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { soon } from '../../kit/soon.js';

const pausing = suite('status, pause and resume');
const graphOn = await sharedThreads(1);

/** Nothing is under way, and no thread has anything to do. */
const rests = (status: GraphStatus): boolean =>
  status.queues.every(({ queued }) => queued === 0) && status.threads.every(({ asleep }) => asleep);

/** Two sources without end, each with a sink of its own. */
function pair(threads: number, time_out = 0): { graph: Graph; sinks: TestSink[] } {
  const options = { threads, time_out };
  const graph = threads === 0 ? new Graph(options) : graphOn(options);
  const sinks = ['a', 'b'].map((alias) => {
    const source = new TestSource({ kind: 'value' });
    const sink = new TestSink();
    const made = graph.module(source.spec, source.options, { alias });
    graph.module(sink.spec, sink.options, { inputs: [made], callback: sink.callback, alias: `sink ${alias}` });
    return sink;
  });
  return { graph, sinks };
}

for (const threads of [0, 1]) {
  pausing(
    `threads: ${threads}: a paused graph comes to rest, goes on where it was, and time_out waits for it`,
    async () => {
      const { graph, sinks } = pair(threads, 0.4);
      await graph.start();
      await until(graph, (now) => node(now, 'a').packetsOut > 10);
      graph.pause();
      const paused = await until(graph, rests);
      assert.is(paused.state, 'paused');
      assert.ok(paused.nodes.every((one) => one.paused));
      // Several times the time that it may make no progress.
      await new Promise((resolve) => setTimeout(resolve, 900));
      const later = graph.status();
      assert.is(later.state, 'paused');
      assert.is(node(later, 'a').packetsOut, node(paused, 'a').packetsOut);
      graph.resume();
      await until(graph, (now) => node(now, 'a').packetsOut > node(paused, 'a').packetsOut + 10);
      graph.stop();
      await soon('the graph', graph.close());
      for (const sink of sinks) assert.equal(numbers(sink.packets), [...sink.packets.keys()]);
      assert.is(graph.status().state, 'ended');
    },
  );

  pausing(`threads: ${threads}: an input is paused by itself, the others go on`, async () => {
    const { graph } = pair(threads);
    await graph.start();
    await until(graph, (now) => node(now, 'a').packetsOut > 10);
    graph.pause('a');
    // A call that was about to be made when it was paused is over when the other has been called many times.
    const then = node(graph.status(), 'b').packetsOut;
    const before = await until(graph, (now) => now.queues[0]!.queued === 0 && node(now, 'b').packetsOut > then + 50);
    const after = await until(graph, (now) => node(now, 'b').packetsOut > node(before, 'b').packetsOut + 100);
    assert.is(after.state, 'running');
    assert.is(node(after, 'a').packetsOut, node(before, 'a').packetsOut);
    assert.equal(
      after.nodes.map(({ paused }) => paused),
      [true, false, false, false],
    );
    graph.pause();
    graph.resume();
    assert.ok(node(graph.status(), 'a').paused, 'it was paused by itself');
    graph.resume('a');
    await until(graph, (now) => node(now, 'a').packetsOut > node(before, 'a').packetsOut);
    assert.throws(() => graph.pause('sink a'), /node "sink a" has inputs/);
    assert.throws(() => graph.pause('c'), /no node 'c'/);
    graph.stop();
    await graph.close();
  });
}

pausing('what is pushed into a paused graph waits; stop() ends a paused graph', async () => {
  const graph = new Graph({ threads: 0 });
  const input = graph.inputStream('in');
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [input], callback: sink.callback });
  await graph.start({ mode: 'push' });
  graph.pause();
  let pushed = false;
  const push = input.push(new Packet({ n: 0 }, { timestamp: 0 })).then(() => {
    pushed = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.not(pushed);
  graph.resume('in');
  graph.resume();
  await soon('the push', push);
  graph.pause('in');
  const late = input.push(new Packet({ n: 1 }, { timestamp: 1 }));
  graph.pause();
  graph.stop();
  await soon('the graph', graph.close());
  await soon('the second push', late);
  assert.is(sink.packets[0]!.timestamp, 0);
});

pausing('running time stands still while a graph is paused, and so does ctx.sleep', async () => {
  const graph = new Graph({ threads: 0 });
  const ticks: number[] = [];
  let slept = Number.NaN;
  let ctx!: ModuleContext;
  const sleeper = defineModule({
    init(given) {
      ctx = given;
    },
    async process(task) {
      const begun = ctx.elapsed();
      ticks.push(begun);
      await ctx.sleep(50);
      slept = ctx.elapsed() - begun;
      task.done();
    },
  });
  const made = graph.module(sleeper);
  add(graph, 'Relay', {}, { inputs: [made] });
  await graph.start();
  await until(graph, () => ticks.length === 1);
  graph.pause();
  await new Promise((resolve) => setTimeout(resolve, 150));
  graph.resume();
  await graph.close();
  assert.ok(slept >= 49_000 && slept < 145_000, `${slept} µs of running time`);
});

pausing('the status is JSON at any time: built, running, ended', async () => {
  const graph = new Graph({ threads: 0, graph_name: 'small' });
  add(
    graph,
    'Relay',
    {},
    { inputs: [add(graph, 'Scatter', { count: 3, outputs: 1 }, { alias: 'first' })], alias: 'last' },
  );
  const built = graph.status();
  assert.is(built.state, 'built');
  assert.throws(() => graph.pause(), /before the run/);
  assert.equal(
    built.nodes.map(({ alias }) => alias),
    ['first', 'last'],
  );
  await graph.run();
  const ended = graph.status();
  assert.equal(JSON.parse(JSON.stringify(ended)), ended);
  assert.equal(
    [ended.name, ended.state, ended.threads.map((thread) => thread.nodes)],
    ['small', 'ended', [['first', 'last']]],
  );
  assert.equal(
    ended.queues.map(({ names, packets }) => [names.from, names.to, packets]),
    [['first', 'last', 4]],
  );
  graph.pause();
  assert.is(graph.status().state, 'ended');
});

pausing.run();
