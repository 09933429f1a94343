/** Encoders whose file goes to the program: a sink, a Buffer, a Blob, a Response. */
import { readFileSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import {
  type EncoderOptions,
  encode,
  Graph,
  type NodeHandle,
  probe,
  type SeekableSink,
  syncModule,
  toBlob,
  toBuffer,
  toResponse,
} from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, run, scratch } from '../../kit/media.js';
import { rejection, thrown } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { soon } from '../../kit/soon.js';

const test = suite('sinks of the program');

const at = scratch();
const onThread = await sharedThreads(1);
const VIDEO = { codec: 'mpeg4', threads: 1 };

/** A few small pictures and their sound; what is not asked for is not there. */
function clip(graph = new Graph({ threads: 0 })): { readonly video: NodeHandle; readonly audio: NodeHandle } {
  return {
    get video() {
      return graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 0.4 });
    },
    get audio() {
      return graph.filter('sine', { duration: 0.4 });
    },
  };
}

async function fileOf(options: EncoderOptions): Promise<Buffer> {
  const path = at(`file.${options.format ?? 'mp4'}`);
  const { video, audio } = clip();
  encode(video, audio, { ...options, output_path: path, video_params: VIDEO });
  await run(video.graph);
  return readFileSync(path);
}

interface Watched extends SeekableSink {
  readonly file: Buffer;
  readonly offsets: number[];
  closed: number;
}

function watched(): Watched {
  let underWay = 0;
  let file = Buffer.alloc(0);
  return {
    get file() {
      return file;
    },
    offsets: [],
    closed: 0,
    async write(bytes, offset) {
      assert.is(underWay++, 0, 'a write began before the one before it was done');
      assert.ok(offset <= file.length, `${offset} is beyond the ${file.length} bytes that there are`);
      await new Promise(setImmediate);
      this.offsets.push(offset);
      if (offset + bytes.length > file.length) {
        file = Buffer.concat([file, Buffer.alloc(offset + bytes.length - file.length)]);
      }
      file.set(bytes, offset);
      underWay--;
    },
    close() {
      this.closed++;
    },
  };
}

for (const [what, options] of [
  ['an mp4, whose muxer goes back', {}],
  ['an mp4 with its index first', { mux_params: { movflags: 'faststart' } }],
  ['a matroska file', { format: 'matroska', mux_params: { fflags: '+bitexact' } }],
] as [string, EncoderOptions][]) {
  test(`${what}: the sink gets the bytes that a file would have`, async () => {
    const sink = watched();
    const graph = onThread();
    const { video, audio } = clip(graph);
    encode(video, audio, { ...options, output: sink, video_params: VIDEO });
    await run(graph);
    assert.ok(sink.file.equals(await fileOf(options)), `${sink.file.length} bytes`);
    assert.is(sink.closed, 1);
  });
}

test('the fluent form takes a sink as well, and the bytes can be read beside it', async () => {
  const sink = watched();
  const { video } = clip();
  const reader = video.encode(null, { output: sink, format: 'mpegts', video_params: VIDEO }).packets();
  let bytes = 0;
  for await (const packet of reader.closing()) bytes += (packet.payload as { size: number }).size;
  assert.is(bytes, sink.file.length);
});

test('streamed: no offset is ever behind what was written', async () => {
  for (const format of ['mp4', 'mov', 'matroska', 'flv']) {
    const sink = watched();
    const { video, audio } = clip();
    encode(video, audio, {
      output: sink,
      format,
      streamed: true,
      video_params: { codec: 'h264', preset: 'ultrafast' },
    });
    await run(video.graph);
    assert.equal(
      sink.offsets,
      [...sink.offsets].sort((a, b) => a - b),
      format,
    );
    const { streams } = await probe(sink.file);
    assert.is(streams.length, 2, format);
  }
});

test('streams take the file from front to back, also one with its index first', async () => {
  for (const options of [{}, { mux_params: { movflags: 'faststart' } }, { format: 'matroska' }] as EncoderOptions[]) {
    const chunks: Uint8Array[] = [];
    const node = new PassThrough({ highWaterMark: 1 });
    node.on('data', (chunk: Buffer) => chunks.push(chunk));
    const web = new TransformStream<Uint8Array, Uint8Array>();
    const read = new Response(web.readable).arrayBuffer();
    const graph = onThread();
    const { video, audio } = clip(graph);
    encode(video, audio, { ...options, output: node, video_params: VIDEO });
    encode(video, audio, { ...options, output: web.writable, video_params: VIDEO });
    await run(graph);
    assert.ok(node.writableFinished);
    for (const file of [Buffer.concat(chunks), Buffer.from(await read)]) {
      assert.is((await probe(file)).streams.length, 2, JSON.stringify(options));
    }
  }
  const { video } = clip();
  const error = thrown(() => encode(video, null, { output: new PassThrough(), streamed: false, video_params: VIDEO }));
  assert.match(JSON.stringify(error), /streamed.*a stream cannot go back/);
});

test('a stream that is closed or fails before or while it is written fails the graph', async () => {
  const gone = new PassThrough();
  gone.destroy(new Error('the browser has left'));
  const mute = new Writable({ write: () => setImmediate(() => mute.destroy()) });
  for (const [output, says] of [
    [gone, /cannot be written: the browser has left/],
    [mute, /cannot be written: the stream was closed/],
  ] as const) {
    const { video } = clip();
    encode(video, null, { output, video_params: VIDEO }, { alias: 'upload' });
    const error = await failureOf(video.graph);
    assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
    assert.match(error.message, says);
  }
});

