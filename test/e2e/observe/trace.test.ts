/** `trace`: the file that Perfetto opens. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defineModule,
  Graph,
  type GraphError,
  type GraphOptionsInput,
  type MillraceError,
  type Module,
  syncModule,
  type TracePhase,
} from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';

interface TraceEvent {
  ph: string;
  name: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  cat?: string;
  id?: number;
  args: Record<string, unknown>;
}

const trace = suite<{ directory: string; file: string }>('trace');

trace.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'millrace-'));
  context.file = join(context.directory, 'trace.json');
});
trace.after.each(({ directory }) => rmSync(directory, { recursive: true }));

const read = (file: string): TraceEvent[] => JSON.parse(readFileSync(file, 'utf8')) as TraceEvent[];

/** As Perfetto does it: the array may lack its end, and the last event may be cut. */
function readUnfinished(file: string): TraceEvent[] {
  const text = readFileSync(file, 'utf8');
  return JSON.parse(`${text.slice(0, text.lastIndexOf('\n{')).replace(/,\s*$/, '')}]`) as TraceEvent[];
}

function chain(
  threads: number,
  middle = 'Relay',
  make = (options: GraphOptionsInput): Graph => new Graph(options),
): { graph: Graph; sink: TestSink } {
  const graph = make({ threads, graph_name: 'traced' });
  const source = add(graph, 'Scatter', { count: 50, outputs: 1 }, { alias: 'source' });
  const relay = add(graph, middle, {}, { alias: 'middle', inputs: [source] });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [relay], callback: sink.callback, alias: 'sink' });
  return { graph, sink };
}

const graphOn = await sharedThreads(2);

for (const threads of [0, 2]) {
  for (const middle of ['Relay', 'SlowRelay']) {
    trace(
      `threads: ${threads}: one slice per call (${middle}), none overlaps with another of its lane`,
      async ({ file }) => {
        const { graph } = chain(threads, middle, graphOn);
        const leaks = new LeakWatch();
        const report = await graph.run({ trace: file });
        leaks.check(report);
        assert.equal(report.warnings, []);
        const events = read(file);
        const slices = events.filter((event) => event.ph === 'X');
        for (const { alias, module, calls, packetsIn, packetsOut } of report.nodes) {
          const own = slices.filter((slice) => slice.name === alias);
          const sum = (arg: string): number => own.reduce((total, slice) => total + (slice.args[arg] as number), 0);
          assert.is(own.length, calls, alias);
          assert.equal([sum('in'), sum('out')], [packetsIn, packetsOut], alias);
          assert.ok(own.every((slice) => slice.cat === module));
          for (const part of ['init', 'close']) {
            assert.is(slices.filter((slice) => slice.name === `${alias}: ${part}`).length, 1, `${alias}: ${part}`);
          }
        }
        const times = slices
          .filter(({ name, args }) => name === 'sink' && args.in !== 0)
          .map(({ args }) => args.pts as number);
        assert.is(times[0], 0);
        assert.equal(
          times,
          [...times].sort((a, b) => a - b),
        );
        for (const lane of new Set(slices.map(({ tid }) => tid))) {
          const own = slices.filter(({ tid }) => tid === lane).sort((a, b) => a.ts - b.ts);
          own.forEach((slice, i) => {
            const next = own[i + 1];
            // Times have three digits.
            if (next)
              assert.ok(slice.ts + slice.dur! <= next.ts + 0.002, `${JSON.stringify(slice)} ${JSON.stringify(next)}`);
          });
          assert.ok(events.some(({ ph, name, tid }) => ph === 'M' && name === 'thread_name' && tid === lane));
        }
        assert.ok(slices.every(({ ts, dur }) => ts >= 0 && ts + dur! <= report.milliseconds * 1000 + 1000));
      },
    );
  }
}

