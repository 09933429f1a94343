/** A live input that is lost is opened again, and what is behind it lives on. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Graph, type LogEntry, type MillraceError, type Packet, StreamInfo } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { httpPeer, type LivePeer, makeClip, tcpPeer, udpPeer } from '../../kit/live-peers.js';
import { contentsOf, media, scratch } from '../../kit/media.js';
import { freePort } from '../../kit/quiet-peers.js';
import { ways } from '../../kit/quiet-stages.js';
import { failureOf, soon, untilRight } from '../../kit/soon.js';

const test = suite('inputs that are opened again');
const at = scratch();
const FRAMES = 10;

interface Outage {
  readonly state: 'absent' | 'lost' | 'back';
  readonly path: string;
  readonly attempt: number;
  readonly milliseconds?: number;
}

/** Calls back for each piece of news of outages until it is closed. */
function watchOutages(heard: (outage: Outage) => void): () => void {
  const listener = (message: unknown): void => heard(message as Outage);
  subscribe('millrace:outage', listener);
  return () => unsubscribe('millrace:outage', listener);
}

let ts: Buffer;
let flv: Buffer;
test.before(async () => {
  await makeClip(at('clip.ts'));
  await makeClip(at('clip.flv'), { format: 'flv', codec: 'flv' });
  ts = readFileSync(at('clip.ts'));
  flv = readFileSync(at('clip.flv'));
});

interface Seen {
  readonly time: number;
  readonly discontinuity: boolean;
}

/** Notes what comes and lets it go. */
async function read(packets: AsyncIterable<Packet>, onBegin: () => void): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const packet of packets) {
    const { timestamp, discontinuity, payload } = packet;
    if (!(payload instanceof StreamInfo)) seen.push({ time: timestamp!, discontinuity });
    if (seen.length === 1 || discontinuity) onBegin();
    packet.close();
  }
  return seen;
}

/** The clips are shorter than what FFmpeg looks at by itself. */
const QUICK = { analyzeduration: 100_000, fpsprobesize: 0 };
const reconnect = { attempts: 50, backoff_ms: 20, stall_ms: 300 };

const protocols: Readonly<
  Record<string, { make(): Promise<LivePeer>; bytes(): Buffer; threads: number; copies?: true }>
> = {
  'tcp that ends': { make: () => tcpPeer('end'), bytes: () => ts, threads: 0 },
  'tcp that breaks off, copied': { make: () => tcpPeer('break'), bytes: () => ts, threads: 0, copies: true },
  'http that falls silent': { make: () => httpPeer('silence'), bytes: () => flv, threads: 0 },
  'http that breaks off': { make: () => httpPeer('break'), bytes: () => flv, threads: 1 },
  'udp that falls silent': { make: () => udpPeer(), bytes: () => ts, threads: 0 },
};

for (const [name, { make, bytes, threads, copies }] of Object.entries(protocols)) {
  test(`${name}: times go on behind a gap as long as the outage, and everybody is told`, async () => {
    const peer = await make();
    const watch = new LeakWatch();
    const log: LogEntry[] = [];
    const graph = new Graph({ threads, onLog: (entry) => void log.push(entry) });
    const codec = copies && { video_codec: 'copy', audio_codec: 'copy' };
    const input = graph.decode({ input_path: peer.url, reconnect, live: true, dec_params: QUICK, ...codec });
    // Who sends datagrams is not heard to be there, and falls silent when it has been.
    const says = !name.startsWith('udp');
    const begun = (): void => void (says || peer.die());
    const outages: Outage[] = [];
    let losses = 0;
    let lostTwice = (): void => {};
    const twice = new Promise<void>((resolve) => {
      lostTwice = resolve;
    });
    const close = watchOutages((outage) => {
      if (outage.path !== peer.url) return;
      outages.push(outage);
      if (outage.state === 'lost' && outage.attempt === 1) losses++;
      if (losses === 2) lostTwice();
      // A connection that breaks off may have brought nothing.
      if (outage.state === 'absent') void peer.start(bytes());
      else if (outage.state === 'lost' && losses === 1) {
        if (says && outage.attempt === 1) void peer.die();
        else void peer.start(bytes());
      }
    });
    const reading = Promise.all([input.video.packets(), input.audio.packets()].map((packets) => read(packets, begun)));
    try {
      if (!says) void peer.start(bytes());
      await soon('two losses', Promise.race([twice, reading]));
      const { outages: figures } = graph.stats().nodes[0]!;
      assert.is(figures.count, 2);
      graph.stop();
      const streams = await soon('the end', reading);
      const back = outages.filter(({ state }) => state === 'back');
      assert.is(back.length, 1);
      const { milliseconds } = back[0]!;
      assert.ok(figures.milliseconds >= milliseconds!);
      for (const seen of streams) {
        for (let i = 1; i < seen.length; i++) assert.ok(seen[i]!.time > seen[i - 1]!.time, `${i}: ${seen[i]!.time}`);
        assert.is(seen.filter(({ discontinuity }) => discontinuity).length, 1);
        const first = seen.findIndex(({ discontinuity }) => discontinuity);
        const gap = (seen[first]!.time - seen[first - 1]!.time) / 1000;
        // What was under way when it was lost makes it differ by the length of the clip at most.
        assert.ok(Math.abs(gap - milliseconds!) < 250, `gap of ${gap} ms, outage of ${milliseconds} ms`);
      }
      if (says && !name.includes('breaks')) assert.is(streams[0]!.length, 2 * FRAMES);
      const said = log.filter(({ level }) => level === 'warn').map(({ text }) => text);
      assert.match(said[0]!, /was away for \d+\.\d\d s \(.*\) and came back in \d+ attempts?$/);
    } finally {
      close();
      await peer.die();
      await graph.forceClose();
      await reading.catch(() => {});
    }
    watch.check();
  });
}

