/** A live input that is lost is opened again, and what is behind it lives on. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { Graph, type LogEntry, type Packet, StreamInfo } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { httpPeer, type LivePeer, makeClip, tcpPeer, udpPeer } from '../../kit/live-peers.js';
import { scratch } from '../../kit/media.js';
import { soon } from '../../kit/soon.js';

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
      if (outage.state === 'absent' && outage.attempt === 1) void peer.start(bytes());
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
      if (says) assert.is(streams[0]!.length, 2 * FRAMES);
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

test.run();
