/** mux and merge in graphs: ends, what they carry across threads, timeouts, wrong options. */
import { Graph, Tensor, type VideoFrame } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addJoin, muxed } from '../../kit/joins.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const graphs = suite('mux and merge in graphs');
const graphOn = await sharedThreads(3, ['mux', 'bundles']);

graphs('a policy that ends early ends the sources of the other inputs', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 2 });
  const short = new TestSource({ kind: 'video', count: 3 });
  const endless = new TestSource({ kind: 'video' });
  const sink = new TestSink();
  const inputs = [graph.module(short.spec, short.options), graph.module(endless.spec, endless.options)];
  graph.module('mux', { sync_mode: 'nosync' }, { inputs }).module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  assert.is(sink.packets.length, 3);
  await watch.check();
});

graphs('frames in a bundle cross threads whole, and are released', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 3 });
  const sources = [10, 20].map(
    (width) => new TestSource({ kind: 'video', width, height: 8, format: 'gray', count: 4 }),
  );
  const inputs = sources.map((source) => graph.module(source.spec, source.options));
  const seen: number[][] = [];
  graph.module('mux', {}, { inputs, thread: 'mux' }).module({
    process(task) {
      for (const { payload } of task.inputs.get(0) ?? []) {
        if (payload !== undefined)
          seen.push((payload as VideoFrame[]).map((frame) => frame.width * 1000 + frame.planes()[0]!.data[0]!));
      }
    },
  });
  await graph.run();
  assert.equal(
    seen,
    [0, 7, 14, 21].map((value) => [10_000 + value, 20_000 + value]),
  );
  await watch.check();
});

graphs('merge joins pictures of two threads, each at the time of the policy', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 2 });
  const sources = [16, 32].map(
    (width) => new TestSource({ kind: 'video', width, height: 8, count: 5, interval: 40_000 }),
  );
  const inputs = sources.map((source) => graph.module(source.spec, source.options));
  const seen: { width: number; timestamp: number | undefined; pts: bigint | undefined }[] = [];
  graph.module('merge', { mode: 'hstack' }, { inputs }).module({
    process(task) {
      for (const { payload, timestamp } of task.inputs.get(0) ?? []) {
        if (payload !== undefined)
          seen.push({ width: (payload as VideoFrame).width, timestamp, pts: (payload as VideoFrame).pts });
      }
    },
  });
  await graph.run();
  assert.equal(
    seen,
    [0, 1, 2, 3, 4].map((n) => ({ width: 48, timestamp: n * 40_000, pts: BigInt(n) * 40_000_000n })),
  );
  await watch.check();
});

graphs('merge joins tensors, and an error names node, inputs and shapes', async () => {
  const run = async (shapes: number[][]): Promise<unknown[]> => {
    const graph = graphOn({ threads: 2 });
    const inputs = shapes.map((shape) => addJoin(graph, 'Tensors', { shape, count: 2 }));
    const seen: unknown[] = [];
    graph.module('merge', { option: 1 }, { inputs, alias: 'join' }).module({
      process(task) {
        for (const { payload } of task.inputs.get(0) ?? []) if (payload instanceof Tensor) seen.push(payload.shape);
      },
    });
    await graph.run();
    return seen;
  };
  assert.equal(
    await run([
      [2, 1],
      [2, 3],
    ]),
    [
      [2, 4],
      [2, 4],
    ],
  );
  try {
    await run([
      [2, 1],
      [3, 1],
    ]);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /"join" \(merge\).*\[2, 1\] \(input 0\).*\[3, 1\] \(input 1\)/);
  }
});

graphs('a silent input with a timeout no longer holds the others', async () => {
  const watch = new LeakWatch();
  const graph = graphOn({ threads: 2 });
  const buffers = (ids: string[]) => ids.map((id, n) => ({ id, pts: String(n * 40_000_000) }));
  const inputs = [
    addJoin(graph, 'Pad', { buffers: buffers(['a0', 'a1', 'a2']), seed: 1 }),
    addJoin(graph, 'Late', { buffers: buffers(['b0', 'b1']), pause: 400 }),
  ];
  const seen = await muxed(graph, inputs, { sync_mode: 'slowest', timeout: 0.05 });
  // b1 is 40 ms of stream time, as a1 is: without the timeout they would be together.
  assert.ok(
    seen.some(({ ids }) => ids[0] === 'a1' && ids[1] === 'b0'),
    JSON.stringify(seen),
  );
  await watch.check();
});

graphs('wrong options are refused before anything starts, with the right form', async () => {
  const refused = async (options: object, message: RegExp): Promise<void> => {
    const graph = new Graph();
    const source = new TestSource({ count: 1 });
    graph.module('mux', options, { inputs: [graph.module(source.spec, source.options)] });
    try {
      await graph.run();
    } catch (error) {
      assert.match((error as Error).message, message);
      return;
    }
    assert.unreachable();
  };
  await refused({ sync_mode: 'fastest' }, /one of nosync, slowest, basepad, refresh/);
  await refused({ sync_mode: 'basepad', sync_option: '0;5' }, /"N:D".*0:33333333/);
  await refused({ sync_mode: 'basepad', sync_option: '3:5' }, /no pad 3/);
});

graphs.run();
