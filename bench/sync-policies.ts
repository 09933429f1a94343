/**
 * Buffers per second through each synchronisation policy, on one core, and what a buffer costs with more pads.
 * Usage: node --import tsx bench/sync-policies.ts [--long]
 */

import { SYNC_MODES, Synchronizer, type SyncMode } from '../src/sync/index.js';
import { machine, type Row, table } from './core/kit.js';

const long = process.argv.includes('--long');
const BUFFERS = long ? 2_000_000 : 400_000;
const REPEATS = long ? 7 : 5;

interface Load {
  name: string;
  /** Nanoseconds between the buffers of a pad. */
  interval(pad: number): bigint;
}

const LOADS: readonly Load[] = [
  { name: 'all 30/s', interval: () => 33_333_333n },
  // The pads of the drops and of the reuse: 30, 20 and 10 buffers per second, as in NNStreamer's document.
  { name: '30, 20, 10/s', interval: (pad) => [33_333_333n, 50_000_000n, 100_000_000n][pad % 3]! },
];

interface Arrival {
  pad: number;
  pts: bigint;
}

/** In order of time, as live sources deliver; made beforehand, so that only the policy is measured. */
function arrivals(load: Load, pads: number): Arrival[] {
  const next = Array.from({ length: pads }, () => 0n);
  const all: Arrival[] = [];
  for (let now = 0n; all.length < BUFFERS; now += 16_666_666n) {
    for (let pad = 0; pad < pads; pad++) {
      for (; next[pad]! <= now; next[pad]! += load.interval(pad)) all.push({ pad, pts: next[pad]! });
    }
  }
  return all;
}

interface Figures {
  /** Nanoseconds per buffer. */
  cost: number;
  /** Buffers handed out in outputs, per buffer pushed: a reused one counts each time. */
  entries: number;
}

function measure(mode: SyncMode, pads: number, all: readonly Arrival[]): Figures {
  const option = mode === 'basepad' ? { option: '0:33333333' } : {};
  const synchronizer = new Synchronizer<number>({ mode, pads, ...option });
  let outputs = 0;
  const began = performance.now();
  for (const { pad, pts } of all) {
    for (const { inputs } of synchronizer.push(pad, { pts, value: pad })) {
      if (inputs.length !== pads) throw new Error(`an output of ${inputs.length} for ${pads} pads`);
      outputs++;
    }
  }
  const milliseconds = performance.now() - began;
  for (let pad = 0; pad < pads; pad++) outputs += synchronizer.end(pad).length;
  const { counters } = synchronizer;
  if (!synchronizer.finished || counters.some(({ received, used, dropped }) => received !== used + dropped)) {
    throw new Error(`${mode} with ${pads} pads lost count of its buffers`);
  }
  const given = counters.reduce((sum, { used, reused }) => sum + used + reused, 0);
  if (given !== outputs * pads) throw new Error(`${mode} with ${pads} pads: ${given} entries in ${outputs} outputs`);
  return { cost: (milliseconds * 1e6) / all.length, entries: given / all.length };
}

const rows: Row[] = [];
for (const load of LOADS) {
  for (const mode of SYNC_MODES) {
    let two = 0;
    for (const pads of [2, 4, 16, 64]) {
      const all = arrivals(load, pads);
      const runs = Array.from({ length: REPEATS }, () => measure(mode, pads, all)).sort((a, b) => a.cost - b.cost);
      const { cost, entries } = runs[0]!;
      // A buffer pays for itself and for the entries of the outputs it brings about.
      const share = cost / (1 + entries);
      if (pads === 2) two = share;
      rows.push({
        policy: mode,
        rates: load.name,
        pads,
        'M buffers/s': (1000 / cost).toFixed(1),
        'ns per buffer': Math.round(cost),
        'entries per buffer': entries.toFixed(1),
        'ns per buffer or entry': Math.round(share),
        'x 2 pads': (share / two).toFixed(2),
      });
    }
  }
}
console.log(`${machine()}; ${BUFFERS} buffers in order of time, fastest of ${REPEATS} runs, one thread\n`);
console.log(table(rows));
