/** A list of segments that is opened again: the server goes on giving out what it has, whether or not its camera is there. */
import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type EncodedPacket, Graph, type Packet, StreamInfo } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scratch } from '../../kit/media.js';
import { failureOf, soon, untilRight } from '../../kit/soon.js';

const test = suite('lists of segments that are opened again');
const at = scratch();
/** Pictures of a segment. */
const FRAMES = 5;
/** What is there at first is shorter than what FFmpeg looks at by itself. */
const dec_params = { analyzeduration: 200_000 };
const reconnect = { backoff_ms: 5, stall_ms: 800 };
const segments: Buffer[] = [];
let list = '';
const server = createServer((request, answer) => {
  const name = request.url!.slice(1);
  answer.end(name === 'live.m3u8' ? list : segments[Number.parseInt(name, 10)]);
});
let input_path: string;

test.before(async () => {
  const graph = new Graph({ threads: 0 });
  graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 1.6 }).encode(graph.filter('sine', { duration: 1.6 }), {
    ...{ output_path: at('made.m3u8'), format: 'hls' },
    mux_params: { hls_time: FRAMES / 25, hls_list_size: 0 },
    video_params: { codec: 'mpeg2video', g: FRAMES, bf: 0, threads: 1 },
    audio_params: { codec: 'mp2' },
  });
  await graph.run();
  const names = readdirSync(at('.')).filter((name) => /made\d+\.ts/.test(name));
  for (let i = 0; i < names.length; i++) segments.push(readFileSync(at(`made${i}.ts`)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  input_path = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live.m3u8`;
});

test.after(() => {
  server.close();
  server.closeAllConnections();
});

/** The server has these segments, the last one included. */
function offer(first: number, last: number): void {
  const lines = ['#EXTM3U', '#EXT-X-TARGETDURATION:1', `#EXT-X-MEDIA-SEQUENCE:${first}`];
  for (let i = first; i <= last; i++) lines.push(`#EXTINF:${FRAMES / 25},`, `${i}.ts`);
  list = `${lines.join('\n')}\n`;
}

/** Calls back with each piece of news of outages until the work is done. */
async function heard(
  onOutage: (state: string, milliseconds: number) => void,
  work: () => Promise<void>,
): Promise<void> {
  const listener = (message: unknown): void => {
    const { state, milliseconds } = message as { state: string; milliseconds: number };
    onOutage(state, milliseconds);
  };
  subscribe('millrace:outage', listener);
  try {
    await work();
  } finally {
    unsubscribe('millrace:outage', listener);
  }
}

interface Seen {
  readonly time: number;
  readonly discontinuity: boolean;
  readonly digest: string;
}

/** It begins three segments before the end of the list, whose last pictures show with those behind them. */
function atMost(frames: number, seen: number): void {
  assert.ok(seen <= frames && seen > frames - FRAMES, `${seen} pictures of ${frames}`);
}

test('what has come does not come again, and the gap is as long as nothing new came', async () => {
  offer(0, 3);
  const watch = new LeakWatch();
  const told: number[] = [];
  let losses = 0;
  const onOutage = (state: string, milliseconds: number): void => {
    if (state === 'back') told.push(milliseconds);
    // The list has been opened again by then, and had nothing new.
    if (state === 'lost' && ++losses === 2) offer(1, 6);
  };
  await heard(onOutage, async () => {
    const graph = new Graph({ threads: 0 });
    const input = graph.decode({
      input_path,
      dec_params,
      live: true,
      reconnect,
      video_codec: 'copy',
      audio_codec: 'copy',
    });
    const all: Seen[][] = [[], []];
    /** Pictures since it was lost. */
    const behind = (): number => {
      const first = all[0]!.findIndex(({ discontinuity }) => discontinuity);
      return first < 0 ? 0 : all[0]!.length - first;
    };
    const read = async (packets: AsyncIterable<Packet>, i: number): Promise<void> => {
      for await (const { payload, timestamp, discontinuity } of packets) {
        if (payload instanceof StreamInfo) continue;
        const digest = createHash('sha1')
          .update((payload as EncodedPacket).data)
          .digest('hex');
        all[i]!.push({ time: timestamp!, discontinuity, digest });
      }
    };
    const reading = Promise.all([input.video, input.audio].map((stream) => stream.packets().closing()).map(read));
    const come = untilRight(() => {
      assert.ok(behind() > 2 * FRAMES, `${behind()} pictures`);
      assert.ok(all[1]!.length > 40, `${all[1]!.length} packets of sound`);
    });
    await soon('the new segments', Promise.race<unknown>([come, reading])).finally(() => graph.stop());
    await soon('the end', reading);
    watch.check(await soon('the close', graph.close()));
    const video = all[0]!;
    for (const seen of all) assert.is(seen.filter(({ discontinuity }) => discontinuity).length, 1);
    for (const seen of all) {
      for (let i = 1; i < seen.length; i++) assert.ok(seen[i]!.time > seen[i - 1]!.time, `${i}: ${seen[i]!.time}`);
    }
    assert.is(new Set(video.map(({ digest }) => digest)).size, video.length);
    const first = video.length - behind();
    atMost(3 * FRAMES, first);
    atMost(3 * FRAMES, behind());
    const gap = (video[first]!.time - video[first - 1]!.time) / 1000;
    assert.is(told.length, 1);
    assert.ok(Math.abs(gap - told[0]!) < 250, `gap of ${gap} ms, outage of ${told[0]} ms`);
  });
});

test('a list that stays as it is uses up the tries', async () => {
  offer(0, 3);
  let backs = 0;
  await heard(
    (state) => void (state === 'back' && backs++),
    async () => {
      const graph = new Graph({ threads: 0 });
      const { video } = graph.decode({ input_path, dec_params, live: true, reconnect: { ...reconnect, attempts: 2 } });
      video.module('null_sink', {}, { alias: 'sink' });
      const error = await failureOf('the graph', graph.run());
      assert.is(error.code, 'ERR_MILLRACE_INPUT');
      assert.match(
        error.message,
        /did not come back in 2 attempts \(reconnect\)\. .*nothing new came for 800 ms/,
        error.message,
      );
      atMost(3 * FRAMES, graph.stats().nodes[0]!.frames);
    },
  );
  assert.is(backs, 0);
});

test.run();
