/**
 * 720p to 360p, H.264 (x264 veryfast) and AAC: the `millrace` command with several numbers of threads against the
 * ffmpeg command, whole processes, turn by turn in one run. FFMPEG_PATH adds a second ffmpeg (with FFMPEG_LIBRARY_PATH
 * as its LD_LIBRARY_PATH). The codecs' own threads are left to FFmpeg everywhere.
 *
 * The short form transcodes 20 s, of which starting Node and its threads is a large part; the long form 60 s.
 *
 *   npm run bench:transcode [-- --long]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encode, Graph } from 'millrace';
import { machine, printTable, type Row } from './kit.js';
import { type Cost, measure } from './process.js';

const long = process.argv.includes('--long');
const repeats = 3;
const seconds = long ? 60 : 20;
const FPS = 25;
const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const input = join(folder, 'input.mp4');

async function makeInput(): Promise<void> {
  const graph = new Graph();
  // With noise, as a camera has it: without, decoding and encoding cost next to nothing.
  const video = graph
    .filter('testsrc2', { size: '1280x720', rate: FPS, duration: seconds })
    .filter('noise', { alls: 6, allf: 't' });
  const audio = graph.filter('sine', { frequency: 440, sample_rate: 48_000, duration: seconds });
  encode(video, audio, { output_path: input, video_params: { preset: 'veryfast', bit_rate: '5M' } });
  await graph.run();
}

interface Contender {
  name: string;
  output: string;
  run(output: string): Promise<Cost>;
}

function ours(threads: string): Contender {
  const settings = ['--scale', '640x360', '--preset', 'veryfast', '--threads', threads, '--quiet'];
  return {
    name: `millrace --threads ${threads}`,
    output: join(folder, `ours-${threads}.mp4`),
    run: (output) => measure(process.execPath, [CLI, 'transcode', input, output, ...settings]),
  };
}

function ffmpeg(path: string, env: NodeJS.ProcessEnv): Contender | undefined {
  let version: string;
  try {
    version = execFileSync(path, ['-version'], { encoding: 'utf8', env: { ...process.env, ...env } }).split(' ')[2]!;
  } catch {
    console.log(`left out: ${path} cannot be run`);
    return undefined;
  }
  const settings = ['-s', '640x360', '-c:v', 'libx264', '-preset', 'veryfast', '-c:a', 'aac'];
  return {
    name: `ffmpeg ${version}`,
    output: join(folder, `ffmpeg-${version}.mp4`),
    run: (output) => measure(path, ['-v', 'error', '-y', '-i', input, ...settings, output], env),
  };
}

/** Video frames of a file, counted by decoding it. */
async function countFrames(path: string): Promise<number> {
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: path }).video.module('null_sink', {});
  return (await graph.run()).frames;
}

/**
 * Milliseconds from `run()` to the first decoded frame in a process that has run a graph before; the median of five. In a
 * process of its own: the loader this file runs under would be loaded into every thread.
 */
function warmStart(): number {
  const program = `
    import { Graph } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const times = [];
    for (let i = 0; i < 6; i++) {
      const graph = new Graph({ threads: 2 });
      graph.decode({ input_path: ${JSON.stringify(input)}, vframes: 1 }).video.module('null_sink', {});
      times.push((await graph.run()).firstPacketMilliseconds);
    }
    console.log(times.slice(1).sort((a, b) => a - b)[2]);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

await makeInput();
const contenders = [
  ffmpeg('ffmpeg', {}),
  process.env.FFMPEG_PATH === undefined
    ? undefined
    : ffmpeg(process.env.FFMPEG_PATH, { LD_LIBRARY_PATH: process.env.FFMPEG_LIBRARY_PATH }),
  ...['0', '1', '2', 'auto'].map(ours),
].filter((contender) => contender !== undefined);

const costs = new Map<Contender, Cost[]>(contenders.map((contender) => [contender, []]));
for (let i = 0; i <= repeats; i++) {
  for (const contender of contenders) {
    const cost = await contender.run(contender.output);
    if (i > 0) costs.get(contender)!.push(cost); // the first round warms the file cache
  }
}
for (const contender of contenders) {
  const frames = await countFrames(contender.output);
  if (frames !== seconds * FPS) throw new Error(`${contender.name} wrote ${frames} frames of ${seconds * FPS}`);
}

const peer = contenders.find((contender) => contender.name.startsWith('ffmpeg'));
const medianOf = (contender: Contender, figure: keyof Cost): number =>
  median(costs.get(contender)!.map((c) => c[figure]));
console.log(
  `${machine()}; ${seconds} s of 1280x720 at ${FPS} fps and 5 Mbit/s, median of ${repeats}, all outputs ${seconds * FPS} frames\n`,
);
printTable(
  contenders.map((contender): Row => {
    const wall = medianOf(contender, 'wall');
    return {
      command: contender.name,
      'wall s': wall.toFixed(2),
      'CPU s': medianOf(contender, 'cpu').toFixed(2),
      'peak RSS MB': Math.round(medianOf(contender, 'rss')),
      fps: Math.round((seconds * FPS) / wall),
      [`wall x ${peer?.name ?? 'none'}`]: peer === undefined ? '-' : (wall / medianOf(peer, 'wall')).toFixed(2),
    };
  }),
);
if (peer !== undefined) {
  const limit = medianOf(peer, 'cpu') / availableParallelism();
  console.log(`\nlimit (CPU seconds of ${peer.name} / ${availableParallelism()} cores): ${limit.toFixed(2)} s`);
}
console.log(`start of a warm process to its first decoded frame, two threads: ${warmStart().toFixed(0)} ms`);
