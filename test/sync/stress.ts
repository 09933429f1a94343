/**
 * Random pads under every policy, every property of them checked.
 * Usage: node --import tsx test/sync/stress.ts [cases per policy]   (default 100,000)
 */
import { SYNC_MODES } from '../../src/sync/index.js';
import { checkCase } from './properties.js';

const cases = Number(process.argv[2] ?? 100_000);
// Other seeds than the short form, which has 1 to 1500.
const FIRST = 1_000_000;

for (const mode of SYNC_MODES) {
  const began = performance.now();
  for (let seed = FIRST; seed < FIRST + cases; seed++) checkCase(mode, seed);
  console.log(`ok: ${mode}: ${cases} cases in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
