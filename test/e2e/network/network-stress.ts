/**
 * How long a graph takes to end while a peer of the network is waited for, per protocol, stage and way to end, in
 * milliseconds; each of them is to be below 2000. Only on a machine that does nothing else do the figures mean something.
 *
 *   npm run stress:network [-- PART_OF_A_STAGE]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Graph } from 'millrace';
import {
  endless,
  type InputCase,
  inputs,
  type OutputCase,
  outputs,
  SHORT_PROBE,
  ways,
} from '../../kit/quiet-stages.js';

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

const part = process.argv[2] ?? '';
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

for (const [stage, make] of Object.entries(inputs)) {
  await print(`input, ${stage}`, async (way) => measure(await make(), reading, way));
}
for (const [stage, make] of Object.entries(outputs)) {
  await print(`output, ${stage}`, async (way) =>
    measure(await make(), (one) => endless(new Graph({ threads: 1 }), [one]), way),
  );
}
console.log(late === 0 ? `all below ${MOST} ms` : `${late} took longer than ${MOST} ms`);
process.exitCode = late === 0 ? 0 : 1;
