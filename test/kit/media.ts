/** Whole media graphs under test: clips, what the ffmpeg command made of them, what a file holds, how a graph fails. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AudioFrame,
  ConfigError,
  type DecoderOptions,
  encode,
  Graph,
  GraphError,
  type Report,
  type Stream,
} from 'millrace';
import { LeakWatch, type SeenPacket, TestSink } from 'millrace/testing';
import * as assert from 'uvu/assert';
import { readFrameMd5 } from './framemd5.js';

/** A graph that takes longer hangs; the abort names it before the runner's watchdog does. */
const LIMIT_MS = 30_000;

// A graph in which nothing moves says who waits for whom, long before that.
process.env.MILLRACE_TIME_OUT ??= '10';

/** FFmpeg's AAC without the search for the best coding, which takes longer than all the rest of a short clip. */
export const quickAac = { codec: 'aac', aac_coder: 'fast' } as const;

/** A file of test/fixtures/media. */
export function media(name: string): string {
  return fileURLToPath(new URL(`../fixtures/media/${name}`, import.meta.url));
}

// One listener for all of them: Node warns of many, and files share processes.
const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes with the process; the function returned makes paths in it. */
export function scratch(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-media-'));
  folders.push(folder);
  return (name) => join(folder, name);
}

/**
 * Makes a second of 25 small pictures, with B-frames, and of sound, on this thread: for tests of which every picture more
 * only takes time.
 */
export async function makeSmallClip(path: string): Promise<string> {
  const graph = new Graph({ threads: 0 });
  const video_params = { codec: 'h264', preset: 'veryfast', bf: 2, threads: 1 };
  const picture = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 1 });
  encode(picture, graph.filter('sine', { sample_rate: 48_000, duration: 1 }), { output_path: path, video_params });
  await run(graph);
  return path;
}

/** Time in microseconds and MD5 of a picture. */
export type Picture = readonly [time: number | undefined, md5: string | undefined];

/** The pictures of a file made by the ffmpeg command: test/fixtures/cli/<name>.framemd5. */
export function expectedPictures(name: string): Picture[] {
  const frames = readFrameMd5(new URL(`../fixtures/cli/${name}.framemd5`, import.meta.url));
  return frames.map(({ time, md5 }) => [time, md5]);
}

/** Samples (of all channels) in the sound of such a file, and their MD5 as 16-bit PCM. */
export function expectedSound(name: string): { samples: number; md5: string } {
  const lines = readFileSync(new URL('../fixtures/cli/e2e-sound.txt', import.meta.url), 'utf8').split('\n');
  const [, samples, md5] = lines.map((line) => line.split(' ')).find(([first]) => first === name)!;
  return { samples: Number(samples), md5: md5! };
}

/** Puts a test sink on a stream. */
export function sinkOn(stream: Stream, options: { delay?: number; limit?: number } = {}): TestSink {
  const sink = new TestSink(options);
  stream.module(sink.spec, sink.options, { callback: sink.callback });
  return sink;
}

export function pictures(packets: readonly SeenPacket[]): Picture[] {
  return packets.map(({ timestamp, hash }) => [timestamp, hash]);
}

/** Compares without a page of differences: tells the numbers of pictures and the first that is another one. */
export function assertSame(actual: readonly Picture[], expected: readonly Picture[], what = 'pictures'): void {
  const at = expected.findIndex(([time, md5], i) => time !== actual[i]?.[0] || md5 !== actual[i]?.[1]);
  if (at < 0 && actual.length === expected.length) return;
  const n = at < 0 ? expected.length : at;
  const [found, wanted] = [actual[n]?.join(' ') ?? 'none', expected[n]?.join(' ') ?? 'none'];
  assert.unreachable(`${what}: ${actual.length} of ${expected.length}; number ${n} is ${found}, expected ${wanted}`);
}

/** Runs a graph to its end; nothing may be left of it. */
export async function run(graph: Graph): Promise<Report> {
  const leaks = new LeakWatch();
  const report = await graph.run({ signal: AbortSignal.timeout(LIMIT_MS) });
  leaks.check(report);
  return report;
}

/** Runs a graph that must fail, in one line unless it is a list of problems; nothing may be left of it. */
export async function failureOf(graph: Graph): Promise<GraphError | ConfigError> {
  const leaks = new LeakWatch();
  let failure: unknown;
  try {
    await graph.run({ signal: AbortSignal.timeout(LIMIT_MS) });
  } catch (error) {
    failure = error;
  }
  leaks.check();
  assert.ok(failure instanceof GraphError || failure instanceof ConfigError, `${failure ?? 'the graph did not fail'}`);
  if (failure instanceof GraphError) assert.not.match(failure.message, /\n/);
  return failure;
}

export interface Contents {
  video: SeenPacket[];
  audio: SeenPacket[];
  /** Samples per channel. */
  samples: number;
}

/** Decodes a file to its end, on this thread. */
export async function contentsOf(path: string, options: Partial<DecoderOptions> = {}): Promise<Contents> {
  const graph = new Graph({ threads: 0 });
  const source = graph.decode({ input_path: path, ...options });
  const [video, audio] = [sinkOn(source.video), sinkOn(source.audio)];
  await run(graph);
  const samples = audio.packets.reduce((sum, packet) => sum + (packet.samples ?? 0), 0);
  return { video: video.packets, audio: audio.packets, samples };
}

/** The pictures of a file with the container's own times, as the fixtures have them. */
export async function picturesOf(path: string): Promise<Picture[]> {
  return pictures((await contentsOf(path, { copyts: true })).video);
}

/** The sound of a file as interleaved 16-bit samples. */
export async function soundOf(path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  const graph = new Graph({ threads: 0 });
  graph
    .decode({ input_path: path })
    .audio.aformat({ sample_fmts: 's16' })
    .module({
      process(task) {
        for (const { payload } of task.inputs.get(0) ?? []) {
          if (payload instanceof AudioFrame) parts.push(payload.toBuffer());
        }
      },
    });
  await run(graph);
  return Buffer.concat(parts);
}

/** How far 16-bit samples are from others, in dB: power of the signal over power of the difference. */
export function signalToNoise(signal: Buffer, other: Buffer): number {
  let power = 0;
  let noise = 0;
  const bytes = Math.min(signal.length, other.length);
  for (let at = 0; at + 1 < bytes; at += 2) {
    const value = signal.readInt16LE(at);
    power += value ** 2;
    noise += (value - other.readInt16LE(at)) ** 2;
  }
  return 10 * Math.log10(power / noise);
}
