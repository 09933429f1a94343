/** `graph.explainPlacement()` tells before a run what the run then does. */
import { ConfigError, encode, Graph } from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { media, run } from '../../kit/media.js';

const test = suite('explaining the placement');

function build(threads: number | 'auto'): Graph {
  const graph = new Graph({ threads, graph_name: 'explained' });
  const source = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 10, dec_params: { threads: 3 } });
  const small = source.video.scale(160, 90);
  const sink = new TestSink();
  small.module(sink.spec, sink.options, { callback: sink.callback, thread: 'seen', alias: 'seen' });
  small.module('pass_through', {}, { alias: 'through' }).module('null_sink', {}, { scheduler: 0, alias: 'sunk' });
  source.video.module({ process: () => {} }, {}, { alias: 'mine' });
  return graph;
}

for (const threads of [0, 1, 2, 'auto'] as const) {
  test(`threads: ${threads}: before and after the run it says where the run puts the nodes`, async () => {
    const graph = build(threads);
    const before = graph.explainPlacement();
    const report = await run(graph);
    assert.equal(
      before.nodes.map(({ id, thread }) => [id, thread]).sort(),
      report.nodes.map(({ id, thread }) => [id, thread]).sort(),
    );
    assert.is(before.threads, report.threads);
    assert.equal(before.links, {
      ring: report.links.filter((link) => link.kind === 'ring').length,
      direct: report.links.filter((link) => link.kind === 'direct').length,
      merged: report.links.filter((link) => link.kind === 'merged').length,
    });
    assert.equal({ ...graph.explainPlacement() }, { ...before });
  });
}

test('every node has its reason, its cost and the threads of its codec', () => {
  const { nodes, why, byThread } = build('auto').explainPlacement();
  const of = (alias: string) => nodes.find((node) => node.alias === alias)!;
  assert.is(of('mine').thread, -1);
  assert.match(of('mine').why, /object of this process/);
  assert.is(of('seen').why, "thread: 'seen'");
  assert.is(of('sunk').why, 'scheduler: 0');
  assert.is(of('sunk').thread, 0);
  assert.match(of('through').why, /^cheap: fused with c_ffmpeg_filter_1$/);
  const decoder = of('c_ffmpeg_decoder_0');
  assert.is(decoder.codecThreads, 3);
  assert.ok(Math.abs(decoder.share * 3 - decoder.cost) < 0.05);
  assert.match(why, /^auto: .*expensive stage.*2 further threads of codecs/);
  assert.equal(byThread.flatMap((thread) => thread.nodes).sort(), nodes.map((node) => node.alias).sort());
});

test('as a string it is a text with every thread and node', () => {
  const graph = build(2);
  const text = String(graph.explainPlacement());
  for (const { alias } of graph.explainPlacement().nodes) assert.match(text, new RegExp(`^  ${alias}: .+; .+$`, 'm'));
  assert.match(text, /^explained: 3 worker threads on \d+ cores? \(threads: 2 is given; and 1 thread with a name\)$/m);
  assert.match(text, /^calling thread: /m);
  assert.match(text, /^thread 1: about [\d.]+ ms per frame$/m);
  assert.match(text, /^links: \d+ between threads, \d+ inside of one$/m);
});

test('a graph that is wrong is refused as a whole, as by run', () => {
  const graph = new Graph();
  const source = graph.decode({ input_path: 'none.mp4' });
  encode(source.video, null, { output_path: 'x.mp4', colour: 1 } as never);
  assert.throws(
    () => graph.explainPlacement(),
    (error: unknown) => error instanceof ConfigError && error.problems.some(({ path }) => path.includes('colour')),
  );
});

test('what only FFmpeg would refuse does not keep it from being explained', () => {
  const graph = new Graph();
  const source = graph.decode({ input_path: 'none.mp4' });
  const broken = source.video.module('c_ffmpeg_filter', { graph: '[0]scale=[' });
  encode(broken, null, { output_path: 'x.mp4', video_params: { codec: 'no_such_codec' } });
  assert.is(graph.explainPlacement().nodes.length, 3);
});

test.run();
