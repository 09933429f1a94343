/** `on_error: 'drop-branch'`: a node that fails ends alone; the others finish, and the report says so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  ConfigError,
  defineGraph,
  defineModule,
  Graph,
  type GraphError,
  type LogEntry,
  type NodeHandle,
  Packet,
  type Progress,
  type Report,
} from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed, times } from '../../kit/long.js';
import { add } from '../../kit/modules.js';
import { randomGraph } from '../../kit/random-graph.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf, soon } from '../../kit/soon.js';

const drop = suite('dropped branches');
const graphOn = await sharedThreads(2);
const DROP = { on_error: 'drop-branch' } as const;
const COUNT = 40;

function sinkBehind(stream: NodeHandle, options: { scheduler?: number } = {}, delay?: number): TestSink {
  const sink = new TestSink({ delay });
  stream.graph.module(sink.spec, sink.options, { inputs: [stream], callback: sink.callback, ...options });
  return sink;
}

/** The one that was dropped. */
function onlyOne(report: Report): Report['dropped'][number] {
  assert.is(report.dropped.length, 1);
  assert.is(report.warnings.length, 1, report.warnings.join('\n'));
  const [dropped] = report.dropped as [Report['dropped'][number]];
  assert.ok(report.warnings[0]!.includes(dropped.error.message), report.warnings[0]);
  assert.match(report.warnings[0]!, /Its branch was dropped \(on_error\), the graph went on/);
  return dropped;
}

/** Where it fails, how many frames of its branch come out, and what is told. */
const CASES = [
  ['init', 0, 'init', /init said no/],
  ['process', 3, 'process', /process said no/],
  ['reject', 3, 'process', /process said no later/],
  ['close', COUNT, 'close', /close said no/],
] as const;

for (const threads of [0, 2]) {
  for (const [where, least, phase, message] of CASES) {
    drop(`what fails in ${where} ends alone, threads: ${threads}`, async () => {
      const leaks = new LeakWatch();
      const graph = graphOn({ threads });
      const source = new TestSource({ count: COUNT, kind: 'video' });
      const from = graph.module(source.spec, source.options, threads > 0 ? { scheduler: 0 } : {});
      const closed: unknown[] = [];
      const callback = (_: unknown, alias: unknown) => closed.push(alias);
      const b = threads > 0 ? { scheduler: 1 } : {};
      const bad = add(graph, 'Failing', { where }, { inputs: [from], alias: 'bad', callback, ...b, ...DROP });
      const behind = sinkBehind(bad);
      const good = sinkBehind(from);
      const report = await soon('the graph', graph.run());
      assert.is(good.packets.length, COUNT);
      assert.equal(behind.ends, [0]);
      assert.ok(behind.packets.length >= least && behind.packets.length <= COUNT);
      assert.equal(closed, ['bad']);
      const dropped = onlyOne(report);
      assert.equal([dropped.alias, dropped.module, dropped.node], ['bad', 'failing', bad.nodeId]);
      assert.is(dropped.error.code, 'ERR_MILLRACE_MODULE');
      assert.is(dropped.error.phase, phase);
      assert.match(dropped.error.message, message);
      assert.is(dropped.packetsLost > 0, where === 'process' || where === 'reject');
      leaks.check(report);
    });
  }
}

drop('the packets that are lost are counted: those of the failing call, and those that waited', async () => {
  const graph = graphOn({ threads: 0 });
  const from = add(graph, 'Scatter', { count: COUNT, outputs: 1 });
  const bad = add(graph, 'Failing', { where: 'process', after: 5 }, { inputs: [from], ...DROP });
  const { packetsLost } = onlyOne(await soon('the graph', graph.run()));
  const taken = graph.stats().nodes[from.nodeId]!.packetsOut;
  assert.is(graph.stats().nodes[bad.nodeId]!.packetsOut + packetsLost, taken);
});

drop('what feeds only a node that failed ends, be it endless', async () => {
  for (const threads of [0, 2]) {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads });
    const endless = add(graph, 'Endless', { kind: 'video' });
    const between = add(graph, 'Relay', {}, { inputs: [endless] });
    sinkBehind(add(graph, 'Failing', { where: 'process' }, { inputs: [between], ...DROP }));
    const report = await soon('the graph', graph.run());
    onlyOne(report);
    leaks.check(report);
  }
});

drop('a source that fails ends what is behind it, with what it had sent', async () => {
  const graph = graphOn({ threads: 2 });
  const sink = sinkBehind(add(graph, 'Failing', { where: 'process' }, { ...DROP }));
  const report = await soon('the graph', graph.run());
  assert.equal(
    sink.packets.map(({ value }) => (value as { n: number }).n),
    [1, 2, 3],
  );
  assert.is(onlyOne(report).packetsLost, 0);
});

