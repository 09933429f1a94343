/** No graph that finishes with unbounded queues may hang with bounded ones. */
import { type Graph, GraphError, type Stream } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { add, numbers, placementsOf } from '../../kit/modules.js';
import { randomGraph } from '../../kit/random-graph.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const relief = suite('starvation relief');
const graphOn = await sharedThreads(3);

for (const threads of placementsOf(0)) {
  relief(`threads: ${threads}: two branches of one producer, read one after the other`, async () => {
    const graph = graphOn({ threads });
    const source = add(graph, 'Scatter', { count: 200, outputs: 2, spread: 'all' });
    const branches: Stream[] = [0, 1].map((id) => add(graph, 'Relay', {}, { inputs: [source.output(id)] }));
    const gather = add(graph, 'Gather', { order: 'sequence' }, { inputs: branches });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, { inputs: [gather], callback: sink.callback });
    const leaks = new LeakWatch();
    const report = await graph.run();
    const all = Array.from({ length: 200 }, (_, n) => n);
    assert.equal(numbers(sink.packets), [...all, ...all]);
    assert.ok(report.links.some((link) => link.reliefs > 0));
    assert.match(report.warnings.join('\n'), /the limit of the link from .* was lifted: its consumer starved/);
    leaks.check(report);
  });
}

relief('the warning says what was enough, and with that nothing is lifted', async () => {
  const build = (queueLimit?: number): Graph => {
    const graph = graphOn({ threads: 0 });
    const picture = graph.filter('testsrc2', { size: '16x16', rate: 25, duration: 2 });
    const slow = picture.fps(1);
    const options = { sync_mode: 'slowest' };
    graph.module('mux', options, { inputs: [slow, picture], alias: 'pairs', queueLimit }).module('null_sink');
    return graph;
  };
  const [warning, ...others] = (await build().run()).warnings;
  assert.equal(others, []);
  const told =
    /to pairs\[1\] was lifted.* Up to (\d+) packets could wait there instead of 8; nothing is lost.* queueLimit: (\d+) for pairs/;
  const [, most, enough] = told.exec(warning!)!;
  assert.ok(most === enough && Number(most) > 8, warning);
  const report = await build(Number(enough)).run();
  assert.equal([report.warnings, report.links.some(({ reliefs }) => reliefs > 0)], [[], false]);
});

for (const threads of placementsOf(1)) {
  relief(
    `threads: ${threads}: a lifted link beside a full one whose consumer is only slow is not lifted without end`,
    async () => {
      const graph = graphOn({ threads });
      const source = add(graph, 'Scatter', { count: 100, outputs: 3, spread: 'all' });
      const gather = add(graph, 'Gather', { order: 'sequence' }, { inputs: [source.output(2), source.output(0)] });
      const sinks = [new TestSink(), new TestSink({ delay: 10 })];
      graph.module(sinks[0]!.spec, sinks[0]!.options, { inputs: [gather], callback: sinks[0]!.callback });
      graph.module(sinks[1]!.spec, sinks[1]!.options, { inputs: [source.output(1)], callback: sinks[1]!.callback });
      const report = await graph.run();
      assert.is(sinks[0]!.packets.length, 200);
      assert.is(sinks[1]!.packets.length, 100);
      // 100 packets in steps of the limit of 8
      assert.ok(
        report.links.every((link) => link.reliefs <= 13),
        JSON.stringify(report.links.map((link) => link.reliefs)),
      );
    },
  );
}

relief('a graph that is never starved is never relieved', async () => {
  const graph = graphOn({ threads: 2, queue_length_limit: 2 });
  const source = add(graph, 'Scatter', { count: 150, outputs: 1 });
  const sink = new TestSink({ delay: 1 });
  graph.module(sink.spec, sink.options, {
    inputs: [add(graph, 'Relay', {}, { inputs: [source] })],
    callback: sink.callback,
  });
  const report = await graph.run();
  assert.ok(report.links.every((link) => link.reliefs === 0));
  assert.equal(report.warnings, []);
});

relief('past the hard cap the graph fails with an error that names the link and the sizes', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads, hard_cap: 200_000, queue_length_limit: 2 });
    const source = add(graph, 'Flood', { count: 50, bytes: 10_000 }, { alias: 'flood' });
    const sink = new TestSink({ delay: 5 });
    graph.module(sink.spec, sink.options, { inputs: [source], callback: sink.callback, alias: 'slow' });
    try {
      await graph.run();
      assert.unreachable();
    } catch (error) {
      assert.instance(error, GraphError);
      assert.is((error as GraphError).code, 'ERR_MILLRACE_LINK_OVERFLOW');
      assert.match((error as GraphError).message, /output 0 of .*"flood".*"slow".*limit of 2 packets/s);
    }
  }
});

relief('random graphs with tiny queues, inline, all end with every packet', async () => {
  for (let seed = 1; seed <= times(16, 60); seed++) await checkRandom(seed, { threads: 0 });
});

relief('random graphs with tiny queues, nodes scattered over threads, all end with every packet', async () => {
  for (let seed = 1; seed <= times(3, 12); seed++) await checkRandom(seed, { threads: 'auto', scatter: 3 });
});

async function checkRandom(seed: number, options: { threads: number | 'auto'; scatter?: number }): Promise<void> {
  const { graph, sink, expected } = randomGraph(seed, { ...options, graphOn });
  await graph.run();
  assert.is(sink.packets.length, expected, `seed ${seed}`);
}

relief.run();
