/**
 * What calling an actor of another thread costs. When there is nothing to do: an empty `process()` of a sync module,
 * spinning and parked, against a raw Atomics.wait round trip, `piscina.run` and synckit. When there is: every frame of a
 * 1080p file decoded one call at a time, against the same loop with the decoder on the calling thread.
 *
 *   npm run bench:sync-call [-- --long]
 *
 * synckit is no dependency: it takes part if it can be resolved from here, or from the folder in SYNCKIT_HOME (one in
 * which `npm install synckit` was run).
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { syncModule } from 'millrace';
import { Piscina } from 'piscina';
import { inTurns, machine, quantile, ratio, table, temporaryFolder } from './core/kit.js';
import { makeClip } from './core/transcode.js';
import { built, leaveOut, long } from './kit.js';

const CALLS = long ? 200_000 : 20_000;
const SECONDS = long ? 12 : 2;
const FPS = 25;
const ROUNDS = 5;
const folder = temporaryFolder();

/** Median and 99th percentile of a call, in µs. */
type Figures = [p50: number, p99: number];

function figures(milliseconds: Float64Array): Figures {
  return [quantile(milliseconds) * 1000, quantile(milliseconds, 0.99) * 1000];
}

function measure(calls: number, call: () => void): Figures {
  for (let i = 0; i < calls / 10; i++) call();
  const times = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    call();
    times[i] = performance.now() - began;
  }
  return figures(times);
}

async function measureAsync(calls: number, call: () => Promise<unknown>): Promise<Figures> {
  for (let i = 0; i < calls / 10; i++) await call();
  const times = new Float64Array(calls);
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await call();
    times[i] = performance.now() - began;
  }
  return figures(times);
}

function millrace(spin: number): Figures {
  process.env.MILLRACE_WAIT_SPIN = String(spin);
  const module = syncModule('pass_through', {}, [0], [0]);
  module.init();
  const result = measure(CALLS, () => module.process());
  module.close();
  delete process.env.MILLRACE_WAIT_SPIN;
  return result;
}

/** Two threads that wake each other with Atomics.wait and notify, and do nothing else. */
async function rawWait(): Promise<Figures> {
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

async function piscina(): Promise<Figures> {
  const file = join(folder, 'task.mjs');
  writeFileSync(file, 'export default () => 1;');
  const pool = new Piscina({ filename: file, minThreads: 1, maxThreads: 1 });
  const result = await measureAsync(CALLS / 10, () => pool.run(undefined));
  await pool.destroy();
  return result;
}

function findSynckit(): string | undefined {
  const { SYNCKIT_HOME } = process.env;
  const from = SYNCKIT_HOME === undefined ? import.meta.url : pathToFileURL(join(SYNCKIT_HOME, 'package.json'));
  try {
    return pathToFileURL(createRequire(from).resolve('synckit')).href;
  } catch (error) {
    leaveOut('synckit', `it is not installed (${(error as Error).message.split('\n')[0]})`);
    return undefined;
  }
}

async function synckit(home: string): Promise<Figures> {
  const file = join(folder, 'synckit-task.mjs');
  writeFileSync(file, `import { runAsWorker } from ${JSON.stringify(home)};\nrunAsWorker(() => 1);`);
  const { createSyncFn } = (await import(home)) as { createSyncFn: (file: string) => () => unknown };
  return measure(CALLS / 10, createSyncFn(file));
}

/** Wall time and processor time of all threads, ms. */
interface Cost {
  wall: number;
  cpu: number;
}

/** All frames of the file, one call at a time. */
function decode(path: string, frames: number, parameters: { thread?: 'inline' }): Cost {
  const decoder = syncModule('c_ffmpeg_decoder', { input_path: path }, [], [0], parameters);
  decoder.init();
  const cpu = process.cpuUsage();
  const began = performance.now();
  let counted = 0;
  for (let done = false; !done; ) {
    const step = decoder.process();
    done = step.done;
    for (const packet of step.outputs[0]) {
      if (!packet.isEof) counted++;
      packet.close();
    }
  }
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  decoder.close();
  if (counted !== frames) throw new Error(`${counted} frames were decoded, not ${frames}`);
  return { wall, cpu: (user + system) / 1000 };
}

console.log(`${machine()}\n`);
const rows: [string, Figures][] = [
  ['millrace, spinning', millrace(20_000)],
  ['millrace, parked', millrace(0)],
  ['raw Atomics.wait', await rawWait()],
  ['piscina.run', await piscina()],
];
const home = findSynckit();
if (home !== undefined) rows.push(['synckit', await synckit(home)]);
const [spinning, parked, raw] = rows.map(([, [p50]]) => p50) as [number, number, number];
console.log(
  table(
    rows.map(([name, [p50, p99]]) => ({
      'empty call': name,
      'p50 µs': p50.toFixed(2),
      'p99 µs': p99.toFixed(1),
      'x spinning': ratio(p50, spinning, 1),
    })),
  ),
);
console.log(`\nParked: ${ratio(parked, raw)} x a raw Atomics.wait round trip.\n`);

const path = join(folder, 'clip.mp4');
await makeClip(built, { path, width: 1920, height: 1080, fps: FPS, seconds: SECONDS });
const contenders = [
  { name: 'inline', parameters: { thread: 'inline' } as const },
  { name: 'in a thread', parameters: {} },
];
const costs = await inTurns(contenders, ROUNDS, ({ parameters }) =>
  Promise.resolve(decode(path, SECONDS * FPS, parameters)),
);
const inline = quantile(costs.get(contenders[0]!)!.map(({ wall }) => wall));
console.log(
  table(
    contenders.map((contender) => {
      const walls = costs.get(contender)!.map(({ wall }) => wall);
      const wall = quantile(walls);
      return {
        [`${SECONDS * FPS} frames of 1080p decoded`]: contender.name,
        ms: wall.toFixed(0),
        'min-max': `${Math.min(...walls).toFixed(0)}-${Math.max(...walls).toFixed(0)}`,
        'cpu ms': quantile(costs.get(contender)!.map(({ cpu }) => cpu)).toFixed(0),
        'x inline': ratio(wall, inline),
      };
    }),
  ),
);
process.exit(0); // synckit's worker has no end
