/** Jobs under input managers that align, through merged and copied nodes, and of graphs from files. */
import { fileURLToPath } from 'node:url';
import { Graph, Packet, type Stream, VideoFrame } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { numbers } from '../../kit/modules.js';
import { payloads, sum, values } from '../../kit/serving.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const serving = suite('serve: nodes');
const graphOn = await sharedThreads(2);

const at = (...times: readonly number[]): Packet[] => times.map((n) => new Packet({ n }, { timestamp: n * 1000 }));

/** Numbers of the packets that came together, as text. */
function groups(packets: readonly Packet[] | undefined): string[] {
  return payloads(packets).map((bundle) => [...(bundle as Iterable<{ n: number }>)].map(({ n }) => n).join(' '));
}

serving('mux begins its policy anew in every job', async () => {
  const watch = new LeakWatch();
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads, time_out: 10 });
    const inputs = [graph.inputStream('a'), graph.inputStream('b')];
    const muxed = graph.module('mux', { sync_mode: 'basepad', sync_option: '0:5000000' }, { inputs });
    const server = await graph.serve({ outputs: { muxed } });
    // Its times go back from one job to the next, and its inputs end at different ones.
    for (let round = 0; round < 3; round++) {
      const long = await server.submit({ a: at(0, 10, 20, 30), b: at(0, 20) });
      assert.equal(groups(long.outputs.muxed), ['0 0', '10 0', '20 20']);
      const short = await server.submit({ a: at(100), b: at(90, 99, 100, 101) });
      assert.equal(groups(short.outputs.muxed), ['100 100']);
    }
    watch.check(await server.close());
  }
});

serving('a manager of the node aligns within each job', async () => {
  for (const inputManager of ['default', 'framesync', { mode: 'slowest', timeout: 1 }] as const) {
    const graph = graphOn({ threads: 1, time_out: 10 });
    const inputs = [graph.inputStream('a'), graph.inputStream('b')];
    const seen: string[] = [];
    graph.module(
      {
        process(task) {
          if (task.pts === undefined) return;
          const ids = [0, 1].map((id) => (task.inputs.get(id)?.[0]?.payload as { n: number } | undefined)?.n ?? '-');
          seen.push(`${task.pts / 1_000_000n}: ${ids.join(' ')}`);
        },
      },
      {},
      { inputs, inputManager },
    );
    const server = await graph.serve();
    for (let round = 0; round < 2; round++) {
      await server.submit({ a: at(1, 2, 3), b: at(1, 2, 3) });
      assert.equal(seen.splice(0), ['1: 1 1', '2: 2 2', '3: 3 3'], JSON.stringify(inputManager));
    }
    await server.close();
  }
});

serving('filters that are run as one, and parallel copies, are ready for the next job', async () => {
  const watch = new LeakWatch();
  const graph = new Graph({ threads: 2, time_out: 10 });
  const chain = graph.inputStream('in').vflip().hflip().filter('fps', 50).filter('trim', { end_frame: 6 });
  const copied = chain.module('c_ffmpeg_filter', { name: 'negate' }, { distNums: 2 }).module('pass_through');
  const server = await graph.serve({ outputs: { chain, copied } });
  function* pictures(size: number) {
    for (let n = 0; n < 10; n++) {
      const frame = VideoFrame.alloc({
        width: size,
        height: size,
        format: 'gray',
        pts: BigInt(n),
        timeBase: { num: 1, den: 25 },
      });
      frame.planes()[0]!.data.fill(n);
      yield frame;
    }
  }
  const seen: string[] = [];
  for (const size of [64, 32, 64]) {
    const { outputs } = await server.submit(pictures(size));
    const made = [outputs.chain!, outputs.copied!].map((packets) =>
      packets.map((packet) => {
        const { width, pts, timeBase } = packet.payload as VideoFrame;
        const first = (packet.payload as VideoFrame).planes()[0]!.data[0];
        packet.close();
        return `${width} ${pts}/${timeBase.den} ${first}`;
      }),
    );
    assert.is(made[0]!.length, 6);
    assert.equal(
      made[1]!.map((line) => line.replace(/\d+$/, '')),
      made[0]!.map((line) => line.replace(/\d+$/, '')),
    );
    seen.push(JSON.stringify(made).replaceAll(`"${size} `, '"'));
  }
  assert.is(seen[1], seen[0]);
  assert.is(seen[2], seen[0]);
  watch.check(await server.close());
});

serving('split, assemble, timestamper and pass_through begin anew', async () => {
  const graph = graphOn({ threads: 1, time_out: 10 });
  const stamped = graph.inputStream('in').module('timestamper', { framerate: 10 });
  const parts = stamped.module('split').outputs(3);
  const whole = graph.module('assemble', {}, { inputs: [...parts] }).module('pass_through');
  const server = await graph.serve({ outputs: { whole } });
  for (const count of [4, 5, 1, 7]) {
    const list = Array.from({ length: count }, (_, n) => n);
    const { outputs } = await server.submit(values(...list));
    assert.equal(
      outputs.whole!.map(({ payload, timestamp }) => [(payload as { n: number }).n, timestamp]),
      list.map((n) => [n, n * 100_000]),
    );
  }
  await server.close();
});

serving('a graph file of the mode Server, its outputs read by their names', async () => {
  const file = {
    mode: 'Server',
    input_streams: [{ identifier: 'bytes' }],
    output_streams: [{ identifier: 'done' }],
    nodes: [
      {
        id: 0,
        module_info: { name: 'pass_through', type: '', path: '', entry: '' },
        input_streams: [{ identifier: 'bytes' }],
        output_streams: [{ identifier: 'done' }],
        input_manager: 'server',
        scheduler: 0,
      },
    ],
  };
  const graph = Graph.fromConfig(file);
  const server = await graph.serve();
  const { outputs } = await server.submit(values(1, 2));
  assert.equal(Object.keys(outputs), [graph.outputs[0]!.name]);
  assert.is(Object.values(outputs)[0]!.length, 2);
  await server.close();
});

serving('in a graph that runs once there is one job', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads, time_out: 10 });
    const source = graph.module(
      {
        name: 'scatter',
        path: fileURLToPath(new URL('../../fixtures/modules/plain.mjs', import.meta.url)),
        entry: 'Scatter',
      },
      { count: 5, spread: 'all', outputs: 1 },
    );
    const sink = new TestSink();
    const counted: Stream = sum(source, {}, { inputManager: 'server' });
    counted.module(sink.spec, sink.options, { callback: sink.callback });
    await graph.run();
    assert.equal(numbers(sink.packets.slice(0, 5)), [0, 1, 2, 3, 4]);
    assert.equal(sink.packets[5]!.value, { sum: 10, ends: [0], resets: 0, job: 1 });
  }
});

serving.run();
