/**
 * JavaScript of one's own on every frame (invert a 64x64 corner, read the mean of the luma): a module in a graph, raw
 * pictures piped out of ffmpeg and back into ffmpeg, and a loop over node-av on one thread. Three times: reading only
 * the corner, which shows what it costs to get at a frame; reading all of the picture; and the corner with x264 behind
 * it. What the code itself, the decoder and x264 take is the same everywhere; so each once with noise as a camera has
 * it, where most of the time goes into codecs, and once with drawn pictures, as a screen has them.
 *
 *   npm run bench:frame-code [-- --long | --seconds N] [TITLE]     6 s of 1080p, 30 s or N; only the tables
 *                                                             whose title has this in it
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine, type Row, table, temporaryFolder } from './core/kit.js';
import { measure } from './core/process.js';
import { type Clip, type Contender, compare, makeClip, type TranscodeResult, transcodeRows } from './core/transcode.js';
import { built, clipArguments, type FfmpegCommand, ffmpegCommands, leaveOut } from './kit.js';

const ROUNDS = 3;
const FPS = 25;
const folder = temporaryFolder();
const { seconds, only } = clipArguments(6, 30, true);
const CLIPS: readonly (Clip & { name: string })[] = [
  { name: 'camera', path: join(folder, 'camera.mp4'), width: 1920, height: 1080, fps: FPS, seconds },
  { name: 'screen', path: join(folder, 'screen.mp4'), width: 1920, height: 1080, fps: FPS, seconds, noise: false },
];
type Mean = 'corner' | 'picture';
const CASES: readonly { title: string; mean: Mean; encoded: boolean }[] = [
  { title: 'The corner read, frames alone', mean: 'corner', encoded: false },
  { title: 'The whole picture read, frames alone', mean: 'picture', encoded: false },
  { title: 'The corner read, x264 veryfast behind it', mean: 'corner', encoded: true },
];
/** Sums of the means of all frames: the same for whoever decodes and inverts right. */
const sums = new Map<string, number>();

interface Script {
  clip: Clip;
  name: string;
  file: string;
  output: string;
  mean: Mean;
  args?: readonly string[];
  env?: NodeJS.ProcessEnv;
  build?: string;
}

function contender({ clip, name, file, output, mean, args = [], env = {}, build }: Script): Contender {
  const result = join(folder, 'result.json');
  const path = fileURLToPath(new URL(`./contenders/${file}`, import.meta.url));
  return {
    name,
    outputs: output === '-' ? [] : [output],
    ...(build !== undefined && { build }),
    async run() {
      const cost = await measure(process.execPath, [path, result, clip.path, output, mean, ...args], { env });
      const seen = JSON.parse(readFileSync(result, 'utf8')) as { frames: number; sum: number };
      const which = `${clip.path} ${mean}`;
      const expected = sums.get(which) ?? seen.sum;
      sums.set(which, expected);
      if (seen.frames !== seconds * FPS || Math.abs(seen.sum - expected) > 1e-6) {
        throw new Error(`${name} saw ${seen.frames} frames of ${seconds * FPS} with ${seen.sum} luma, not ${expected}`);
      }
      return cost;
    },
  };
}

/** Whether it can write raw pictures and read them again. */
function hasRawVideo({ path, version, env }: FfmpegCommand): boolean {
  const formats = execFileSync(path, ['-hide_banner', '-formats'], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (/^ +DE +rawvideo /m.test(formats)) return true;
  leaveOut(`pipes, ffmpeg ${version}`, 'it has no raw video');
  return false;
}

/** ffmpeg with nothing between decoder and output: what there is to pay without code of one's own. */
function withoutCode({ path, version, env = {} }: FfmpegCommand, clip: Clip, output: string): Contender {
  const target = output === '-' ? ['-f', 'null', '-'] : ['-c:v', 'libx264', '-preset', 'veryfast', '-y', output];
  return {
    name: `no code, ffmpeg ${version}`,
    outputs: output === '-' ? [] : [output],
    run: () => measure(path, ['-v', 'error', '-nostdin', '-i', clip.path, '-an', ...target], { env }),
  };
}

/** Processor time of every frame beyond that of the first contender: the way to the code and back, and the code. */
function addBeyond(rows: Row[], results: readonly TranscodeResult[]): void {
  const cpuOf = (result: TranscodeResult | undefined): number => result?.cost?.cpu ?? Number.NaN;
  for (const [i, row] of rows.entries()) {
    const milliseconds = ((cpuOf(results[i]) - cpuOf(results[0])) / (seconds * FPS)) * 1000;
    row['CPU ms a frame beyond no code'] = i === 0 ? '-' : milliseconds.toFixed(2);
  }
}

const commands = ffmpegCommands().filter(hasRawVideo);
console.log(`${machine()}; ${seconds} s of 1080p, median of ${ROUNDS}, frames and their mean luma checked`);
for (const clip of CLIPS) {
  const cases = CASES.filter(({ title }) => `${title}: ${clip.name}`.includes(only));
  if (cases.length > 0) await makeClip(built, clip);
  for (const { title, mean, encoded } of cases) {
    const build = 'node-av';
    const output = (id: string): string => (encoded ? join(folder, `${id}.mp4`) : '-');
    const pipes = commands.map(({ path, version, env = {} }, i): Contender => {
      const args = [path, String(clip.width), String(clip.height), String(FPS)];
      const name = `pipes, ffmpeg ${version}`;
      return contender({ clip, name, file: 'pipe.mjs', output: output(`pipe-${i}`), mean, args, env });
    });
    const alone = contender({ clip, name: 'loop', file: 'loop-frames.mjs', output: output('loop'), mean, build });
    const bare = commands.slice(0, 1).map((command) => withoutCode(command, clip, output('bare')));
    const graphs = ['0', '1', '2', 'auto'].map((threads) => {
      const name = `millrace, threads: ${threads}`;
      return contender({
        clip,
        name,
        file: 'graph.mjs',
        output: output(`ours-${threads}`),
        mean,
        args: [threads],
        build,
      });
    });
    const results = await compare(built, clip, [...bare, ...pipes, alone, ...graphs], ROUNDS);
    const peers = [...pipes.map(({ name }) => name), alone.name];
    const rows = transcodeRows(clip, results, peers);
    if (bare.length > 0) addBeyond(rows, results);
    console.log(`\n${title}: ${clip.name}\n\n${table(rows)}`);
  }
}
