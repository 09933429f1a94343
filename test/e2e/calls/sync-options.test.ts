/** What the policies add to NNStreamer's, in graphs of actors in threads: timeouts, limits, traces, wrong settings. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, type NodeHandle, type NodeParameters, type Report } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SyncEvent, Synchronizer } from '../../../src/sync/index.js';
import { addJoin, JOINS } from '../../kit/joins.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const options = suite('options of policies in graphs');
const graphOn = await sharedThreads(3, ['slow', 'join']);

type Buffers = { id: string; pts: string }[];
/** `count` buffers, one each `interval` ms. */
const buffers = (name: string, count: number, interval: number): Buffers =>
  Array.from({ length: count }, (_, n) => ({ id: `${name}${n}`, pts: String(n * interval * 1_000_000) }));

interface Muxed {
  ids: string[];
  report: Report;
}

async function muxed(
  graph: Graph,
  inputs: NodeHandle[],
  settings: object,
  parameters: NodeParameters = {},
): Promise<Muxed> {
  const sink = new TestSink();
  graph
    .module('mux', settings, { inputs, alias: 'join', ...parameters })
    .module({ name: 'bundles', path: JOINS, entry: 'Bundles' }, {})
    .module(sink.spec, sink.options, { callback: sink.callback });
  const report = await graph.run();
  const ids = sink.packets.map(({ value }) =>
    (value as { ids: (string | null)[] }).ids.map((id) => id ?? '-').join(' '),
  );
  return { ids, report };
}

