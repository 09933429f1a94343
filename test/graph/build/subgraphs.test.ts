/** Sub-graphs: built in the place of a node, by object, name and file, from programs and from graph files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  defineGraph,
  Graph,
  type MillraceError,
  type NodeHandle,
  registerModule,
  type Stream,
  syncModule,
} from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, pictures, run, sinkOn } from '../../kit/media.js';

const subgraphs = suite('sub-graphs');
const FILE = fileURLToPath(new URL('../../fixtures/modules/subgraphs.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-subgraphs-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

const small = defineGraph<{ width: number }>(
  (_graph, [video], { width = 32 }) => video!.scale(width, -2, { alias: 'scale' }),
  {
    name: 'small',
    inputs: 1,
  },
);
/** Two of them beside each other, one over another picture; and what is left over. */
const pair = defineGraph(function pair(_graph, [first, second]) {
  const left = first!.module(small, { width: 16 }, { alias: 'left' });
  const right = second!.module(small, {}, { alias: 'right' });
  return [left.pad(32, 24).overlay(right), left];
});

const newGraph = (): Graph => new Graph({ threads: 0 });
const picture = (graph: Graph, count = 3): NodeHandle =>
  graph.filter('testsrc2', { size: '64x48', rate: 25, duration: count / 25 });
const aliases = (graph: Graph): string[] =>
  graph.toConfig().nodes.map(({ alias, module_info, id }) => alias || `${module_info.name}_${id}`);

