/**
 * The same transcode (720p to 360p, x264 veryfast, AAC; MPEG-TS) from the file, and with the file's bytes pushed in pieces
 * from memory (reading a file in pieces of 188 bytes alone takes as long as half of the transcode): in one process, turn by turn, so that both see the same machine.
 *
 *   npm run bench:push [-- --long]     10 s of video, or 30 s
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Graph } from 'millrace';
import { machine, quantile, ratio, table, temporaryFolder } from './core/kit.js';
import { makeClip } from './core/transcode.js';
import { built, long } from './kit.js';

const ROUNDS = long ? 7 : 5;
const seconds = long ? 30 : 10;
const folder = temporaryFolder();
const mp4 = { path: join(folder, 'clip.mp4'), width: 1280, height: 720, fps: 25, seconds };
const clip = join(folder, 'clip.ts');
const frames = seconds * mp4.fps;

async function remux(): Promise<void> {
  await makeClip(built, mp4);
  const graph = new Graph();
  const { video, audio } = graph.decode({ input_path: mp4.path, video_codec: 'copy', audio_codec: 'copy' });
  video.encode(audio, { output_path: clip });
  await graph.run();
}

function finish(decoder: ReturnType<Graph['decode']>): void {
  const output_path = join(folder, 'out.mp4');
  decoder.video.scale(640, 360).encode(decoder.audio, { output_path, video_params: { preset: 'veryfast' } });
}

async function fromFile(): Promise<number> {
  const graph = new Graph();
  finish(graph.decode({ input_path: clip }));
  return (await graph.run()).frames;
}

function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function pushed(size: number): Promise<number> {
  const graph = new Graph();
  const input = graph.inputStream('bytes');
  finish(input.decode());
  await graph.start({ mode: 'push' });
  await input.pushFrom(pieces(readFileSync(clip), size));
  return (await graph.close()).frames;
}

const contenders: Record<string, () => Promise<number>> = {
  'the file': fromFile,
  'pushed, 64 KiB': () => pushed(65_536),
  'pushed, 4 KiB': () => pushed(4096),
  'pushed, 188 bytes': () => pushed(188),
};

await remux();
console.log(`${machine()}; ${seconds} s at ${mp4.fps} fps, median of ${ROUNDS}\n`);
const times = new Map(Object.keys(contenders).map((name) => [name, { wall: [] as number[], cpu: [] as number[] }]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of Object.entries(contenders)) {
    const began = performance.now();
    const before = process.cpuUsage();
    const made = await run();
    const { user, system } = process.cpuUsage(before);
    if (made !== frames) throw new Error(`${name}: ${made} of ${frames} frames`);
    if (round === 0) continue; // it warms up
    const { wall, cpu } = times.get(name)!;
    wall.push(performance.now() - began);
    cpu.push((user + system) / 1000);
  }
}
const file = times.get('the file')!;
const rows = [...times].map(([source, { wall, cpu }]) => {
  const range = [0, 1].map((share) => quantile(wall, share).toFixed(0)).join('-');
  return {
    source,
    ms: quantile(wall).toFixed(0),
    'min-max': range,
    'CPU ms': quantile(cpu).toFixed(0),
    'x file': ratio(quantile(wall), quantile(file.wall)),
    'CPU x file': ratio(quantile(cpu), quantile(file.cpu)),
  };
});
console.log(table(rows));
