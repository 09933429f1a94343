/** Pushing from what gives packets or bytes by itself: iterables, Node streams, web streams. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EncodedPacket, type Graph, type GraphError, Packet } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, numbers } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const graphOn = await sharedThreads(2);

function graphOf(names: readonly string[] = ['data']) {
  const graph = graphOn({ threads: 1 });
  const inputs = names.map((name) => graph.inputStream(name));
  const sink = new TestSink();
  add(graph, 'Gather', { order: 'sequence' }, { inputs }).module(sink.spec, sink.options, { callback: sink.callback });
  return { graph, inputs, input: inputs[0]!, sink };
}

async function* values(from: number, to: number, delay = 0): AsyncGenerator<Packet> {
  for (let n = from; n < to; n++) {
    if (delay > 0) await sleep(delay);
    yield new Packet({ n }, { timestamp: n });
  }
}

const sequence = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const sources = suite('sources');

sources('an async iterable is pushed to its end, which ends the stream', async () => {
  const { graph, input, sink } = graphOf();
  await graph.start();
  await input.pushFrom(values(0, 100));
  assert.is(input.closed, true);
  await graph.close();
  assert.equal(numbers(sink.packets), sequence(100));
});

sources('several, one after the other, when the end is left open', async () => {
  const { graph, input, sink } = graphOf();
  await graph.start();
  await input.pushFrom(values(0, 20), { end: false });
  assert.is(input.closed, false);
  await input.pushFrom([{ n: 20 }, new Packet({ n: 21 })]);
  await graph.close();
  assert.equal(numbers(sink.packets), sequence(22));
});

sources('byte arrays of Node streams and web streams become encoded packets', async () => {
  const chunks = [Buffer.from('ab'), Buffer.from('cde')];
  for (const make of [() => Readable.from(chunks), () => Readable.toWeb(Readable.from(chunks)) as ReadableStream]) {
    const graph = graphOn({ threads: 1 });
    const input = graph.inputStream('data');
    const reader = add(graph, 'Relay', {}, { inputs: [input] }).packets<EncodedPacket>();
    await graph.start();
    const pushed = input.pushFrom(make());
    let text = '';
    for await (const { payload } of reader.closing()) text += Buffer.from(payload.data).toString();
    await pushed;
    assert.is(text, 'abcde');
  }
});

sources('a byte array is one piece', async () => {
  const { graph, input, sink } = graphOf();
  await graph.start();
  await input.pushFrom(Uint8Array.of(1, 2, 3));
  await graph.close();
  assert.equal(
    sink.packets.map(({ kind }) => kind),
    ['packet'],
  );
});

sources('what is no source, or an option that does not exist, is refused', async () => {
  const { graph, input } = graphOf();
  await graph.start();
  for (const [source, words] of [
    ['text', '"text" is no source'],
    [undefined, 'undefined is no source'],
    [{ a: 1 }, '{"a":1} is no source'],
    [new Packet(1), 'a Packet is no source'],
  ] as const) {
    const error = await rejection(input.pushFrom(source as never));
    assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
    assert.match(error.message, `input stream 'data': ${words}`);
  }
  assert.match((await rejection(input.pushFrom([], { ends: false } as never))).message, "Did you mean 'end'");
  await graph.close();
});

sources('a web stream that is silent is cancelled when the graph ends', async () => {
  const { graph, input } = graphOf();
  await graph.start();
  let cancelled = false;
  const source = new ReadableStream<unknown>({
    start: (controller) => controller.enqueue({ n: 0 }),
    cancel: () => {
      cancelled = true;
    },
  });
  const pushing = input.pushFrom(source);
  await sleep(20);
  graph.stop();
  await pushing;
  await graph.close();
  assert.is(cancelled, true);
  assert.is(source.locked, false);
});

sources('streams fed at different speeds hold each other back, within their limits', async () => {
  const { graph, inputs, sink } = graphOf(['slow', 'fast']);
  await graph.start();
  // It takes nothing of the fast one until the slow one has ended.
  await Promise.all([inputs[0]!.pushFrom(values(0, 30, 3)), inputs[1]!.pushFrom(values(30, 200))]);
  const report = await graph.close();
  assert.equal(numbers(sink.packets), sequence(200));
  assert.equal(
    report.links.map(({ reliefs }) => reliefs),
    [0, 0, 0],
  );
});

sources('a source that fails fails the graph, and tells its own error', async () => {
  const leaks = new LeakWatch();
  const { graph, input } = graphOf();
  await graph.start();
  const failing = async function* (): AsyncGenerator<Packet> {
    yield* values(0, 5);
    throw new RangeError('camera unplugged');
  };
  assert.instance(await rejection(input.pushFrom(failing())), RangeError);
  const error = (await rejection(graph.close())) as GraphError;
  assert.is(error.code, 'ERR_MILLRACE_INPUT');
  assert.is(error.alias, 'data');
  assert.match(error.message, /source of input stream 'data' failed: camera unplugged/);
  leaks.check(error);
});

sources('a source is left when the graph fails, ends or takes no more, even if it is silent', async () => {
  for (const why of ['fails', 'stops', 'is full']) {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads: 1 });
    const input = graph.inputStream('data');
    add(graph, why === 'is full' ? 'Take' : 'Relay', { limit: 3 }, { inputs: [input] }).module('null_sink');
    await graph.start();
    const source = new Readable({ objectMode: true, read() {} });
    for (let n = 0; n < 5; n++) source.push({ n });
    const pushing = input.pushFrom(source).then(
      () => undefined,
      (error: GraphError) => error,
    );
    if (why === 'fails') setTimeout(() => void graph.forceClose(), 30);
    if (why === 'stops') setTimeout(() => graph.stop(), 30);
    const error = await pushing;
    assert.is(error?.code, why === 'fails' ? 'ERR_MILLRACE_ABORTED' : undefined, why);
    assert.is(source.destroyed, true, why);
    if (error) assert.is(await rejection(graph.close()), error);
    else leaks.check(await graph.close());
  }
});

sources('what a source gives when it has been left is released', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 0 });
  const input = graph.inputStream('data');
  const reader = add(graph, 'Relay', {}, { inputs: [input] }).packets();
  await graph.start();
  let give: (result: IteratorResult<unknown>) => void = () => {};
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise<IteratorResult<unknown>>((resolve) => {
          give = resolve;
        }),
    }),
  };
  const pushed = input.pushFrom(source);
  await reader.return();
  await pushed;
  give({ done: false, value: new Packet(EncodedPacket.from(Uint8Array.of(1))) });
  await Promise.resolve();
  await Promise.resolve();
  leaks.check(await graph.close());
});

sources('before the start nothing is taken from a source', async () => {
  const { graph, input } = graphOf();
  let left = false;
  const source = async function* (): AsyncGenerator<Packet> {
    try {
      yield* values(0, 5);
    } finally {
      left = true;
    }
  };
  assert.is((await rejection(input.pushFrom(source()))).code, 'ERR_MILLRACE_STATE');
  assert.is(left, true);
  await graph.forceClose();
});

sources.run();

const writables = suite('writable()');

writables('a pipeline feeds it, and its end is the stream\u2019s', async () => {
  const { graph, input, sink } = graphOf();
  await graph.start();
  await pipeline(Readable.from(values(0, 60)), input.writable());
  await graph.close();
  assert.equal(numbers(sink.packets), sequence(60));
});

writables('it holds its source back', async () => {
  const graph = graphOn({ threads: 1, queue_length_limit: 2 });
  const input = graph.inputStream('data');
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  add(graph, 'Gate', {}, { inputs: [input], callback: () => gate });
  await graph.start();
  let made = 0;
  const source = async function* (): AsyncGenerator<unknown> {
    for (; made < 200; made++) yield { n: made };
  };
  const done = pipeline(Readable.from(source(), { highWaterMark: 1 }), input.writable());
  while (graph.stats().links[0]!.queued < 2) await sleep(2);
  await sleep(50);
  assert.ok(made < 20, `${made} made`);
  release();
  await done;
  assert.is((await graph.close()).links[0]!.packets, 201);
});

writables('destroyed with an error it fails the graph; destroyed without one it ends the stream', async () => {
  const { graph, input } = graphOf();
  await graph.start();
  const source = Readable.from(values(0, 1000, 1));
  setTimeout(() => source.destroy(new Error('upload broken off')), 30);
  await rejection(pipeline(source, input.writable()));
  assert.match((await rejection(graph.close())).message, /'data' failed: upload broken off/);

  const other = graphOf();
  await other.graph.start();
  const writable = other.input.writable();
  writable.on('error', () => {});
  writable.write({ n: 0 });
  await sleep(20);
  writable.destroy();
  while (!other.input.closed) await sleep(2);
  await other.graph.close();
  assert.equal(numbers(other.sink.packets), [0]);
});

writables(
  'when the graph fails it is destroyed with the graph\u2019s error, also while its source is silent',
  async () => {
    const graph = graphOn({ threads: 1 });
    const input = graph.inputStream('data');
    add(graph, 'Failing', { where: 'process', after: 0 }, { inputs: [input], alias: 'bad' });
    await graph.start();
    const source = new Readable({ objectMode: true, read() {} });
    source.push({ n: 0 });
    const error = await rejection(pipeline(source, input.writable()));
    assert.match(error.message, /"bad".*process said no/);
    assert.is(await rejection(graph.close()), error);
  },
);

writables.run();

const readables = suite('toReadable()');

function bytes(graph: Graph, count: number) {
  const input = graph.inputStream('data');
  const readable = add(graph, 'Relay', {}, { inputs: [input] })
    .packets()
    .toReadable();
  const pushing = async (): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const chunk = Uint8Array.of(n);
      await input.push(new Packet(n % 2 === 0 ? chunk : EncodedPacket.from(chunk)));
    }
    await input.end();
  };
  return { input, readable, pushing };
}

readables('gives the bytes of encoded packets and byte arrays', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const { readable, pushing } = bytes(graph, 50);
  await graph.start();
  const pushed = pushing();
  const parts: Buffer[] = [];
  for await (const chunk of readable) parts.push(chunk as Buffer);
  await pushed;
  assert.equal([...Buffer.concat(parts)], sequence(50));
  leaks.check(await graph.close());
});

for (const [format, mux_params] of [
  ['mpegts', {}],
  ['mp4', { movflags: 'frag_keyframe+empty_moov' }],
  ['flv', { flvflags: 'no_duration_filesize' }],
  ['matroska', { live: 1 }],
] as const) {
  readables(`a file as it is written: ${format}`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn();
    const codec = format === 'flv' ? 'flv' : 'mpeg4';
    const encoder = graph
      .filter('testsrc2', { size: '64x36', rate: 25, duration: 2 })
      .encode(null, { push_output: 1, format, mux_params, video_params: { codec } });
    const again = graphOn();
    const input = again.inputStream('file');
    const reader = input.decode().video.packets();
    await again.start();
    const pushed = pipeline(encoder.packets().toReadable(), input.writable());
    let frames = 0;
    for await (const _ of reader.closing()) frames++;
    await pushed;
    assert.is(frames, 50);
    await again.close();
    leaks.check(await graph.close());
  });
}

readables('a container that goes back to what was given is its error', async () => {
  const graph = graphOn();
  const encoder = graph
    .filter('testsrc2', { size: '64x36', rate: 25, duration: 1 })
    .encode(null, { push_output: 1, format: 'mp4', video_params: { codec: 'mpeg4' } });
  const error = await rejection(
    pipeline(encoder.packets().toReadable(), async (source) => {
      for await (const _ of source);
    }),
  );
  assert.match(error.message, /has given \d+ bytes, and the muxer goes back to byte \d+.*streamed: true/);
  await graph.close();
});

readables('destroying it leaves the graph', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const { readable, pushing } = bytes(graph, 200);
  await graph.start();
  const pushed = pushing().catch((error: Error) => error);
  for await (const _ of readable) break;
  await pushed;
  leaks.check(await graph.close());
});

readables('left while a packet is on its way to it, at every turn of that way, it closes the packet', async () => {
  for (const kind of ['packets', 'closing', 'bytes'] as const) {
    for (let turns = 0; turns < 16; turns++) {
      const leaks = new LeakWatch();
      const graph = graphOn({ threads: 0 });
      const input = graph.inputStream('data');
      const packets = add(graph, 'Relay', {}, { inputs: [input] }).packets();
      const readable = packets.toReadable();
      const reader = kind === 'packets' ? packets : kind === 'closing' ? packets.closing() : undefined;
      await graph.start();
      for (let n = 0; n < 3; n++) await input.push(new Packet(EncodedPacket.from(Uint8Array.of(n))));
      // The first has come, the second is waiting.
      if (reader) (await reader.next()).value!.close();
      else if (!readable.read(1)) await new Promise((resolve) => readable.once('readable', resolve));
      const next = reader?.next();
      if (!reader) readable.read(1);
      for (let turn = 0; turn < turns; turn++) await undefined;
      if (reader) await reader.return!();
      else readable.destroy();
      const last = await next;
      // Of a reader whose packets are the loop's.
      if (kind === 'packets') last?.value?.close();
      await input.end().catch(() => {});
      leaks.check(await graph.close());
    }
  }
});

readables('what is no bytes is its error', async () => {
  const graph = graphOn({ threads: 1 });
  const readable = add(graph, 'Endless', { kind: 'video' }).packets().toReadable();
  const error = await rejection(
    pipeline(readable, async (source) => void (await source[Symbol.asyncIterator]().next())),
  );
  assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
  assert.match(error.message, /needs packets of bytes, not a VideoFrame/);
  await graph.close();
});

readables.run();
