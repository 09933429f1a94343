/**
 * Random changes of random running graphs, inline and on one, two and four threads. The short form runs inside `npm test`.
 *
 *   npm run stress:dynamic [-- sequences]
 */
import { changeAtRandom } from './random-changes.js';

const count = Number(process.argv[2] ?? 500);
for (let seed = 1; seed <= count; seed++) {
  for (const threads of [0, 1, 2, 4]) await changeAtRandom(seed, { threads, steps: 12 });
  if (seed % 25 === 0) console.log(`${seed} sequences, each on 0, 1, 2 and 4 threads`);
}
