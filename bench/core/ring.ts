/** Records from one thread to another, and one record there and back: what a ring gives and what a message costs. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { RingBuffer } from '../../ringbuffer/index.js';
import { inTurns, quantile, type Row, ratio } from './kit.js';
import type { RingJob, RingResult } from './ring-sides.js';

/** Bytes of each ring. */
export const CAPACITY = 2 ** 20;

/** One line of the throughput table. */
export interface ThroughputCase {
  transport: string;
  size: number;
  batch: number;
  records: number;
}

/** One line of the latency table. */
export interface LatencyCase {
  transport: string;
  /** What a side does while it waits. */
  waiting: string;
  spin: number;
  rounds: number;
}

export interface Throughput {
  transfer: ThroughputCase;
  /** Million records per second, of each round. */
  rates: number[];
}

export interface Latency {
  round: LatencyCase;
  /** Microseconds there and back: median and 99th percentile, each the median of all rounds. */
  p50: number;
  p99: number;
}

export interface RingBench {
  /** File of the worker, which posts the result of its side. */
  worker: URL | string;
  rounds: number;
  /** Makes the memory of a transport that is no ring of ours. */
  storage?: (transport: string) => SharedArrayBuffer | undefined;
  /** Runs a case that is no pair of worker threads; milliseconds of the transfer or percentiles of the rounds. */
  outside?: {
    throughput(transfer: ThroughputCase): number | undefined;
    latency(round: LatencyCase): { p50: number; p99: number } | undefined;
  };
}

/** @throws Error when a record arrived wrong, a side failed, or a wait ended by its time-out (a lost wake-up). */
async function runPair(bench: RingBench, job: Omit<RingJob, 'side' | 'port' | 'buffers'>): Promise<RingResult> {
  const rings = [0, 1].map(() => RingBuffer.create({ capacity: CAPACITY }));
  const buffers = rings.map((ring) => bench.storage?.(job.transport) ?? ring.buffer);
  if (job.transport === 'Atomics.wait') buffers[0] = new SharedArrayBuffer(4);
  const { port1, port2 } = new MessageChannel();
  const sides = (['send', 'receive'] as const).map((side) => {
    const port = side === 'send' ? port1 : port2;
    const workerData: RingJob = { ...job, side, port, buffers };
    return new Promise<RingResult>((resolve, reject) => {
      const thread = new Worker(bench.worker, { workerData, transferList: [port] });
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the ${side} thread ended with code ${code}`)));
    });
  });
  const results = await Promise.all(sides);
  const timeouts = rings.reduce((sum, ring) => sum + ring.counters().timeouts, 0);
  if (timeouts !== 0) throw new Error(`${timeouts} waits timed out`);
  return results.find((result) => result !== undefined);
}

export async function measureThroughput(bench: RingBench, cases: readonly ThroughputCase[]): Promise<Throughput[]> {
  const results = await inTurns(cases, bench.rounds, async (transfer) => {
    const { records } = transfer;
    const milliseconds =
      bench.outside?.throughput(transfer) ??
      (await runPair(bench, { ...transfer, what: 'throughput', spin: 200, warmUp: records >> 2 }));
    return records / (milliseconds as number) / 1000;
  });
  return [...results].map(([transfer, rates]) => ({ transfer, rates }));
}

export async function measureLatency(bench: RingBench, cases: readonly LatencyCase[]): Promise<Latency[]> {
  const results = await inTurns(cases, bench.rounds, async (round) => {
    const outside = bench.outside?.latency(round);
    if (outside !== undefined) return outside;
    const { transport, spin, rounds: records } = round;
    const job = { what: 'latency', transport, size: 8, batch: 1, spin, warmUp: records >> 2, records } as const;
    const times = (await runPair(bench, job)) as Float64Array;
    return { p50: quantile(times), p99: quantile(times, 0.99) };
  });
  return [...results].map(([round, all]) => ({
    round,
    p50: quantile(all.map((one) => one.p50)),
    p99: quantile(all.map((one) => one.p99)),
  }));
}

/** @param rivals transports to compare with, each getting a column. */
export function throughputRows(results: readonly Throughput[], rivals: readonly string[]): Row[] {
  const medianOf = (name: string): number | undefined => {
    const found = results.find(({ transfer }) => transfer.transport === name);
    return found && quantile(found.rates);
  };
  return results.map(({ transfer, rates }) => {
    const rate = quantile(rates);
    const digits = rate < 1 ? 2 : 1;
    const columns = rivals.map((rival) => [`x ${rival}`, ratio(rate, medianOf(rival))] as const);
    return {
      transport: transfer.transport,
      'payload B': transfer.size,
      publish: transfer.batch === 1 ? 'each' : `per ${transfer.batch}`,
      // A busy machine may be slower than the digits show.
      'M records/s': rate < 0.01 ? rate.toPrecision(2) : rate.toFixed(digits),
      'min-max': `${Math.min(...rates).toFixed(digits)}-${Math.max(...rates).toFixed(digits)}`,
      'MB/s': Math.round(rate * transfer.size),
      ...Object.fromEntries(columns),
    };
  });
}

export function latencyRows(results: readonly Latency[]): Row[] {
  const messages = results.find(({ round }) => round.transport === 'postMessage')?.p50;
  return results.map(({ round, p50, p99 }) => ({
    transport: round.transport,
    waiting: round.waiting,
    'p50 us': p50.toFixed(2),
    'p99 us': p99.toFixed(2),
    'p50 x postMessage': ratio(p50, messages, 3),
  }));
}

/** What needs nothing but this package and Node.js. */
export const ownThroughput = (records: number): ThroughputCase[] => [
  ...[8, 56, 248].flatMap((size) =>
    [1, 32].map((batch): ThroughputCase => ({ transport: 'millrace', size, batch, records })),
  ),
  { transport: 'postMessage', size: 56, batch: 1, records: records / 20 },
];

export const ownLatency = (rounds: number): LatencyCase[] => [
  { transport: 'millrace', waiting: 'spin 2000, then sleep', spin: 2000, rounds },
  { transport: 'millrace', waiting: 'sleep', spin: 0, rounds: rounds / 5 },
  { transport: 'Atomics.wait', waiting: 'sleep', spin: 0, rounds: rounds / 5 },
  { transport: 'postMessage', waiting: 'event loop', spin: 0, rounds: rounds / 5 },
];