/** The first of several losses and returns of an input, as `millrace:outage` tells them. */
function heard(url: string, state: Outage['state'], attempt?: number): Promise<Outage> {
  return new Promise((resolve) => {
    const close = watchOutages((outage) => {
      if (outage.path !== url || outage.state !== state || (attempt !== undefined && outage.attempt !== attempt))
        return;
      close();
      resolve(outage);
    });
  });
}

for (const give_up of ['fail', 'end'] as const) {
  test(`tries that are used up ${give_up === 'fail' ? 'fail the graph' : 'end the input'}, and the file has what came`, async () => {
    const peer = await tcpPeer('end');
    await peer.start(ts);
    const graph = new Graph({ threads: 0 });
    const { video } = graph.decode({ input_path: peer.url, reconnect: { attempts: 2, backoff_ms: 5, give_up } });
    const output_path = at(`${give_up}.mkv`);
    video.encode(null, { output_path, video_params: { codec: 'mpeg2video' } });
    const run = graph.run();
    const words = /did not come back in 2 attempts \(reconnect\)\. .*Connection refused/;
    if (give_up === 'fail') {
      const error = await failureOf('the graph', run);
      assert.is(error.code, 'ERR_MILLRACE_INPUT');
      assert.match(error.message, words);
    } else {
      const { warnings, nodes } = await soon('the graph', run);
      assert.match(warnings.join('\n'), words);
      assert.match(warnings.join('\n'), /was away at the end, for /);
      assert.is(nodes[0]!.outages.count, 1);
    }
    assert.is((await contentsOf(output_path)).video.length, FRAMES);
  });
}

test('an input that was never there fails with the number of its tries, whatever give_up says', async () => {
  const input_path = `tcp://127.0.0.1:${await freePort()}`;
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path, reconnect: { attempts: 2, backoff_ms: 5, give_up: 'end' } }).video.module('null_sink', {});
  const error = await failureOf('the graph', graph.run());
  assert.match(error.message, /did not come back in 2 attempts \(reconnect\)\. .*Connection refused/);
});

test('what is wrong with the options is wrong at once, and what has no effect is refused', async () => {
  const input_path = `tcp://127.0.0.1:${await freePort()}`;
  const of = (options: object): Promise<MillraceError> => {
    const graph = new Graph({ threads: 0 });
    graph.decode({ input_path, ...options }).video.module('null_sink', {});
    return failureOf('the graph', graph.run());
  };
  assert.match((await of({ reconnect, dec_params: { f: 'mpegtss' } })).message, /FFmpeg has no demuxer/);
  for (const [options, words] of [
    [{ reconnect, start_time: 1 }, /start_time: cannot be combined with live or reconnect/],
    [{ live: true, loop: -1 }, /loop: cannot be combined/],
    [{ drop: 'oldest' }, /drop: has no effect without live/],
    [{ live: true, realtime: true }, /realtime: has no effect with live/],
    [{ reconnect: { stall: 1 } }, /reconnect\.stall.*stall_ms/],
  ] as const) {
    assert.match((await of(options)).message, words);
  }
});

/** Plays a clip, and another one after the first was lost. */
async function twoClips(options: object, second: Buffer, use: (graph: Graph) => Promise<void>): Promise<string[]> {
  const peer = await tcpPeer('end');
  await peer.start(ts);
  const log: string[] = [];
  const graph = new Graph({ threads: 0, onLog: ({ level, text }) => void (level === 'warn' && log.push(text)) });
  void heard(peer.url, 'lost', 2).then(() => peer.start(second));
  void heard(peer.url, 'back').then(() => heard(peer.url, 'lost', 1).then(() => graph.stop()));
  try {
    const input = graph.decode({ input_path: peer.url, reconnect, dec_params: QUICK, ...options });
    input.video.scale(32, 24).encode(null, { output_path: at('two.mkv'), video_params: { codec: 'mpeg2video' } });
    await use(graph);
    return log;
  } finally {
    await peer.die();
  }
}

