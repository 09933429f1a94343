/** Parallel copies of filters, in graph files, and where they are refused. */
import { fileURLToPath } from 'node:url';
import { ConfigError, Graph, type GraphError, type GraphOptionsInput, type Stream } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, pictures, run, sinkOn } from '../../kit/media.js';
import { numbers } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const FILE = fileURLToPath(new URL('../../fixtures/modules/copies.mjs', import.meta.url));
const test = suite('parallel copies of filters');
const graphOn = await sharedThreads(2, ['many#1', 'many#2', 'many#3']);

function counted(graph: Graph, count: number): Stream {
  const source = new TestSource({ count });
  return graph.module(source.spec, source.options);
}

async function filtered(distNums: number, options: GraphOptionsInput): Promise<unknown> {
  // How many threads 'auto' takes depends on the machine.
  const graph = options.threads === 'auto' ? new Graph(options) : graphOn(options);
  const source = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 20 });
  const filter = { graph: '[0]scale=160:90,hflip,eq=contrast=1.3[0]' };
  return pictures(await seen(graph, source.video.module('c_ffmpeg_filter', filter, { distNums, alias: 'many' })));
}

async function seen(graph: Graph, stream: Stream) {
  const sink = sinkOn(stream);
  await run(graph);
  return sink.packets;
}

test('filtered pictures are the same with any number of copies and threads', async () => {
  const one = await filtered(1, { threads: 0 });
  assert.is((one as unknown[]).length, 20);
  assert.equal(await filtered(4, { threads: 0 }), one);
  assert.equal(await filtered(3, { threads: 2, queue_length_limit: 1 }), one);
  assert.equal(await filtered(2, { threads: 'auto' }), one);
});

test('nothing leaks when a graph with copies full of frames is aborted', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 2 });
  const source = new TestSource({ count: -1, kind: 'video' });
  const stream = graph
    .module(source.spec, source.options)
    .module('c_ffmpeg_filter', { name: 'hflip' }, { distNums: 3, alias: 'many' });
  const sink = new TestSink({ delay: 20 });
  stream.module(sink.spec, sink.options, { callback: sink.callback });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 400);
  try {
    await graph.run({ signal: controller.signal });
    assert.unreachable();
  } catch (error) {
    assert.is((error as GraphError).code, 'ERR_MILLRACE_ABORTED');
    assert.equal((error as GraphError).leaked, {});
  }
  leaks.check();
});

test('nodes that cannot have copies are refused, each with the reason', async () => {
  const refused = async (build: (graph: Graph) => void, why: RegExp): Promise<void> => {
    const graph = new Graph();
    build(graph);
    const error = await failureOf(graph);
    assert.instance(error, ConfigError);
    const problems = (error as ConfigError).problems.filter(({ path }) => path.endsWith('.dist_nums'));
    assert.ok(
      problems.some(({ message }) => why.test(message)),
      error.message,
    );
  };
  const input = { input_path: media('clip-4s.mp4') };
  const two = { distNums: 2 };
  const filter = (name: string, para?: string) => (graph: Graph) =>
    sinkOn(graph.decode(input).video.module('c_ffmpeg_filter', { name, ...(para && { para }) }, two));
  await refused((graph) => sinkOn(graph.decode(input, two).video), /c_ffmpeg_decoder cannot have parallel copies/);
  await refused(
    (graph) => sinkOn(graph.module({ name: 'x', path: FILE, entry: 'Last' }, {}, two)),
    /a source cannot have/,
  );
  await refused(
    (graph) => graph.decode(input).video.encode(null, { output_path: 'x.mp4' }, two),
    /c_ffmpeg_encoder cannot have parallel copies/,
  );
  await refused(filter('fps', '10'), /the filter 'fps' cannot have parallel copies: its frames depend/);
  await refused(filter('scale', 'eval=frame:w=100+n:h=90'), /counts frames/);
  await refused((graph) => {
    const { video } = graph.decode(input);
    sinkOn(video.module({ name: 'x', path: FILE, entry: 'Last' }, {}, { inputs: [video], ...two }));
  }, /only a node with input 0 and no other.*0, 1/);
  await refused((graph) => graph.decode(input).video.module('pass_through', {}, two), /output 0 and no other/);
  await refused((graph) => sinkOn(graph.decode(input).video.module({ process() {} }, {}, two)), /give it as a file/);
});

test('the number may stand among the options, and the thread that is asked for deals out and puts together', async () => {
  const graph = graphOn({ threads: 1 });
  const { video } = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 5 });
  const options = { name: 'hflip', dist_nums: '2' } as { name: string };
  const sink = sinkOn(video.module('c_ffmpeg_filter', options, { alias: 'many', scheduler: 0 }));
  const report = await run(graph);
  assert.is(sink.packets.length, 5);
  const threads = new Map(report.nodes.map(({ alias, thread }) => [alias, thread]));
  assert.equal([threads.get('many/split'), threads.get('many/assemble')], [0, 0]);
  assert.is(new Set([0, threads.get('many#1'), threads.get('many#2')]).size, 3);
  const wrong = (): unknown => new Graph().module('c_ffmpeg_filter', { ...options, dist_nums: 0 } as object);
  assert.throws(wrong, (error: Error) => /option.dist_nums: must be a whole number/.test(error.message));
});

test('a graph file has them, and gives them back', async () => {
  const graph = new Graph({ threads: 0 });
  const small = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 5 }).video;
  small.module('c_ffmpeg_filter', { name: 'hflip' }, { distNums: 2 }).module('null_sink');
  const config = graph.toConfig();
  assert.is(config.nodes[1]!.dist_nums, 2);
  const report = await run(Graph.fromConfig(config));
  assert.is(report.nodes.filter((node) => node.alias.startsWith('c_ffmpeg_filter_1#')).length, 2);
});

test('split and assemble by name: one packet each in turn', async () => {
  const graph = graphOn({ threads: 2 });
  const split = counted(graph, 31).module('split');
  const ways = [0, 1, 2].map((i) => split.output(i).module('pass_through', {}, { alias: `way${i}` }));
  const sink = sinkOn(graph.module('assemble', {}, { inputs: ways }));
  const report = await run(graph);
  assert.equal(
    numbers(sink.packets),
    Array.from({ length: 31 }, (_, n) => n),
  );
  const shares = [0, 1, 2].map((i) => report.nodes.find((node) => node.alias === `way${i}`)!.packetsIn);
  assert.equal(shares, [11, 10, 10]);
});

test.run();