drop('input managers that join streams take a dropped branch for one that has ended', async () => {
  const managers = ['default', 'framesync', 'slowest', 'refresh'] as const;
  for (const [inputManager, placements] of crossed(managers, [0, 2], 1)) {
    for (const threads of placements) {
      const graph = graphOn({ threads });
      const source = new TestSource({ count: COUNT, kind: 'value' });
      const from = graph.module(source.spec, source.options);
      const bad = add(graph, 'Failing', { where: 'process' }, { inputs: [from], ...DROP });
      const joined = add(graph, 'Relay', {}, { inputs: [from, bad], inputManager });
      const alone = sinkBehind(from);
      const sink = sinkBehind(joined);
      onlyOne(await soon(`the graph with ${inputManager}`, graph.run()));
      assert.is(alone.packets.length, COUNT);
      assert.equal(sink.ends, [0]);
      // Those that go on without it do so to the end.
      if (inputManager === 'default' || inputManager === 'framesync') assert.ok(sink.packets.length >= COUNT);
    }
  }
});

drop('a node that joins streams and fails itself gives back what its input manager held', async () => {
  for (const inputManager of ['default', 'framesync', 'nosync', 'slowest', 'basepad', 'refresh'] as const) {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads: 0 });
    const source = new TestSource({ count: COUNT, kind: 'video' });
    const from = graph.module(source.spec, source.options);
    const late = graph.module(source.spec, { ...source.options, start: 1000 });
    const bad = add(graph, 'Failing', { where: 'process' }, { inputs: [from, late], inputManager, ...DROP });
    const behind = sinkBehind(bad);
    const good = sinkBehind(from);
    const report = await soon(`the graph with ${inputManager}`, graph.run());
    assert.ok(onlyOne(report).packetsLost > 0);
    assert.equal([good.packets.length, behind.ends], [COUNT, [0]]);
    leaks.check(report);
  }
});

drop(
  'payloads that cannot cross threads drop the branch of the node that pushed them, and its ends arrive',
  async () => {
    const graph = graphOn({ threads: 2, queue_length_limit: 2 });
    const pusher = add(graph, 'Untransferable', { bad: 4 }, { alias: 'pusher', scheduler: 0, ...DROP });
    // So slow that what cannot cross still waits when the call has returned: in the call, the first ends all of it.
    const sinks = [0, 1].map(() => sinkBehind(pusher, { scheduler: 1 }, 20));
    const { dropped, warnings } = await soon('the graph', graph.run());
    assert.equal(
      dropped.map(({ error }) => error.code),
      ['ERR_MILLRACE_PAYLOAD'],
    );
    assert.match(warnings.join(), /after its branch was dropped: .*"pusher".*failed in transport/);
    for (const sink of sinks) assert.equal(sink.ends, [0]);
  },
);

drop('an output that has ended in the call that failed ends all the same', async () => {
  const ending = defineModule({
    process(task) {
      task.output(0).push(new Packet(1));
      task.output(0).push(Packet.eof());
      throw new Error('after its end');
    },
  });
  const graph = graphOn({ threads: 0 });
  const sink = sinkBehind(graph.module(ending, {}, { ...DROP }));
  onlyOne(await soon('the graph', graph.run()));
  assert.equal([sink.ends, sink.packets], [[0], []]);
});

drop('a module that cannot be loaded drops its branch', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads });
    const from = add(graph, 'Scatter', { count: COUNT, outputs: 1 });
    const behind = sinkBehind(add(graph, 'Nothing', {}, { inputs: [from], ...DROP }));
    const good = sinkBehind(from);
    const { error } = onlyOne(await soon('the graph', graph.run()));
    assert.is(error.code, 'ERR_MILLRACE_MODULE_LOAD');
    assert.equal([good.packets.length, behind.packets.length, behind.ends], [COUNT, 0, [0]]);
  }
});

drop(
  'what is thrown in a timer drops the branch of a node that is alone in its thread, and fails the graph otherwise',
  async () => {
    const build = (shared: boolean) => {
      const graph = new Graph();
      const from = add(graph, 'Endless', {}, { thread: 'own' });
      add(
        graph,
        'Failing',
        { where: 'timer' },
        { inputs: [from], thread: shared ? 'own' : 'other', alias: 'bad', ...DROP },
      );
      return graph;
    };
    const { error } = onlyOne(await soon('the graph', build(false).run()));
    assert.match(error.message, /"bad".*thrown in a timer/);
    const failure = await failureOf('the graph', build(true).run());
    assert.match(failure.message, /uncaught exception in the thread of .*bad/);
  },
);

drop('a thread that dies fails the graph, whatever its node says', async () => {
  const graph = new Graph({ threads: 2 });
  const from = add(graph, 'Endless', {}, { thread: 'a' });
  add(graph, 'Failing', { where: 'exit' }, { inputs: [from], thread: 'b', ...DROP });
  assert.is((await failureOf('the graph', graph.run())).code, 'ERR_MILLRACE_WORKER_DIED');
});