/** The message of an error that is thrown. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return assert.unreachable('nothing was refused') as never;
}

subgraphs('its nodes stand in its place: pictures are those of a graph without it', async () => {
  const graph = newGraph();
  const source = picture(graph);
  const both = graph.module(pair, {}, { inputs: [source, source.vflip()], alias: 'both' });
  const sinks = [both, both[1]!].map((stream) => sinkOn(stream));
  await run(graph);
  const plain = newGraph();
  const again = picture(plain);
  const left = again.scale(16, -2);
  const expected = [left.pad(32, 24).overlay(again.vflip().scale(32, -2)), left].map((stream) => sinkOn(stream));
  await run(plain);
  for (const [i, sink] of sinks.entries()) {
    assert.is(sink.packets.length, 3);
    assert.equal(pictures(sink.packets), pictures(expected[i]!.packets));
  }
});

subgraphs('aliases are scoped, inside and out, and found by both', () => {
  const graph = newGraph();
  const source = picture(graph);
  let inside = '';
  const outer = defineGraph((own, inputs) => {
    const handle = own.module(pair, {}, { inputs, alias: 'both' });
    inside = own.node('both/left/scale').name;
    return handle;
  });
  graph.module(outer, {}, { inputs: [source, source] });
  graph.module(outer, {}, { inputs: [source, source] });
  graph.module(small, {}, { inputs: [source], alias: 'left' });
  const named = aliases(graph).filter((alias) => /scale$/.test(alias));
  assert.equal(named, [
    'graph/both/left/scale',
    'graph/both/right/scale',
    'graph_2/both/left/scale',
    'graph_2/both/right/scale',
    'left/scale',
  ]);
  assert.is(inside, graph.node('graph_2/both/left/scale').name);
  assert.is(graph.node('graph/both').output(1).name, graph.node('graph/both/left/scale').name);
  assert.is(graph.node('left').name, graph.node('left/scale').name);
  assert.match(
    refusal(() => graph.module(small, {}, { inputs: [source], alias: 'left' })),
    "the graph has 'left' already",
  );
  assert.match(
    refusal(() => graph.node('scale')),
    "no node 'scale'",
  );
});

subgraphs('outputs: a stream, a list, video and audio, a node with all of its own, or none', async () => {
  const graph = newGraph();
  const source = picture(graph);
  const sound = graph.filter('sine', { duration: 0.1 });
  const media = graph.module(
    defineGraph((_, [video, audio]) => ({ audio: audio!, video: video! })),
    {},
    { inputs: [source, sound] },
  );
  assert.is(media.audio.name, sound.name);
  assert.is(media.video.name, source.name);
  const silent = graph.module(
    defineGraph((_, [audio]) => ({ audio: audio! })),
    {},
    { inputs: [sound] },
  );
  assert.is(silent.audio.name, sound.name);
  assert.match(
    refusal(() => silent.video),
    'has no video output',
  );
  const node = graph.module(
    defineGraph((own) => own.filter('testsrc2', { size: '16x16', duration: 0.1 }).split(2)[0]!.split(2)[0]!),
    {},
  );
  assert.is(node.index, 0);
  const cut = graph.module(
    defineGraph((_, [video]) => video!.module('pass_through')),
    {},
    { inputs: [source] },
  );
  assert.is(cut.output(5).index, 5, 'a node as a whole has the outputs that it has');
  const list = graph.module(
    defineGraph((_, [video]) => [video!]),
    {},
    { inputs: [source], alias: 'list' },
  );
  assert.match(
    refusal(() => list.output(1)),
    'the sub-graph list (graph) has no output 1',
  );
  const sinks = new TestSink();
  graph.module(
    defineGraph((own, streams) => {
      for (const stream of streams)
        own.module(sinks.spec, sinks.options, { inputs: [stream], callback: sinks.callback });
    }),
    {},
    { inputs: [cut, media.audio] },
  );
  const unused = defineGraph((_, [video]) => void video!.module('null_sink'), { name: 'bin' });
  for (const stream of [list, node]) stream.module(unused);
  await run(graph);
  assert.ok(sinks.packets.length > 3);
});

subgraphs('by name and by file it is the same, with a module beside it', async () => {
  registerModule('small_by_name', small);
  registerModule('small_by_file', { path: FILE });
  const graph = newGraph();
  const source = picture(graph);
  const sinks = [small, 'small_by_name', 'small_by_file', FILE, { path: FILE }].map((from, i) =>
    sinkOn(source.module(from, { width: 24 }, { alias: `by_${i}` })),
  );
  sinkOn(source.module({ path: FILE, entry: 'Relay' }));
  const report = await run(graph);
  const [first] = sinks;
  assert.is(first!.packets.length, 3);
  for (const { packets } of sinks) assert.equal(pictures(packets), pictures(first!.packets));
  const named = report.nodes.flatMap(({ alias }) => (/^by_/.test(alias) ? alias : []));
  assert.equal(
    named,
    [0, 1, 2, 3, 4].map((i) => `by_${i}/scale`),
  );
});

subgraphs('what it is given as a node holds inside: thread, and callbacks', async () => {
  const graph = new Graph({ threads: 2 });
  const told: unknown[] = [];
  const written = defineGraph((_, [video]) => {
    video!
      .scale(16, 12, { alias: 'small' })
      .encode(null, { null_output: true, video_params: { codec: 'mpeg4' } }, { alias: 'out' });
    video!.module('null_sink', {}, { scheduler: 0, alias: 'bin' });
  });
  picture(graph)
    .module(written, {}, { thread: 'inner', alias: 'w' })
    .addCallback('packet', (_packet, { node }) => told.push(node));
  const report = await run(graph);
  assert.equal(told, ['w/out', 'w/out', 'w/out']);
  const threadOf = (alias: string) => report.nodes.find((node) => node.alias === alias)!.thread;
  assert.is(threadOf('w/out'), threadOf('w/small'));
  assert.is(threadOf('w/bin'), 0);
  assert.is.not(threadOf('w/out'), 0);
  assert.match(
    refusal(() => graph.node('w').addCallback('packet', () => 1)),
    'has been run',
  );
});

subgraphs('a drawing has a box for each, in each other', () => {
  const graph = newGraph();
  const source = picture(graph);
  graph.module(pair, {}, { inputs: [source, source], alias: 'both' }).module('null_sink');
  const mermaid = graph.toMermaid();
  assert.match(mermaid, '  subgraph box0["both"]\n    n');
  assert.match(mermaid, '    subgraph box1["left"]\n      n1["scale<br/>scale 16:-2"]\n    end');
  assert.is(mermaid.match(/\bend$/gm)!.length, 3);
  const dot = graph.toDot();
  assert.match(dot, /subgraph "cluster_both" \{\s*label = "both";/);
  assert.match(dot, /subgraph "cluster_both\/left" \{\s*label = "left";/);
  const again = Graph.fromConfig(graph.toConfig());
  assert.is(again.toMermaid(), mermaid, 'a graph file keeps them');
});

subgraphs('what is wrong is told with its name, and nothing is left of it', async () => {
  const graph = newGraph();
  const source = picture(graph);
  const of = (build: (own: Graph, inputs: readonly Stream[]) => unknown): string =>
    refusal(() => graph.module(defineGraph(build as never, { name: 'bad' }), {}, { inputs: [source], alias: 'x' }));
  assert.match(
    of(() => 7),
    /^the sub-graph x \(bad\): it returned 7/,
  );
  assert.match(
    of(async () => source),
    'wait for what it needs before',
  );
  assert.match(
    of(() => [source, null]),
    'it returned',
  );
  assert.match(
    of(() => picture(newGraph())),
    'a stream of another graph',
  );
  assert.match(
    of(() => undefined),
    'is empty',
  );
  assert.match(
    of((own, [video]) => {
      video!.scale(8, 8).module(small, {}, { alias: 'inner' });
      own.node('scael');
    }),
    /the sub-graph x \(bad\): the graph has no node 'scael'/,
  );
  assert.equal(aliases(graph), ['c_ffmpeg_filter_0']);
  const missing = refusal(() => graph.module(small, {}, { alias: 'y', inputManager: 'framesync' }));
  assert.match(
    missing,
    /the sub-graph y \(small\) cannot be built\n.*inputManager: belongs to a node.*\n.*inputs: has 1, and nothing is connected to 0/,
  );
  assert.match(
    refusal(() => graph.module(small, {}, { inputs: [source, source] })),
    'has 1, and 2 are connected',
  );
  assert.match(
    refusal(() => syncModule(small as never, {} as never, [0], [0])),
    'is a sub-graph, which is several modules',
  );
  assert.match(
    refusal(() => defineGraph(7 as never)),
    'must be a function',
  );
  let late: Promise<unknown> = Promise.resolve();
  graph.module(
    defineGraph((own, [video]) => {
      late = own.run();
      return video!;
    }),
    {},
    { inputs: [source] },
  );
  assert.match(String(await late.catch((error: Error) => error.message)), 'started by the function of a sub-graph');
  const other = newGraph();
  const reExported = fileURLToPath(new URL('../../fixtures/modules/re-exported.mjs', import.meta.url));
  picture(other).module(reExported).module('null_sink');
  const failure = (await failureOf(other)) as MillraceError;
  assert.match(failure.message, 'is a sub-graph that was taken for a module');
});

subgraphs('options go through a schema, and its problems name them', () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => {
        const { size } = value as { size?: unknown };
        return typeof size === 'number'
          ? { value: { size: size * 2 } }
          : { issues: [{ message: 'must be a number', path: ['size'] }] };
      },
    },
  };
  const seen: unknown[] = [];
  const checked = defineGraph<{ size: number }>(
    (own, _, options) => {
      seen.push(options);
      return picture(own);
    },
    { schema, name: 'checked' },
  );
  const graph = newGraph();
  graph.module(checked, { size: 4 });
  assert.equal(seen, [{ size: 8 }]);
  assert.match(
    refusal(() => graph.module(checked, {}, { alias: 'c' })),
    /the sub-graph c \(checked\) cannot be built\n.*option.size: must be a number/,
  );
});

const stream = (identifier: string) => ({ identifier });
const node = (id: number, name: string, more: object = {}) => ({ id, module_info: { name }, ...more });

/** A graph file of which node 1 is a sub-graph between a source and an encoder. */
const around = (info: object, more: object = {}) => ({
  option: { threads: 0 },
  nodes: [
    node(0, 'c_ffmpeg_filter', {
      option: { name: 'testsrc2', para: 'size=64x48:rate=25:duration=0.12' },
      output_streams: [stream('pictures')],
    }),
    {
      id: 1,
      alias: 'part',
      module_info: info,
      input_streams: [stream('pictures')],
      output_streams: [{ identifier: 'made', stream_alias: 'result' }],
      ...more,
    },
    node(4, 'c_ffmpeg_encoder', {
      input_streams: [stream('made')],
      option: { null_output: true, video_params: { codec: 'mpeg4' } },
    }),
  ],
});

