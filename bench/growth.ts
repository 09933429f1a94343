/**
 * What it costs to hand a number on, in graphs that grow: chains of modules in one and in two threads, an output with
 * many consumers, many graphs on one Runtime. Microseconds of wall per hop, beside the smallest graph of the same kind.
 *
 *   npm run bench:growth [-- --long] [part of a title]
 */
import { Runtime } from 'millrace';
import type { Graph } from '../src/graph/graph.js';
import { machine, quantile, type Row, ratio, table } from './core/kit.js';
import { built, long } from './kit.js';

const rounds = long ? 5 : 3;
/** Hops of one measurement: enough for the compilers to have come to rest. */
const HOPS = long ? 2_000_000 : 400_000;
const only = process.argv.slice(2).find((argument) => !argument.startsWith('--')) ?? '';

const path = new URL('bench-modules.js', built.dist).href;
const module = (entry: string) => ({ name: entry, path, entry });

/** The modules of a graph, all of whose packets are taken at the same time. */
class Counted {
  readonly packets: number;
  private began = 0;
  private ended = 0;

  /** @param hops of one packet. */
  constructor(
    private readonly graph: Graph,
    private readonly hops: number,
  ) {
    this.packets = Math.max(200, Math.round(HOPS / hops));
  }

  source(scheduler = 0): ReturnType<Graph['module']> {
    const callback = (_: string | number, value: unknown): void => {
      this.began = value as number;
    };
    return this.graph.module(module('CountSource'), { packets: this.packets }, { scheduler, callback });
  }

  sink(stream: ReturnType<Graph['module']>, scheduler = 0): void {
    const callback = (_: string | number, value: unknown): void => {
      this.ended = value as number;
    };
    stream.module(module('CountSink'), { packets: this.packets }, { scheduler, callback });
  }

  /** Microseconds per hop. */
  async run(): Promise<number> {
    await this.graph.run();
    if (this.ended === 0) throw new Error('the graph ended before all packets had come');
    return ((this.ended - this.began) * 1000) / (this.packets * this.hops);
  }
}

/** Source, `actors - 2` modules that hand on, sink. The second thread has the second half. */
function measureChain(actors: number, threads: number): Promise<number> {
  const graph = new built.Graph({ threads });
  const counted = new Counted(graph, actors - 1);
  const scheduler = (index: number): number => (index < actors / 2 ? 0 : threads - 1);
  let stream = counted.source();
  for (let index = 1; index < actors - 1; index++) {
    stream = stream.module(module('Hand'), {}, { scheduler: scheduler(index) });
  }
  counted.sink(stream, scheduler(actors - 1));
  return counted.run();
}

/** One source, so many sinks. */
function measureFan(consumers: number): Promise<number> {
  const counted = new Counted(new built.Graph({ threads: 1 }), consumers);
  const stream = counted.source();
  for (let index = 0; index < consumers; index++) counted.sink(stream);
  return counted.run();
}

/** So many chains of four at once; wall from the first start to the last end. */
async function measureGraphs(count: number): Promise<number> {
  const runtime = new Runtime({ threads: 1 });
  try {
    const packets = Math.max(200, Math.round(HOPS / (3 * count)));
    const started = performance.now();
    await Promise.all(
      Array.from({ length: count }, () => {
        const graph = new built.Graph({ runtime });
        let stream = graph.module(module('CountSource'), { packets }, { callback: () => {} });
        stream = stream.module(module('Hand'), {}).module(module('Hand'), {});
        stream.module(module('CountSink'), { packets }, { callback: () => {} });
        return graph.run();
      }),
    );
    return ((performance.now() - started) * 1000) / (packets * 3 * count);
  } finally {
    await runtime.close();
  }
}

interface Contest {
  title: string;
  what: string;
  sizes: readonly number[];
  measure(size: number): Promise<number>;
}

const CONTESTS: readonly Contest[] = [
  {
    title: 'a chain in one thread',
    what: 'actors',
    sizes: [8, 64, 256, 1000],
    measure: (size) => measureChain(size, 1),
  },
  {
    title: 'a chain in two threads',
    what: 'actors',
    sizes: [8, 64, 256, 1000],
    measure: (size) => measureChain(size, 2),
  },
  { title: 'one output, many consumers', what: 'consumers', sizes: [1, 8, 16, 64], measure: measureFan },
  { title: 'many graphs on one thread', what: 'graphs', sizes: [1, 10, 50, 200], measure: measureGraphs },
];

console.log(`${machine()}; median of ${rounds}\n`);
for (const { title, what, sizes, measure } of CONTESTS.filter((contest) => contest.title.includes(only))) {
  const found = new Map<number, number[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < rounds; round++) for (const size of sizes) found.get(size)!.push(await measure(size));
  const first = quantile(found.get(sizes[0]!)!);
  const rows = sizes.map((size): Row => {
    const value = quantile(found.get(size)!);
    return {
      [title]: `${size} ${what}`,
      'us per hop': value.toFixed(2),
      [`x ${sizes[0]} ${what}`]: ratio(value, first),
    };
  });
  console.log(`${table(rows)}\n`);
}
