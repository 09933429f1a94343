/**
 * Peers that stop in the middle of a byte stream, after any number of bytes, and graphs that are ended at any moment: by stop(), an
 * abort, forceClose() and Ctrl-C. Part of `npm run stress:network`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type DecoderOptions, type EncoderOptions, Graph } from 'millrace';
import { makeFifo } from '../../kit/fifo.js';
import { freePort, quietHttp, quietTcp, udpSender } from '../../kit/quiet-peers.js';
import { SHORT_PROBE, ways } from '../../kit/quiet-stages.js';
import { starving } from '../../kit/starving.js';
import { stoppingTcp, stoppingUdp } from '../../kit/stopping-peers.js';
import { whipEndpoint } from '../../kit/whip-endpoint.js';
import { randomOf } from './live-stress.js';

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));
const FILM = new URL('../../fixtures/media/clip-4s.mp4', import.meta.url);
const media = (name: string): Buffer => readFileSync(new URL(`../../fixtures/media/${name}`, import.meta.url));
const clips = { ts: media('clip.mpegts'), flv: media('part0.flv'), mp4: media('fragmented.mp4') };

/** ms after which an end is none. */
const STUCK = 15_000;

/** What is connected through a peer that stops: graphs that read, that write, or both. */
interface Stage {
  readonly input?: Partial<DecoderOptions>;
  readonly output?: EncoderOptions;
  close(): void;
}

/** Of a path, whoever serves it. */
type Serve = (bytes: Buffer, name: string) => Promise<Stage>;
/** Stops after so many bytes. */
type Connect = (bytes: number) => Promise<Stage>;

/** Inputs of bytes that are known: so many of them come. */
const serves: Readonly<Record<string, Serve>> = {
  http: async (bytes, name) => {
    const peer = await quietHttp(bytes);
    return { input: { input_path: `http://127.0.0.1:${peer.port}/${name}` }, close: () => peer.close() };
  },
  tcp: async (bytes) => {
    const peer = await quietTcp(bytes);
    return { input: { input_path: `tcp://127.0.0.1:${peer.port}` }, close: () => peer.close() };
  },
  udp: async (bytes) => {
    const port = await freePort();
    const peer = udpSender(port, bytes, 1);
    return { input: { input_path: `udp://127.0.0.1:${port}` }, close: () => peer.close() };
  },
  fifo: async (bytes) => {
    const { path, write, remove } = makeFifo();
    write(bytes);
    return { input: { input_path: path }, close: remove };
  },
};

