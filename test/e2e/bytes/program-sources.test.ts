/** Decoders that read what the program has: bytes in memory, blobs, and sources that are asked for pieces. */
import { openAsBlob, readFileSync } from 'node:fs';
import { type Bytes, type DecoderOptions, Graph, type SeekableSource, syncModule } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { assertSame, failureOf, media, type Picture, pictures, run, sinkOn } from '../../kit/media.js';
import { thrown } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { soon } from '../../kit/soon.js';

const test = suite('sources of the program');

/** Its index stands at the end. */
const PATH = media('clip-4s.mp4');
const BYTES = readFileSync(PATH);
const onThread = await sharedThreads(1);

interface Watched extends SeekableSource {
  readonly reads: [offset: number, length: number][];
  closed: number;
}

function watched(read?: SeekableSource['read'], bytes = BYTES): Watched {
  let underWay = 0;
  return {
    size: bytes.length,
    reads: [],
    closed: 0,
    async read(offset, length, signal) {
      this.reads.push([offset, length]);
      assert.is(underWay++, 0, 'a read began before the one before it had come');
      await new Promise(setImmediate);
      try {
        return await (read ?? (async () => bytes.subarray(offset, offset + length)))(offset, length, signal);
      } finally {
        underWay--;
      }
    },
    close() {
      this.closed++;
    },
  };
}

type Options = Omit<DecoderOptions, 'input'>;

async function decoded(input: DecoderOptions, graph = new Graph({ threads: 0 })): Promise<Picture[]> {
  const sink = sinkOn(graph.decode(input).video);
  await run(graph);
  return pictures(sink.packets);
}

test('whatever holds an mp4 with its index at the end is decoded as its file is', async () => {
  const expected = await decoded({ input_path: PATH, vframes: 4 });
  // What else holds bytes is told apart where probe() is tested.
  const shared = new SharedArrayBuffer(BYTES.length);
  new Uint8Array(shared).set(BYTES);
  const inputs: readonly (Bytes | SeekableSource)[] = [
    BYTES,
    shared,
    new File([BYTES], 'clip.mp4'),
    await openAsBlob(PATH),
    watched(),
  ];
  for (const input of inputs) {
    assertSame(await decoded({ input, vframes: 4 }), expected, input.constructor.name);
  }
});

test('bytes are those that were there when the node was made', async () => {
  const expected = await decoded({ input_path: PATH, vframes: 3 });
  const graph = new Graph({ threads: 0 });
  const bytes = new Uint8Array(BYTES);
  const sink = sinkOn(graph.decode({ input: bytes, vframes: 3 }).video);
  bytes.fill(0);
  await run(graph);
  assertSame(pictures(sink.packets), expected);
});

for (const options of [
  { start_time: 3.6 },
  { loop: 1, skip_frame: 32 },
  { durations: [0, 0.1, 3, 3.1] },
] satisfies Options[]) {
  test(`${JSON.stringify(options)}: a source is gone back and forth in as its file is`, async () => {
    const source = watched();
    const pictures = await decoded({ input: source, ...options }, onThread());
    assertSame(pictures, await decoded({ input_path: PATH, ...options }));
    assert.is(source.closed, 1);
  });
}

test('a source is read in blocks, each once, and closed when the run has ended', async () => {
  const source = watched();
  await decoded({ input: source, skip_frame: 32 }, onThread());
  const total = source.reads.reduce((sum, [, length]) => sum + length, 0);
  assert.is(total, BYTES.length, JSON.stringify(source.reads));
  for (const [offset, length] of source.reads) {
    assert.is(offset % 65_536, 0);
    assert.ok(length > 0 && length <= 1 << 20 && offset + length <= BYTES.length);
  }
  assert.is(source.closed, 1);
});

test('two decoders of one source take turns, and it is closed once', async () => {
  const source = watched();
  const graph = onThread();
  const sinks = [0, 1].map(() => sinkOn(graph.decode({ input: source, vframes: 5 }).video));
  await run(graph);
  for (const { packets } of sinks) assert.is(packets.length, 5);
  assert.is(source.closed, 1);
});

for (const [what, read, says] of [
  ['throws', () => Promise.reject(new Error('the disk is on fire')), /the disk is on fire/],
  ['gives fewer bytes', async (_o, n) => BYTES.subarray(0, n - 1), /gave \d+ bytes at 0 instead of \d+/],
  ['gives more bytes', async (_o, n) => new Uint8Array(n + 1), /gave \d+ bytes at 0 instead of \d+/],
  ['gives no bytes', (async () => 'text') as never, /gave "text" instead of a Uint8Array/],
  [
    'throws in the middle',
    async (o, n) => (o < 131_072 ? BYTES.subarray(o, o + n) : Promise.reject(new Error('torn'))),
    /torn/,
  ],
] as readonly [string, SeekableSource['read'], RegExp][]) {
  test(`a source that ${what} fails the graph by the names of the node and of the source`, async () => {
    const source = watched(read);
    const graph = new Graph({ threads: 0 });
    sinkOn(graph.decode({ input: source, skip_frame: 32 }, { alias: 'reads' }).video);
    const error = await failureOf(graph);
    assert.is(error.code, 'ERR_MILLRACE_INPUT');
    assert.match(error.message, /"reads".*Cannot read a source of \d+ bytes: /);
    assert.match(error.message, says);
    assert.is(source.closed, 1);
  });
}

