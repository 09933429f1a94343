/**
 * Live inputs of 720p by TCP, each with a decoding error a second, for as many pictures as so many minutes have, as fast as possible:
 * memory, threads and descriptors must not grow.
 *
 *   npm run soak:damage [-- --minutes 60] [--inputs 4]
 *
 *   --minutes    Of each input's time, not of the clock: fewer of them for a look, which says how long all would take.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Graph } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { scratch } from '../../kit/media.js';

const RATE = 25;
/** Seconds of the clip, which is sent again and again. */
const SECONDS = 10;
const PACKET = 188;

const { values } = parseArgs({ options: { minutes: { type: 'string' }, inputs: { type: 'string' } } });
const minutes = Number(values.minutes ?? 60);
const inputs = Number(values.inputs ?? 4);

const clip = scratch()('clip.ts');
const maker = new Graph({ threads: 0 });
maker.filter('testsrc2', { size: '1280x720', rate: RATE, duration: SECONDS }).encode(null, {
  output_path: clip,
  format: 'mpegts',
  video_params: { codec: 'h264', preset: 'ultrafast', tune: 'zerolatency', g: RATE },
});
await maker.run();
const bytes = readFileSync(clip);
// In the middle of each second's packets, behind the header of the packet.
for (let second = 0; second < SECONDS; second++) {
  const packet = Math.floor(((second + 0.5) / SECONDS) * (bytes.length / PACKET));
  bytes.fill(0xff, packet * PACKET + 24, packet * PACKET + 64);
}

const server = createServer((socket) => {
  let sent = 0;
  const next = (): void => {
    if (sent++ * SECONDS < minutes * 60) socket.write(bytes, next);
    else socket.end();
  };
  socket.on('error', () => {});
  next();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
server.unref();

/** Number of threads and of descriptors, where the system tells. */
function things(name: 'task' | 'fd'): number {
  return process.platform === 'linux' ? readdirSync(join('/proc/self', name)).length : 0;
}

const leaks = new LeakWatch();
const graph = new Graph();
const input_path = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
for (let i = 0; i < inputs; i++) {
  graph.decode({ input_path, dec_params: { analyzeduration: 1_000_000 }, live: true }).video.module('null_sink', {});
}
const looks: {
  readonly frames: number;
  readonly megabytes: number;
  readonly threads: number;
  readonly descriptors: number;
}[] = [];
const wanted = minutes * 60 * RATE * inputs;
const begun = performance.now();
/** Tenths that were told of. */
let told = 0;
const report = await graph.run({
  onProgress: () => {
    // What is only waiting to be collected is no growth.
    globalThis.gc?.();
    const frames = graph
      .stats()
      .nodes.reduce((sum, node) => sum + (node.module.includes('decoder') ? node.frames : 0), 0);
    const [threads, descriptors] = [things('task'), things('fd')];
    const megabytes = process.memoryUsage.rss() / 2 ** 20;
    if (frames / wanted >= (told + 1) / 10) {
      told = Math.floor((frames / wanted) * 10);
      const seconds = (performance.now() - begun) / 1000;
      console.log(`${frames} pictures in ${seconds.toFixed()} s, ${megabytes.toFixed()} MB`);
    }
    looks.push({ frames, megabytes, threads, descriptors });
  },
});
leaks.check(report);
const most = (what: 'megabytes' | 'threads' | 'descriptors'): number[] =>
  [0, 1, 2, 3].map((quarter) =>
    Math.max(
      ...looks
        .filter(({ frames }) => Math.min(3, Math.floor((frames / wanted) * 4)) === quarter)
        .map((look) => look[what]),
    ),
  );
for (const [what, slack] of [
  ['megabytes', 24],
  ['threads', 0],
  ['descriptors', 0],
] as const) {
  const [first = 0, ...rest] = most(what);
  console.log(`${what}: at most ${[first, ...rest].map((count) => count.toFixed()).join(', ')} in the four quarters`);
  if (rest.at(-1)! > Math.max(first, ...rest.slice(0, -1)) + slack) process.exitCode = 1;
}
const frames = report.nodes.reduce((sum, node) => sum + (node.module.includes('decoder') ? node.frames : 0), 0);
const seconds = (performance.now() - begun) / 1000;
const rate = `${(frames / seconds).toFixed()} pictures a second, ${((process.cpuUsage().user / 1e3 / frames) * 1000).toFixed()} µs of processor time each`;
console.log(`${inputs} inputs, ${frames} pictures of ${wanted} in ${seconds.toFixed()} s (${rate})`);
console.log(`an hour of them takes ${(seconds / minutes).toFixed()} minutes at that rate`);
for (const warning of report.warnings) console.log(warning);
// What is damaged is concealed: no picture is missing.
if (frames < wanted) process.exitCode = 1;
rmSync(clip);
