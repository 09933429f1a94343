/**
 * A camera that is killed and comes back at random moments, while its input is decoded into one file: times rise, gaps are as
 * long as the outages, memory stays flat, no thread and no descriptor is left.
 *
 *   npm run stress:live [-- --protocol PART_OF_ITS_NAME] [--kills 20] [--minutes 5] [--seed N] [--camera ffmpeg]
 *     [--verbose]
 *
 *   --minutes    Over which the kills are spread; without it 3.5 s from one to the next.
 *   --camera     ffmpeg: the ffmpeg command of the PATH instead of a graph of ours.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type DecoderOptions, Graph } from 'millrace';
import { freePort } from '../../kit/quiet-peers.js';

const CAMERA = fileURLToPath(new URL('../../fixtures/modules/camera.mjs', import.meta.url));

interface Route {
  /** Of the camera. */
  readonly to: string;
  readonly format: string;
  readonly mux?: object;
  /** Of the decoder. */
  readonly from: string;
  readonly dec_params?: DecoderOptions['dec_params'];
  /** ms of silence after which it counts as lost; `STALL` without it. */
  readonly stall?: number;
  close?(): void;
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}

const routes: Readonly<Record<string, (folder: string) => Promise<Route>>> = {
  tcp: async () => {
    const from = `tcp://127.0.0.1:${await freePort()}`;
    return { from, to: `${from}?listen`, format: 'mpegts' };
  },
  udp: async () => {
    const from = `udp://127.0.0.1:${await freePort()}`;
    return { from, to: `${from}?pkt_size=1316`, format: 'mpegts' };
  },
  srt: async () => {
    const from = `srt://127.0.0.1:${await freePort()}`;
    return { from, to: `${from}?mode=listener`, format: 'mpegts' };
  },
  'http-flv': async () => {
    // What comes from the camera goes to whoever asks, from its first byte on.
    let camera: Socket | undefined;
    const inner = createTcp((socket) => {
      camera = socket.pause().on('error', () => {});
    });
    const server = createServer((_request, answer) => {
      if (camera === undefined || camera.destroyed) return void answer.writeHead(503).end();
      camera.on('close', () => answer.destroy()).pipe(answer);
    });
    const [to, from] = [await portOf(inner), await portOf(server)];
    const close = (): void => {
      inner.close();
      server.close();
    };
    return { from: `http://127.0.0.1:${from}/live.flv`, to: `tcp://127.0.0.1:${to}`, format: 'flv', close };
  },
  rtmp: async () => {
    const from = `rtmp://127.0.0.1:${await freePort()}/live/camera`;
    return { from, to: from, format: 'flv', dec_params: { listen: 1 } };
  },
  rtsp: async () => {
    const from = `rtsp://127.0.0.1:${await freePort()}/camera`;
    return { from, to: from, format: 'rtsp', mux: { rtsp_transport: 'tcp' }, dec_params: { rtsp_flags: 'listen' } };
  },
  hls: async (folder) => {
    mkdirSync(folder, { recursive: true });
    const server = createServer((request, answer) => {
      try {
        answer.end(readFileSync(join(folder, (request.url ?? '').slice(1).split('?')[0]!)));
      } catch {
        answer.writeHead(404).end();
      }
    });
    const from = `http://127.0.0.1:${await portOf(server)}/live.m3u8`;
    const mux = { hls_time: PIECE / 1000, hls_list_size: 12 };
    // A list is asked for once in a second.
    return { from, to: join(folder, 'live.m3u8'), format: 'hls', mux, stall: 3000, close: () => server.close() };
  },
};

interface Outcome {
  readonly kills: number;
  /** What is wrong, in words. */
  readonly faults: string[];
  /** ms of every gap of the file beside that of the outage that was told. */
  readonly gaps: readonly (readonly [gap: number, told: number])[];
  readonly megabytes: number;
  /** Pictures of the file. */
  readonly frames: number;
}

type Camera = 'own' | 'ffmpeg';

const STALL = 1000;
/** ms of a segment; of less than half a second a list would say that they have none. */
const PIECE = 800;
/** ms that a camera stays away at least, beyond `stall_ms`: before that, no datagram tells it from a camera that is slow. */
const AWAY = 1000;
/** ms after which an outage that nobody has noticed never will be. */
const NOTICED = 30_000;

