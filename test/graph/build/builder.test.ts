import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, type MillraceError } from '../../../src/errors/errors.js';
import { concat } from '../../../src/graph/build/concat.js';
import { encode } from '../../../src/graph/build/encode.js';
import { NodeHandle, overlay, Stream } from '../../../src/graph/build/stream.js';
import { Graph } from '../../../src/graph/graph.js';
import { Tensor } from '../../../src/media/packet/tensor.js';
import { defineModule } from '../../../src/module/contract.js';
import { refused, wiring } from '../kit.js';

const handles = suite('handles');

handles('decode gives video as output 0 and audio as output 1, by name and by number', () => {
  const input = new Graph().decode({ input_path: 'in.mp4' });
  assert.is(input.video.index, 0);
  assert.is(input.audio.index, 1);
  const kinds = ['video', 'audio'] as const;
  assert.equal(
    kinds.map((kind) => input[kind].index),
    [0, 1],
  );
  assert.is(input[0].index, 0);
  assert.is(input[1].index, 1);
  assert.is(input.output(7).index, 7);
});

handles('any number selects an output, and belongs to the same node', () => {
  const node = new Graph().module('c_ffmpeg_filter', { name: 'split', para: 12 });
  const eleventh: Stream = node[11]!;
  assert.is(eleventh.index, 11);
  assert.is(eleventh.nodeId, node.nodeId);
  assert.instance(eleventh, Stream);
  assert.not.instance(eleventh, NodeHandle);
});

handles('a handle stands for its output 0 and is not thenable', async () => {
  const graph = new Graph();
  const node = graph.module('c_ffmpeg_filter', { name: 'testsrc2' });
  assert.is(await node, node);
  assert.instance(node, Stream);
  node.module('null_sink');
  assert.equal(wiring(graph), ['c_ffmpeg_filter_0[0] -> null_sink_1[0]']);
});

handles('an output that is no whole number is refused', () => {
  const node = new Graph().decode({ input_path: 'in.mp4' });
  for (const index of [-1, 0.5, Number.NaN]) {
    assert.is(refused(() => node.output(index)).code, 'ERR_MILLRACE_CONFIG');
  }
});

handles('stream names are those of graph files', () => {
  const input = new Graph().decode({ input_path: 'in.mp4' });
  assert.is(input.audio.name, 'c_ffmpeg_decoder_0_1');
  assert.is(input.name, 'c_ffmpeg_decoder_0_0');
});

handles('node() finds a node by alias and by id, and names the nearest alias otherwise', () => {
  const graph = new Graph();
  graph.decode({ input_path: 'in.mp4' }, { alias: 'camera' });
  assert.is(graph.node('camera').nodeId, 0);
  assert.is(graph.node(0).nodeId, 0);
  assert.match(refused(() => graph.node('camara')).message, /Did you mean 'camera'\?/);
});

handles.run();

const building = suite('building');

building('the chain of the README makes a decoder, a filter and an encoder', () => {
  const graph = new Graph();
  const input = graph.decode({ input_path: 'in.mp4' });
  input.video.scale(640, 360).encode(input.audio, { output_path: 'out.mp4', video_params: { crf: 23 } });
  const { nodes } = graph.toConfig();
  assert.equal(
    nodes.map((node) => [node.id, node.module_info.name, node.option]),
    [
      [0, 'c_ffmpeg_decoder', { input_path: 'in.mp4' }],
      [1, 'c_ffmpeg_filter', { name: 'scale', para: '640:360' }],
      [2, 'c_ffmpeg_encoder', { output_path: 'out.mp4', video_params: { crf: 23 } }],
    ],
  );
  assert.equal(wiring(graph), [
    'c_ffmpeg_decoder_0[0] -> c_ffmpeg_filter_1[0]',
    'c_ffmpeg_filter_1[0] -> c_ffmpeg_encoder_2[0]',
    'c_ffmpeg_decoder_0[1] -> c_ffmpeg_encoder_2[1]',
  ]);
});

