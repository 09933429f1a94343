/** An input of the network can be left at every stage and in every way, however quiet its peer is. */
import { readFileSync } from 'node:fs';
import { Graph, type GraphError } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort, type Peer, quietHttp, quietTcp } from '../kit/quiet-peers.js';
import { failureOf, soon } from '../kit/soon.js';

const test = suite('inputs of the network');

/** The clip is shorter than what FFmpeg looks at by itself. */
const SHORT_PROBE = { analyzeduration: 500_000 };

const ts = readFileSync(new URL('../fixtures/media/clip.mpegts', import.meta.url));

interface Case {
  readonly url: string;
  readonly peer?: Peer;
  /** Frames come before the silence. */
  readonly frames?: boolean;
}

const stages: Readonly<Record<string, () => Promise<Case>>> = {
  'udp nobody sends to': async () => ({ url: `udp://127.0.0.1:${await freePort()}` }),
  'a tcp peer that says nothing': async () => withPeer(await quietTcp(), (port) => `tcp://127.0.0.1:${port}`),
  'an http server that does not answer': async () =>
    withPeer(await quietTcp(), (port) => `http://127.0.0.1:${port}/a.mp4`),
  'a tls server that does not answer': async () =>
    withPeer(await quietTcp(), (port) => `https://127.0.0.1:${port}/a.mp4`),
  'an rtsp server that does not answer': async () => withPeer(await quietTcp(), (port) => `rtsp://127.0.0.1:${port}/a`),
  'an rtmp server that does not answer': async () =>
    withPeer(await quietTcp(), (port) => `rtmp://127.0.0.1:${port}/a/b`),
  'srt nobody answers': async () => ({ url: `srt://127.0.0.1:${await freePort()}` }),
  'a peer that is waited for by tcp': async () => ({ url: `tcp://127.0.0.1:${await freePort()}?listen` }),
  'a list of segments that does not come': async () =>
    withPeer(await quietTcp(), (port) => `http://127.0.0.1:${port}/a.m3u8`),
  'streams that do not show': async () =>
    withPeer(await quietHttp(ts.subarray(0, 40 * 188)), (port) => `http://127.0.0.1:${port}/a.ts`),
  'a server that falls silent': async () => ({
    ...withPeer(await quietHttp(ts), (port) => `http://127.0.0.1:${port}/a.ts`),
    frames: true,
  }),
  'a tcp peer that falls silent': async () => ({
    ...withPeer(await quietTcp(ts), (port) => `tcp://127.0.0.1:${port}`),
    frames: true,
  }),
};

function withPeer(peer: Peer, url: (port: number) => string): Case {
  return { url: url(peer.port), peer };
}

/** What ends the graph, and how that must read. */
const ways: Readonly<Record<string, { end(graph: Graph, abort: AbortController): void; code?: string }>> = {
  'stop()': { end: (graph) => void graph.stop() },
  'an abort signal': { end: (_graph, abort) => abort.abort(), code: 'ERR_MILLRACE_ABORTED' },
  'forceClose()': { end: (graph) => void graph.forceClose(), code: 'ERR_MILLRACE_ABORTED' },
};

for (const [name, make] of Object.entries(stages)) {
  for (const threads of [0, 2]) {
    test(`${name}, ${threads} threads: every way to end`, async () => {
      const { url, peer, frames } = await make();
      try {
        for (const [way, { end, code }] of Object.entries(ways)) {
          const watch = new LeakWatch();
          const graph = new Graph({ threads });
          let seen = (): void => {};
          const playing = new Promise<void>((resolve) => {
            seen = resolve;
          });
          const sink = new TestSink();
          graph.decode({ input_path: url, dec_params: SHORT_PROBE }).video.module(sink.spec, sink.options, {
            callback: (key: string | number, value: unknown) => {
              seen();
              return sink.callback(key, value);
            },
          });
          const abort = new AbortController();
          const run = graph.run({ signal: abort.signal }).then(
            () => undefined,
            (error: GraphError) => error,
          );
          if (frames) await soon(`the first frame of ${url}`, Promise.race([playing, run]));
          else if (peer) await soon(`a visit to ${url}`, Promise.race([peer.met, run]));
          end(graph, abort);
          const error = await soon(`${name} after ${way}`, run);
          assert.is(error?.code, code, error?.message);
          watch.check();
        }
      } finally {
        peer?.close();
      }
    });
  }

  test(`${name}: timeout_ms fails by name`, async () => {
    const { url, peer } = await make();
    try {
      const graph = new Graph({ threads: 1 });
      graph.decode({ input_path: url, timeout_ms: 300, dec_params: SHORT_PROBE }).video.module('null_sink', {});
      const error = await failureOf(name, graph.run());
      assert.is(error.code, 'ERR_MILLRACE_INPUT', error.message);
      assert.match(error.message, url);
      assert.match(error.message, 'nothing came for 300 ms');
    } finally {
      peer?.close();
    }
  });
}

test.run();
