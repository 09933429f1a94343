/** What it costs to hand a picture to another thread: microseconds per frame in steady state, the pixels untouched. */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { CloneJob } from './clone-sides.js';
import { type Built, inTurns, quantile, type Row, ratio } from './kit.js';
import type { HopFigures, HopOptions } from './modules.js';
import type { Enough } from './windows.js';

export const PICTURES = [
  { name: '360p', width: 640, height: 360 },
  { name: '1080p', width: 1920, height: 1080 },
  { name: '4K', width: 3840, height: 2160 },
] as const;
export type Picture = (typeof PICTURES)[number];

/** How the frame gets to its consumer. */
export type Way = 'same thread' | 'auto' | 'copy' | 'postMessage';
export const WAYS: readonly Way[] = ['same thread', 'auto', 'copy', 'postMessage'];

const LABELS: Record<Way, string> = {
  'same thread': 'millrace, both modules in one thread',
  auto: "millrace, transport: 'auto'",
  copy: "millrace, transport: 'copy'",
  postMessage: 'postMessage, structured clone',
};

/** Frames in flight: a link's default limit. */
const AHEAD = 8;

export interface HopCase extends Enough {
  way: Way;
  picture: Picture;
}

export interface HopResult {
  hop: HopCase;
  /** Microseconds per frame: the median window of the median round. */
  microseconds: number;
  /** MB by which resident memory was larger at the end than after the first tenth: median of the rounds. NaN: not looked at. */
  growth: number;
}

async function runGraph({ Graph, dist }: Built, { way, picture, ...enough }: HopCase): Promise<HopFigures> {
  const { width, height } = picture;
  const path = new URL('bench-modules.js', dist).href;
  const graph = new Graph({ threads: way === 'same thread' ? 1 : 2, transport: way === 'copy' ? 'copy' : 'auto' });
  let figures: HopFigures | undefined;
  const options: HopOptions = { width, height, ...enough };
  const module = (entry: string) => ({ name: entry, path, entry });
  const frame = graph.module(module('HopSource'), { ...options }, { scheduler: 0 });
  const callback = (_key: string | number, value: unknown): void => {
    figures = value as HopFigures;
  };
  frame.module(module('HopSink'), { ...options }, { scheduler: way === 'same thread' ? 0 : 1, callback });
  await graph.run();
  if (figures === undefined) throw new Error(`the graph ended before ${enough.frames} frames had come`);
  return figures;
}

async function runClones({ dist }: Built, { way: _, picture, ...enough }: HopCase): Promise<number[]> {
  const { width, height } = picture;
  const { port1, port2 } = new MessageChannel();
  const planes = [width * height, (width * height) / 4, (width * height) / 4];
  const counters = new SharedArrayBuffer(12);
  const sides = (['send', 'receive'] as const).map((side) => {
    const port = side === 'send' ? port1 : port2;
    const workerData: CloneJob = { what: 'clone', side, port, counters, planes, ahead: AHEAD, ...enough };
    return new Promise<number[] | undefined>((resolve, reject) => {
      const thread = new Worker(new URL('bench-worker.js', dist), { workerData, transferList: [port] });
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the ${side} thread ended with code ${code}`)));
    });
  });
  const [, windows] = await Promise.all(sides);
  return windows!;
}

/** @throws Error when frames are missing, out of order, or have other pixels than they were sent with. */
export async function measureHops(built: Built, rounds: number, cases: readonly HopCase[]): Promise<HopResult[]> {
  const results = await inTurns(cases, rounds, async (hop) => {
    if (hop.way === 'postMessage') return { median: quantile(await runClones(built, hop)), growth: Number.NaN };
    const { windows, rss } = await runGraph(built, hop);
    return { median: quantile(windows), growth: rss.end - rss.begin };
  });
  return [...results].map(([hop, runs]) => ({
    hop,
    microseconds: quantile(runs.map(({ median }) => median)),
    growth: quantile(runs.map(({ growth }) => growth)),
  }));
}

/** One row per way, one column per picture, and the two ratios that tell by-reference from copying. */
export function hopRows(results: readonly HopResult[]): Row[] {
  const find = (way: Way, name: Picture['name']): HopResult | undefined =>
    results.find(({ hop }) => hop.way === way && hop.picture.name === name);
  return WAYS.filter((way) => results.some(({ hop }) => hop.way === way)).map((way) => {
    const cells = PICTURES.map(({ name }) => [`${name} us`, find(way, name)?.microseconds.toFixed(1) ?? '-'] as const);
    const [fullHd, uhd] = [find(way, '1080p')?.microseconds, find(way, '4K')?.microseconds];
    const clone = find('postMessage', '4K')?.microseconds;
    const growth = Math.max(...results.filter(({ hop }) => hop.way === way).map((result) => result.growth));
    return {
      way: LABELS[way],
      ...Object.fromEntries(cells),
      '4K x 1080p': ratio(uhd ?? Number.NaN, fullHd),
      'postMessage x this, 4K': ratio(clone ?? Number.NaN, uhd, 1),
      'RSS growth MB': Number.isNaN(growth) ? '-' : growth.toFixed(1),
    };
  });
}