drop('others still fail the graph, and the error tells of the branches that were dropped before', async () => {
  const graph = graphOn({ threads: 0 });
  const from = add(graph, 'Scatter', { count: COUNT, outputs: 1 });
  add(graph, 'Failing', { where: 'process', after: 1 }, { inputs: [from], alias: 'optional', ...DROP });
  add(graph, 'Failing', { where: 'process', after: 9 }, { inputs: [from], alias: 'needed', on_error: 'fail' });
  const error = (await failureOf('the graph', graph.run())) as GraphError;
  assert.is(error.alias, 'needed');
  assert.match(error.warnings.join(), /"optional".*Its branch was dropped/);
});

/** Two pictures to a file, and from a filter that fails in its init through another one to an encoder. */
function withOptionalFile(onError?: 'fail'): Graph {
  const graph = graphOn({ threads: 2 });
  const from = graph.filter('testsrc2', { size: '32x32', duration: 0.08 });
  from.encode(null, { null_output: true }, { alias: 'good' });
  const bad = from.filter('crop', { w: 1000, h: 10, on_error: 'drop-branch', alias: 'bad' });
  bad.filter('null', { alias: 'between' }).encode(null, { null_output: true, on_error: onError }, { alias: 'after' });
  return graph;
}

drop(
  'what gets nothing because its branch was dropped, and fails for it, is dropped with it unless it says no',
  async () => {
    const outputs = new Map<string, boolean>();
    const onProgress = (progress: Progress): void => {
      for (const { alias, failed } of progress.outputs) outputs.set(alias, failed);
    };
    const { dropped, nodes } = await soon('the graph', withOptionalFile().run({ onProgress }));
    assert.equal(
      ['good', 'bad', 'between', 'after'].map((alias) => nodes.find((node) => node.alias === alias)!.state),
      ['closed', 'dropped', 'closed', 'dropped'],
    );
    assert.equal([outputs.get('good'), outputs.get('after')], [false, true]);
    assert.equal(
      dropped.map(({ alias }) => alias),
      ['bad', 'after'],
    );
    assert.is(nodes.find(({ alias }) => alias === 'good')!.frames, 2);
    assert.match((await failureOf('the graph', withOptionalFile('fail').run())).message, /"after".*Nothing to write/);
  },
);

drop('a sub-graph says it for all nodes inside that do not say otherwise', async () => {
  const optional = defineGraph((_graph, [from], { inner }: { inner?: 'fail' }) => {
    const bad = from!.filter('crop', { w: 1000, h: 10, alias: 'bad', on_error: inner });
    bad.encode(null, { null_output: true });
    return [];
  });
  const build = (inner?: 'fail'): Graph => {
    const graph = graphOn({ threads: 0 });
    const from = graph.filter('testsrc2', { size: '32x32', duration: 0.08 });
    from.encode(null, { null_output: true });
    graph.module(optional, { inner }, { inputs: [from], alias: 'preview', ...DROP });
    return graph;
  };
  const { dropped } = await soon('the graph', build().run());
  assert.is(dropped.length, 2);
  assert.ok(dropped.every(({ alias }) => alias.startsWith('preview/')));
  assert.match((await failureOf('the graph', build('fail').run())).message, /"preview\/bad"/);
});

drop('what fails by itself behind a dropped node fails the graph', async () => {
  const graph = graphOn({ threads: 0 });
  const bad = add(graph, 'Failing', { where: 'process' }, { inputs: [add(graph, 'Endless')], ...DROP });
  add(graph, 'Failing', { where: 'close' }, { inputs: [bad], alias: 'behind' });
  assert.match((await failureOf('the graph', graph.run())).message, /"behind".*close said no/);
});

drop('a file behind a node that fails is finished with what it has', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'millrace-')), 'short.mp4');
  const graph = graphOn({ threads: 2 });
  const from = graph.filter('testsrc2', { size: '32x32', rate: 25 });
  const bad = add(graph, 'Failing', { where: 'process', after: 8 }, { inputs: [from], ...DROP });
  bad.encode(null, { output_path: path, video_params: { codec: 'mpeg4' } });
  const { frames } = await soon('the graph', graph.run());
  assert.ok(frames >= 8);
  const again = graphOn({ threads: 0 });
  again.decode({ input_path: path }).video.encode(null, { null_output: true });
  const read = await again.run();
  assert.equal([read.frames, read.warnings], [frames, []]);
  rmSync(dirname(path), { recursive: true });
});

