/** Frames and packets that stand in a value cross threads with it, by reference, and are released exactly once. */
import { defineModule, EncodedPacket, type Graph, type NodeParameters, Packet, syncModule, VideoFrame } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf, soon } from '../../kit/soon.js';

const test = suite('frames in values');
const graphOn = await sharedThreads(2);
const COUNT = 6;
const WAYS = [{ threads: 0 }, { threads: 2, transport: 'reference' }, { threads: 2, transport: 'copy' }] as const;
const KINDS = ['video', 'audio'] as const;

interface Boxed {
  frame: { kind: string; hash: string };
  boxes: number[][];
  list: { kind: string; hash: string }[];
  deep: Map<string, { again: { hash: string } }>;
}

function sinkBehind(graph: Graph, parameters: NodeParameters): TestSink {
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { ...parameters, callback: sink.callback });
  return sink;
}

for (const way of WAYS) {
  const name = `threads: ${way.threads}${'transport' in way ? `, by ${way.transport}` : ''}`;

  for (const kind of KINDS)
    test(`a frame, a list of frames and nested ones arrive as they were, ${kind}, ${name}`, async () => {
      const leaks = new LeakWatch();
      const graph = graphOn(way);
      const source = new TestSource({ count: COUNT, kind });
      const from = graph.module(source.spec, source.options, { scheduler: 0 });
      const plain = sinkBehind(graph, { inputs: [from], scheduler: 0 });
      const boxed = add(graph, 'Boxer', {}, { inputs: [from], scheduler: 0 });
      const there = add(graph, 'Relay', {}, { inputs: [boxed], scheduler: way.threads === 0 ? 0 : 1 });
      const two = [0, 1].map((scheduler) =>
        sinkBehind(graph, { inputs: [there], scheduler: way.threads === 0 ? 0 : scheduler }),
      );
      const taken = add(graph, 'Unboxer', {}, { inputs: [there], scheduler: 0 });
      const frames = sinkBehind(graph, { inputs: [taken], scheduler: 0 });
      const report = await soon('the graph', graph.run());
      const hashes = plain.packets.map(({ hash }) => hash);
      assert.is(new Set(hashes).size, COUNT);
      for (const sink of two) {
        assert.is(sink.packets.length, COUNT);
        for (const [n, { value, timestamp }] of sink.packets.entries()) {
          const { frame, boxes, list, deep } = value as Boxed;
          assert.equal([frame.kind, frame.hash, timestamp], [kind, hashes[n], n * 40_000]);
          assert.equal(boxes, [[n, 2, 3, 4]]);
          assert.equal(
            list.map((item) => [item.kind, item.hash]),
            [
              [kind, hashes[n]],
              ['packet', list[1]!.hash],
            ],
          );
          assert.is(deep.get('x')!.again.hash, hashes[n]);
        }
      }
      assert.equal(
        frames.packets.map(({ hash }) => hash),
        hashes,
      );
      leaks.check(report);
    });

  test(`what is in a value is released when a graph is stopped, aborted or fails with it under way, ${name}`, async () => {
    for (const end of ['stop', 'abort', 'failure'] as const) {
      const leaks = new LeakWatch();
      const graph = graphOn(way);
      const from = add(graph, 'Endless', { kind: 'video' }, { scheduler: 0 });
      const boxed = add(graph, 'Boxer', {}, { inputs: [from], scheduler: 0 });
      const where = { inputs: [boxed], scheduler: way.threads === 0 ? 0 : 1 };
      add(graph, 'Failing', { where: end === 'failure' ? 'process' : 'nowhere', after: 20 }, where);
      const reader = boxed.packets();
      const abort = new AbortController();
      const run = graph.run({ signal: abort.signal });
      run.catch(() => {});
      let seen = 0;
      try {
        for await (const packet of reader) {
          packet.close();
          if (++seen < 12) continue;
          if (end === 'stop') void graph.stop();
          if (end === 'abort') abort.abort();
        }
      } catch (error) {
        assert.is.not(end, 'stop', String(error));
      }
      if (end === 'stop') leaks.check(await soon('the graph', run));
      else leaks.check((await failureOf('the graph', run)) as never);
    }
  });
}

const picture = () =>
  VideoFrame.alloc({ width: 16, height: 16, format: 'gray', pts: 1n, timeBase: { num: 1, den: 25 } });

