/**
 * How long a picture is on its way through a live passthrough (decode, scale, x264 with `tune: 'zerolatency'`, FLV), of our
 * graph and of ffmpeg with the same settings, turn by turn in one run. A camera of this process sends each picture by TCP
 * when its time has come, the output comes back by TCP, and both ends of the way have one clock. What is over before the
 * streams are known (a second of probing) is left out.
 *
 *   npm run bench:latency [-- --long | --seconds N]     12 s of 720p at 25 per second, 60 s or N
 *
 *   FFMPEG_PATH, FFMPEG_LIBRARY_PATH        a second ffmpeg and its LD_LIBRARY_PATH
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Graph } from 'millrace';
import { inTurns, machine, quantile, table, temporaryFolder } from './core/kit.js';
import { FlvReader, type FlvTag } from './flv.js';
import { clipArguments, type FfmpegCommand, ffmpegCommands } from './kit.js';

const ROUNDS = 3;
const FPS = 25;
const [WIDTH, HEIGHT] = [640, 360];
/** Seconds until everything runs: probing, and what was sent meanwhile. */
const SETTLING = 4;
const LIVE = fileURLToPath(new URL('./contenders/live.mjs', import.meta.url));

interface Contender {
  readonly name: string;
  readonly command: string;
  readonly env?: NodeJS.ProcessEnv | undefined;
  args(input: string, output: string): string[];
}

const folder = temporaryFolder();
const { seconds } = clipArguments(12, 60, false);

async function makeCamera(): Promise<{ header: Buffer; tags: readonly FlvTag[] }> {
  const path = join(folder, 'camera.flv');
  const graph = new Graph({ threads: 0 });
  graph.filter('testsrc2', { size: '1280x720', rate: FPS, duration: seconds }).encode(null, {
    output_path: path,
    video_params: { codec: 'h264', preset: 'veryfast', tune: 'zerolatency', g: FPS },
  });
  await graph.run();
  const reader = new FlvReader();
  const tags = reader.take(readFileSync(path));
  return { header: reader.header, tags };
}

function ours(threads: string): Contender {
  return {
    name: `millrace, threads ${threads}`,
    command: process.execPath,
    args: (input, output) => [LIVE, input, output, String(WIDTH), String(HEIGHT), threads],
  };
}

/** What `live: true` sets is set here as well. */
function theirs({ path, version, env }: FfmpegCommand): Contender {
  const live = '-analyzeduration 1000000 -probesize 1000000 -flags low_delay -thread_type slice'.split(' ');
  const x264 = '-c:v libx264 -preset veryfast -tune zerolatency -g 50 -f flv'.split(' ');
  return {
    name: `ffmpeg ${version}`,
    command: path,
    env,
    args: (input, output) => {
      const scale = ['-an', '-vf', `scale=${WIDTH}:${HEIGHT}`];
      return ['-v', 'error', '-nostdin', ...live, '-i', input, ...scale, ...x264, output];
    },
  };
}

async function listen(serve: (socket: Socket) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    // Whoever is measured may leave before everything is said.
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** ms of every picture. @throws Error for a contender that fails, or loses pictures. */
async function measure(contender: Contender, camera: Awaited<ReturnType<typeof makeCamera>>): Promise<number[]> {
  const sent = new Map<number, number>();
  const came = new Map<number, number>();
  const source = await listen((socket) => void send(socket));
  async function send(socket: Socket): Promise<void> {
    socket.write(camera.header);
    const began = performance.now();
    for (const { time, isPicture, bytes } of camera.tags) {
      const wait = began + time - performance.now();
      if (wait > 0) await sleep(wait);
      if (isPicture) sent.set(time, performance.now());
      socket.write(bytes);
    }
    socket.end();
  }
  const sink = await listen((socket) => {
    const reader = new FlvReader();
    socket.on('data', (bytes) => {
      for (const { time, isPicture } of reader.take(bytes)) if (isPicture) came.set(time, performance.now());
    });
  });
  const child = spawn(contender.command, contender.args(source.url, sink.url), {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...contender.env },
  });
  const [code] = await once(child, 'exit');
  source.server.close();
  sink.server.close();
  if (code !== 0) throw new Error(`${contender.name} ended with ${code}`);
  const wanted = [...sent].filter(([time]) => time > SETTLING * 1000 && time < (seconds - 1) * 1000);
  const missing = wanted.filter(([time]) => !came.has(time)).length;
  if (missing > 0 || wanted.length === 0)
    throw new Error(`${contender.name} lost ${missing} of ${wanted.length} pictures`);
  return wanted.map(([time, at]) => came.get(time)! - at);
}

console.log(`${machine()}; ${seconds} s of 720p at ${FPS} per second, ${ROUNDS} rounds in turns\n`);
const camera = await makeCamera();
const contenders = [...ffmpegCommands().map(theirs), ...['0', '1', 'auto'].map(ours)];
const results = [...(await inTurns(contenders, ROUNDS, (contender) => measure(contender, camera)))].map(
  ([{ name }, rounds]) => ({ name, all: rounds.flat() }),
);
const first = results[0]!;
const difference = (all: number[], share: number): string =>
  (quantile(all, share) - quantile(first.all, share)).toFixed(1);
console.log(
  table(
    results.map(({ name, all }) => ({
      passthrough: name,
      'median ms': quantile(all).toFixed(1),
      'p95 ms': quantile(all, 0.95).toFixed(1),
      'most ms': Math.max(...all).toFixed(1),
      'median beside the first': difference(all, 0.5),
      'p95 beside the first': difference(all, 0.95),
    })),
  ),
);
