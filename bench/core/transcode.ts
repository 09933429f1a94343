/** Whole transcodes, each in a process of its own from start to end: ours against what else does the same job. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Built, inTurns, quantile, type Row, ratio } from './kit.js';
import { type Cost, HungError, type MeasureOptions, measure } from './process.js';

export interface Clip {
  path: string;
  width: number;
  height: number;
  fps: number;
  seconds: number;
  /** Noise as a camera has it; default true. Without, decoding and encoding cost next to nothing. */
  noise?: boolean;
}

/** Makes a clip of H.264 and AAC. */
export async function makeClip({ Graph }: Built, clip: Clip): Promise<void> {
  const { path, width, height, fps, seconds, noise = true } = clip;
  const graph = new Graph();
  const drawn = graph.filter('testsrc2', { size: `${width}x${height}`, rate: fps, duration: seconds });
  const video = noise ? drawn.filter('noise', { alls: 6, allf: 't' }) : drawn;
  const audio = graph.filter('sine', { frequency: 440, sample_rate: 48_000, duration: seconds });
  // 5 Mbit/s for 720p, in proportion for others.
  const rate = Math.round((5_000_000 * width * height) / (1280 * 720));
  video.encode(audio, { output_path: path, video_params: { preset: 'veryfast', bit_rate: rate } });
  await graph.run();
}

/** Video frames of a file, counted by decoding it. */
async function countFrames({ Graph }: Built, path: string): Promise<number> {
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: path }).video.module('null_sink', {});
  return (await graph.run()).frames;
}

export interface Contender {
  name: string;
  /** Files it writes, each with as many frames as the input. */
  outputs: readonly string[];
  /** The FFmpeg inside: contenders with the same one write the same bytes. Absent: nobody else has it. */
  build?: string;
  run(): Promise<Cost>;
}

export interface Target {
  width: number;
  height: number;
  output: string;
}

/** The `millrace` command. */
export function ours({ dist }: Built, clip: Clip, threads: string, { width, height, output }: Target): Contender {
  const settings = ['--scale', `${width}x${height}`, '--preset', 'veryfast', '--threads', threads, '--quiet'];
  const cli = fileURLToPath(new URL('cli.js', dist));
  return {
    name: `millrace --threads ${threads}`,
    outputs: [output],
    build: 'node-av',
    run: () => measure(process.execPath, [cli, 'transcode', clip.path, output, ...settings]),
  };
}