test('a packet owns what stands in its value: closed with it, referenced once more by its clone', () => {
  const leaks = new LeakWatch();
  const frame = picture();
  const other = EncodedPacket.from(new Uint8Array([1, 2]), { pts: 0n });
  const value = {
    frame,
    same: frame,
    list: [other, 5],
    map: new Map([['k', frame]]),
    text: 'x',
    self: undefined as unknown,
  };
  value.self = value;
  const packet = new Packet(value, { timestamp: 4 });
  const clone = packet.clone();
  const copy = clone.payload;
  assert.is(copy.self, copy, 'cycles stay what they are');
  assert.is(copy.same, copy.frame, 'one frame is one frame');
  assert.is(copy.map.get('k'), copy.frame);
  assert.is.not(copy.frame, frame);
  assert.equal([copy.text, copy.list[1], clone.timestamp], ['x', 5, 4]);
  packet.close();
  assert.ok(frame.closed && other.closed && !copy.frame.closed);
  clone.close();
  assert.ok(copy.frame.closed);
  const shared = new Packet({ numbers: [1] });
  assert.is(shared.clone().payload, shared.payload, 'without any of these a value is shared');
  leaks.check();
});

test('a clone of a value with a closed frame fails and keeps nothing', () => {
  const leaks = new LeakWatch();
  const packet = new Packet([picture(), picture()]);
  packet.payload[1]!.close();
  assert.throws(() => packet.clone(), /used after close/);
  packet.close();
  leaks.check();
});

/** A module of this process that pushes what `push` makes of the frame it gets. */
const pushing = (push: (frame: VideoFrame, out: (id: number, payload: unknown) => void, packet: Packet) => void) =>
  defineModule({
    process(task) {
      for (const packet of task.inputs.get(0) ?? []) {
        if (packet.isEof) continue;
        push(packet.payload as VideoFrame, (id, payload) => task.output(id).push(new Packet(payload)), packet);
      }
    },
  });

const SHARES: Record<string, Parameters<typeof pushing>[0]> = {
  'the frame and a value with it': (frame, out) => {
    out(0, frame);
    out(1, { frame });
  },
  'two values with it': (frame, out) => {
    out(0, { frame, n: 1 });
    out(1, [frame, frame]);
  },
  'a value with it to two consumers and another frame': (frame, out) => {
    const value = { frame, own: frame.clone() };
    out(0, value);
    out(1, value);
    out(1, { frame: value.own });
  },
  'values for outputs that nobody wants': (frame, out) => {
    out(7, { frame });
    out(0, frame);
    out(7, { other: picture() });
    out(1, { frame });
  },
  'nothing of it': (frame, out) => {
    out(0, { other: picture() });
    out(1, frame.pts);
  },
};

for (const [what, push] of Object.entries(SHARES)) {
  test(`several packets may share a frame: ${what}`, async () => {
    for (const threads of [0, 2]) {
      const leaks = new LeakWatch();
      const graph = graphOn({ threads });
      const source = new TestSource({ count: COUNT, kind: 'video' });
      const node = graph.module(pushing(push), {}, { inputs: [graph.module(source.spec, source.options)] });
      const sinks = [0, 1, 1].map((output) => sinkBehind(graph, { inputs: [node.output(output)] }));
      const report = await soon('the graph', graph.run());
      assert.equal(
        sinks.map(({ packets }) => packets.length >= COUNT),
        [true, true, true],
      );
      leaks.check(report);
    }
  });
}

test('values with frames go through sync modules, pushes and readers', async () => {
  const leaks = new LeakWatch();
  for (const thread of ['inline', 'boxes']) {
    using unboxer = syncModule(
      { path: new URL('../../fixtures/modules/plain.mjs', import.meta.url).pathname, entry: 'Unboxer' },
      {},
      [0],
      [0],
      { thread },
    );
    const { outputs } = unboxer.process({ 0: [new Packet({ frame: picture(), boxes: [] })] });
    const [packet] = outputs[0] as [Packet<VideoFrame>];
    assert.is(packet.payload.width, 16);
    packet.close();
  }
  const graph = graphOn({ threads: 1 });
  const input = graph.inputStream('boxes');
  const reader = add(graph, 'Relay', {}, { inputs: [input] }).packets<{ frame: VideoFrame }>();
  await graph.start();
  const frame = picture();
  await input.push(new Packet({ frame }));
  await input.end();
  for await (const packet of reader) {
    assert.is(packet.payload.frame.width, 16);
    packet.close();
  }
  leaks.check(await graph.close());
});

test('elsewhere frames are no values: options and data of frames refuse them by name', () => {
  using frame = picture();
  assert.throws(() => {
    frame.data = { frame };
  }, /\.frame is an object of class VideoFrame, which cannot cross threads/);
  assert.throws(() => add(graphOn(), 'Relay', { frame }), /class VideoFrame/);
});

test.run();