subgraphs('a graph file uses those that are registered', async () => {
  registerModule('small_in_files', small);
  registerModule(
    'list_in_files',
    defineGraph((_, [video]) => [video!]),
  );
  const graph = Graph.fromConfig(around({ name: 'small_in_files' }, { option: { width: 20 } }));
  assert.equal(aliases(graph), ['c_ffmpeg_filter_0', 'c_ffmpeg_encoder_4', 'part/scale']);
  assert.is(graph.stream('result').name, graph.node('part/scale').name);
  const report = await run(graph);
  assert.is(report.frames, 3);
  assert.match(
    refusal(() =>
      Graph.fromConfig(around({ name: 'list_in_files' }, { output_streams: [stream('other'), stream('made')] })),
    ),
    /has no output 1/,
  );
});

subgraphs('one that a file uses opens no more than the file may', () => {
  registerModule(
    'opener',
    defineGraph((own, _, { url }: { url?: string }) => own.decode({ input_path: url })),
  );
  const file = around({ name: 'opener' }, { option: { url: 'http://localhost/a.mp4' }, input_streams: [] });
  const problem = refusal(() => Graph.fromConfig(file));
  assert.match(
    problem,
    /the sub-graph part does what the graph file may not\n.*c_ffmpeg_decoder "part\/c_ffmpeg_decoder_\d".*http/,
  );
  Graph.fromConfig(file, { allow: { protocols: ['http'] } });
});

