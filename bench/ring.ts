/**
 * Records from one worker thread to another, and one record there and back: our ring, ringbuf.js, postMessage, and a
 * queue of the same kind in C++ (where g++ is installed), in one run.
 *
 *   npm run bench:ring [-- --long]
 */
import { RingBuffer as RingbufJs } from 'ringbuf.js';
import { machine, table } from './core/kit.js';
import {
  CAPACITY,
  latencyRows,
  measureLatency,
  measureThroughput,
  ownLatency,
  ownThroughput,
  type RingBench,
  throughputRows,
} from './core/ring.js';
import { bundleWorker, leaveOut, long } from './kit.js';
import { buildNative } from './native.js';

const rounds = long ? 5 : 3;
const scale = long ? 4 : 1;
const native = buildNative();
if (native === undefined) leaveOut('C++', 'g++ is not installed');
const CPP = `C++ (${native?.compiler})`;

const bench: RingBench = {
  worker: await bundleWorker(new URL('./ring-worker.ts', import.meta.url)),
  rounds,
  storage: (transport) =>
    transport === 'ringbuf.js' ? RingbufJs.getStorageForCapacity(CAPACITY / 4, Int32Array) : undefined,
  outside: {
    throughput: ({ transport, size, batch, records }) =>
      transport === CPP ? native?.throughput(size, batch, records) : undefined,
    latency: ({ transport, waiting, rounds }) =>
      transport === CPP ? native?.latency(waiting === 'sleep' ? 'sleep' : 'poll', rounds) : undefined,
  },
};

const records = 4_000_000 * scale;
const throughput = await measureThroughput(bench, [
  ...ownThroughput(records),
  { transport: 'ringbuf.js', size: 64, batch: 1, records: records / 2 },
  ...(native === undefined
    ? []
    : [8, 56, 248].flatMap((size) => [1, 32].map((batch) => ({ transport: CPP, size, batch, records })))),
]);
console.log(`${machine()}; rings of ${CAPACITY >> 20} MiB, every word of every record checked, median of ${rounds}\n`);
console.log(`${table(throughputRows(throughput, ['ringbuf.js', 'postMessage']))}\n`);

const trips = 20_000 * scale;
const latency = await measureLatency(bench, [
  ...ownLatency(trips),
  { transport: 'ringbuf.js', waiting: 'poll', spin: 0, rounds: trips },
  ...(native === undefined
    ? []
    : (['poll', 'sleep'] as const).map((waiting) => ({
        ...{ transport: CPP, waiting, spin: 0 },
        rounds: waiting === 'poll' ? trips : trips / 5,
      }))),
]);
console.log('One record of 8 bytes there and back:\n');
console.log(table(latencyRows(latency)));
