/** Random graphs whose joins read their inputs in an order of their own: the worst there is for bounded queues. */
import { Graph, type GraphOptionsInput, type Stream } from 'millrace';
import { TestSink } from 'millrace/testing';
import { random } from '../fixtures/modules/plain.mjs';
import { add } from './modules.js';

export interface RandomGraph {
  graph: Graph;
  sink: TestSink;
  /** Packets that must arrive at the sink. */
  expected: number;
  /** Of these, packets that pass no node that may fail. */
  sure: number;
}

interface Open {
  stream: Stream;
  /** How often it carries what of a source. */
  weight: Map<string, number>;
  /** A node before it may fail. */
  sure: Map<string, number>;
}

/**
 * @param options.scatter nodes go to random ones of that many threads; `graphOn`: makes the graph; `failing`: so many of 100
 *   relays fail after a while, and end alone.
 */
export function randomGraph(
  seed: number,
  options: {
    threads: number | 'auto';
    scatter?: number;
    graphOn?: (options: GraphOptionsInput) => Graph;
    failing?: number;
  },
): RandomGraph {
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  const { threads, graphOn = (given) => new Graph(given), failing = 0 } = options;
  const graph = graphOn({ threads, queue_length_limit: 1 + below(4) });
  const placed = () => (options.scatter === undefined ? {} : { scheduler: below(options.scatter) });
  // How many packets each open stream will carry is only known for the sum: every open stream ends in the last join,
  // and a stream that is read twice counts twice.
  const open: Open[] = [];
  const carried = new Map<string, number>();

  for (let i = 0, sources = 1 + below(2); i < sources; i++) {
    const outputs = 1 + below(3);
    const count = 20 + below(100);
    const spread = (['all', 'random', 'runs'] as const)[below(3)]!;
    const source = add(graph, 'Scatter', { count, outputs, spread, seed: seed * 7 + i }, placed());
    countPackets(`${i}`, count, outputs, spread, seed * 7 + i, carried);
    for (let id = 0; id < outputs; id++) {
      const weight = new Map([[`${i}:${id}`, 1]]);
      open.push({ stream: source.output(id), weight, sure: weight });
    }
  }
  const take = () => open.splice(below(open.length), 1)[0]!;
  for (let i = 0, steps = 2 + below(6); i < steps; i++) {
    if (below(4) === 0 || open.length < 2) {
      const from = take();
      // An asynchronous relay is alive while it does nothing that shows: no deadlock, however full its input is.
      const entry = next() < 0.3 ? 'SlowRelay' : 'Relay';
      if (failing > 0 && below(100) < failing) {
        const where = { where: below(2) === 0 ? 'process' : 'reject', after: below(20) };
        const relay = add(graph, 'Failing', where, { ...placed(), inputs: [from.stream], on_error: 'drop-branch' });
        open.push({ stream: relay, weight: new Map(from.weight), sure: new Map() });
      } else {
        const relay = add(graph, entry, { every: 4 }, { ...placed(), inputs: [from.stream] });
        open.push({ stream: relay, weight: new Map(from.weight), sure: new Map(from.sure) });
      }
      if (next() < 0.4) open.push(from); // read by somebody else as well
    } else {
      const joined = Array.from({ length: Math.min(open.length, 2 + below(2)) }, take);
      open.push(join(joined));
    }
  }
  const last = join(open.splice(0));
  const sink = new TestSink(next() < 0.2 ? { delay: 1 } : {});
  graph.module(sink.spec, sink.options, { inputs: [last.stream], callback: sink.callback });
  const sum = (weight: Map<string, number>): number =>
    [...weight].reduce((total, [key, times]) => total + times * carried.get(key)!, 0);
  return { graph, sink, expected: sum(last.weight), sure: sum(last.sure) };

  function join(parts: readonly Open[]): Open {
    const order = next() < 0.5 ? 'sequence' : 'random';
    const inputs = parts.map((part) => part.stream);
    const gather = add(graph, 'Gather', { order, seed }, { ...placed(), inputs });
    return { stream: gather, weight: together(parts, 'weight'), sure: together(parts, 'sure') };
  }

  function together(parts: readonly Open[], which: 'weight' | 'sure'): Map<string, number> {
    const all = new Map<string, number>();
    for (const part of parts) for (const [key, times] of part[which]) all.set(key, (all.get(key) ?? 0) + times);
    return all;
  }
}

/** Runs the source's own choice of outputs without a graph. */
function countPackets(
  name: string,
  count: number,
  outputs: number,
  spread: 'all' | 'random' | 'runs',
  seed: number,
  carried: Map<string, number>,
): void {
  const next = random(seed);
  const sums = new Array<number>(outputs).fill(spread === 'all' ? count : 0);
  let run = 0;
  let target = 0;
  for (let n = 0; n < count && spread !== 'all'; n++) {
    if (spread !== 'runs' || run-- <= 0) {
      target = Math.floor(next() * outputs);
      run = Math.floor(next() * 60);
    }
    sums[target]!++;
  }
  sums.forEach((sum, id) => {
    carried.set(`${name}:${id}`, sum);
  });
}
