import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../../../src/graph/build/concat.js';
import type { Stream } from '../../../src/graph/build/stream.js';
import { Graph } from '../../../src/graph/graph.js';
import { refused } from '../kit.js';

function inputs(count: number): { graph: Graph; video: Stream[]; audio: Stream[] } {
  const graph = new Graph();
  const nodes = Array.from({ length: count }, (_, i) => graph.decode({ input_path: `${i}.mp4` }));
  return { graph, video: nodes.map((node) => node.video), audio: nodes.map((node) => node.audio) };
}

const para = (graph: Graph): unknown => graph.toConfig().nodes.at(-1)!.option.para;

const test = suite('concat');

test('a list of streams is one video per segment', () => {
  const { graph, video } = inputs(3);
  const joined = concat(video);
  assert.is(para(graph), 'n=3:v=1:a=0');
  assert.is(joined.video.index, 0);
  assert.match(refused(() => joined.audio).message, /has no audio output/);
});

test('audio only: its first output is the audio', () => {
  const { graph, audio } = inputs(2);
  const joined = concat(audio, { v: 0, a: 1 });
  assert.is(para(graph), 'n=2:v=0:a=1');
  assert.is(joined.audio.index, 0);
  assert.match(refused(() => joined.video).message, /has no video output/);
});

test('a flat list with v and a is read segment by segment', () => {
  const { graph, video, audio } = inputs(2);
  const joined = concat([video[0]!, audio[0]!, video[1]!, audio[1]!], { n: 2, v: 1, a: 1 });
  assert.is(para(graph), 'n=2:v=1:a=1');
  assert.equal([joined.video.index, joined.audio.index], [0, 1]);
  assert.equal(
    graph
      .toConfig()
      .nodes.at(-1)!
      .input_streams.map((stream) => stream.identifier),
    ['c_ffmpeg_decoder_0_0', 'c_ffmpeg_decoder_0_1', 'c_ffmpeg_decoder_1_0', 'c_ffmpeg_decoder_1_1'],
  );
});

test('segments of several videos: the audio comes behind them', () => {
  const { video, audio } = inputs(2);
  const joined = concat([[video[0]!, video[1]!, audio[0]!]], { v: 2, a: 1 });
  assert.equal([joined.video.index, joined.audio.index], [0, 2]);
});

test('further arguments go to FFmpeg, an alias to the node', () => {
  const { graph, video } = inputs(2);
  concat(video, { unsafe: true, alias: 'joined' });
  assert.is(para(graph), 'n=2:v=1:a=0:unsafe=1');
  assert.is(graph.toConfig().nodes.at(-1)!.alias, 'joined');
});

test('streams that make no whole segments are refused with the numbers', () => {
  const { video, audio } = inputs(2);
  const wrong: [() => unknown, RegExp][] = [
    [() => concat([]), /there are 0 streams/],
    [() => concat([video[0]!, audio[0]!, video[1]!], { v: 1, a: 1 }), /there are 3 streams/],
    [() => concat(video, { n: 3 }), /there are 2 streams.*= 3/],
    [() => concat([[video[0]!, audio[0]!], [video[1]!]], { v: 1, a: 1 }), /a segment has 1 streams/],
    [() => concat([video[0]!, [video[1]!]] as never), /mixes streams and segments/],
    [() => concat(video, { v: 0, a: 0 }), /both 0/],
    [() => concat(video, { v: -1 }), /v is -1/],
    [() => concat(video, { v: 0.5 }), /v is 0.5/],
  ];
  for (const [call, message] of wrong) assert.match(refused(call).message, message);
});

test.run();