function startCamera(camera: Camera, { to, format, mux = {} }: Route): ChildProcess {
  if (camera === 'own') {
    return spawn(process.execPath, [CAMERA, to, format, JSON.stringify(mux)], { stdio: 'ignore' });
  }
  // No camera gives the same pictures again when it is turned on again.
  const pictures = `testsrc2=size=64x48:rate=25,hue=h=${Math.floor(Math.random() * 360)}`;
  const sources = `-re -f lavfi -i ${pictures} -re -f lavfi -i sine=sample_rate=44100`.split(' ');
  const [video, audio] = { flv: ['flv', 'aac'], rtsp: ['mpeg4', 'mp2'] }[format] ?? ['mpeg2video', 'mp2'];
  const codecs = ['-c:v', video!, '-g', '10', '-bf', '0', '-c:a', audio!];
  const muxer = Object.entries({ flush_packets: 1, ...mux }).flatMap(([key, value]) => [`-${key}`, String(value)]);
  const args = ['-v', 'error', '-nostdin', '-y', ...sources, ...codecs, ...muxer, '-f', format, to];
  return spawn('ffmpeg', args, { stdio: 'ignore' });
}

interface Play {
  /** Of all times in which the camera is there or away. */
  readonly scale?: number;
  /** Over which the kills are spread, in place of that. */
  readonly minutes?: number | undefined;
  /** Each kill is told. */
  readonly verbose?: boolean;
  readonly camera?: Camera;
}

/** @param random From 0 to 1. */
export async function play(name: string, kills: number, random: () => number, how: Play = {}): Promise<Outcome> {
  const { minutes, verbose, camera: kind = 'own' } = how;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-live-'));
  const route = await routes[name]!(join(folder, 'hls'));
  const stall = route.stall ?? STALL;
  // Half of 4 s and half of 3 s, on the average, beside what going and coming back take.
  const spread = minutes === undefined ? undefined : ((minutes * 60) / kills - (2 * stall + AWAY) / 1000) / 3.5;
  const { scale = spread === undefined ? 1 : Math.max(0.1, spread) } = how;
  const faults: string[] = [];
  const told: number[] = [];
  const fault = (holds: boolean, words: string): void => void (holds || faults.push(words));
  const listener = (message: unknown): void => {
    const { path, state, milliseconds } = message as { path: string; state: string; milliseconds: number };
    if (path === route.from && state === 'back') told.push(milliseconds);
  };
  subscribe('millrace:outage', listener);
  let camera: ChildProcess | undefined;
  const start = (): void => {
    const one = startCamera(kind, route);
    camera = one;
    // Whom it calls may not be there yet: it calls again.
    one.on('exit', (code) => {
      if (code !== null) setTimeout(() => void (camera === one && start()), 100).unref();
    });
  };
  const kill = (): void => {
    const one = camera;
    camera = undefined;
    one?.kill('SIGKILL');
  };
  const path = join(folder, 'all.mkv');
  try {
    const graph = new Graph({ threads: 1 });
    const reconnect = { attempts: -1, backoff_ms: 100, stall_ms: stall };
    const { dec_params } = route;
    const input = graph.decode({ input_path: route.from, live: true, reconnect, ...(dec_params && { dec_params }) });
    const video_params = { codec: 'mpeg2video', bf: 0, threads: 1 };
    input.video.encode(input.audio, { output_path: path, video_params }, { alias: 'file' });
    const run = graph.run();
    const frames = (): number => graph.stats().nodes[0]!.frames;
    const more = async (): Promise<void> => {
      const now = frames();
      while (frames() < now + 10) await Promise.race([sleep(20), run]);
    };
    start();
    await more();
    let settled = 0;
    let things: number[] = [];
    for (let i = 0; i < kills; i++) {
      await sleep(random() * 4000 * scale);
      kill();
      await sleep((stall + AWAY) * Math.min(1, scale) + random() * 3000 * scale);
      start();
      const count = told.length;
      const began = performance.now();
      while (told.length === count && performance.now() - began < NOTICED) await Promise.race([sleep(20), run]);
      fault(told.length > count, `nobody noticed kill ${i + 1}`);
      if (verbose) console.log(`${name}, kill ${i + 1}: away for ${told.at(-1)?.toFixed()} ms, ${frames()} pictures`);
      await more();
      if (i === Math.min(2, kills - 1)) settled = process.memoryUsage.rss();
      if (i === 0) things = ownThings();
    }
    const busy = ownThings();
    // The server of the pieces is in this process: each connection that is under way counts twice.
    const underWay = name === 'hls' ? 8 : 0;
    fault(
      busy.every((count, i) => count <= things[i]! + underWay),
      `threads and descriptors: ${things} at first, ${busy} at last`,
    );
    const grown = (process.memoryUsage.rss() - settled) / 2 ** 20;
    fault(grown < 48, `memory has grown by ${grown.toFixed()} MiB`);
    graph.stop();
    await run;
    kill();
    const { gaps, frames: written } = await gapsOf(path, name === 'hls' ? 2 * PIECE : 400, fault);
    // A playlist tells of pieces, and what was lost of them is known when the next one comes.
    const pairs = paired(gaps, told, name === 'hls' ? 2500 : 700, fault);
    const isLess = (): boolean => ownThings().every((count, i) => count < busy[i]!);
    for (let i = 0; i < 50 && !isLess(); i++) await sleep(100);
    fault(isLess(), `threads and descriptors: ${busy} with the input open, ${ownThings()} after the end`);
    return { kills, faults, gaps: pairs, megabytes: grown, frames: written };
  } finally {
    kill();
    unsubscribe('millrace:outage', listener);
    route.close?.();
    rmSync(folder, { recursive: true });
  }
}