building('encode(null, audio) leaves input 0 unconnected; encode(video, null) has one input', () => {
  const graph = new Graph();
  const input = graph.decode({ input_path: 'in.mp4' });
  encode(null, input.audio, { output_path: 'a.mp4' });
  encode(input.video, null, { output_path: 'v.mp4' });
  assert.equal(wiring(graph), [
    'c_ffmpeg_decoder_0[1] -> c_ffmpeg_encoder_1[1]',
    'c_ffmpeg_decoder_0[0] -> c_ffmpeg_encoder_2[0]',
  ]);
});

building('a picture alone is encoded with the options as the only argument beside it', () => {
  const graph = new Graph();
  const { video } = graph.decode({ input_path: 'in.mp4' });
  video.encode({ output_path: 'a.mp4' }, { alias: 'a' });
  encode(video, { output_path: 'b.mp4' }, { alias: 'b' });
  assert.equal(wiring(graph), ['c_ffmpeg_decoder_0[0] -> a[0]', 'c_ffmpeg_decoder_0[0] -> b[0]']);
});

building('encode without any stream is refused', () => {
  assert.match(refused(() => encode(null, null, { output_path: 'x.mp4' })).message, /video stream, an audio stream/);
});

building('stream.module puts the stream first and further inputs after it; null leaves a gap', () => {
  const graph = new Graph();
  const a = graph.decode({ input_path: 'a.mp4' });
  const b = graph.decode({ input_path: 'b.mp4' });
  a.video.module('pass_through', {}, { inputs: [null, b.audio], alias: 'both' });
  assert.equal(wiring(graph), ['c_ffmpeg_decoder_0[0] -> both[0]', 'c_ffmpeg_decoder_1[1] -> both[2]']);
});

building('streams among the arguments of a filter become its further inputs', () => {
  const graph = new Graph();
  const base = graph.decode({ input_path: 'a.mp4' }).video;
  const logo = graph.decode({ input_path: 'logo.png' }).video;
  overlay(base, logo, { x: 10, y: 20, alias: 'watermark' });
  assert.equal(wiring(graph), ['c_ffmpeg_decoder_0[0] -> watermark[0]', 'c_ffmpeg_decoder_1[0] -> watermark[1]']);
  assert.equal(graph.toConfig().nodes[2]!.option, { name: 'overlay', para: 'x=10:y=20' });
});

building('graph.filter begins a stream without inputs', () => {
  const graph = new Graph();
  graph.filter('testsrc2', { size: '320x240', rate: 25 }).module('null_sink');
  assert.equal(graph.toConfig().nodes[0]!.option, { name: 'testsrc2', para: 'size=320x240:rate=25' });
  assert.equal(graph.toConfig().nodes[0]!.input_streams, []);
});

building("an alias among a built-in module's options names the node, as in BMF", () => {
  const graph = new Graph();
  const options: Record<string, unknown> = { name: 'vflip', alias: 'flip' };
  graph.module('c_ffmpeg_filter' as string, options);
  const [node] = graph.toConfig().nodes;
  assert.is(node!.alias, 'flip');
  assert.equal(node!.option, { name: 'vflip' });
  assert.is(options.alias, 'flip', "the caller's object is left alone");
  graph.module('c_ffmpeg_filter' as string, { name: 'hflip', alias: '' });
  assert.is(graph.node('c_ffmpeg_filter_1').nodeId, 1, 'an empty one is none');
});

building('options are copied when the node is made, and undefined ones are left out', () => {
  const graph = new Graph();
  const video_params = { crf: 23, preset: undefined };
  const input = graph.decode({ input_path: 'a.mp4', start_time: undefined });
  input.video.encode(null, { output_path: 'o.mp4', video_params });
  video_params.crf = 51;
  const { nodes } = graph.toConfig();
  assert.equal(nodes[0]!.option, { input_path: 'a.mp4' });
  assert.equal(nodes[1]!.option.video_params, { crf: 23 });
});

building('names without c_ are the same modules', () => {
  const graph = new Graph();
  graph.module('ffmpeg_decoder', { input_path: 'a.mp4' }).module('null_sink');
  assert.is(graph.toConfig().nodes[0]!.module_info.name, 'c_ffmpeg_decoder');
});

