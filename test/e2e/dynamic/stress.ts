/**
 * Random changes of random running graphs, inline and on one, two and four threads. The short form runs inside `npm test`.
 *
 *   npm run stress:dynamic [-- sequences [seed]]
 *
 * One sequence is one graph. Each has a seed of its own, on which `-- 1 <seed>` begins again; what fails says its own.
 */
import { sharedThreads } from '../../kit/shared-threads.js';
import { changeAtRandom } from './random-changes.js';

const THREADS = [0, 1, 2, 4];
const [count = 10_000, first = 1] = process.argv.slice(2).map(Number);
if (!Number.isInteger(count) || !Number.isInteger(first)) throw new Error('sequences and seed are whole numbers');

// Threads take longer to start than most sequences take.
const graphOn = await sharedThreads(Math.max(...THREADS));
let failed = 0;
const began = performance.now();
console.log(`${count} sequences from seed ${first} on, on ${THREADS.join(', ')} threads in turn`);
for (let n = 0; n < count; n++) {
  const seed = first + n;
  const threads = THREADS[seed % THREADS.length]!;
  try {
    await changeAtRandom(seed, { threads, steps: 12, graphOn });
  } catch (error) {
    failed++;
    console.log(`seed ${seed} on ${threads} threads:`, error);
  }
  if ((n + 1) % 100 === 0)
    console.log(`${n + 1} of ${count}, ${failed} failed, ${Math.round((performance.now() - began) / 1000)} s`);
}
console.log(`${count} sequences, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