/** Each gap with the outage that made it, in their order, so that most of them fit: there may be no others, of neither. */
function paired(
  gaps: readonly number[],
  outages: readonly number[],
  spread: number,
  fault: (holds: boolean, words: string) => void,
): (readonly [gap: number, told: number])[] {
  const fits = (i: number, j: number): boolean => Math.abs(gaps[i]! - outages[j]!) < spread;
  // most[i][j]: pairs that can be made of the gaps from i on and the outages from j on.
  const most = gaps.concat(0).map(() => outages.concat(0).map(() => 0));
  for (let i = gaps.length - 1; i >= 0; i--) {
    for (let j = outages.length - 1; j >= 0; j--) {
      const both = fits(i, j) ? most[i + 1]![j + 1]! + 1 : 0;
      most[i]![j] = Math.max(both, most[i + 1]![j]!, most[i]![j + 1]!);
    }
  }
  const pairs: (readonly [number, number])[] = [];
  let [i, j] = [0, 0];
  while (i < gaps.length || j < outages.length) {
    const left = most[i]![j]!;
    if (i < gaps.length && j < outages.length && fits(i, j) && left === most[i + 1]![j + 1]! + 1) {
      pairs.push([gaps[i++]!, outages[j++]!]);
    } else if (j < outages.length && left === most[i]![j + 1]!) {
      fault(false, `no gap for an outage of ${outages[j++]!.toFixed()} ms`);
    } else fault(false, `no outage for a gap of ${gaps[i++]!.toFixed()} ms`);
  }
  return pairs;
}

/** ms between pictures that are further apart than `least`, and how many pictures there are. */
async function gapsOf(
  path: string,
  least: number,
  fault: (holds: boolean, words: string) => void,
): Promise<{ gaps: number[]; frames: number }> {
  let frames = 0;
  const gaps: number[] = [];
  const graph = new Graph({ threads: 0 });
  let last: number | undefined;
  for await (const packet of graph.decode({ input_path: path }).video.packets()) {
    const time = packet.timestamp! / 1000;
    packet.close();
    frames++;
    if (last !== undefined) {
      fault(time > last, `time goes from ${last} to ${time} ms`);
      if (time - last > least) gaps.push(time - last);
    }
    last = time;
  }
  return { gaps, frames };
}

/** Number of threads and of descriptors, where the system tells. */
function ownThings(): number[] {
  if (process.platform !== 'linux') return [];
  return ['task', 'fd'].map((name) => readdirSync(`/proc/self/${name}`).length);
}

/** Numbers that are the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      protocol: { type: 'string', default: '' },
      kills: { type: 'string', default: '20' },
      minutes: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 1e6) },
      camera: { type: 'string', default: 'own' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const kills = Number(values.kills);
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  console.log(`seed ${values.seed}`);
  for (const name of Object.keys(routes).filter((name) => name.includes(values.protocol))) {
    const begun = performance.now();
    const how = {
      minutes,
      verbose: values.verbose,
      camera: values.camera === 'ffmpeg' ? values.camera : 'own',
    } as const;
    const { faults, gaps, megabytes, frames } = await play(name, kills, randomOf(Number(values.seed)), how);
    const off = gaps.map(([gap, told]) => Math.abs(gap - told));
    const away = gaps.reduce((sum, [gap]) => sum + gap, 0);
    console.log(
      `${name}: ${kills} kills in ${((performance.now() - begun) / 1000).toFixed()} s, ${frames} pictures, ` +
        `${gaps.length} gaps of ${(away / 1000).toFixed()} s in all, off by ${Math.max(...off).toFixed()} ms at most, ` +
        `${megabytes.toFixed()} MiB more${faults.length === 0 ? '' : `\n  ${faults.join('\n  ')}`}`,
    );
    if (faults.length > 0) process.exitCode = 1;
  }
}
