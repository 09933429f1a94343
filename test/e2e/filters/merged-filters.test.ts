/** `optimize_graph`: filters that follow one another in one thread run as one actor, and no result depends on it. */
import type { Graph, GraphError, Report } from 'millrace';
import { TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addSteps, pictures, runChain, type Step, sameMerged } from '../../kit/filter-chains.js';
import { failureOf, media, run } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

// --- sound, member by member ---------------------------------------------------------------------------------------

const AUDIO: readonly (readonly Step[])[] = [
  ['volume=0.5', 'afade=in:0:2000', 'anull'],
  ['aresample=22050', 'volume=-3dB', 'aformat=sample_fmts=s16:channel_layouts=stereo'],
  ['aformat=sample_rates=16000', 'highpass=f=200', 'atempo=1.5', 'asetnsamples=500'],
  ['atrim=0.05:0.4', 'asetpts=PTS-STARTPTS', 'adelay=100:all=1', 'apad=pad_len=1000'],
  ['asettb=1/1000', 'volume=2', 'aresample=44100:async=1', 'asetpts=N/SR/TB'],
  ['asetrate=24000', 'aresample=48000', 'pan=mono|c0=c0', 'areverse'],
  ['aecho', 'acompressor', 'aloop=1:4000', 'afade=t=out:st=0.2:d=0.2'],
];

const audio = suite('merged filters: sound');
const graphOn = await sharedThreads(2, ['other', 'j#1', 'j#2']);

for (const steps of AUDIO) {
  audio(steps.join(' , '), async () => {
    const sound = (graph: Graph) => graph.decode({ input_path: media('clip-4s.mp4'), end_time: 0.5 }).audio;
    assert.ok((await sameMerged(sound, steps)).length > 0);
  });
}

audio.run();

// --- what is merged, and how it is told -------------------------------------------------------------------------------

const structure = suite('merged filters: structure');

/** Aliases of the nodes of a chain and of the node that runs it. */
function chainsOf({ nodes }: Pick<Report, 'nodes'>): Record<string, string> {
  const alias = (id: number): string => nodes.find((node) => node.id === id)!.alias;
  return Object.fromEntries(
    nodes.flatMap((node) => (node.mergedInto === undefined ? [] : [[node.alias, alias(node.mergedInto)]])),
  );
}

structure('the last node of a chain carries its figures; the others and their links say so', async () => {
  const graph = graphOn({ threads: 1 });
  const source = graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 1, alias: 'source' });
  addSteps(source, ['hflip', 'fps=50', 'vflip']).module('null_sink');
  const report = await run(graph);
  assert.equal(chainsOf(report), { step_0: 'step_2', step_1: 'step_2' });
  const [, first, second, last] = report.nodes;
  for (const node of [first!, second!]) {
    assert.equal([node.calls, node.frames, node.packetsIn, node.packetsOut], [0, 0, 0, 0]);
    assert.is(node.state, 'closed');
  }
  assert.equal([last!.packetsIn, last!.frames, last!.packetsOut], [25, 50, 50]);
  assert.ok(last!.calls > 0);
  assert.equal(
    report.links.map(({ kind, packets }) => [kind, packets]),
    [
      ['direct', 26],
      ['merged', 0],
      ['merged', 0],
      ['direct', 51],
    ],
  );
});

structure('explainPlacement tells it before the run', () => {
  const graph = graphOn({ threads: 1 });
  addSteps(graph.decode({ input_path: media('clip-4s.mp4') }).video, ['hflip', 'vflip']).module('null_sink');
  const explanation = graph.explainPlacement();
  assert.equal(explanation.links, { ring: 0, direct: 2, merged: 1 });
  const why = (alias: string) => explanation.nodes.find((node) => node.alias === alias)!.why;
  assert.match(why('step_0'), /; merged into step_1$/);
  assert.match(why('step_1'), /; runs step_0 with itself$/);
  assert.match(String(explanation), /links: 0 between threads, 2 inside of one, 1 inside of merged nodes/);
});

structure('sources, forks, other threads, limits, managers and copies end a chain', async () => {
  const graph = graphOn({ threads: 1 });
  const source = graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 0.4 });
  const filter = (alias: string, more: object = {}) =>
    ['c_ffmpeg_filter', { name: 'hflip' }, { alias, ...more }] as const;
  const fork = source.module(...filter('a')).module(...filter('b'));
  fork
    .module(...filter('c'))
    .module(...filter('d', { thread: 'other' }))
    .module('null_sink');
  fork
    .module(...filter('e'))
    .module(...filter('f', { queueLimit: 2 }))
    .module(...filter('g'))
    .module(...filter('h', { inputManager: 'default' }))
    .module(...filter('i'))
    .module(...filter('j', { distNums: 2 }))
    .module(...filter('k'))
    .split(2)[1]
    .module(...filter('l'))
    .module('pass_through')
    .module(...filter('m'))
    .module('null_sink');
  assert.equal(chainsOf(await run(graph)), { a: 'b', f: 'g' });
});

