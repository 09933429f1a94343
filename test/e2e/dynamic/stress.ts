/**
 * Random changes of random running graphs, inline and on one, two and four threads. The short form runs inside `npm test`.
 *
 *   npm run stress:dynamic [-- sequences [seed]]
 *
 * One sequence is one graph. Each has a seed of its own, on which `-- 1 <seed>` begins again; what fails says its own.
 */
import { fileURLToPath } from 'node:url';
import { createModule } from 'millrace';
import { sharedThreads } from '../../kit/shared-threads.js';
import { changeAtRandom } from './random-changes.js';
import { OPERATIONS } from './random-operations.js';

const THREADS = [0, 1, 2, 4];
const [count = 10_000, first = 1] = process.argv.slice(2).map(Number);
if (!Number.isInteger(count) || !Number.isInteger(first)) throw new Error('sequences and seed are whole numbers');

// Threads take longer to start than most sequences take.
const graphOn = await sharedThreads(Math.max(...THREADS));
const module = {
  name: 'warm',
  path: fileURLToPath(new URL('../../fixtures/modules/plain.mjs', import.meta.url)),
  entry: 'Relay',
};
const warm = { inline: createModule(module, {}, { thread: 'inline' }), threaded: createModule(module) };
const done = new Map(Object.keys(OPERATIONS).map((operation) => [operation, 0]));
const refused = new Map<string, number>();
const countOne = (of: Map<string, number>, what: string): Map<string, number> => of.set(what, (of.get(what) ?? 0) + 1);
let failed = 0;
const began = performance.now();
console.log(`${count} sequences from seed ${first} on, on ${THREADS.join(', ')} threads in turn`);
for (let n = 0; n < count; n++) {
  const seed = first + n;
  const threads = THREADS[seed % THREADS.length]!;
  try {
    await changeAtRandom(seed, {
      threads,
      steps: 10,
      limit: 120_000,
      graphOn,
      warm: threads === 0 ? warm.inline : warm.threaded,
      onEnd: (operation, refusal) =>
        refusal === undefined
          ? countOne(done, operation)
          : countOne(refused, `${operation}: ${refusal.message.replaceAll(/\d+/g, 'N')}`),
    });
  } catch (error) {
    failed++;
    console.log(`seed ${seed} on ${threads} threads:`, error);
  }
  if ((n + 1) % 100 === 0)
    console.log(`${n + 1} of ${count}, ${failed} failed, ${Math.round((performance.now() - began) / 1000)} s`);
}
await Promise.all(Object.values(warm).map((one) => one.close()));
console.log(`${count} sequences, ${failed} failed`);
for (const [operation, times] of done) console.log(`${String(times).padStart(7)} times ${operation}`);
console.log('came too late, or could not be any more:');
for (const [refusal, times] of refused) console.log(`${String(times).padStart(7)} times ${refusal}`);
process.exitCode = failed > 0 ? 1 : 0;
