/**
 * How long a graph takes to end while a peer of the network is waited for, per protocol, stage and way to end, in
 * milliseconds; each of them is to be below 2000. Only on a machine that does nothing else do the figures mean something.
 *
 *   npm run stress:network [-- PART_OF_A_STAGE]
 *   npm run stress:network -- --random 200 [--seed N] [--verbose]
 *       peers that stop anywhere, and graphs that end at any moment: as many as there are numbers from N on
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Graph } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import {
  endless,
  type InputCase,
  inputs,
  type OutputCase,
  outputs,
  SHORT_PROBE,
  ways,
} from '../../kit/quiet-stages.js';
import { stopSomewhere } from './random-peers.js';

/** ms after the peer was met in which the stage is reached. */
const SETTLE = 1000;
const MOST = 2000;

function reading({ url }: InputCase): Graph {
  const graph = new Graph({ threads: 1 });
  graph.decode({ input_path: url, dec_params: SHORT_PROBE }).video.module('null_sink', {});
  return graph;
}

async function measure<C extends InputCase | OutputCase>(
  one: C,
  build: (one: C) => Graph,
  way: string,
): Promise<number> {
  const graph = build(one);
  const abort = new AbortController();
  const run = graph.run({ signal: abort.signal }).then(
    () => {},
    () => {},
  );
  try {
    await Promise.race([one.peer?.met, run]);
    await Promise.race([sleep(SETTLE), run]);
    const begun = performance.now();
    ways[way]!.end(graph, abort);
    await run;
    return performance.now() - begun;
  } finally {
    one.peer?.close();
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    random: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    verbose: { type: 'boolean', default: false },
  },
});
const part = positionals[0] ?? '';
let late = 0;

async function print(title: string, measured: (way: string) => Promise<number>): Promise<void> {
  if (!title.includes(part)) return;
  const figures: string[] = [];
  for (const way of Object.keys(ways)) {
    const milliseconds = await measured(way);
    if (milliseconds > MOST) late++;
    figures.push(`${way} ${milliseconds.toFixed(0)}`);
  }
  console.log(`${title}: ${figures.join(', ')}`);
}

async function stages(): Promise<void> {
  for (const [stage, make] of Object.entries(inputs)) {
    await print(`input, ${stage}`, async (way) => measure(await make(), reading, way));
  }
  for (const [stage, make] of Object.entries(outputs)) {
    await print(`output, ${stage}`, async (way) =>
      measure(await make(), (one) => endless(new Graph({ threads: 1 }), [one]), way),
    );
  }
}

/** Each has a seed of its own: what is told with it can be had again, alone. */
async function anywhere(times: number, first: number): Promise<void> {
  const watch = new LeakWatch();
  const all: number[] = [];
  let starved = 0;
  for (let seed = first; seed < first + times; seed++) {
    const { what, took, waited, worked, left } = await stopSomewhere(seed);
    all.push(took);
    // Threads wait for processors side by side: what is late beyond all of it is late in any case.
    const isLate = took - waited > MOST;
    if (isLate || left) late++;
    else if (took > MOST) starved++;
    if (values.verbose || took > MOST || left) {
      const times = `${took.toFixed()} ms; threads worked ${worked.toFixed()} ms, waited ${waited.toFixed()} ms to do so`;
      console.log(`seed ${seed}: ${what}: ${times}${left && `, left ${left}`}`);
    }
    if (all.length % 20 === 0) console.log(`${all.length} of ${times}, to seed ${seed}`);
  }
  all.sort((a, b) => a - b);
  console.log(`${times} ends, median ${all[times >> 1]!.toFixed()} ms, most ${all.at(-1)!.toFixed()} ms`);
  if (starved > 0)
    console.log(`${starved} took longer because the machine had no time for them: try their seeds again`);
  watch.check();
}

await (values.random === undefined ? stages() : anywhere(Number(values.random), Number(values.seed)));
console.log(
  late === 0
    ? `none took longer than ${MOST} ms by itself, and nothing is left`
    : `${late} took longer than ${MOST} ms, or left something`,
);
process.exitCode = late === 0 ? 0 : 1;