async function failure(run: () => unknown): Promise<Error & { code: string }> {
  try {
    await run();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it did not fail');
}

options('an input that falls silent while its source sleeps is left after its own timeout', async () => {
  const watch = new LeakWatch();
  for (const threads of [0, 3]) {
    const graph = graphOn({ threads });
    const inputs = [
      addJoin(graph, 'Pad', { buffers: buffers('a', 4, 40), seed: 1 }),
      addJoin(graph, 'Late', { buffers: buffers('b', 2, 40), pause: 500 }),
    ];
    const { ids } = await muxed(graph, inputs, { sync_mode: 'nosync', timeout: [null, 0.05] });
    assert.equal(ids, ['a0 b0', 'a1 b0', 'a2 b0', 'a3 b0'], `threads: ${threads}`);
  }
  await watch.check();
});

options('the time in which other nodes begin is no silence', async () => {
  const graph = graphOn({ threads: 3 });
  const late = addJoin(graph, 'Late', { buffers: buffers('b', 2, 40), pause: 50 });
  const slow = addJoin(graph, 'SlowStart', { milliseconds: 1200 }, { inputs: [late], thread: 'slow' });
  const inputs = [addJoin(graph, 'Pad', { buffers: buffers('a', 2, 40), seed: 1 }), slow];
  const { ids } = await muxed(graph, inputs, { sync_mode: 'nosync', timeout: 1 }, { thread: 'join' });
  assert.equal(ids, ['a0 b0', 'a1 b1']);
});

options('what waits for a late input beyond max_queue is given up by drop_policy, or fails the graph', async () => {
  const watch = new LeakWatch();
  const run = (settings: object): Promise<Muxed> => {
    const graph = graphOn({ threads: 3 });
    const inputs = [
      addJoin(graph, 'Pad', { buffers: buffers('a', 20, 40), seed: 1 }),
      addJoin(graph, 'Late', { buffers: buffers('b', 2, 40), pause: 600 }),
    ];
    return muxed(graph, inputs, { sync_mode: 'nosync', ...settings });
  };
  const newest = await run({ max_queue: 3, drop_policy: 'newest' });
  assert.equal(newest.ids, ['a0 b0', 'a1 b1']);
  const oldest = await run({ max_queue: [3, null], drop_policy: 'oldest' });
  assert.is(oldest.ids.length, 2);
  assert.match(oldest.ids[1]!, /^a([2-9]|1\d) b1$/);
  for (const { report } of [newest, oldest]) {
    const { packetsIn, dropped } = report.nodes.find(({ alias }) => alias === 'join')!;
    // Two of each input were used. What it did not take before the end stays in the link.
    assert.is(dropped, packetsIn - 4);
    assert.ok(dropped > 0);
  }
  const error = await failure(() => run({ max_queue: 3 }));
  assert.is(error.code, 'ERR_MILLRACE_QUEUE_FULL');
  assert.match(error.message, /"join" \(mux\).*Pad 0: 3 buffers wait/);
  await watch.check();
});

interface Instant {
  ph: string;
  name: string;
  cat: string;
  tid: number;
  args: Record<string, unknown>;
}

/** Runs it traced; the instants of drops and reuses, and the lane of the calls of `join`. */
async function traced(
  run: (trace: string) => Promise<Muxed>,
): Promise<{ instants: Instant[]; lane: number | undefined; report: Report }> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-'));
  try {
    const file = join(directory, 'trace.json');
    const { report } = await run(file);
    const events = JSON.parse(readFileSync(file, 'utf8')) as Instant[];
    const lane = events.find(({ ph, name }) => ph === 'X' && name === 'join')?.tid;
    return {
      instants: events.filter(({ ph, cat }) => ph === 'i' && (cat === 'drop' || cat === 'reuse')),
      lane,
      report,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const RATES: [string, number, number][] = [
  ['a', 24, 33],
  ['b', 16, 50],
  ['c', 8, 100],
];

/** What the policy alone does with the same buffers, as the trace has it; sorted, for the ends come in another order. */
function alone(mode: 'slowest' | 'basepad', option: string | undefined): string[] {
  const events: SyncEvent[] = [];
  const synchronizer = new Synchronizer<string>({
    mode,
    pads: RATES.length,
    ...(option !== undefined && { option }),
    trace: (event) => events.push(event),
  });
  RATES.forEach((rate, pad) => {
    for (const { id, pts } of buffers(...rate)) synchronizer.push(pad, { pts: BigInt(pts), value: id });
    synchronizer.end(pad);
  });
  return events
    .filter((event) => event.kind === 'reuse' || event.reason === 'superseded')
    .map(line)
    .sort();
}

const line = (event: SyncEvent): string =>
  `${event.kind} ${event.pad} ${Number(event.pts) / 1000} ${event.kind === 'drop' ? event.reason : Number(event.output) / 1000}`;

for (const mode of ['slowest', 'basepad'] as const) {
  options(`the trace of a ${mode} has an instant for every drop and every reuse, on the lane of the node`, async () => {
    const option = mode === 'basepad' ? '0:33000000' : undefined;
    for (const threads of [0, 2]) {
      const { instants, lane, report } = await traced((trace) => {
        const graph = graphOn({ threads, trace });
        const inputs = RATES.map((rate) => addJoin(graph, 'Pad', { buffers: buffers(...rate), seed: 1 }));
        return muxed(graph, inputs, { sync_mode: mode, ...(option !== undefined && { sync_option: option }) });
      });
      const told = instants.filter(({ args }) => args.reason !== 'end');
      assert.equal(
        told.map(({ cat, args }) => `${cat} ${args.pad} ${args.pts} ${args.reason ?? args.output}`).sort(),
        alone(mode, option),
      );
      for (const { name, cat, tid, args } of instants) {
        assert.equal([name, args.node, args.input, tid], [`${cat}: join[${args.pad}]`, 'join', args.pad, lane]);
      }
      const { dropped, duplicated } = report.nodes.find(({ alias }) => alias === 'join')!;
      const count = (kind: string): number => instants.filter(({ cat }) => cat === kind).length;
      assert.equal([count('drop'), count('reuse')], [dropped, duplicated]);
      assert.ok(dropped + duplicated > 10);
    }
  });
}

options('settings that an input manager does not have are refused with their place', async () => {
  const graph = new Graph();
  const inputs = [addJoin(graph, 'Pad', { buffers: [] })];
  const given = { mode: 'framesync', timeout: 2 } as const;
  const error = await failure(() => graph.module('null_sink', {}, { inputs, inputManager: given }) && graph.run());
  assert.match(error.message, /timeout.*the input manager framesync has no settings/);
  const twice = { mode: 'nosync', maxQueue: 2, max_queue: 3 } as const;
  const again = await failure(() => new Graph().module('null_sink', {}, { inputManager: twice as never }));
  assert.match(again.message, /max_queue.*given as maxQueue too/);
});

options('lists of timeouts and limits go through a graph file', () => {
  const graph = new Graph();
  const inputs = [addJoin(graph, 'Pad', { buffers: [] }), addJoin(graph, 'Pad', { buffers: [] })];
  const inputManager = { mode: 'slowest', timeout: [null, 2], maxQueue: [3, null], dropPolicy: 'newest' } as const;
  graph.module('null_sink', {}, { inputs, inputManager, alias: 'end' });
  const written = { mode: 'slowest', timeout: [null, 2], max_queue: [3, null], drop_policy: 'newest' };
  const config = graph.toConfig();
  assert.equal(config.nodes.find(({ alias }) => alias === 'end')?.input_manager, written);
  const again = Graph.fromConfig(JSON.stringify(config), { allow: { modules: true } });
  assert.equal(again.toConfig().nodes.find(({ alias }) => alias === 'end')?.input_manager, written);
});

options('mux and merge refuse to work on what nobody has put together', async () => {
  for (const name of ['mux', 'merge'] as const) {
    const graph = new Graph({ threads: 0 });
    const inputs = [
      addJoin(graph, 'Tensors', { shape: [1], count: 2 }),
      addJoin(graph, 'Tensors', { shape: [1], count: 2 }),
    ];
    graph.module(name, {}, { inputs, inputManager: 'immediate' });
    const error = await failure(() => graph.run());
    assert.match(error.message, new RegExp(`${name}: the input manager 'immediate' does not put packets together`));
  }
});

options('mux and merge work under default as well, where one input ends before the other', async () => {
  const seen: string[] = [];
  for (const name of ['mux', 'merge'] as const) {
    const graph = new Graph({ threads: 0 });
    const inputs = [3, 1].map((count) => addJoin(graph, 'Tensors', { shape: [1], count }));
    graph.module(name, {}, { inputs, inputManager: 'default' }).module({
      process(task) {
        for (const { payload, isEof } of task.inputs.get(0) ?? []) {
          if (!isEof)
            seen.push(
              name === 'mux' ? `${[...(payload as unknown[])].length}` : String((payload as { shape: number[] }).shape),
            );
        }
      },
    });
    await graph.run();
  }
  assert.equal(seen, ['2', '2', '2', '2', '1', '1']);
});

options.run();