/** Takes every file, and gives what it has. */
async function fileServer(files: Readonly<Record<string, string | Buffer>>): Promise<{ port: number; close(): void }> {
  const server = createServer((request, answer) => {
    const file = files[request.url!.slice(1)];
    request.resume();
    if (request.method !== 'GET') request.on('end', () => answer.writeHead(201).end());
    else answer.writeHead(file === undefined ? 404 : 200).end(file);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

const closing = (...all: readonly { close(): void }[]): { close(): void } => ({
  close: () => {
    for (const one of all) one.close();
  },
});

/** A sender looks for its peer, which may not listen yet. */
const again = { attempts: -1, backoff_ms: 50 };
const LIST = ['#EXTM3U', '#EXT-X-TARGETDURATION:4', '#EXT-X-MEDIA-SEQUENCE:0'];

const connects: Readonly<Record<string, Connect>> = {
  'an hls input': async (bytes) => {
    const list = [...LIST, ...[0, 1, 2].flatMap((n) => ['#EXTINF:4.0,', `${n}.ts`]), ''].join('\n');
    const server = await fileServer({ 'a.m3u8': list, '0.ts': clips.ts, '1.ts': clips.ts, '2.ts': clips.ts });
    const between = await stoppingTcp(server.port, bytes);
    return { input: { input_path: `http://127.0.0.1:${between.port}/a.m3u8` }, ...closing(between, server) };
  },
  rtmp: async (bytes) => {
    const port = await freePort();
    const between = await stoppingTcp(port, bytes);
    return {
      input: { input_path: `rtmp://127.0.0.1:${port}/a/b`, dec_params: { listen: 1 } },
      output: { output_path: `rtmp://127.0.0.1:${between.port}/a/b`, format: 'flv', reconnect: again },
      ...between,
    };
  },
  rtsp: async (bytes) => {
    const port = await freePort();
    const between = await stoppingTcp(port, bytes);
    const mux_params = { rtsp_transport: 'tcp' };
    return {
      input: { input_path: `rtsp://127.0.0.1:${port}/a`, dec_params: { rtsp_flags: 'listen' } },
      output: { output_path: `rtsp://127.0.0.1:${between.port}/a`, format: 'rtsp', mux_params, reconnect: again },
      ...between,
    };
  },
  srt: async (bytes) => {
    const port = await freePort();
    const between = await stoppingUdp(port, bytes);
    return {
      input: { input_path: `srt://127.0.0.1:${port}?mode=listener` },
      output: { output_path: `srt://127.0.0.1:${between.port}`, format: 'mpegts', reconnect: again },
      ...between,
    };
  },
  'a tcp output': async (bytes) => {
    const peer = await quietTcp();
    const between = await stoppingTcp(peer.port, bytes);
    return { output: { output_path: `tcp://127.0.0.1:${between.port}`, format: 'nut' }, ...closing(between, peer) };
  },
  'an http output': async (bytes) => {
    const server = await fileServer({});
    const between = await stoppingTcp(server.port, bytes);
    const output_path = `http://127.0.0.1:${between.port}/a.ts`;
    return { output: { output_path, format: 'mpegts' }, ...closing(between, server) };
  },
  'an hls output': async (bytes) => {
    const server = await fileServer({});
    const between = await stoppingTcp(server.port, bytes);
    const output_path = `http://127.0.0.1:${between.port}/a.m3u8`;
    const mux_params = { hls_time: 0.5, method: 'PUT' };
    return { output: { output_path, format: 'hls', mux_params }, ...closing(between, server) };
  },
  'a whip output': async (bytes) => {
    const endpoint = await whipEndpoint();
    const between = await stoppingTcp(Number(new URL(endpoint.url).port), bytes);
    const output_path = `http://127.0.0.1:${between.port}/whip`;
    return { output: { output_path, format: 'whip' }, ...closing(between, endpoint) };
  },
  'a FIFO as output': async () => {
    // A pipe holds 64 KiB, and nobody reads.
    const { path, write, remove } = makeFifo();
    write(new Uint8Array(0));
    return { output: { output_path: path, format: 'nut' }, close: remove };
  },
};

/** What an output is encoded by. */
const codecs: Readonly<Record<string, object>> = {
  nut: { codec: 'rawvideo' },
  flv: { codec: 'flv', bit_rate: 20_000_000 },
  whip: { codec: 'h264', preset: 'ultrafast', tune: 'zerolatency', profile: 'baseline', threads: 1 },
};

export interface End {
  readonly what: string;
  /** ms; of the last of several graphs. */
  readonly took: number;
  /** ms that its threads waited for a processor meanwhile, all together; 0 where that is not known. */
  readonly waited: number;
  /** ms of processor time meanwhile, of all threads together. */
  readonly worked: number;
  /** What is left behind, in words; empty if nothing is. */
  readonly left: string;
}

/** Neighbours come to lie far apart. */
function mixed(seed: number): number {
  const half = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b);
  return Math.imul(half ^ (half >>> 16), 0x45d9f3b);
}

/** One of them: the same for the same seed. */
export async function stopSomewhere(seed: number): Promise<End> {
  const random = randomOf(mixed(seed));
  const pick = <T>(of: Readonly<Record<string, T>>): readonly [string, T] => {
    const all = Object.entries(of);
    return all[Math.floor(random() * all.length)]!;
  };
  const moment = random() * 1500;
  // A handshake takes a few hundred bytes, a picture thousands.
  const bytes = Math.floor(10 ** (random() * 5.5));
  let stage: Stage;
  let name: string;
  if (random() < 0.4) {
    const [kind, serve] = pick(serves);
    const [form, clip] = pick(clips);
    const [count, isUdp] = [Math.min(bytes, clip.length), kind === 'udp'];
    stage = await serve(isUdp ? clips.ts.subarray(0, count) : clip.subarray(0, count), `a.${form}`);
    name = `${isUdp ? 'ts' : form} by ${kind}, ${count} bytes`;
  } else {
    const [kind, connect] = pick(connects);
    stage = await connect(bytes);
    name = `${kind}, ${bytes} bytes`;
  }
  try {
    const threads = Math.floor(random() * 3);
    const live = random() < 0.5;
    const extras = live ? { live, reconnect: { attempts: -1, backoff_ms: 100, stall_ms: 400 } } : {};
    const graphs = graphsOf(stage, threads, extras);
    const how = `${name}, ${threads} threads${live ? ', live' : ''}`;
    if (random() < 0.2) return await interrupted(`${how}, Ctrl-C after ${moment.toFixed()} ms`, graphs, moment);
    const [way, { end }] = pick(ways);
    return await ended(`${how}, ${way} after ${moment.toFixed()} ms`, graphs, moment, end);
  } finally {
    stage.close();
  }
}

function graphsOf({ input, output }: Stage, threads: number, extras: Partial<DecoderOptions>): Graph[] {
  const graphs: Graph[] = [];
  if (input) {
    const graph = new Graph({ threads });
    const { input_path, dec_params } = input;
    graph
      .decode({ input_path, dec_params: { ...SHORT_PROBE, ...dec_params }, ...extras } as DecoderOptions)
      .video.module('null_sink', {});
    graphs.push(graph);
  }
  if (output) {
    const graph = new Graph({ threads });
    const video_params = codecs[String(output.format)] ?? { codec: 'mpeg4', bit_rate: 20_000_000 };
    const pictures = graph.decode({ input_path: FILM, loop: -1 }).video;
    const sound = output.format === 'whip' ? graph.filter('sine', { sample_rate: 48_000 }) : null;
    const audio_params = sound && { audio_params: { codec: 'libopus', channels: 2, sample_rate: 48_000 } };
    pictures.encode(sound, { ...output, video_params, ...audio_params } as EncoderOptions);
    graphs.push(graph);
  }
  return graphs;
}

/** Of each kind so many, in words. */
function wordsOf({ leaked = {} }: { readonly leaked?: Readonly<Record<string, number>> | undefined }): string {
  return Object.entries(leaked)
    .map(([kind, count]) => `${count} x ${kind}`)
    .join(', ');
}

async function ended(
  what: string,
  graphs: readonly Graph[],
  moment: number,
  end: (graph: Graph, abort: AbortController) => void,
): Promise<End> {
  const aborts = graphs.map(() => new AbortController());
  const runs = graphs.map((graph, i) => graph.run({ signal: aborts[i]!.signal }).then(wordsOf, wordsOf));
  const all = Promise.all(runs);
  await Promise.race([sleep(moment), all]);
  const busy = starving();
  const before = process.cpuUsage();
  const begun = performance.now();
  for (const [i, graph] of graphs.entries()) end(graph, aborts[i]!);
  const left = (await Promise.race([all, sleep(STUCK, undefined, { ref: false })])) ?? [];
  const took = performance.now() - begun;
  const { user, system } = process.cpuUsage(before);
  const worked = (user + system) / 1000;
  return { what, took, waited: busy.end(), worked, left: left.filter((words) => words !== '').join(', ') };
}

/** Each of the graphs run by the command. */
async function interrupted(what: string, graphs: readonly Graph[], moment: number): Promise<End> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-random-'));
  const children = graphs.map((graph, i) => {
    const path = join(folder, `${i}.json`);
    writeFileSync(path, JSON.stringify(graph.toConfig()));
    return spawn(process.execPath, [CLI, 'run', path, '--allow-protocol', '*'], { stdio: 'ignore' });
  });
  try {
    const exits = Promise.all(children.map((child) => once(child, 'exit')));
    // It takes half a second until it is there to hear it.
    await Promise.race([sleep(500 + moment), exits]);
    const begun = performance.now();
    for (const child of children) child.kill('SIGINT');
    await Promise.race([exits, sleep(STUCK, undefined, { ref: false })]);
    return { what, took: performance.now() - begun, waited: 0, worked: 0, left: '' };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}