test('a sink that fails fails the graph by the name of the encoder, and is closed', async () => {
  const sink = watched();
  const broken = Object.assign(sink, { write: () => Promise.reject(new Error('the bucket is gone')) });
  const { video } = clip();
  encode(video, null, { output: broken, video_params: VIDEO }, { alias: 'upload' });
  const error = await failureOf(video.graph);
  assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
  assert.match(error.message, /"upload\.output".*the output of upload cannot be written: the bucket is gone/);
  assert.is(sink.closed, 1);
});

test('a write that does not end holds the encoder back, and does not keep a graph that is aborted', async () => {
  let began = (): void => {};
  const begun = new Promise<void>((resolve) => {
    began = resolve;
  });
  let writes = 0;
  let closed = 0;
  const mute: SeekableSink = {
    write: () => {
      writes++;
      began();
      return new Promise(() => {});
    },
    close: () => {
      closed++;
    },
  };
  const leaks = new LeakWatch();
  const graph = onThread();
  const endless = graph.filter('testsrc2', { size: '64x48' });
  encode(
    endless,
    null,
    { output: mute, format: 'mpegts', avio_buffer_size: 1024, video_params: VIDEO },
    { alias: 'enc' },
  );
  const running = rejection(graph.run());
  await soon('the first write', begun);
  // The pieces that may wait for it are on its link.
  const limit = (): boolean => graph.stats().links.some(({ queued }) => queued >= 8);
  while (!limit()) await new Promise((resolve) => setTimeout(resolve, 5));
  await soon('the end', graph.forceClose());
  assert.is((await running).code, 'ERR_MILLRACE_ABORTED');
  assert.equal([writes, closed], [1, 1]);
  leaks.check();
});

test('toBuffer and toBlob run the graph and have the file; the Blob says what it is', async () => {
  const expected = await fileOf({});
  const { video, audio } = clip();
  assert.ok((await toBuffer({ video, audio }, { video_params: VIDEO })).equals(expected));
  const others = clip();
  const blob = await toBlob([others.video, others.audio], { video_params: VIDEO });
  assert.is(blob.type, 'video/mp4');
  assert.ok(Buffer.from(await blob.arrayBuffer()).equals(expected));
  const sound = await toBuffer({ audio: clip().audio }, { format: 'wav' });
  assert.is((await probe(sound)).format.name, 'wav');
});

test('toBuffer tells how far it is, and is ended by its signal', async () => {
  const endless = new Graph({ threads: 0 }).filter('testsrc2', { size: '64x48' });
  const ends = new AbortController();
  const file = toBuffer(endless, { video_params: VIDEO }, { signal: ends.signal, onProgress: () => ends.abort() });
  assert.is((await rejection(file)).code, 'ERR_MILLRACE_ABORTED');
});

test('toResponse streams: its body is a fragmented mp4 that arrives while it is made', async () => {
  const { video, audio } = clip();
  const response = await toResponse({ video, audio }, { video_params: VIDEO });
  assert.is(response.headers.get('content-type'), 'video/mp4');
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.ok(bytes.includes('moof'));
  assert.is((await probe(bytes)).streams.length, 2);
});

test('a body that is cancelled ends its graph, and an error of the graph is that of the body', async () => {
  const leaks = new LeakWatch();
  const graph = new Graph({ threads: 0 });
  const endless = graph.filter('testsrc2', { size: '64x48' });
  const response = await toResponse(endless, { format: 'mpegts', video_params: VIDEO });
  const reader = response.body!.getReader();
  assert.ok((await reader.read()).value!.length > 0);
  await reader.cancel();
  assert.is((await rejection(soon('the graph', graph.close()))).name, 'GraphError');
  leaks.check();
  const { video } = clip();
  const failing = video.module({
    process() {
      throw new Error('no more');
    },
  });
  const { body } = await toResponse(failing, { video_params: VIDEO });
  assert.match((await rejection(body!.getReader().read())).message, /no more/);
  const wrong = toResponse(clip().video, { format: 'mp4', video_params: { codec: 'no_such' } });
  assert.match((await rejection(wrong.then((r) => r.text()))).message, /no_such/);
});

test('what is no sink, and a second place for the file, are refused when the node is made', () => {
  for (const [options, says] of [
    [{ output: 'out.mp4' }, /output_path/],
    [{ output: { writes: 1 } }, /write\(bytes, offset\)/],
    [{ output: watched(), output_path: 'out.mp4' }, /output_path: contradicts output/],
    [{ output: watched(), push_output: 2 }, /push_output: contradicts output/],
  ] as const) {
    const { code, message } = thrown(() => encode(clip().video, null, options as never));
    assert.is(code, 'ERR_MILLRACE_CONFIG');
    assert.match(message, says);
  }
  assert.match(thrown(() => syncModule('c_ffmpeg_encoder', { output: watched() }, [0], [])).message, /output/);
});

test('graph files hold no sink, and graphs that serve jobs have no single file', async () => {
  const { video } = clip();
  encode(video, null, { output: watched() });
  assert.match(thrown(() => video.graph.toConfig()).message, /takes the file for the program/);
  const graph = new Graph({ threads: 0 });
  graph.inputStream('in').encode(null, { output: watched() });
  assert.match((await rejection(graph.serve())).message, /takes one file, and every job would write it/);
});

test.run();
