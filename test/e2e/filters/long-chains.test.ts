/** Graphs are as deep as they are built: hundreds of nodes in a row, joined into one actor or not. */
import type { Graph, Stream } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed, times } from '../../kit/long.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const chains = suite('long chains');
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

chains('hundreds of filters in a row, joined', async () => {
  const { packets, calls } = await run(times(500, 1000), draw, { threads: 0 });
  assert.is(packets, 10);
  assert.ok(calls < 100, `${calls} calls`);
});

const KINDS: readonly (readonly [name: string, what: (threads: number) => Promise<void>])[] = [
  ...[64, 65].map(
    (count) =>
      [
        `${count} filters that remember nothing, one after the other`,
        async (threads: number) => assert.is((await run(count, draw, { threads })).packets, 10),
      ] as const,
  ),
  [
    'filters that each have a graph of their own',
    async (threads) => assert.is((await run(130, retime, { threads })).packets, 10),
  ],
  [
    'filters that make more of what they get',
    async (threads) => {
      const { packets } = await run(130, double, { threads });
      assert.ok(packets >= 19, `${packets} packets`);
    },
  ],
  [
    'filters of sound',
    async (threads) => {
      const sound = (graph: Graph) => graph.filter('sine', { duration: 0.4, samples_per_frame: 1024 });
      assert.ok((await run(150, louder, { threads }, sound)).packets > 10);
    },
  ],
  [
    'filters that are not joined',
    async (threads) => assert.is((await run(80, draw, { threads, optimize_graph: false })).packets, 10),
  ],
  [
    'other modules',
    async (threads) => {
      const passing: Link = (stream) => stream.module('pass_through');
      assert.is((await run(100, passing, { threads })).packets, 10);
    },
  ],
];

for (const [[name, what], places] of crossed(KINDS, [0, 1, 2], 1)) {
  for (const threads of places) chains(`threads: ${threads}: ${name}`, () => what(threads));
}

chains(
  'a filter without end does not keep a stop from ending the graph, whether anything comes of it or not',
  async () => {
    for (const [passes, places] of crossed([false, true], [0, 1], 1)) {
      for (const threads of places) {
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

chains.run();