building('thread, scheduler, queueLimit and alias go into the node', () => {
  const graph = new Graph();
  const input = graph.decode({ input_path: 'a.mp4' }, { scheduler: 1, alias: 'in', queueLimit: 3 });
  input.module('null_sink', {}, { thread: 'sinks' });
  const [decoder, sink] = graph.toConfig().nodes;
  assert.is(decoder!.scheduler, 1);
  assert.is(decoder!.alias, 'in');
  assert.is(decoder!.meta_info.queue_length_limit, 3);
  assert.is(sink!.thread, 'sinks');
  assert.not('scheduler' in sink!, 'the builder places nothing by itself');
});

building('a node takes its parameters by the names of graph files as well', () => {
  const graph = new Graph();
  const { video } = graph.decode({ input_path: 'in.mp4' });
  video.module('pass_through', {}, { dist_nums: 2, input_manager: 'default' });
  video.module('pass_through', {}, { distNums: 2, inputManager: 'default' });
  const [, byFile, byBuilder] = graph.toConfig().nodes;
  const own = { id: 0, alias: '', output_streams: [] };
  assert.equal({ ...byFile, ...own }, { ...byBuilder, ...own });
  const twice = refused(() => video.module('pass_through', {}, { dist_nums: 2, distNums: 3 }));
  assert.match(twice.message, /dist_nums: is not an option here/);
});

building('wrong parameters are refused where the node is made, all at once', () => {
  const graph = new Graph();
  const parameters = { schedular: 1, alias: '', inputManager: 'random', distNums: 0, callback: 1 };
  const error = refused(() => graph.module('null_sink', {}, parameters as never)) as ConfigError;
  assert.instance(error, ConfigError);
  assert.equal(error.problems.map((problem) => problem.path).sort(), [
    'alias',
    'callback',
    'distNums',
    'inputManager',
    'schedular',
  ]);
  assert.match(error.message, /Did you mean 'scheduler'\?/);
  assert.match(error.message, /must be one of "immediate"/);
});

building('a name in place of options is told where it belongs', () => {
  const graph = new Graph();
  assert.match(
    refused(() => graph.decode('in.mp4' as never)).message,
    /must be an object, not "in.mp4" \(Write { input_path: 'in.mp4' }\)/,
  );
  const { video } = graph.decode({ input_path: 'in.mp4' });
  assert.match(refused(() => video.encode('o.mp4' as never)).message, /\(Write { output_path: 'o.mp4' }\)/);
});

building('scheduler and thread together are refused', () => {
  const error = refused(() => new Graph().module('null_sink', {}, { scheduler: 0, thread: 'a' }));
  assert.match(error.message, /contradict/);
});

building('a stream of another graph, and what is no stream, is refused by input', () => {
  const other = new Graph().decode({ input_path: 'a.mp4' });
  const graph = new Graph();
  assert.match(
    refused(() => graph.module('null_sink', {}, { inputs: [other] })).message,
    /input 0 of null_sink is a stream of another graph/,
  );
  assert.match(
    refused(() => graph.module('null_sink', {}, { inputs: [null, 'x' as never] })).message,
    /input 1 of null_sink is no stream/,
  );
});

building('options that cannot cross threads are refused', () => {
  const error = refused(() => new Graph().module('./m.mjs', { f: () => 1 }));
  assert.match(error.message, /options of m cannot be used: option\.\w+ is a function, which cannot cross threads/);
  const tensor = refused(() => new Graph().module('./m.mjs', { weights: Tensor.from(Float32Array.of(1)) }));
  assert.match(tensor.message, /option\.weights is an object of class Tensor, which cannot cross threads/);
});

building('concat is a function too, across nodes of one graph', () => {
  const graph = new Graph();
  const a = graph.decode({ input_path: 'a.mp4' });
  const b = graph.decode({ input_path: 'b.mp4' });
  const joined = concat([
    [a.video, a.audio],
    [b.video, b.audio],
  ]);
  joined.video.encode(joined.audio, { output_path: 'o.mp4' });
  assert.equal(graph.toConfig().nodes[2]!.option, { name: 'concat', para: 'n=2:v=1:a=1' });
  assert.equal(wiring(graph).slice(0, 4), [
    'c_ffmpeg_decoder_0[0] -> c_ffmpeg_filter_2[0]',
    'c_ffmpeg_decoder_0[1] -> c_ffmpeg_filter_2[1]',
    'c_ffmpeg_decoder_1[0] -> c_ffmpeg_filter_2[2]',
    'c_ffmpeg_decoder_1[1] -> c_ffmpeg_filter_2[3]',
  ]);
});