drop('random graphs whose relays fail end, with all that passes none of these', async () => {
  let droppedOnes = 0;
  for (let seed = 1; seed <= times(6, 12); seed++) {
    const leaks = new LeakWatch();
    const form = seed % 3 === 0 ? { threads: 2, scatter: 2 } : { threads: 0 };
    const { graph, sink, expected, sure } = randomGraph(seed, { ...form, graphOn, failing: 60 });
    const report = await soon(`graph ${seed}`, graph.run());
    const { length } = sink.packets;
    assert.ok(length >= sure && length <= expected, `graph ${seed}: ${length} packets of ${sure} to ${expected}`);
    droppedOnes += report.dropped.length;
    leaks.check(report);
  }
  assert.ok(droppedOnes > 3, `${droppedOnes} were dropped`);
});

drop('a dropped branch is told to onLog at once', async () => {
  const lines: LogEntry[] = [];
  const graph = new Graph({ threads: 0, onLog: (line) => lines.push(line) });
  const from = add(graph, 'Scatter', { count: COUNT, outputs: 1 });
  add(graph, 'Failing', { where: 'process' }, { inputs: [from], alias: 'bad', ...DROP });
  await graph.run();
  assert.is(lines.length, 1);
  const { level, node, context, text } = lines[0]!;
  assert.equal([level, node, context], ['error', 'bad', 'failing']);
  assert.match(text, /process said no.*Its branch was dropped/);
});

drop('readers of a dropped branch see its end', async () => {
  const graph = graphOn({ threads: 2 });
  const from = add(graph, 'Scatter', { count: COUNT, outputs: 1 });
  const bad = add(graph, 'Failing', { where: 'process' }, { inputs: [from], ...DROP });
  const reader = bad.packets<{ n: number }>();
  const good = from.packets<{ n: number }>();
  const counts = await soon('the readers', Promise.all([count(reader), count(good)]));
  assert.is(counts[1], COUNT);
  assert.ok(counts[0]! >= 3 && counts[0]! < COUNT);
});

async function count(reader: AsyncIterable<{ close(): void }>): Promise<number> {
  let packets = 0;
  for await (const packet of reader) {
    packet.close();
    packets++;
  }
  return packets;
}

drop('graph files say it of a node, or among the options of a built-in module', async () => {
  const graph = new Graph({ threads: 0 });
  const from = graph.filter('testsrc2', { size: '32x32', duration: 0.2 });
  from.filter('null', { on_error: 'drop-branch', alias: 'f' }).encode(null, { null_output: true, on_error: 'fail' });
  from.encode(null, { output_path: '/nowhere/at/all.mp4', on_error: 'drop-branch' });
  const written = graph.toConfig();
  assert.equal(
    written.nodes.map((node) => node.on_error),
    [undefined, 'drop-branch', 'fail', 'drop-branch'],
  );
  assert.not.ok(written.nodes.some(({ option }) => 'on_error' in option));
  const inOptions = structuredClone(written);
  for (const node of inOptions.nodes) {
    if (node.on_error !== undefined) node.option.on_error = node.on_error;
    delete node.on_error;
  }
  assert.equal(Graph.fromConfig(inOptions).toConfig(), written);
  const { error } = onlyOne(await Graph.fromConfig(written).run());
  assert.match(error.message, /nowhere/);
});

const refusals: [text: string, problem: RegExp, attempt: () => unknown][] = [
  [
    'another word',
    /on_error: must be one of "fail", "drop-branch", not "skip"/,
    () => add(new Graph(), 'Endless', {}, { on_error: 'skip' as never }),
  ],
  [
    'another word among the options of a built-in module',
    /on_error.*must be one of/,
    () => new Graph().decode({ input_path: 'x', on_error: 'drop' as never }),
  ],
  [
    'another word in a graph file',
    /nodes\[0\]\.on_error.*must be one of/,
    () => Graph.fromConfig({ nodes: [{ id: 0, module_info: { name: 'null_sink' }, on_error: 'never' }] }),
  ],
  [
    'parallel copies',
    /dist_nums.*parallel copies cannot be dropped/,
    () => {
      const graph = new Graph();
      const from = add(graph, 'Endless');
      sinkBehind(add(graph, 'Relay', {}, { inputs: [from], distNums: 2, ...DROP }));
      return graph.run();
    },
  ],
  [
    'a graph that serves jobs',
    /on_error.*'drop-branch' is not for a graph that serves jobs/,
    () => {
      const graph = new Graph();
      const out = add(graph, 'Relay', {}, { inputs: [graph.inputStream('in')], ...DROP });
      return graph.serve({ outputs: { out } });
    },
  ],
];
for (const [text, problem, attempt] of refusals) {
  drop(`refused: ${text}`, async () => {
    try {
      await attempt();
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ConfigError);
      const { problems } = error as ConfigError;
      assert.match(problems.map(({ path, message }) => `${path}: ${message}`).join('\n'), problem);
    }
  });
}

drop.run();