test('pictures may come back in another size and codec; the file goes on', async () => {
  await makeClip(at('other.ts'), { size: '96x64', codec: 'mpeg4' });
  const log = await twoClips({}, readFileSync(at('other.ts')), async (graph) => {
    const { nodes, warnings } = await soon('the graph', graph.run());
    const { last, mean, most } = nodes.at(-1)!.latency!;
    assert.ok(last >= 0 && mean > 0 && most >= Math.max(last, mean), 'from packet to packet');
    assert.is(nodes[0]!.latency, undefined);
    // The stop may come before the picture that the decoder holds back.
    assert.ok(nodes[0]!.frames >= 2 * FRAMES - 1, warnings.join());
  });
  assert.match(log.join('\n'), /has come back with another video: mpeg2video 64x48 before, mpeg4 96x64 now/);
  const times = (await contentsOf(at('two.mkv'))).video.map(({ timestamp }) => timestamp!);
  assert.ok(times.length >= 2 * FRAMES - 1);
  for (let i = 1; i < times.length; i++) assert.ok(times[i]! > times[i - 1]!);
});

test('a copied stream that comes back as another one is an error that says what it was', async () => {
  const peer = await tcpPeer('end');
  await peer.start(ts);
  void heard(peer.url, 'lost', 2).then(() => peer.start(readFileSync(at('other.ts'))));
  const graph = new Graph({ threads: 0 });
  graph
    .decode({ input_path: peer.url, reconnect, dec_params: QUICK, video_codec: 'copy' })
    .video.encode(null, { output_path: at('copied.mkv') });
  const error = await failureOf('the graph', graph.run());
  await peer.die();
  assert.is(error.code, 'ERR_MILLRACE_INPUT');
  assert.match(error.message, /another video: mpeg2video 64x48 before, mpeg4 96x64 now\. A copied stream stays/);
});

test('end_time and vframes count over all connections', async () => {
  await twoClips({ vframes: FRAMES + 3 }, ts, async (graph) => {
    assert.is((await soon('the graph', graph.run())).nodes[0]!.frames, FRAMES + 3);
  });
});

for (const [threads, [way, { end, code }]] of Object.entries(ways).entries()) {
  test(`${way} while it is away ends soon, and time_out does not count it`, async () => {
    const peer = await tcpPeer('end');
    await peer.start(ts);
    const watch = new LeakWatch();
    const graph = new Graph({ threads, time_out: 0.5 });
    const abort = new AbortController();
    const lost = heard(peer.url, 'lost', 1);
    graph
      // Longer than `soon` waits: it is not waited out.
      .decode({ input_path: peer.url, reconnect: { backoff_ms: 60_000 } })
      .video.encode(null, { null_output: true, video_params: { codec: 'mpeg2video' } });
    const run = graph.run({ signal: abort.signal }).then(
      () => undefined,
      (error: MillraceError) => error,
    );
    await soon('the loss', lost);
    const away = (): number => graph.stats().nodes[0]!.outages!.milliseconds;
    await Promise.race([untilRight(() => assert.ok(away() > 1000)), run]);
    end(graph, abort);
    const error = await soon(way, run);
    assert.is(error?.code, code, error?.message);
    watch.check();
  });
}

test('a file on a server that breaks off goes on where it was', async () => {
  const bytes = readFileSync(media('clip-4s.mp4'));
  let broken = 0;
  const server = createServer((request, answer) => {
    const [, from = '0'] = /bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
    const rest = bytes.subarray(Number(from));
    const head = { 'content-length': rest.length, 'accept-ranges': 'bytes' };
    answer.writeHead(206, { ...head, 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` });
    // Its index is at the end; the second half of the pictures is not sent at first.
    if (Number(from) === 0 || broken > 0) return void answer.end(rest);
    broken++;
    answer.write(rest.subarray(0, bytes.length / 2), () => answer.socket?.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  try {
    const graph = new Graph({ threads: 0 });
    const { port } = server.address() as AddressInfo;
    const input = graph.decode({ input_path: `http://127.0.0.1:${port}/a.mp4`, reconnect });
    const seen = await soon(
      'the file',
      read(input.video.packets(), () => {}),
    );
    assert.is(seen.length, 100);
    assert.equal(
      seen.map(({ time }) => time),
      Array.from({ length: 100 }, (_, i) => i * 40_000),
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test.run();
