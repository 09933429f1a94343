/**
 * Joins under random schedules: sources that pause at random, in threads of their own, with queues of random length.
 * `slowest`, `basepad`, `framesync` and `default` must give the same every time. The short form runs inside `npm test`.
 *
 *   npm run stress:schedules [-- count]
 */
import { fileURLToPath } from 'node:url';
import { Graph, type GraphOptionsInput } from 'millrace';
import { TestSink } from 'millrace/testing';
import { JOINS } from '../../kit/joins.js';

const MANAGERS = ['slowest', { mode: 'basepad', option: '1:50000000' }, 'framesync', 'default'] as const;
/** Milliseconds: rates of 30, 20 and 10 a second, with gaps and jitter. */
const STREAMS = [
  [0, 33, 66, 100, 133, 200, 233, 266, 300],
  [0, 50, 101, 150, 199, 250, 300],
  [10, 100, 200, 290, 310],
];

type GraphMaker = (options: GraphOptionsInput) => Graph;

/** Runs one graph and tells what the module was called with. */
async function groups(manager: (typeof MANAGERS)[number], seed: number, graphOn: GraphMaker): Promise<string> {
  const graph = graphOn({ threads: 1 + (seed % 4), queue_length_limit: 1 + (seed % 5) });
  const inputs = STREAMS.map((times, i) =>
    graph.module(
      { name: 'times', path: JOINS, entry: 'Times' },
      { times: times.map((time) => time * 1000), delay: seed === 0 ? 0 : 4, seed: seed * 3 + i },
    ),
  );
  const sink = new TestSink();
  graph
    .module({ name: 'groups', path: JOINS, entry: 'Groups' }, {}, { inputs, inputManager: manager })
    .module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  return sink.packets
    .map(({ value }) => JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item)))
    .join('\n');
}

/** @throws Error with both results when a schedule changes one. */
export async function checkSchedules(
  count: number,
  graphOn: GraphMaker = (options) => new Graph(options),
): Promise<void> {
  for (const manager of MANAGERS) {
    const expected = await groups(manager, 0, graphOn);
    for (let seed = 1; seed <= count / MANAGERS.length; seed++) {
      const seen = await groups(manager, seed, graphOn);
      if (seen === expected) continue;
      throw new Error(`${JSON.stringify(manager)}, seed ${seed}:\n${seen}\ninstead of\n${expected}`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const count = Number(process.argv[2] ?? 1000);
  await checkSchedules(count);
  console.log(`${count} schedules, the same result under each`);
}