for (const [how, end] of [
  ['stopped', (graph: Graph) => graph.stop()],
  ['closed by force', (graph: Graph) => graph.forceClose()],
] as const) {
  test(`a source that never answers is told when its graph is ${how}, and closed`, async () => {
    let told: AbortSignal | undefined;
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const source = watched((_offset, _length, signal) => {
      told = signal;
      asked();
      return new Promise(() => {});
    });
    const leaks = new LeakWatch();
    const graph = onThread();
    sinkOn(graph.decode({ input: source }).video);
    const running = graph.run().catch(() => {});
    await soon('the first read', isAsked);
    assert.not.ok(told!.aborted);
    await end(graph);
    await soon('the run', running);
    assert.ok(told!.aborted);
    assert.is(source.closed, 1);
    leaks.check();
  });
}

test('timeout_ms is how long a source may take', async () => {
  const graph = new Graph({ threads: 0 });
  sinkOn(graph.decode({ input: watched(() => new Promise(() => {})), timeout_ms: 20 }).video);
  assert.match((await failureOf(graph)).message, /Cannot read a source of \d+ bytes: nothing came for 20 ms/);
});

test('a source that is not closed in time is waited for no longer, and one that fails then is told of', async () => {
  const source = Object.assign(watched(), { close: () => Promise.reject(new Error('still in use')) });
  const graph = new Graph({ threads: 0 });
  sinkOn(graph.decode({ input: source, vframes: 1 }, { alias: 'reads' }).video);
  const { warnings } = await run(graph);
  assert.equal(warnings, [`reads: Cannot close a source of ${BYTES.length} bytes: still in use`]);
});

test('a decoder that is called reads bytes of memory while its caller blocks; what would wait for itself is refused', async () => {
  for (const thread of [undefined, 'inline']) {
    const decoder = syncModule('c_ffmpeg_decoder', { input: BYTES, vframes: 2 }, [], [0], { thread });
    let frames = 0;
    for (let done = false; !done; ) {
      const result = decoder.process();
      done = result.done;
      for (const packet of result.outputs[0]) {
        if (!packet.isEof) frames++;
        packet.close();
      }
    }
    decoder.close();
    assert.is(frames, 2);
  }
  const source = watched();
  const decoder = syncModule('c_ffmpeg_decoder', { input: source }, [], [0], { alias: 'reads', thread: 'inline' });
  const { code, message } = thrown(() => decoder.process());
  assert.is(code, 'ERR_MILLRACE_WOULD_DEADLOCK');
  assert.match(message, /"reads".*a source of \d+ bytes is read on this thread/);
  const { outputs } = await decoder.processAsync();
  assert.ok(outputs[0].length > 0);
  for (const packet of outputs[0]) packet.close();
  await decoder.closeAsync();
  assert.is(source.closed, 1);
});

test('what is no bytes is refused when the node is made, with what would be right', () => {
  for (const [input, hint] of [
    ['clip.mp4', /input_path/],
    [new URL('file:///clip.mp4'), /input_path/],
    [new Blob([BYTES]).stream(), /inputStream/],
    [{ size: 3 }, /a Buffer, a typed array/],
    [{ size: -1, read: async () => BYTES }, /a Buffer, a typed array/],
  ] as const) {
    const { code, message } = thrown(() => new Graph().decode({ input: input as never }));
    assert.is(code, 'ERR_MILLRACE_CONFIG');
    assert.match(message, hint);
  }
});

test('a graph file holds no bytes of a program: none is written, and none is read', () => {
  const graph = new Graph();
  graph.decode({ input: BYTES }).video.module('null_sink');
  assert.match(thrown(() => graph.toConfig()).message, /input.*bytes of the program/);
  const node = { module_info: { name: 'c_ffmpeg_decoder' }, input_streams: [], output_streams: [], id: 0 };
  for (const input of ['clip.mp4', { name: 'x', size: 3, channel: 'x' }]) {
    const file = { mode: 'normal', nodes: [{ ...node, option: { input } }] };
    assert.match(thrown(() => Graph.fromConfig(file)).message, /option\.input.*bytes of the program/);
  }
});

test.run();