/** Version of an ffmpeg command, without the packager's suffix; undefined when it is not installed. */
export function ffmpegVersion(path: string, env: NodeJS.ProcessEnv = {}): string | undefined {
  try {
    const text = execFileSync(path, ['-version'], { encoding: 'utf8', env: { ...process.env, ...env } });
    return text.split(' ')[2]?.split('-')[0];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}

export const X264_AAC = ['-c:v', 'libx264', '-preset', 'veryfast', '-c:a', 'aac'];

export function ffmpeg(
  command: { path: string; version: string; env?: NodeJS.ProcessEnv },
  clip: Clip,
  { width, height, output }: Target,
): Contender {
  const args = ['-v', 'error', '-nostdin', '-y', '-i', clip.path, '-vf', `scale=${width}:${height}`];
  const options: MeasureOptions = command.env === undefined ? {} : { env: command.env };
  return {
    name: `ffmpeg ${command.version}`,
    outputs: [output],
    run: () => measure(command.path, [...args, ...X264_AAC, output], options),
  };
}

export interface TranscodeResult {
  contender: Contender;
  /** Medians; undefined for one that had to be killed. */
  cost: Cost | undefined;
  /** Of every round. */
  rounds: readonly Cost[];
}

/**
 * Runs all in turns, after rounds that warm the file cache, counts the frames of every output, and compares the files of
 * those with the same FFmpeg.
 * @throws Error when a contender fails, or an output has another number of frames than the input or other bytes than
 * that of another contender with the same FFmpeg.
 */
export async function compare(
  built: Built,
  { fps, seconds }: Clip,
  contenders: readonly Contender[],
  rounds: number,
  warmUps = 1,
): Promise<TranscodeResult[]> {
  const hung = new Set<Contender>();
  const runs = await inTurns(contenders, warmUps + rounds, async (contender) => {
    if (hung.has(contender)) return undefined;
    try {
      return await contender.run();
    } catch (error) {
      if (!(error instanceof HungError)) throw error;
      hung.add(contender);
      return undefined;
    }
  });
  const results: TranscodeResult[] = [];
  for (const [contender, costs] of runs) {
    if (hung.has(contender)) {
      results.push({ contender, cost: undefined, rounds: [] });
      continue;
    }
    for (const output of contender.outputs) {
      const frames = await countFrames(built, output);
      if (frames !== fps * seconds) throw new Error(`${contender.name} wrote ${frames} frames of ${fps * seconds}`);
    }
    requireSameBytes(contender, contenders);
    const timed = costs.slice(warmUps).filter((cost) => cost !== undefined);
    const median = (figure: keyof Cost): number => quantile(timed.map((cost) => cost[figure]));
    results.push({ contender, cost: { wall: median('wall'), cpu: median('cpu'), rss: median('rss') }, rounds: timed });
  }
  return results;
}

/** Whoever asks the same FFmpeg for the same has the same file, or does another job than the others. */
function requireSameBytes(contender: Contender, contenders: readonly Contender[]): void {
  const first = contenders.find(({ build }) => build !== undefined && build === contender.build);
  if (first === undefined || first === contender) return;
  for (const [i, output] of contender.outputs.entries()) {
    if (readFileSync(output).equals(readFileSync(first.outputs[i]!))) continue;
    throw new Error(`${contender.name} wrote other bytes into ${output} than ${first.name} into ${first.outputs[i]}`);
  }
}

/** Median over the rounds of one figure to that of a peer in the same round: machines change their speed in between. */
function against(rounds: readonly Cost[], peer: TranscodeResult | undefined, one: Figure, other: Figure): string {
  if (peer === undefined || peer.rounds.length !== rounds.length) return '-';
  return ratio(quantile(rounds.map((cost, round) => one(cost) / other(peer.rounds[round]!))), 1);
}

type Figure = (cost: Cost) => number;
const wall: Figure = (cost) => cost.wall;
const cpu: Figure = (cost) => cost.cpu;
/** How near one could come: the processor seconds spread evenly over all cores. */
const limitOf: Figure = (cost) => cost.cpu / availableParallelism();

/**
 * @param peers names of the contenders to compare wall times with.
 * @param limit name of the one whose processor time is the limit, for columns of processor time and of distances to it.
 */
export function transcodeRows(
  clip: Clip,
  results: readonly TranscodeResult[],
  peers: readonly string[],
  limit?: string,
): Row[] {
  const find = (name: string | undefined) => results.find(({ contender }) => contender.name === name);
  const figure = (value: number | undefined, digits: number): string =>
    value === undefined ? 'hung' : Number.isNaN(value) ? '-' : value.toFixed(digits);
  return results.map(({ contender, cost, rounds }) => ({
    command: contender.name,
    'wall s': figure(cost?.wall, 2),
    'CPU s': figure(cost?.cpu, 2),
    'peak RSS MB': figure(cost?.rss, 0),
    fps: cost === undefined ? '-' : Math.round((clip.seconds * clip.fps) / cost.wall),
    ...Object.fromEntries(peers.map((peer) => [`wall x ${peer}`, against(rounds, find(peer), wall, wall)])),
    ...(limit !== undefined && {
      ...Object.fromEntries(peers.map((peer) => [`CPU x ${peer}`, against(rounds, find(peer), cpu, cpu)])),
      'wall x limit': against(rounds, find(limit), wall, limitOf),
    }),
  }));
}

export function limitLine(results: readonly TranscodeResult[], peer: string): string {
  const cost = results.find(({ contender }) => contender.name === peer)?.cost;
  const seconds = cost === undefined || Number.isNaN(cost.cpu) ? 'unknown' : `${limitOf(cost).toFixed(2)} s`;
  return `limit (CPU seconds of ${peer} / ${availableParallelism()} cores): ${seconds}`;
}