trace('there is a lane per thread, and a counter per link that ends empty', async ({ file }) => {
  const { graph } = chain(2);
  await graph.run({ trace: file });
  const events = read(file);
  const lanes = events
    .filter(({ name }) => name === 'thread_name')
    .map(({ args }) => args.name as string)
    .filter((name) => !name.endsWith('asynchronous calls'));
  assert.is(lanes.length, 2);
  for (const alias of ['source', 'middle', 'sink']) assert.is(lanes.filter((lane) => lane.includes(alias)).length, 1);
  for (const name of ['queue source[0] -> middle[0]', 'queue middle[0] -> sink[0]']) {
    const levels = events.filter((event) => event.ph === 'C' && event.name === name).sort((a, b) => a.ts - b.ts);
    assert.ok(
      levels.some(({ args }) => (args.packets as number) > 0),
      name,
    );
    assert.ok(
      levels.every(({ args }) => (args.packets as number) >= 0),
      name,
    );
    assert.is(levels.at(-1)!.args.packets, 0, name);
  }
});

trace('lifted limits, dropped packets and errors are instants', async ({ file }) => {
  const graph = new Graph({ threads: 0, trace: file });
  const source = add(graph, 'Scatter', { count: 100, outputs: 2, spread: 'all' }, { alias: 'source' });
  const gather = add(
    graph,
    'Gather',
    { order: 'sequence' },
    { inputs: [source.output(0), source.output(1)], alias: 'g' },
  );
  const dropper = add(graph, 'Dropper', {}, { inputs: [gather], alias: 'dropper' });
  add(graph, 'Failing', { where: 'process', after: 20 }, { inputs: [dropper], alias: 'bad' });
  const error = await graph.run().then(
    () => undefined,
    (cause: GraphError) => cause,
  );
  assert.is(error?.code, 'ERR_MILLRACE_MODULE');
  const instants = read(file).filter(({ ph }) => ph === 'i');
  const lifted = instants.find(({ cat }) => cat === 'relief')!;
  assert.match(lifted.name, /^limit lifted: source\[\d\] -> g\[\d\]$/);
  assert.is(instants.find(({ name }) => name === 'error: bad')!.args.message, error!.message);
  const dropped = instants.filter(({ cat }) => cat === 'drop');
  assert.ok(dropped.length > 10);
  assert.is(dropped[0]!.name, 'dropper dropped 1');
});

trace(
  'a file that cannot be written is refused before anything starts, and the graph may run without',
  async ({ directory }) => {
    const { graph, sink } = chain(0);
    const refused = await graph.run({ trace: join(directory, 'no', 'trace.json') }).then(
      () => undefined,
      (error: MillraceError) => error,
    );
    assert.is(refused?.code, 'ERR_MILLRACE_OUTPUT');
    assert.match(refused!.message, /the trace file .*no\/trace\.json cannot be written: ENOENT/);
    await graph.run();
    assert.is(sink.packets.length, 50);
  },
);

trace('two graphs that run at the same time do not share a file', async ({ file }) => {
  const [one, two] = [chain(1), chain(0)];
  const run = one.graph.run({ trace: file });
  const refused = await two.graph.run({ trace: file }).then(
    () => undefined,
    (error: MillraceError) => error,
  );
  assert.match(refused!.message, /another graph is being traced into it/);
  await run;
  await two.graph.run({ trace: file });
  assert.ok(read(file).length > 50);
});

trace('without it nothing is written; run({ trace: 0 }) wins over the option of the graph', async ({ file }) => {
  const graph = new Graph({ threads: 0, trace: file });
  add(graph, 'Scatter', { count: 1, outputs: 1 });
  await graph.run({ trace: 0 });
  assert.not(existsSync(file));
});

trace(
  'a blocked calling thread does not hold the graph up: what finds no room is lost and counted',
  async ({ directory, file }) => {
    const graph = new Graph({ threads: 1 });
    const closed = join(directory, 'closed');
    // More calls than a buffer has room for.
    const count = 20_000;
    const source = add(graph, 'Scatter', { count, outputs: 1 });
    add(graph, 'Signer', { file: closed }, { inputs: [source] });
    const run = graph.run({ trace: file });
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    for (let waited = 0; waited < 30_000 && !existsSync(closed); waited += 20) Atomics.wait(sleeper, 0, 0, 20);
    assert.is((JSON.parse(readFileSync(closed, 'utf8')) as { packets: number }).packets, count);
    const report = await run;
    const [, lost] = /^(\d+) events of the trace were lost/.exec(report.warnings.join('\n'))!;
    const calls = report.nodes.reduce((sum, node) => sum + node.calls, 0);
    const slices = read(file).filter(({ ph }) => ph === 'X');
    // Every node was initialised and closed, too.
    assert.is(slices.length + Number(lost), calls + 2 * report.nodes.length);
  },
);

