/** Threads for the ring's tests: bundled to plain JavaScript once, because Node 20 runs no TypeScript in a worker. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import * as assert from 'uvu/assert';
import { Doorbell, RingBuffer } from '../../ringbuffer/index.js';
import type { Job, Outcome } from './ring-worker.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-ring-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'worker.mjs');
await build({
  entryPoints: [fileURLToPath(new URL('./ring-worker.ts', import.meta.url))],
  outfile: file,
  bundle: true,
  platform: 'node',
  format: 'esm',
});

export interface Thread {
  /** What the thread reported; undefined if it ended without a report. */
  outcome: Promise<Outcome | undefined>;
  terminate(): Promise<number>;
}

/** Rejects with what the thread throws. */
export function startThread(job: Job): Thread {
  const worker = new Worker(file, { workerData: job });
  let report: Outcome | undefined;
  worker.on('message', (message: Outcome) => {
    report = message;
  });
  const outcome = new Promise<Outcome | undefined>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve(report));
  });
  return { outcome, terminate: () => worker.terminate() };
}

export type Load = Pick<Job, 'records' | 'maxSize' | 'maxBatch' | 'async' | 'pauses'> & {
  capacity: number;
  start?: number;
  maxRecords?: number;
};

/** One ring between two threads, all records through, no wait ended by its time-out. */
export async function runPair(load: Load): Promise<RingBuffer> {
  const ring = RingBuffer.create(load);
  const job = { ...load, rings: [ring.buffer], seeds: [load.capacity + load.maxSize] };
  const sides = (['produce', 'consume'] as const).map((role) => startThread({ ...job, role }));
  const [written, read] = await Promise.all(sides.map((side) => side.outcome));
  assert.equal(written, { records: load.records, end: 'all' });
  assert.equal(read, { records: load.records, end: 'ended' });
  const counters = ring.counters();
  assert.is(counters.timeouts, 0, 'waits that timed out');
  assert.is(counters.records, load.records);
  assert.is(counters.released, load.records);
  assert.is(ring.inFlight(), 0);
  return ring;
}

/** Several producer threads, each with a ring, and one consumer thread that waits for all of them on one doorbell. */
export async function runFan(producers: number, load: Load): Promise<void> {
  const bell = Doorbell.create();
  const rings = Array.from({ length: producers }, () => RingBuffer.create(load));
  const seeds = rings.map((_, i) => 1000 + i * 77);
  const threads = rings.map((ring, i) =>
    startThread({ ...load, role: 'produce', rings: [ring.buffer], seeds: [seeds[i]!], bell: bell.buffer }),
  );
  const buffers = rings.map((ring) => ring.buffer);
  threads.push(startThread({ ...load, role: 'consume', rings: buffers, seeds, bell: bell.buffer }));
  const outcomes = await Promise.all(threads.map((thread) => thread.outcome));
  assert.equal(outcomes.pop(), { records: load.records * producers, end: 'ended' });
  for (const outcome of outcomes) assert.equal(outcome, { records: load.records, end: 'all' });
  assert.is(bell.counters().timeouts, 0, 'waits that timed out');
  for (const ring of rings) assert.is(ring.counters().timeouts, 0, 'waits that timed out');
}
