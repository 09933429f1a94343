/** What else holds for inputs of the network: time-outs, turns, calls, seeking. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Graph, type GraphError, type MillraceError, syncModule } from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort, quietTcp } from '../../kit/quiet-peers.js';
import { failureOf, soon } from '../../kit/soon.js';

const test = suite('inputs of the network: time-outs, turns, calls, seeking');

/** The clip is shorter than what FFmpeg looks at by itself. */
const SHORT_PROBE = { analyzeduration: 500_000 };

const ts = readFileSync(new URL('../../fixtures/media/clip.mpegts', import.meta.url));

test('time_out ends a graph whose input is silent', async () => {
  const graph = new Graph({ threads: 0, time_out: 1 });
  graph.decode({ input_path: `udp://127.0.0.1:${await freePort()}` }).video.module('null_sink', {});
  const error = await failureOf('time_out', graph.run());
  assert.is(error.code, 'ERR_MILLRACE_STALLED');
});

test('ten silent inputs: files are read meanwhile, and all are left', async () => {
  const graph = new Graph({ threads: 0 });
  for (let i = 0; i < 10; i++) {
    graph.decode({ input_path: `udp://127.0.0.1:${await freePort()}` }).video.module('null_sink', {});
  }
  const run = graph.run();
  for (let i = 0; i < 10; i++) {
    await soon('a file', readFile(new URL('../../fixtures/media/still.jpg', import.meta.url)));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  void graph.stop();
  await soon('ten silent inputs', run);
});

test('more silent inputs than may wait at once fail after their time-out', async () => {
  const graph = new Graph({ threads: 0 });
  for (let i = 0; i < 7; i++) {
    const input_path = `udp://127.0.0.1:${await freePort()}`;
    graph.decode({ input_path, timeout_ms: 1000 + i }).video.module('null_sink', {});
  }
  const error = (await failureOf('the first of them', graph.run())) as GraphError;
  assert.match(error.message, /nothing came for 100\d ms/);
});

for (const thread of [undefined, 'inline'] as const) {
  const where = thread ?? 'in a thread';
  test(`a called decoder, ${where}: what came before the silence, then its time-out`, async () => {
    const peer = await quietTcp(ts);
    const options = { input_path: `tcp://127.0.0.1:${peer.port}`, timeout_ms: 500, dec_params: SHORT_PROBE };
    using decoder = syncModule('c_ffmpeg_decoder', options, [], [0], thread ? { thread } : {});
    let frames = 0;
    await assertRejects('ERR_MILLRACE_INPUT', async () => {
      for (;;) {
        const { outputs } = await decoder.processAsync(); // the peer needs this thread's event loop
        for (const packet of outputs[0]) {
          frames++;
          packet.close();
        }
      }
    });
    assert.ok(frames > 0);
    peer.close();
  });

  test(`a called decoder, ${where}: a blocking call ends with its input's time-out, and with its own`, async () => {
    const url = `udp://127.0.0.1:${await freePort()}`;
    const parameters = thread ? { thread } : {};
    const own = syncModule('c_ffmpeg_decoder', { input_path: url, timeout_ms: 300 }, [], [0], parameters);
    assert.throws(
      () => own.process(),
      (error: MillraceError) => error.code === 'ERR_MILLRACE_INPUT' && /for 300 ms/.test(error.message),
    );
    own.close();
    const called = syncModule('c_ffmpeg_decoder', { input_path: url }, [], [0], { ...parameters, timeout: 800 });
    assert.throws(
      () => called.process(),
      (error: MillraceError) => error.code === 'ERR_MILLRACE_TIMEOUT',
    );
    await called.closeAsync().catch(() => {});
  });
}

async function assertRejects(code: string, work: () => Promise<unknown>): Promise<void> {
  const error = await failureOf(code, work());
  assert.is(error.code, code, error.message);
}

test('an unknown protocol says how to name a file', async () => {
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: 'nothing:x.mp4' }).video.module('null_sink', {});
  const error = await failureOf('the graph', graph.run());
  assert.is(error.code, 'ERR_MILLRACE_INPUT');
  assert.match(error.message, 'Protocol not found');
  assert.match(error.message, 'file:nothing:x.mp4');
});

test("a time-out of FFmpeg's own goes before ours", async () => {
  const peer = await quietTcp();
  const graph = new Graph({ threads: 0 });
  const input = { input_path: `tcp://127.0.0.1:${peer.port}`, dec_params: { rw_timeout: 200_000 } };
  graph.decode(input).video.module('null_sink', {});
  const error = await failureOf('rw_timeout', graph.run());
  assert.is(error.code, 'ERR_MILLRACE_INPUT');
  assert.not.match(error.message, 'nothing came');
  peer.close();
});

test('a consumer that leaves ends an input that is silent', async () => {
  const peer = await quietTcp(ts);
  const graph = new Graph({ threads: 1 });
  const sink = new TestSink({ limit: 3 });
  graph
    .decode({ input_path: `tcp://127.0.0.1:${peer.port}`, dec_params: SHORT_PROBE })
    .video.module(sink.spec, sink.options, {
      callback: sink.callback,
    });
  await soon('the input', graph.run());
  peer.close();
});

test('start_time and loop seek in what a server gives', async () => {
  const file = fileURLToPath(new URL('../../fixtures/media/clip-4s.mp4', import.meta.url));
  const clip = readFileSync(file);
  const server = createServer((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(206, {
      'accept-ranges': 'bytes',
      'content-length': clip.length - from,
      'content-range': `bytes ${from}-${clip.length - 1}/${clip.length}`,
    });
    response.end(clip.subarray(from));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const graph = new Graph({ threads: 0 });
    const cases = (
      [
        [{ start_time: 1, end_time: 2 }, 25],
        [{ loop: 1 }, 200],
        [{ durations: [0.5, 1, 2, 3] }, 38],
      ] as const
    ).map(([options, frames]) => {
      const sinks = [`http://127.0.0.1:${port}/a.mp4`, file].map((input_path) => {
        const sink = new TestSink();
        graph.decode({ input_path, ...options }).video.module(sink.spec, sink.options, { callback: sink.callback });
        return sink;
      });
      return { options, frames, sinks };
    });
    await soon('the clips, each twice', graph.run());
    for (const { options, frames, sinks } of cases) {
      const counts = sinks.map(({ packets }) => packets.length);
      assert.equal(counts, [counts[1], counts[1]], JSON.stringify(options));
      assert.ok(Math.abs(counts[0]! - frames) < 3, `${counts[0]} of ${frames}`);
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test.run();
