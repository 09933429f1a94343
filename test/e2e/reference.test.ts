/** Frames by reference in whole graphs: the same frames as by copy, shared pixels, and ends in the middle of it. */
import { Graph, Packet, VideoFrame } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { handOn, reference, stress } from './reference-stress.js';

const test = suite('frames by reference');
type Transport = 'reference' | 'copy';

async function seen(transport: Transport, filters: (graph: Graph) => ReturnType<Graph['filter']>) {
  const graph = new Graph({ threads: 4, transport });
  const sink = new TestSink();
  filters(graph).module(sink.spec, sink.options, { scheduler: 3, callback: sink.callback });
  const leaks = new LeakWatch();
  const report = await graph.run();
  leaks.check(report);
  assert.equal(report.warnings, []);
  return sink.packets;
}

const CHAINS: Record<string, (graph: Graph) => ReturnType<Graph['filter']>> = {
  yuv420p: (graph) => graph.filter('testsrc2', { size: '320x180', rate: 25, duration: 1 }),
  '10 bits': (graph) =>
    graph.filter('testsrc2', { size: '322x178', rate: 25, duration: 1 }).filter('format', 'yuv422p10le'),
  alpha: (graph) => graph.filter('testsrc2', { size: '101x77', rate: 25, duration: 1 }).filter('format', 'yuva444p'),
  cropped: (graph) =>
    graph.filter('testsrc2', { size: '320x180', rate: 25, duration: 1 }).filter('crop', 101, 51, 31, 21),
  'bottom-up': (graph) => graph.filter('testsrc2', { size: '320x180', rate: 25, duration: 1 }).filter('vflip'),
};
for (const [what, chain] of Object.entries(CHAINS)) {
  test(`${what}: the same frames as by copy`, async () => {
    const byReference = await seen('reference', chain);
    assert.is(byReference.length, 25);
    assert.equal(byReference, await seen('copy', chain));
  });
}

for (const [transport, shared] of [
  ['reference', true],
  ['copy', false],
] as const) {
  test(`transport: '${transport}': every consumer of an output ${shared ? 'refers to the same pixels' : 'has its own'}`, async () => {
    const graph = new Graph({ threads: 3, transport });
    const told: boolean[][] = [];
    const callback = (_key: string | number, value: unknown): void => void told.push(value as boolean[]);
    const source = graph.module(reference('Keeper'), { count: 20 }, { scheduler: 0 });
    for (const scheduler of [1, 2]) source.module(reference('Shared'), {}, { scheduler, callback });
    const leaks = new LeakWatch();
    leaks.check(await graph.run());
    assert.equal(told, [Array(20).fill(shared), Array(20).fill(shared)]);
  });
}

test('frames go to the calling thread and come from it', async () => {
  const leaks = new LeakWatch();
  for (const transport of ['reference', 'copy'] as const) {
    const graph = new Graph({ threads: 2, transport });
    const input = graph.inputStream('pictures');
    const output = input.filter('hflip').packets();
    await graph.start({ mode: 'push' });
    const feeding = (async () => {
      for (let n = 0; n < 30; n++) {
        const timeBase = { num: 1, den: 25 };
        const frame = VideoFrame.alloc({ width: 64, height: 36, format: 'gray', pts: BigInt(n), timeBase });
        frame.planes()[0]!.data.fill(n + 1);
        await input.push(new Packet(frame));
      }
      await input.end();
    })();
    const greys: number[] = [];
    for await (const packet of output) {
      const frame = packet.payload as VideoFrame;
      greys.push(frame.planes()[0]!.data[0]!);
      packet.close();
    }
    await feeding;
    await graph.close();
    assert.equal(
      greys,
      Array.from({ length: 30 }, (_, n) => n + 1),
    );
  }
  leaks.check();
});

/** Runs until the consumer has told of its frames; `busy` goes on until then. */
async function lettingGo(
  build: (graph: Graph, over: () => Promise<void>) => ReturnType<Graph['module']>,
): Promise<number> {
  const graph = new Graph({ threads: 2, transport: 'reference' });
  let tell = (): void => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  let alone = 0;
  const callback = (_key: string | number, value: unknown): void => {
    alone = value as number;
    tell();
  };
  build(graph, () => told).module(reference('Alone'), { count: 6 }, { scheduler: 1, callback });
  const leaks = new LeakWatch();
  leaks.check(await graph.run());
  return alone;
}

test('a sender in the middle of an asynchronous call lets go of the frames that were taken', async () => {
  const alone = await lettingGo((graph, callback) =>
    graph.module(reference('Lingering'), { count: 6 }, { scheduler: 0, callback }),
  );
  assert.is(alone, 6);
});

test('a sender that is closed, in a thread that goes on, lets go of the frames that were taken', async () => {
  const alone = await lettingGo((graph, callback) => {
    graph.module(reference('Lingering'), { count: 0 }, { scheduler: 0, callback });
    return graph.module(reference('Greys'), { count: 6 }, { scheduler: 0 });
  });
  assert.is(alone, 6);
});

test('aborts, throws and ends of threads at random moments leave nothing behind', async () => {
  assert.equal(await stress(10), { abort: 2, throw: 2, reject: 2, uncaught: 2, exit: 2 });
});

test('handing frames on does not make memory grow', async () => {
  const growth = await handOn(10_000);
  // One lost picture in ten would be 3 GB.
  assert.ok(growth < 150, `${growth} MB`);
});

test.run();
