/** An output of the network can be left at every stage and in every way, and a good peer gets everything. */
import { type AddressInfo, createServer } from 'node:net';
import { Graph, type GraphError, Packet, syncModule } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { slaveText } from '../../../actors/encoder/mux/slave.js';
import { crossed } from '../../kit/long.js';
import { freePort } from '../../kit/quiet-peers.js';
import { endless, outputs, ways } from '../../kit/quiet-stages.js';
import { failureOf, soon } from '../../kit/soon.js';

const test = suite('outputs of the network');

const clip = new URL('../../fixtures/media/clip-4s.mp4', import.meta.url);

/** Outputs that may wait at once. */
const AT_ONCE = 3;
const named = Object.entries(outputs);

const groups = Array.from({ length: Math.ceil(named.length / AT_ONCE) }, (_, n) =>
  named.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
);

for (const [group, chosen] of crossed(groups, [...Object.entries(ways).entries()], 1)) {
  const name = group.map(([stage]) => stage).join(', ');
  test(`${name}: ways to end`, async () => {
    for (const [threads, [way, { end, code }]] of chosen) {
      const cases = await Promise.all(group.map(([, make]) => make()));
      try {
        const watch = new LeakWatch();
        const graph = endless(new Graph({ threads }), cases);
        const abort = new AbortController();
        const run = graph.run({ signal: abort.signal }).then(
          () => undefined,
          (error: GraphError) => error,
        );
        for (const { url, peer } of cases) {
          if (peer) await soon(`a visit to ${url}`, Promise.race([peer.met, run]));
        }
        // The encoders have to wait, or are about to.
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 300)), run]);
        end(graph, abort);
        const error = await soon(`${name} after ${way}`, run);
        assert.is(error?.code, code, error?.message);
        watch.check();
      } finally {
        for (const { peer } of cases) peer?.close();
      }
    }
  });
}

for (const [name, make] of named) {
  test(`${name}: timeout_ms fails by name`, async () => {
    const one = await make();
    try {
      const error = await failureOf(name, endless(new Graph({ threads: 0 }), [one], { timeout_ms: 300 }).run());
      assert.is(error.code, 'ERR_MILLRACE_OUTPUT', error.message);
      assert.match(error.message, one.url);
      assert.match(error.message, 'took nothing for 300 ms');
    } finally {
      one.peer?.close();
    }
  });
}

test('a server nobody runs is an error at once', async () => {
  const error = await failureOf(
    'the graph',
    endless(new Graph({ threads: 0 }), [{ url: `tcp://127.0.0.1:${await freePort()}`, format: 'nut' }]).run(),
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
    `[use_fifo=0:f=stream_segment:a=x\\\\\\:y\\\\\\|z\\\\\\'w:b=1]tcp\\://\\[\\:\\:1\\]\\:80/a\\|b\\ c`,
  );
});

test.run();