building('a graph is refused as a whole before it runs, with the place of every problem', async () => {
  const graph = new Graph();
  const input = graph.decode({ input_path: 'a.mp4', strat_time: 1 } as never);
  input.video.module('no_such_module', {}, { alias: 'out' });
  input.video.module('null_sink', {}, { alias: 'out' });
  const error = await rejection(graph.run());
  assert.instance(error, ConfigError);
  const paths = (error as ConfigError).problems.map((problem) => problem.path);
  assert.ok(paths.includes('nodes[0] (c_ffmpeg_decoder "c_ffmpeg_decoder_0").option.strat_time'), error.message);
  assert.ok(paths.includes('nodes[1] (no_such_module "out").module_info.name'), error.message);
  assert.ok(paths.includes('nodes[2] (null_sink "out").alias'), error.message);
  assert.match(error.message, /there is no module 'no_such_module'/);
});

building('an empty graph is refused', async () => {
  assert.match((await rejection(new Graph().run())).message, /the graph has no nodes/);
});

building('a graph that was refused may be completed and run; one that ran is closed to both', async () => {
  const graph = new Graph({ threads: 0 });
  await rejection(graph.run());
  graph.module(defineModule<object>({ process: (task) => task.done() }), {}, { alias: 'source' });
  const running = graph.run();
  assert.is(graph.stats().nodes[0]!.alias, 'source', 'figures are there as soon as run() was called');
  assert.is(refused(() => graph.module('null_sink')).code, 'ERR_MILLRACE_STATE');
  assert.is((await rejection(graph.run())).code, 'ERR_MILLRACE_STATE');
  assert.is((await running).nodes[0]!.state, 'closed');
  assert.is((await rejection(graph.run())).code, 'ERR_MILLRACE_STATE');
});

building('stop may follow run at once', async () => {
  const graph = new Graph({ threads: 0 });
  graph.module(defineModule<object>({ process: () => {} }), {}, { alias: 'endless' });
  const running = graph.run();
  graph.stop();
  assert.ok((await running).stopped);
});

building('an encoder without input and a consumer of an output that does not exist are refused', async () => {
  const graph = new Graph();
  graph.module('c_ffmpeg_encoder', { output_path: 'o.mp4' });
  graph.decode({ input_path: 'a.mp4' }).output(2).module('null_sink').module('null_sink');
  const { message } = await rejection(graph.run());
  assert.match(message, /c_ffmpeg_encoder needs at least 1 input; none is connected/);
  assert.match(message, /streams: describes no outputs, and output 2 is connected/);
  assert.match(message, /null_sink has no output 0 \(It has no outputs at all\)/);
});

building("a module's own schema is checked, also when it is asynchronous", async () => {
  const schema = (check: (value: unknown) => boolean, wait: boolean) => ({
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => {
        const result = check(value)
          ? { value: value as object }
          : { issues: [{ message: 'is wrong', path: ['a', { key: 0 }] }] };
        return wait ? Promise.resolve(result) : result;
      },
    },
  });
  for (const wait of [false, true]) {
    const graph = new Graph();
    graph.module(defineModule<object>({ schema: schema(() => false, wait), process: (task) => task.done() }), {});
    const error = (await rejection(graph.run())) as ConfigError;
    assert.equal(error.problems[0], { path: 'nodes[0] (module "module_0").option.a[0]', message: 'is wrong' });
  }
});

building('options of run that do not exist, or are of the wrong kind, are refused', async () => {
  const error = await rejection(new Graph().run({ onProgres: () => {}, signal: 1 } as never));
  assert.match(error.message, /onProgres: .*Did you mean 'onProgress'\?/);
  assert.match(error.message, /signal: must be an AbortSignal/);
});

building('stop and stats before the run are errors of state', () => {
  const graph = new Graph();
  assert.is(refused(() => graph.stop()).code, 'ERR_MILLRACE_STATE');
  assert.is(refused(() => graph.stats()).code, 'ERR_MILLRACE_STATE');
});

async function rejection(promise: Promise<unknown>): Promise<MillraceError> {
  try {
    await promise;
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('the graph was not refused');
}

building.run();
