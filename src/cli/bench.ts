/** `millrace bench`: the short forms of the repository's benchmarks, as far as they need nothing but this package. */
import { join } from 'node:path';
import { hopRows, measureHops, PICTURES, WAYS } from '../../bench/core/hop.js';
import { type Built, machine, type Row, table, temporaryFolder } from '../../bench/core/kit.js';
import {
  latencyRows,
  measureLatency,
  measureThroughput,
  ownLatency,
  ownThroughput,
  throughputRows,
} from '../../bench/core/ring.js';
import {
  type Clip,
  compare,
  ffmpeg,
  ffmpegVersion,
  limitLine,
  makeClip,
  ours,
  transcodeRows,
} from '../../bench/core/transcode.js';
import { Graph } from '../graph/graph.js';

export const BENCHMARKS = ['ring', 'hop', 'transcode'] as const;
export type Benchmark = (typeof BENCHMARKS)[number];

export interface BenchFlags {
  /** Runs of every case. */
  readonly rounds: number;
  /** Length of the clip to transcode. */
  readonly seconds: number;
  /** As little as shows that everything works. */
  readonly quick?: boolean;
  readonly json?: boolean;
}

interface Section {
  title: string;
  rows: Row[];
  notes: string[];
}

const built: Built = { Graph, dist: new URL('./', import.meta.url) };

async function* ring({ rounds, quick }: BenchFlags): AsyncGenerator<Section> {
  const bench = { worker: new URL('bench-worker.js', built.dist), rounds };
  const throughput = await measureThroughput(bench, ownThroughput(quick ? 20_000 : 500_000));
  const rows = throughputRows(throughput, ['postMessage']);
  yield { title: 'Ring: records from one thread to another, every word checked', rows, notes: [] };
  const latency = await measureLatency(bench, ownLatency(quick ? 500 : 10_000));
  yield { title: 'Ring: one record there and back', rows: latencyRows(latency), notes: [] };
}

async function* hop({ rounds, quick }: BenchFlags): AsyncGenerator<Section> {
  const enough = quick ? { frames: 16, milliseconds: 1, warmUp: 0, window: 16 } : { frames: 32, milliseconds: 200 };
  const cases = WAYS.flatMap((way, n) =>
    // Quick: each way with one of the sizes, in turn.
    (quick ? [PICTURES[n % PICTURES.length]!] : PICTURES).map((picture) => ({ way, picture, ...enough })),
  );
  const rows = hopRows(await measureHops(built, rounds, cases));
  yield { title: 'Hop: a picture from one thread to another, pixels untouched, per frame', rows, notes: [] };
}

async function* transcode({ rounds, seconds, quick }: BenchFlags): AsyncGenerator<Section> {
  const folder = temporaryFolder();
  const [width, height] = quick ? [192, 108] : [1280, 720];
  const clip: Clip = { path: join(folder, 'input.mp4'), width, height, fps: 25, seconds };
  await makeClip(built, clip);
  const target = (name: string) => ({ width: width / 2, height: height / 2, output: join(folder, `${name}.mp4`) });
  const version = ffmpegVersion('ffmpeg');
  const contenders = [
    ...(version === undefined ? [] : [ffmpeg({ path: 'ffmpeg', version }, clip, target('ffmpeg'))]),
    ...(quick ? ['0', 'auto'] : ['0', '1', '2', 'auto']).map((threads) => ours(built, clip, threads, target(threads))),
  ];
  const results = await compare(built, clip, contenders, rounds, quick ? 0 : 1);
  const peers = version === undefined ? [] : [`ffmpeg ${version}`];
  yield {
    title: `Transcode: ${seconds} s of ${height}p to ${height / 2}p, x264 veryfast and AAC, whole processes`,
    rows: transcodeRows(clip, results, peers, peers[0]),
    notes: peers.length > 0 ? peers.map((peer) => limitLine(results, peer)) : ['left out: ffmpeg is not installed'],
  };
}

const RUN: Record<Benchmark, (flags: BenchFlags) => AsyncGenerator<Section>> = { ring, hop, transcode };

/** Prints each table as soon as it is there; with --json one line with all of them at the end. */
export async function bench(which: readonly Benchmark[], flags: BenchFlags): Promise<number> {
  const median = `median of ${flags.rounds} ${flags.rounds === 1 ? 'round' : 'rounds'}`;
  if (!flags.json) process.stdout.write(`${machine()}; ${median}\n`);
  const sections: Section[] = [];
  for (const name of which.length > 0 ? which : BENCHMARKS) {
    for await (const section of RUN[name](flags)) {
      sections.push(section);
      if (flags.json) continue;
      const notes = section.notes.map((note) => `\n${note}\n`).join('');
      process.stdout.write(`\n${section.title}\n\n${table(section.rows)}\n${notes}`);
    }
  }
  if (flags.json) process.stdout.write(`${JSON.stringify({ machine: machine(), rounds: flags.rounds, sections })}\n`);
  return 0;
}
