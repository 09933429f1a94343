/**
 * How soon changes of a running graph take effect: milliseconds from the call until its promise resolves, in a graph of 100 nodes
 * through which packets go all the time, and whether the branches that stay have got every one of them.
 *
 *   npm run bench:dynamic [-- --long]
 */
import type { NodeHandle, Packet } from 'millrace';
import { TestSink, TestSource } from 'millrace/testing';
import { machine, quantile, type Row, table } from './core/kit.js';
import { built, long } from './kit.js';

const NODES = 100;
const rounds = long ? 200 : 40;
/** Milliseconds between two packets. */
const PACE = 2;
const INTERVAL = 40_000;

async function measure(threads: number): Promise<Row[]> {
  const graph = new built.Graph({ threads });
  const place = (n: number): { scheduler?: number } => (threads > 1 ? { scheduler: n % threads } : {});
  const source = new TestSource({ kind: 'video', interval: INTERVAL, delay: PACE });
  const root = graph.module(source.spec, source.options, { alias: 'root' });
  const staying: TestSink[] = [];
  const read = (stream: NodeHandle, n: number): NodeHandle => {
    const sink = new TestSink();
    staying.push(sink);
    return graph.module(sink.spec, sink.options, { inputs: [stream], callback: sink.callback, ...place(n) });
  };
  // Ten branches: what hands on, and at the end of each who looks at what has come.
  let nodes = 1;
  const ends = Array.from({ length: 10 }, (_, branch) => {
    let stream = root;
    for (; nodes < (NODES / 10) * (branch + 1) - 1; nodes++) {
      stream = stream.module('pass_through', {}, place(branch));
    }
    nodes++;
    return read(stream, branch) && stream;
  });
  const stage = ends[0]!.module('c_ffmpeg_filter', { graph: '[0]null[0]' }, { alias: 'stage' });
  stage.module('null_sink');
  const fade = ends[1]!.filter('eq', { brightness: 0, alias: 'eq' });
  fade.module('null_sink');
  await graph.start();
  while (graph.status().nodes.some(({ packetsIn, packetsOut }) => packetsIn + packetsOut === 0)) await turn();

  const found = new Map<string, number[]>();
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    const list = found.get(what) ?? [];
    list.push(performance.now() - began);
    found.set(what, list);
    return result;
  };
  for (let round = 0; round < rounds; round++) {
    const from = ends[round % ends.length]!;
    const branch = await timed('addNode: a node and its consumer', () =>
      graph.addNode(() => {
        const made = from.module('pass_through', {});
        made.module('null_sink');
        return made;
      }),
    );
    const filter = await timed('addNode: a filter and its consumer', () =>
      graph.addNode(() => {
        const made = from.scale(32, 18);
        made.module('null_sink');
        return made;
      }),
    );
    const reader = await timed('addNode: a reader of the program', () => graph.addNode(() => from.packets()));
    const { value } = await timed('its first packet', () => reader.next());
    (value as Packet).close();
    await reader.return();
    await timed('removeNode', () => graph.removeNode(branch));
    await graph.removeNode(filter);
    await timed('reset by a command of FFmpeg', () => fade.reset({ brightness: (round % 10) / 20 }));
    await timed('reset by another filter graph', () =>
      stage.reset({ graph: `[0]null${',null'.repeat(1 + (round % 2))}[0]` }),
    );
    const [guest, reset] = await timed('an input joins a mixer', () =>
      graph.addNode(() => {
        const still = new TestSource({ kind: 'video', count: 1 });
        const made = graph.module(still.spec, still.options);
        const input = round + 1;
        graph.connect(made, stage, input, { graph: `[0][${input}]overlay=eof_action=pass[0]` });
        return [made, () => stage.reset({ graph: '[0]null[0]' })] as const;
      }),
    );
    await graph.removeNode(guest);
    // It has been seen, or has left before.
    while (
      (await reset().then(
        () => true,
        () => false,
      )) === false
    )
      await turn();
    await timed('pause and resume', async () => {
      graph.pause();
      graph.resume();
    });
  }
  graph.stop();
  const report = await graph.close();
  const made = report.nodes.find(({ alias }) => alias === 'root')!.packetsOut;
  for (const { packets } of staying) {
    if (packets.length !== made) throw new Error(`a branch that stays has ${packets.length} of ${made} packets`);
    packets.forEach(({ timestamp }, n) => {
      if (timestamp !== n * INTERVAL) throw new Error(`packet ${n} of a branch that stays is ${timestamp! / INTERVAL}`);
    });
  }
  return [...found].map(([change, times]): Row => {
    const [median, most] = [quantile(times), quantile(times, 0.95)];
    return { change, threads, 'median ms': median.toFixed(2), '95 % ms': most.toFixed(2) };
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

console.log(`${machine()}; ${NODES} nodes, a packet every ${PACE} ms, ${rounds} times each\n`);
const rows: Row[] = [];
for (const threads of [1, 2]) rows.push(...(await measure(threads)));
console.log(table(rows));
