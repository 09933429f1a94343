/**
 * Rings under load between threads, every byte of every record checked, no wait ended by a time-out.
 * Usage: node --import tsx test/ringbuffer/stress.ts [--long]   (--long: more than 10 million records)
 */
import { type Load, runFan, runPair } from './threads.js';

const factor = process.argv.includes('--long') ? 20 : 1;
const base: Load = { records: 100_000, maxSize: 90, maxBatch: 32, async: false, pauses: true, capacity: 2 ** 16 };

const pairs: [string, Load][] = [
  ['64 KiB', { ...base, records: 250_000 }],
  ['64 KiB, each record published', { ...base, maxBatch: 1 }],
  ['256 bytes', { ...base, capacity: 256, maxSize: 60 }],
  ['64 bytes: one or two records', { ...base, capacity: 64, maxSize: 24, records: 50_000 }],
  ['at most 8 records', { ...base, maxRecords: 8, records: 50_000 }],
  ['large records', { ...base, maxSize: 30_000, records: 5_000 }],
  ['without blocking', { ...base, async: true }],
  ['without blocking, 256 bytes', { ...base, capacity: 256, maxSize: 60, async: true, records: 25_000 }],
  ['counters past 2^31', { ...base, start: 2 ** 31 - 2 ** 20 }],
  ['counters past 2^32', { ...base, start: 2 ** 32 - 2 ** 20 }],
];

let total = 0;
async function timed(what: string, records: number, run: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await run();
  total += records;
  console.log(`ok: ${what}: ${records} records in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

for (const [what, one] of pairs) {
  const load = { ...one, records: one.records * factor };
  await timed(what, load.records, () => runPair(load));
}
for (const async of [false, true]) {
  const load = { ...base, async, capacity: 4096, records: 20_000 * factor };
  await timed(`three producers on one doorbell${async ? ', without blocking' : ''}`, 3 * load.records, () =>
    runFan(3, load),
  );
}
console.log(`${total} records, every byte right, no wait timed out`);