structure('a stall report leaves out the nodes that are merged into another', async () => {
  const graph = graphOn({ threads: 1, time_out: 1.5, stop_grace: 200 });
  const source = graph.filter('testsrc2', { size: '64x36', rate: 25 });
  addSteps(source, ['hflip', 'vflip']).module({ process: () => new Promise<void>(() => {}) }, {}, { alias: 'stuck' });
  const failure = (await failureOfStall(graph)) as GraphError;
  assert.is(failure.code, 'ERR_MILLRACE_STALLED');
  assert.is(failure.alias, 'stuck');
  assert.match(failure.message, /"step_1" .*waits for "stuck"/);
  assert.not.match(failure.message, /"step_0"/);
});

async function failureOfStall(graph: Graph): Promise<unknown> {
  try {
    await graph.run({ signal: AbortSignal.timeout(20_000) });
  } catch (error) {
    return error;
  }
  throw new Error('the graph did not fail');
}

structure.run();

// --- ends and failures ------------------------------------------------------------------------------------------------

const ends = suite('merged filters: ends and failures');

ends('a trim inside of a chain ends its endless source', async () => {
  const graph = graphOn({ threads: 1 });
  const source = graph.filter('testsrc2', { size: '64x36', rate: 25 });
  addSteps(source, ['hflip', 'vflip', 'trim=end_frame=30', 'negate', 'fps=50']).module(
    'null_sink',
    {},
    { alias: 'end' },
  );
  const report = await run(graph);
  assert.is(report.nodes.find(({ alias }) => alias === 'end')!.packetsIn, 60);
});

ends('an input without a frame ends the chain without one', async () => {
  const { frames } = await runChain(pictures([]), ['hflip', 'fps=50', 'vflip'], { optimize_graph: true });
  assert.equal(frames, []);
});

ends('an endless loop that nothing comes out of can be aborted', async () => {
  const graph = graphOn({ threads: 1 });
  const source = graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 0.2 });
  addSteps(source, ['loop=-1:5', 'select=0', 'hflip']).module('null_sink');
  const abort = new AbortController();
  const running = graph.run({ signal: abort.signal });
  setTimeout(() => abort.abort(), 300);
  let code: unknown;
  await running.catch((error: GraphError) => {
    code = error.code;
  });
  assert.is(code, 'ERR_MILLRACE_ABORTED');
});

for (const optimize_graph of [true, false]) {
  const how = optimize_graph ? 'merged' : 'node by node';

  ends(`${how}: arguments that FFmpeg refuses are told of their node`, async () => {
    const graph = graphOn({ threads: 1, optimize_graph });
    const source = graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 1 });
    addSteps(source, ['hflip', 'scale=w=32:hight=24', 'vflip']).module('null_sink');
    const failure = (await failureOf(graph)) as GraphError;
    assert.equal([failure.alias, failure.nodeId, failure.phase], ['step_1', 2, 'init']);
    assert.match(failure.message, /^node 2 "step_1" \(c_ffmpeg_filter\) failed in init: .*no option 'hight'/);
    assert.is(failure.code, 'ERR_MILLRACE_OPTION');
  });

  ends(`${how}: what cannot be configured with the frames that come is told of its node`, async () => {
    const graph = graphOn({ threads: 1, optimize_graph });
    const source = graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 1 });
    addSteps(source, ['scale=32:24', 'hflip', 'crop=100:100', 'vflip']).module('null_sink');
    const failure = (await failureOf(graph)) as GraphError;
    assert.equal([failure.alias, failure.nodeId, failure.phase], ['step_2', 3, 'process']);
    assert.match(failure.message, /Cannot configure filter 'crop=100:100': .*video_size=32x24/);
  });

  ends(`${how}: sound for a filter of pictures is told of its node`, async () => {
    const graph = graphOn({ threads: 1, optimize_graph });
    const source = graph.filter('sine', { duration: 1 });
    addSteps(source, ['volume=0.5', 'hflip', 'vflip']).module('null_sink');
    const failure = (await failureOf(graph)) as GraphError;
    assert.is(failure.alias, 'step_1');
    assert.is(failure.code, 'ERR_MILLRACE_PAYLOAD');
    assert.match(failure.message, /'hflip' takes video on input 0, an AudioFrame came/);
  });
}

ends('a packet that is no frame is told of the first node', async () => {
  const { spec, options } = new TestSource({ kind: 'value', count: 3 });
  const graph = graphOn({ threads: 1 });
  addSteps(graph.module(spec, options), ['hflip', 'vflip']).module('null_sink');
  const failure = (await failureOf(graph)) as GraphError;
  assert.is(failure.alias, 'step_0');
  assert.match(failure.message, /The filter 'hflip' takes frames, an Object came on input 0/);
});

ends.run();
