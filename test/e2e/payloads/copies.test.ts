/** Parallel copies of a node (`dist_nums`): what comes out is what one node would have made, in the same order. */
import { fileURLToPath } from 'node:url';
import { type Graph, GraphError, type NodeParameters, type Stream } from 'millrace';
import { TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { failureOf, run, sinkOn } from '../../kit/media.js';
import { numbers } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const FILE = fileURLToPath(new URL('../../fixtures/modules/copies.mjs', import.meta.url));
const test = suite('parallel copies');
const graphOn = await sharedThreads(2, ['many#1', 'many#2', 'many#3']);

function copies(stream: Stream, entry: string, parameters: NodeParameters, options: Record<string, unknown> = {}) {
  return stream.module({ name: entry.toLowerCase(), path: FILE, entry }, options, { alias: 'many', ...parameters });
}

function counted(graph: Graph, count: number): Stream {
  const source = new TestSource({ count });
  return graph.module(source.spec, source.options);
}

const spread = (count: number): number[] =>
  Array.from({ length: count }, (_, n) => Array.from({ length: n % 4 }, (_, i) => n * 10 + i)).flat();

for (const threads of [0, 2] as const) {
  for (const distNums of [1, 3]) {
    for (const entry of ['Spread', 'Slices']) {
      test(`threads: ${threads}: ${distNums} copies that emit 0 to 3 packets for one keep the order (${entry})`, async () => {
        const graph = graphOn({ threads, queue_length_limit: 1 + distNums });
        const sink = sinkOn(copies(counted(graph, 81), entry, { distNums }));
        const report = await run(graph);
        assert.equal(numbers(sink.packets), spread(81));
        assert.equal(sink.ends, [0]);
        assert.is(report.nodes.filter((node) => /^many(#|$)/.test(node.alias)).length, distNums);
      });
    }
  }
}

test('each copy has a thread of its own, and its share of the work', async () => {
  const graph = graphOn({ threads: 1 });
  const sink = sinkOn(copies(counted(graph, 40), 'Spread', { distNums: 3 }));
  const report = await run(graph);
  const nodes = report.nodes.filter((node) => node.alias.startsWith('many#'));
  assert.is(new Set(nodes.map((node) => node.thread)).size, 3);
  assert.equal(
    nodes.map((node) => node.packetsIn),
    [14, 13, 13],
  );
  assert.is(report.threads, 4);
  assert.is(new Set(sink.packets.map((packet) => (packet.value as { thread: number }).thread)).size, 3);
  // Tickets are no packets of theirs.
  assert.is(
    nodes.reduce((sum, node) => sum + node.packetsOut, 0),
    sink.packets.length,
  );
  assert.is(report.nodes.find((node) => node.alias === 'many/assemble')!.packetsIn, sink.packets.length);
});

test('what copies still have at the end follows, copy by copy', async () => {
  const graph = graphOn({ threads: 1 });
  const sink = sinkOn(copies(counted(graph, 5), 'Last', { distNums: 2 }));
  await run(graph);
  // The end comes to the copy whose turn it would be first: number 5 would go to copy 2.
  assert.equal(numbers(sink.packets), [0, 1, 2, 3, 4, -2, -3]);
});

for (const count of [0, 1]) {
  test(`a stream of ${count} packets through three copies`, async () => {
    const graph = graphOn({ threads: 1 });
    const sink = sinkOn(copies(counted(graph, count), 'Last', { distNums: 3 }));
    await run(graph);
    assert.equal(numbers(sink.packets).length, count + 3);
    assert.equal(sink.ends, [0]);
  });
}

test('a consumer that has enough ends copies, split and source', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads });
    const source = new TestSource({ count: -1 });
    const sink = sinkOn(copies(graph.module(source.spec, source.options), 'Spread', { distNums: 3 }), { limit: 20 });
    const report = await run(graph);
    assert.ok(sink.packets.length >= 20);
    assert.equal(numbers(sink.packets), spread(1000).slice(0, sink.packets.length));
    assert.ok(report.nodes.every((node) => node.state === 'closed'));
  }
});

test('stop() brings everything that is under way to its end', async () => {
  const graph = graphOn({ threads: 2 });
  const source = new TestSource({ count: -1 });
  const sink = sinkOn(copies(graph.module(source.spec, source.options), 'Spread', { distNums: 3 }));
  const done = run(graph);
  const poll = setInterval(() => {
    if (graph.stats().nodes[0]!.packetsOut < 100) return;
    clearInterval(poll);
    graph.stop();
  }, 5);
  const report = await done;
  const sent = report.nodes[0]!.packetsOut;
  assert.ok(sent >= 100);
  assert.equal(numbers(sink.packets), spread(sent));
});

test('a copy that fails fails the graph; the error names the node that was built', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads });
    sinkOn(copies(counted(graph, 50), 'Spread', { distNums: 3 }, { fail: 20 }));
    const error = await failureOf(graph);
    assert.instance(error, GraphError);
    const { nodeId, alias, message, phase } = error as GraphError;
    assert.equal([nodeId, alias, phase], [1, 'many#3', 'process']);
    assert.match(message, /^node 1 "many#3" \(spread\) failed in process: no 20$/);
  }
});

test('a copy that finishes before its input does is an error: a single node would have ended the stream', async () => {
  const graph = graphOn({ threads: 1 });
  sinkOn(copies(counted(graph, 50), 'Spread', { distNums: 2 }, { finish: 20 }));
  const error = await failureOf(graph);
  assert.is(error.code, 'ERR_MILLRACE_STATE');
  assert.match(error.message, /said done\(\) before the end of its input\. .*distNums/);
});

test('a module may ask to be called again as often as it likes', async () => {
  const graph = graphOn({ threads: 1 });
  const sink = sinkOn(copies(counted(graph, 4), 'Patient', { distNums: 2 }, { calls: times(10_000, 20_000) }));
  await run(graph);
  assert.equal(numbers(sink.packets), [0, 1, 2, 3]);
});

test('copies have no input manager: neither one that the node names nor one that its module asks for', async () => {
  const named = graphOn();
  sinkOn(copies(counted(named, 5), 'Last', { distNums: 2, inputManager: 'slowest' }));
  const refused = await failureOf(named);
  assert.is(refused.code, 'ERR_MILLRACE_CONFIG');
  assert.match(refused.message, /dist_nums: .*leave out the input manager 'slowest'/);

  const asked = graphOn({ threads: 1 });
  sinkOn(copies(counted(asked, 5), 'Aligned', { distNums: 2 }));
  const failed = await failureOf(asked);
  assert.is((failed as GraphError).phase, 'init');
  assert.match(failed.message, /the module asks for the input manager 'slowest'\. .*distNums/);

  const overruled = graphOn({ threads: 1 });
  const sink = sinkOn(copies(counted(overruled, 5), 'Aligned', { distNums: 2, inputManager: 'immediate' }));
  await run(overruled);
  assert.equal(numbers(sink.packets), [0, 1, 2, 3, 4, -2, -3]);
});

test.run();
