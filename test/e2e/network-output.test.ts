/** An output of the network can be left at every stage and in every way, and a good peer gets everything. */
import { type AddressInfo, createServer } from 'node:net';
import { Graph, type GraphError, Packet, syncModule } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { slaveText } from '../../actors/encoder/slave.js';
import { freePort, type Peer, quietTcp } from '../kit/quiet-peers.js';
import { failureOf, soon } from '../kit/soon.js';

const test = suite('outputs of the network');

const clip = new URL('../fixtures/media/clip-4s.mp4', import.meta.url);

interface Case {
  readonly url: string;
  readonly format: string;
  readonly peer?: Peer;
}

/** The peer takes connections and reads nothing; those with a handshake are never answered. */
const stages: Readonly<Record<string, () => Promise<Case>>> = {
  'a tcp peer that stops reading': async () => withPeer((port) => `tcp://127.0.0.1:${port}`, 'nut'),
  'an http server that stops reading': async () => withPeer((port) => `http://127.0.0.1:${port}/a.nut`, 'nut'),
  'an rtmp server that does not answer': async () => withPeer((port) => `rtmp://127.0.0.1:${port}/a/b`, 'flv'),
  'an rtsp server that does not answer': async () => withPeer((port) => `rtsp://127.0.0.1:${port}/a`, 'rtsp'),
  'srt nobody answers': async () => ({ url: `srt://127.0.0.1:${await freePort()}`, format: 'mpegts' }),
  'a peer that is waited for by tcp': async () => ({
    url: `tcp://127.0.0.1:${await freePort()}?listen`,
    format: 'nut',
  }),
  'segments for a server that does not answer': async () =>
    withPeer((port) => `http://127.0.0.1:${port}/a.m3u8`, 'hls'),
};

async function withPeer(url: (port: number) => string, format: string): Promise<Case> {
  const peer = await quietTcp(undefined, false);
  return { url: url(peer.port), format, peer };
}

const ways: Readonly<Record<string, { end(graph: Graph, abort: AbortController): void; code?: string }>> = {
  'stop()': { end: (graph) => void graph.stop() },
  'an abort signal': { end: (_graph, abort) => abort.abort(), code: 'ERR_MILLRACE_ABORTED' },
  'forceClose()': { end: (graph) => void graph.forceClose(), code: 'ERR_MILLRACE_ABORTED' },
};

/**
 * A segment is kept in memory until it is complete, and what a socket takes by itself would be gone before its peer can
 * be told from one that reads.
 */
const LARGE_SEGMENTS: Readonly<Record<string, object>> = { hls: { mux_params: { hls_time: 8 } } };

/** Plays the clip for ever into the output. */
function endless(threads: number, { url, format }: Case, options: object = {}): Graph {
  const graph = new Graph({ threads });
  const codec = { nut: 'rawvideo', hls: 'rawvideo', flv: 'flv' }[format] ?? 'mpeg4';
  const video_params = { codec, ...(codec !== 'rawvideo' && { bit_rate: 20_000_000 }) };
  graph
    .decode({ input_path: clip, loop: -1 })
    .video.encode(null, { output_path: url, format, video_params, ...LARGE_SEGMENTS[format], ...options });
  return graph;
}

for (const [index, [name, make]] of Object.entries(stages).entries()) {
  test(`${name}: every way to end`, async () => {
    for (const [turn, [way, { end, code }]] of Object.entries(ways).entries()) {
      const one = await make();
      try {
        const watch = new LeakWatch();
        const graph = endless((index + turn) % 3, one);
        const abort = new AbortController();
        const run = graph.run({ signal: abort.signal }).then(
          () => undefined,
          (error: GraphError) => error,
        );
        if (one.peer) await soon(`a visit to ${one.url}`, Promise.race([one.peer.met, run]));
        // The encoder has to wait, or is about to.
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 500)), run]);
        end(graph, abort);
        const error = await soon(`${name} after ${way}`, run);
        assert.is(error?.code, code, error?.message);
        watch.check();
      } finally {
        one.peer?.close();
      }
    }
  });

  test(`${name}: timeout_ms fails by name`, async () => {
    const one = await make();
    try {
      const error = await failureOf(name, endless(1, one, { timeout_ms: 400 }).run());
      assert.is(error.code, 'ERR_MILLRACE_OUTPUT', error.message);
      assert.match(error.message, one.url);
      assert.match(error.message, 'took nothing for 400 ms');
    } finally {
      one.peer?.close();
    }
  });
}

test('a server nobody runs is an error at once', async () => {
  const error = await failureOf(
    'the graph',
    endless(1, { url: `tcp://127.0.0.1:${await freePort()}`, format: 'nut' }).run(),
  );
  assert.is(error.code, 'ERR_MILLRACE_OUTPUT');
  assert.match(error.message, 'Connection refused');
  assert.not.match(error.message, 'Slave');
});

for (const thread of [undefined, 'inline'] as const) {
  test(`a called encoder ${thread ?? 'in a thread'}: everything arrives, and is as a file is`, async () => {
    const chunks: Buffer[] = [];
    const { resolve: told, promise: arrived } = deferred();
    const server = createServer((socket) => {
      socket.on('data', (data: Buffer) => void chunks.push(data));
      socket.on('close', told);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const options = {
      output_path: `tcp://127.0.0.1:${port}`,
      format: 'mpegts',
      mux_params: { mpegts_service_id: 77, flush_packets: true },
      video_params: { codec: 'mpeg2video' },
    };
    using decoder = syncModule('c_ffmpeg_decoder', { input_path: clip, vframes: 30 }, [], [0]);
    const encoder = syncModule('c_ffmpeg_encoder', options, [0], [], thread ? { thread } : {});
    for (;;) {
      const { outputs, done } = decoder.process();
      encoder.process({ 0: outputs[0] });
      if (done) break;
    }
    encoder.sendEof();
    encoder.close();
    await soon('the end of the connection', arrived);
    server.close();
    const graph = new Graph({ threads: 0 });
    const input = graph.inputStream('bytes');
    const sink = new TestSink();
    input.decode().video.module(sink.spec, sink.options, { callback: sink.callback });
    await graph.start({ mode: 'push' });
    await input.push(new Packet(new Uint8Array(Buffer.concat(chunks))));
    await input.end();
    await graph.close();
    assert.is(sink.packets.length, 30);
  });
}

function deferred(): { resolve: () => void; promise: Promise<void> } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { resolve, promise };
}

test('what stands in a text for tee is escaped twice, its URL once', () => {
  assert.is(
    slaveText('stream_segment,ssegment', { a: "x:y|z'w", b: true }, 'tcp://[::1]:80/a|b c'),
    `[f=stream_segment:a=x\\\\\\:y\\\\\\|z\\\\\\'w:b=1]tcp\\://\\[\\:\\:1\\]\\:80/a\\|b\\ c`,
  );
});

test.run();
