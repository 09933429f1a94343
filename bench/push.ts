/**
 * The same transcode (720p to 360p, x264 veryfast, AAC; MPEG-TS) from the file, and with the file's bytes pushed in pieces:
 * in one process, turn by turn, so that both see the same machine.
 *
 *   npm run bench:push [-- --long]     10 s of video, or 30 s
 */
import { createReadStream } from 'node:fs';
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

async function pushed(highWaterMark: number): Promise<number> {
  const graph = new Graph();
  const input = graph.inputStream('bytes');
  finish(input.decode());
  await graph.start({ mode: 'push' });
  await input.pushFrom(createReadStream(clip, { highWaterMark }));
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
const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, run] of Object.entries(contenders)) {
    const began = performance.now();
    const made = await run();
    if (made !== frames) throw new Error(`${name}: ${made} of ${frames} frames`);
    if (round > 0) times.get(name)!.push(performance.now() - began); // the first round warms up
  }
}
const file = quantile(times.get('the file')!);
const rows = [...times].map(([source, taken]) => {
  const range = [0, 1].map((share) => quantile(taken, share).toFixed(0)).join('-');
  return { source, ms: quantile(taken).toFixed(0), 'min-max': range, 'x file': ratio(quantile(taken), file) };
});
console.log(table(rows));