/** BMF's mode Subgraph: turns its input over, and has it as it is as well. */
const turning = (more: object[] = []) => ({
  mode: 'Subgraph',
  input_streams: [stream('in')],
  output_streams: [stream('turned'), stream('in')],
  nodes: [
    node(3, 'c_ffmpeg_filter', {
      alias: 'flip',
      option: { name: 'vflip' },
      input_streams: [stream('in')],
      output_streams: [stream('turned')],
    }),
    ...more,
  ],
});

subgraphs('a graph file stands for a sub-graph: in a program, in a file that may load modules, by itself', async () => {
  const path = inFolder('turning.json', turning());
  const graph = newGraph();
  const source = picture(graph);
  const turned = source.module(path, {}, { alias: 'turned' });
  const sinks = [turned, turned[1]!, source.vflip(), source].map((from) => sinkOn(from));
  const report = await run(graph);
  const [flipped, plain, expected, original] = sinks.map(({ packets }) => pictures(packets));
  assert.equal([flipped, plain], [expected, original]);
  assert.equal(
    report.nodes.flatMap(({ alias }) => (/flip/.test(alias) ? alias : [])),
    ['turned/flip'],
  );

  const outer = around({ name: 'turn', path });
  assert.match(
    refusal(() => Graph.fromConfig(outer)),
    'may not load the module file',
  );
  const allowed = Graph.fromConfig(outer, { allow: { modules: true } });
  assert.equal(aliases(allowed), ['c_ffmpeg_filter_0', 'c_ffmpeg_encoder_4', 'part/flip']);
  assert.is((await run(allowed)).frames, 3);
  assert.match(
    refusal(() =>
      Graph.fromConfig({ ...outer, nodes: around({ path }, { option: { a: 1 } }).nodes }, { allow: { modules: true } }),
    ),
    /the sub-graph part \(turning\): .*\n.*option.a: is not an option here/,
  );

  const alone = Graph.fromConfig(path);
  assert.equal(
    alone.toConfig().input_streams.map(({ identifier }) => identifier),
    ['in'],
  );
  assert.is(alone.outputs.length, 2);
});

subgraphs('a graph that is only drawn loads no files of sub-graphs', () => {
  const settings = { allow: { modules: true }, subgraphs: false };
  const missing = defineGraph(() => assert.unreachable(), { name: 'never' });
  for (const path of [FILE, inFolder('drawn.json', turning())]) {
    const drawn = Graph.fromConfig(around({ path }), settings);
    assert.equal(aliases(drawn), ['c_ffmpeg_filter_0', 'part', 'c_ffmpeg_encoder_4']);
  }
  registerModule('never', missing);
  assert.match(
    refusal(() => Graph.fromConfig(around({ name: 'never' }), settings)),
    'the sub-graph part (never)',
  );
});

subgraphs('a graph file in itself is refused, and one that opens what its program did not allow', () => {
  const path = join(folder, 'circle.json');
  inFolder('circle.json', turning([{ id: 4, module_info: { path }, input_streams: [stream('turned')] }]));
  const graph = newGraph();
  assert.match(
    refusal(() => picture(graph).module(path)),
    'may not load the module file',
  );
  const file = Graph.fromConfig.bind(Graph, around({ path }), { allow: { modules: true } });
  assert.match(refusal(file), /the graph file is a part of itself: .*circle.json -> .*circle.json/);
  const opens = inFolder('opens.json', {
    mode: 'Subgraph',
    output_streams: [stream('a')],
    nodes: [
      node(0, 'c_ffmpeg_decoder', { option: { input_path: 'http://localhost/a' }, output_streams: [stream('a')] }),
    ],
  });
  assert.match(
    refusal(() => graph.module(opens)),
    /nodes\[0\].option.input_path/,
  );
});

subgraphs.run();
