import { Graph, type NodeHandle, type NodeParameters } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addJoin, JOINS } from '../../kit/joins.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { checkSchedules } from './schedules.js';

const managers = suite('input managers');
const graphOn = await sharedThreads(4);

type Manager = NonNullable<NodeParameters['inputManager']>;
type Times = readonly (number | 'pause' | null)[];

function times(graph: Graph, list: Times, options: object = {}): NodeHandle {
  return addJoin(graph, 'Times', { times: list, ...options });
}

interface Seen {
  pts: bigint | undefined;
  inputs: Record<string, string[]>;
}

/** What the module under that manager was called with. */
async function groups(
  manager: Manager,
  inputs: readonly Times[],
  options: { threads?: number; delay?: number; seed?: number } = {},
): Promise<Seen[]> {
  const { threads = 2, delay = 0, seed = 1 } = options;
  const graph = graphOn({ threads });
  const streams = inputs.map((list, i) => times(graph, list, { delay, seed: seed * 31 + i }));
  const sink = new TestSink();
  const join = graph.module(
    { name: 'groups', path: JOINS, entry: 'Groups' },
    {},
    { inputs: streams, inputManager: manager },
  );
  join.module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  return sink.packets.map((packet) => packet.value as Seen);
}

/** `0:a b | 1:c` per group. */
function lines(seen: readonly Seen[]): string[] {
  return seen.map(({ inputs }) =>
    Object.entries(inputs)
      .map(([id, packets]) => `${id}:${packets.join(' ')}`)
      .join(' | '),
  );
}

async function rejects(work: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  try {
    await work;
  } catch (error) {
    assert.is((error as { code: string }).code, code);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable('it did not fail');
}

const CASES: { manager: Manager; inputs: Times[]; expected: string[] }[] = [
  {
    manager: 'default',
    inputs: [
      [0, 10, 20, 30],
      [0, 20, 40],
      [15, 20],
    ],
    expected: [
      '0:0@0 | 1:0@0',
      '0:1@10',
      '2:0@15',
      '0:2@20 | 1:1@20 | 2:1@20',
      '0:3@30 | 2:eof',
      '0:eof | 1:2@40',
      '1:eof',
    ],
  },
  { manager: 'default', inputs: [[], []], expected: ['0:eof | 1:eof'] },
  {
    manager: 'framesync',
    inputs: [
      [0, 10, 20, 30],
      [5, 25, 45, 65],
    ],
    // Input 1 has nothing at 0, repeats between its packets, and drives once input 0 has ended.
    expected: [
      '0:0@0',
      '0:1@10 | 1:0@10',
      '0:2@20 | 1:0@20',
      '0:3@30 | 1:1@30',
      '0:3@45 | 1:2@45',
      '0:3@65 | 1:3@65',
      '0:eof | 1:eof',
    ],
  },
  {
    manager: 'framesync',
    inputs: [
      [0, 10, 20],
      [0, 'pause'],
    ],
    expected: ['0:0@0 | 1:0@0', '0:1@10 | 1:0@10', '0:2@20 | 1:0@20', '0:eof | 1:eof'],
  },
];

for (const { manager, inputs, expected } of CASES) {
  const name = typeof manager === 'string' ? manager : JSON.stringify(manager);
  managers(
    `${name} groups ${JSON.stringify(inputs)} alike wherever the nodes are and however late the packets come`,
    async () => {
      const watch = new LeakWatch();
      for (const threads of [0, 1, 3]) assert.equal(lines(await groups(manager, inputs, { threads })), expected);
      for (const seed of [1, 2]) {
        assert.equal(lines(await groups(manager, inputs, { threads: 2, delay: 8, seed })), expected, `seed ${seed}`);
      }
      await watch.check();
    },
  );
}

managers('default says the time of a group in nanoseconds', async () => {
  const seen = await groups('default', [[0, 40], [40]]);
  assert.equal(
    seen.map((group) => group.pts),
    [0n, 40_000n, undefined],
  );
});

managers('default refuses timestamps that do not rise, and names input, bound and timestamp', async () => {
  await rejects(groups('default', [[0, 10, 5], [0]]), 'ERR_MILLRACE_PAYLOAD', /input 0 do not rise: 5 µs .* 11 µs/);
});

managers('a packet without a timestamp cannot be aligned', async () => {
  for (const manager of ['default', 'framesync', 'clocksync'] as const) {
    await rejects(groups(manager, [[0, 10], [null]]), 'ERR_MILLRACE_PAYLOAD', /input 1 has no timestamp.*timestamper/);
  }
});

managers('clocksync shows at every tick the packets nearest to it, from the first packet on', async () => {
  // Everything is there before the first tick is used: one thread, the clock last.
  const clock = [1000, 1040, 1080, 1120, 1160, 1200];
  const video = [500, 530, 570, 600, 660, 690];
  const seen = lines(await groups('clocksync', [clock, video], { threads: 0 }));
  // targets: 500 540 580 620 660 700
  assert.equal(seen.slice(0, 5), ['1:0@500', '1:1@540', '1:2@580', '1:3@620', '1:4@660']);
  assert.is(seen.at(-1), '0:eof | 1:eof');
});

managers('clocksync ends with its clock', async () => {
  const watch = new LeakWatch();
  const seen = lines(
    await groups('clocksync', [[0, 40, 80], Array.from({ length: 500 }, (_, i) => i * 40)], { threads: 2 }),
  );
  assert.is(seen.at(-1), '0:eof | 1:eof');
  assert.ok(seen.length <= 4);
  await watch.check();
});

managers('a module can ask for its manager, and the node overrules it', async () => {
  const run = async (manager: Manager | undefined): Promise<string[]> => {
    const graph = graphOn({ threads: 1 });
    const sink = new TestSink();
    const inputs = [times(graph, [0, 10]), times(graph, [10])];
    graph
      .module(
        { name: 'asking', path: JOINS, entry: 'Asking' },
        { manager: 'default' },
        { inputs, ...(manager && { inputManager: manager }) },
      )
      .module(sink.spec, sink.options, { callback: sink.callback });
    await graph.run();
    return lines(sink.packets.map((packet) => packet.value as Seen));
  };
  assert.equal(await run(undefined), ['0:0@0', '0:1@10 | 1:0@10', '0:eof | 1:eof']);
  assert.equal(await run('framesync'), ['0:0@0', '0:1@10 | 1:0@10', '0:eof | 1:eof']);
  assert.equal((await run('immediate')).join().match(/eof/g)?.length, 2);
});

managers('random schedules change nothing under slowest, basepad, framesync and default', () =>
  checkSchedules(8, graphOn),
);

managers('a manager survives the way through a graph file', async () => {
  const graph = new Graph();
  const inputs = [times(graph, [0]), times(graph, [0])];
  graph.module('null_sink', {}, { inputs, inputManager: 'framesync', alias: 'end' });
  const again = Graph.fromConfig(graph.toConfig(), { allow: { modules: true } });
  assert.is(again.toConfig().nodes.find((node) => node.alias === 'end')?.input_manager, 'framesync');
});

managers.run();
