/**
 * Records per second from one worker thread to another through our ring, ringbuf.js and postMessage, in one run.
 * Usage: node --import tsx bench/ring.ts [--long]
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { RingBuffer as RingbufJs } from 'ringbuf.js';
import { RingBuffer } from '../ringbuffer/index.js';
import { bundleWorker, machine, printTable, type Row } from './kit.js';
import type { Job } from './ring-worker.js';

const CAPACITY = 2 ** 20;
const long = process.argv.includes('--long');
const repeats = long ? 5 : 3;
const worker = await bundleWorker(new URL('./ring-worker.ts', import.meta.url));

type Transfer = Pick<Job, 'transport' | 'size' | 'batch'> & { records: number };

/** Milliseconds that the records took. */
async function transfer({ transport, size, batch, records }: Transfer): Promise<number> {
  const ring = RingBuffer.create({ capacity: CAPACITY });
  const buffer = transport === 'ringbuf.js' ? RingbufJs.getStorageForCapacity(CAPACITY / 4, Int32Array) : ring.buffer;
  const { port1, port2 } = new MessageChannel();
  const sides = (['send', 'receive'] as const).map((side) => {
    const port = side === 'send' ? port1 : port2;
    const job: Job = { transport, side, buffer, port, size, batch, warmUp: records >> 2, records };
    return new Promise<number | undefined>((resolve, reject) => {
      const thread = new Worker(worker, { workerData: job, transferList: [port] });
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the ${side} thread ended with code ${code}`)));
    });
  });
  const [, milliseconds] = await Promise.all(sides);
  const { timeouts } = ring.counters();
  if (timeouts !== 0) throw new Error(`${timeouts} waits timed out`);
  return milliseconds!;
}

const cases: Transfer[] = [
  ...[8, 56, 248].flatMap((size) =>
    [1, 32].map((batch): Transfer => ({ transport: 'millrace', size, batch, records: 4_000_000 })),
  ),
  { transport: 'ringbuf.js', size: 64, batch: 1, records: 2_000_000 },
  { transport: 'postMessage', size: 56, batch: 1, records: 200_000 },
];

const rates = new Map<Transfer, number[]>(cases.map((one) => [one, []]));
for (let i = 0; i < repeats; i++) {
  for (const one of cases) {
    const records = one.records * (long ? 4 : 1);
    rates.get(one)!.push(records / (await transfer({ ...one, records })) / 1000);
  }
}

/** Million records per second. */
function median(one: Transfer): number {
  const sorted = [...rates.get(one)!].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

const rival = median(cases.find((one) => one.transport === 'ringbuf.js')!);
const messages = median(cases.find((one) => one.transport === 'postMessage')!);
console.log(`${machine()}; ring of ${CAPACITY >> 20} MiB, every word of every record checked, median of ${repeats}\n`);
printTable(
  cases.map((one): Row => {
    const rate = median(one);
    const all = rates.get(one)!;
    return {
      transport: one.transport,
      'payload B': one.size,
      publish: one.batch === 1 ? 'each' : `per ${one.batch}`,
      'M records/s': rate.toFixed(rate < 1 ? 2 : 1),
      'min-max': `${Math.min(...all).toFixed(1)}-${Math.max(...all).toFixed(1)}`,
      'MB/s': Math.round(rate * one.size),
      'x ringbuf.js': (rate / rival).toFixed(2),
      'x postMessage': (rate / messages).toFixed(1),
    };
  }),
);
