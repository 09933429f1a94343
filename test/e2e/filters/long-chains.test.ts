/** Graphs are as deep as they are built: hundreds of nodes in a row, joined into one actor or not. */
import type { Graph, Stream } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedThreads } from '../../kit/shared-threads.js';

const long = suite('long chains');
const graphOn = await sharedThreads(2);

type Link = (stream: Stream, n: number) => Stream;

const draw: Link = (stream, n) => stream.filter('drawbox', { x: n % 60, y: n % 30, w: 4, h: 4, color: 'red' });
const retime: Link = (stream) => stream.filter('setpts', 'PTS+1');
const double: Link = (stream, n) => (n % 100 === 50 ? stream.filter('fps', 50) : stream.filter('setpts', 'PTS'));
const louder: Link = (stream) => stream.filter('volume', 1);

async function run(
  count: number,
  link: Link,
  options: object,
  source: (graph: Graph) => Stream = (graph) => graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 0.4 }),
): Promise<{ packets: number; calls: number }> {
  const graph = graphOn({ time_out: 60, ...options });
  let stream = source(graph);
  for (let n = 0; n < count; n++) stream = link(stream, n);
  stream.module('null_sink', {}, { alias: 'sink' });
  const leaks = new LeakWatch();
  const report = await graph.run();
  leaks.check(report);
  return {
    packets: report.nodes.find(({ alias }) => alias === 'sink')!.packetsIn,
    calls: report.nodes.reduce((sum, { calls }) => sum + calls, 0),
  };
}

long('a thousand filters in a row, joined', async () => {
  const { packets, calls } = await run(1000, draw, { threads: 0 });
  assert.is(packets, 10);
  assert.ok(calls < 100, `${calls} calls`);
});

for (const threads of [0, 1, 2]) {
  const at = `threads: ${threads}: `;

  for (const count of [64, 65]) {
    long(`${at}${count} filters that remember nothing, one after the other`, async () => {
      assert.is((await run(count, draw, { threads })).packets, 10);
    });
  }

  long(`${at}filters that each have a graph of their own`, async () => {
    assert.is((await run(130, retime, { threads })).packets, 10);
  });

  long(`${at}filters that make more of what they get`, async () => {
    const { packets } = await run(130, double, { threads });
    assert.ok(packets >= 19, `${packets} packets`);
  });

  long(`${at}filters of sound`, async () => {
    const sound = (graph: Graph) => graph.filter('sine', { duration: 0.4, samples_per_frame: 1024 });
    assert.ok((await run(150, louder, { threads }, sound)).packets > 10);
  });

  long(`${at}filters that are not joined`, async () => {
    assert.is((await run(80, draw, { threads, optimize_graph: false })).packets, 10);
  });

  long(`${at}other modules`, async () => {
    assert.is((await run(100, (stream) => stream.module('pass_through'), { threads })).packets, 10);
  });
}

long(
  'a filter without end does not keep a stop from ending the graph, whether anything comes of it or not',
  async () => {
    for (const threads of [0, 1]) {
      for (const passes of [false, true]) {
        const graph = graphOn({ threads, stop_grace: 200 });
        let stream: Stream = graph
          .filter('testsrc2', { size: '64x36', rate: 25, duration: 0.2 })
          .filter('loop', { loop: -1, size: 5 });
        if (!passes) {
          for (let n = 0; n < 70; n++) stream = retime(stream, n);
          stream = stream.filter('trim', { start: 1e9 });
        }
        stream.module('null_sink');
        const running = graph.run();
        const sourceHasEnded = () => graph.stats().nodes.some(({ packetsOut }) => packetsOut >= 5);
        while (!sourceHasEnded()) await new Promise((resolve) => setTimeout(resolve, 10));
        graph.stop();
        assert.ok((await running).stopped);
      }
    }
  },
);

long.run();
