/**
 * 720p to 360p and 1080p to 720p, H.264 (x264 veryfast) and AAC: the `millrace` command with several numbers of threads
 * against ffmpeg, GStreamer, BMF and a loop over node-av written by hand, whole processes, turn by turn in one run. The codecs' own threads are left to
 * FFmpeg and x264 everywhere. What is not installed is left out by name.
 *
 *   npm run bench:transcode [-- --long | --seconds N] [TITLE]     10 s of video, 30 s or N; only `720p to 360p`, or
 *                                                              what else the title has in it
 *
 *   FFMPEG_PATH, FFMPEG_LIBRARY_PATH        a second ffmpeg and its LD_LIBRARY_PATH
 *   BMF_PYTHON                              a Python interpreter with the package BabitMF
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine, table, temporaryFolder } from './core/kit.js';
import { measure } from './core/process.js';
import {
  type Clip,
  type Contender,
  compare,
  ffmpeg,
  limitLine,
  makeClip,
  ours,
  type TranscodeResult,
  transcodeRows,
} from './core/transcode.js';
import { built, clipArguments, ffmpegCommands } from './kit.js';
import { bmf, gstreamer, loop } from './peers.js';

const ROUNDS = 3;
const FPS = 25;
const IDLE = fileURLToPath(new URL('./contenders/idle.mjs', import.meta.url));
const SIZES = [
  { name: '720p to 360p', from: [1280, 720], to: [640, 360] },
  { name: '1080p to 720p', from: [1920, 1080], to: [1280, 720] },
] as const;

const folder = temporaryFolder();
const { seconds, only } = clipArguments(10, 30, true);
const commands = ffmpegCommands();
console.log(`${machine()}; ${seconds} s at ${FPS} fps, median of ${ROUNDS}, frames of every output counted`);

let firstClip: Clip | undefined;
for (const { name, from, to } of SIZES.filter((sizes) => sizes.name.includes(only))) {
  const clip: Clip = { path: join(folder, `${from[1]}p.mp4`), width: from[0], height: from[1], fps: FPS, seconds };
  await makeClip(built, clip);
  firstClip ??= clip;
  const target = (id: string) => ({ width: to[0], height: to[1], output: join(folder, `${id}-${to[1]}p.mp4`) });
  const contenders: Contender[] = [
    ...commands.map((command, i) => ffmpeg(command, clip, target(`ffmpeg-${i}`))),
    ...[gstreamer(clip, target('gstreamer')), bmf(clip, target('bmf'))].filter((one) => one !== undefined),
    loop(clip, [target('loop')]),
    ...['0', '1', '2', 'auto'].map((threads) => ours(built, clip, threads, target(`ours-${threads}`))),
  ];
  const results = await compare(built, clip, contenders, ROUNDS);
  const peers = [...commands.map(({ version }) => `ffmpeg ${version}`), 'loop'];
  console.log(`\n${name}\n\n${table(transcodeRows(clip, results, peers, peers[0]))}\n`);
  for (const peer of peers.slice(0, 1)) {
    console.log(limitLine(results, peer));
    console.log(await memoryLine(results, peer));
  }
}
console.log(`\nstart of a warm process to its first decoded frame, two threads: ${warmStart().toFixed(0)} ms`);

/** Peak memory beyond what the peer and an idle runtime with as many threads take together. */
async function memoryLine(results: readonly TranscodeResult[], peer: string): Promise<string> {
  const rssOf = (name: string): number =>
    results.find(({ contender }) => contender.name === name)?.cost?.rss ?? Number.NaN;
  const parts: string[] = [];
  for (const threads of [1, 2]) {
    const { rss: base } = await measure(process.execPath, [IDLE, String(threads)]);
    const beyond = rssOf(`millrace --threads ${threads}`) - rssOf(peer) - base;
    parts.push(`--threads ${threads} ${beyond.toFixed(0)} MB (idle: ${base.toFixed(0)} MB)`);
  }
  return `peak RSS beyond ${peer} + an idle runtime with as many threads: ${parts.join(', ')}`;
}

/**
 * Milliseconds from `run()` to the first decoded frame in a process that has run a graph before; the median of five. In a
 * process of its own: the loader this file runs under would be loaded into every thread.
 */
function warmStart(): number {
  const program = `
    import { Graph } from ${JSON.stringify(new URL('index.js', built.dist).href)};
    const times = [];
    for (let i = 0; i < 6; i++) {
      const graph = new Graph({ threads: 2 });
      graph.decode({ input_path: ${JSON.stringify(firstClip?.path)}, vframes: 1 }).video.module('null_sink', {});
      times.push((await graph.run()).firstPacketMilliseconds);
    }
    console.log(times.slice(1).sort((a, b) => a - b)[2]);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
}