trace('what modules tell stands in the trace, with what is known of it', async ({ file }) => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle.self = cycle;
  const told: [name: string, data?: unknown, phase?: TracePhase][] = [
    ['plain'],
    ['found', { boxes: [1, 2], at: 7n, text: 'ü' }],
    ['cycle', cycle],
    ['long', 'x'.repeat(9000)],
    ['work', undefined, 'begin'],
    ['work', { n: 2 }, 'end'],
  ];
  const wrong: string[] = [];
  const teller = defineModule({
    init(ctx) {
      for (const event of told) ctx.trace(...event);
      for (const event of [[''], [5], ['x', 1, 'middle']]) {
        try {
          ctx.trace(...(event as [string]));
        } catch (error) {
          wrong.push((error as MillraceError).message);
        }
      }
    },
    process: (task) => task.done(),
  });
  const graph = new Graph({ threads: 0 });
  graph.module(teller, {}, { alias: 'teller' });
  await graph.run({ trace: file });
  const events = read(file).filter(({ cat }) => cat === 'user');
  assert.equal(
    events.map(({ ph, name }) => [ph, name]),
    [
      ['i', 'plain'],
      ['i', 'found'],
      ['i', 'cycle'],
      ['i', 'long'],
      ['b', 'work'],
      ['e', 'work'],
    ],
  );
  const [plain, found, circular, long, begin, end] = events.map(({ args }) => args);
  assert.equal(plain, { node: 'teller' });
  assert.equal(found, { node: 'teller', data: { boxes: [1, 2], at: '7', text: 'ü' } });
  assert.match(String(circular!.data), /Circular/);
  assert.match(String(long!.data), /^"x{3999} …$/);
  assert.equal([begin, end], [{ node: 'teller' }, { node: 'teller', data: { n: 2 } }]);
  assert.is(new Set(events.slice(4).map(({ id }) => id)).size, 1);
  assert.equal(wrong.length, 3);
  assert.match(wrong.join(), /ctx\.trace\(""\) has no name.*ctx\.trace\(5\) has no name.*"middle"\) is of no phase/);
  // Without a trace, and in calls, it does nothing.
  await untraced(teller);
});

async function untraced(teller: Module): Promise<void> {
  const graph = new Graph({ threads: 0 });
  graph.module(teller);
  await graph.run();
  using called = syncModule(teller, {}, [], []);
  called.process();
}

trace('what a crash leaves behind can be opened, and holds the last moments of an exit', ({ directory, file }) => {
  const script = join(directory, 'crash.mjs');
  const modules = new URL('../../fixtures/modules/plain.mjs', import.meta.url).href;
  const millrace = new URL('../../../dist/index.js', import.meta.url).href;
  writeFileSync(
    script,
    `import { Graph } from ${JSON.stringify(millrace)};
    const graph = new Graph({ threads: 1, trace: ${JSON.stringify(file)} });
    graph.module({ name: 'source', path: ${JSON.stringify(modules)}, entry: 'Endless' }, {}, { alias: 'source' });
    graph.run();
    setInterval(() => {
      if (graph.stats().nodes[0].calls < 500) return;
      if (process.argv[2] === 'kill') process.kill(process.pid, 'SIGKILL');
      else process.exit(3);
    }, 5);
    `,
  );
  const exited = spawnSync(process.execPath, [script, 'exit'], { timeout: 20_000 });
  assert.is(exited.status, 3, String(exited.stderr));
  const slices = readUnfinished(file).filter(({ ph, name }) => ph === 'X' && name === 'source');
  assert.ok(slices.length > 400, `${slices.length}`);
  const killed = spawnSync(process.execPath, [script, 'kill'], { timeout: 20_000 });
  assert.is(killed.signal, 'SIGKILL');
  assert.ok(readUnfinished(file).some(({ name }) => name === 'process_name'));
});

trace.run();
