import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Graph } from '../../../src/graph/graph.js';

function sample(): Graph {
  const graph = new Graph({ graph_name: 'sample' });
  const input = graph.decode({ input_path: 'in "a".mp4' }, { alias: 'camera' });
  const [left, right] = input.video.scale(640, 360).split(2);
  left.encode(input.audio, { output_path: 'out.mp4' }, { scheduler: 1 });
  right.module('null_sink', {}, { thread: 'sinks' });
  return graph;
}

const test = suite('drawing');

test('Mermaid: nodes with what tells them apart, links with their outputs', () => {
  assert.is(
    sample().toMermaid(),
    [
      'flowchart LR',
      '  n0["camera<br/>c_ffmpeg_decoder in #34;a#34;.mp4"]',
      '  n1["scale 640:360"]',
      '  n2["split 2"]',
      '  n3["c_ffmpeg_encoder out.mp4<br/>thread 1"]',
      '  n4["null_sink<br/>thread sinks"]',
      '  n0 -->|video| n1',
      '  n1 --> n2',
      '  n2 --> n3',
      '  n0 -->|audio| n3',
      '  n2 -->|1:0| n4',
      '',
    ].join('\n'),
  );
});

test('Graphviz: the same graph, quoted', () => {
  const dot = sample().toDot();
  assert.match(dot, /^digraph "sample" \{/);
  assert.match(dot, 'rankdir = "LR"');
  assert.match(dot, String.raw`label = "camera\nc_ffmpeg_decoder in \"a\".mp4"`);
  assert.match(dot, /"n0" -> "n1" \[\s*label = "video";?\s*\]/);
  assert.match(dot, /"n1" -> "n2"/);
  assert.is(dot.match(/->/g)!.length, 5);
});

test('labels hold what would be markup', () => {
  const graph = new Graph();
  graph.filter('drawtext', { text: '<b>`x` & #1' });
  assert.match(graph.toMermaid(), 'text=#60;b#62;#96;x#96; #38; #35;1');
});

test('a backslash is drawn as one', () => {
  const graph = new Graph();
  graph.decode({ input_path: 'C:\\new\\in.mp4' });
  assert.match(graph.toDot(), String.raw`C:\\new\\in.mp4`);
});

test('an empty graph is drawn as one', () => {
  assert.is(new Graph().toMermaid(), 'flowchart LR\n');
  assert.match(new Graph().toDot(), /^digraph "graph" \{/);
});

test.run();
