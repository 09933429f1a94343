/**
 * What a call of an actor in another thread costs when there is nothing to do: `process()` of a sync module, spinning and
 * parked, against a raw Atomics.wait round trip, `piscina.run` and (when it is installed) synckit.
 *
 *   npm run bench:sync-call [-- --long]
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { syncModule } from 'millrace';
import { Piscina } from 'piscina';

const long = process.argv.includes('--long');
const CALLS = long ? 200_000 : 20_000;
const folder = mkdtempSync(join(tmpdir(), 'millrace-sync-call-'));

/** Median and 99th percentile of a call, in µs. */
function figures(times: Float64Array): [p50: number, p99: number] {
  times.sort();
  return [times[times.length >> 1]! * 1000, times[Math.floor(times.length * 0.99)]! * 1000];
}

function measure(calls: number, call: () => void): [number, number] {
  for (let i = 0; i < calls / 10; i++) call();
  const times = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    call();
    times[i] = performance.now() - began;
  }
  return figures(times);
}

async function measureAsync(calls: number, call: () => Promise<unknown>): Promise<[number, number]> {
  for (let i = 0; i < calls / 10; i++) await call();
  const times = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await call();
    times[i] = performance.now() - began;
  }
  return figures(times);
}

function millrace(spin: number): [number, number] {
  process.env.MILLRACE_WAIT_SPIN = String(spin);
  const module = syncModule('pass_through', {}, [0], [0]);
  module.init();
  const result = measure(CALLS, () => module.process());
  module.close();
  return result;
}

/** Two threads that wake each other with Atomics.wait and notify, and do nothing else. */
async function rawWait(): Promise<[number, number]> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const source = `
    const { workerData: words } = require('node:worker_threads');
    for (let n = 1; ; n++) {
      while (Atomics.load(words, 0) < n) Atomics.wait(words, 0, n - 1);
      if (Atomics.load(words, 0) === 2 ** 30) break;
      Atomics.store(words, 1, n);
      Atomics.notify(words, 1);
    }`;
  const worker = new Worker(source, { eval: true, workerData: words });
  let n = 0;
  const result = measure(CALLS, () => {
    n++;
    Atomics.store(words, 0, n);
    Atomics.notify(words, 0);
    while (Atomics.load(words, 1) < n) Atomics.wait(words, 1, n - 1);
  });
  Atomics.store(words, 0, 2 ** 30);
  Atomics.notify(words, 0);
  await worker.terminate();
  return result;
}

async function piscina(): Promise<[number, number]> {
  const file = join(folder, 'task.mjs');
  writeFileSync(file, 'export default () => 1;');
  const pool = new Piscina({ filename: file, minThreads: 1, maxThreads: 1 });
  const result = await measureAsync(CALLS / 10, () => pool.run(undefined));
  await pool.destroy();
  return result;
}

async function synckit(): Promise<[number, number] | undefined> {
  const home = new URL('../node_modules/synckit/', import.meta.url);
  if (!existsSync(home)) return undefined;
  const file = join(folder, 'synckit-task.mjs');
  writeFileSync(
    file,
    `import { runAsWorker } from ${JSON.stringify(new URL('lib/index.js', home).href)};\nrunAsWorker(() => 1);`,
  );
  const name = 'synckit';
  const { createSyncFn } = (await import(name)) as { createSyncFn: (file: string) => () => unknown };
  return measure(CALLS / 10, createSyncFn(file));
}

const rows: [string, [number, number] | undefined][] = [
  ['millrace, spinning', millrace(20_000)],
  ['millrace, parked', millrace(0)],
  ['raw Atomics.wait', await rawWait()],
  ['piscina.run', await piscina()],
  ['synckit', await synckit()],
];
rmSync(folder, { recursive: true });
const ours = rows[0]![1]![0];
console.log('| empty call | p50 µs | p99 µs | x of millrace, spinning |\n|---|---|---|---|');
for (const [name, result] of rows) {
  if (result === undefined) console.log(`| ${name} | not installed | | |`);
  else
    console.log(`| ${name} | ${result[0].toFixed(2)} | ${result[1].toFixed(1)} | ${(result[0] / ours).toFixed(1)} |`);
}
const parked = rows[1]![1]![0] / rows[2]![1]![0];
console.log(`\nParked: ${parked.toFixed(2)} x a raw Atomics.wait round trip.`);
process.exit(0); // synckit's worker has no end
