/** The same media graph gives the same pictures and samples wherever its nodes run and however short its queues are. */
import { Graph, type GraphOptionsInput, type NodeParameters } from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contentsOf, media, pictures, run, scratch } from '../kit/media.js';

const at = scratch();
const FILTER = 'c_ffmpeg_filter';

type Where = Pick<NodeParameters, 'scheduler' | 'thread'>;

/**
 * Two inputs, a fan-out into two encoders and a sink, an overlay, and the end of the clip played before its beginning:
 * that one needs a queue which holds a second of frames.
 */
function build(options: GraphOptionsInput, where: (node: number) => Where, file: string) {
  let nodes = 0;
  const next = (more: NodeParameters = {}): NodeParameters => ({ ...where(nodes++), ...more });
  const graph = new Graph(options);
  const source = graph.decode({ input_path: media('clip-4s.mp4') }, next());
  const logo = graph.decode({ input_path: media('logo-alpha.png') }, next());
  const small = source.video.module(FILTER, { name: 'scale', para: '160:90' }, next());
  const marked = small.module(FILTER, { name: 'overlay', para: '4:4' }, next({ inputs: [logo.video] }));
  const quiet = source.audio.module(FILTER, { name: 'volume', para: '0.5' }, next());
  const last = small.module(FILTER, { graph: '[0]trim=3:4,setpts=PTS-STARTPTS' }, next());
  const first = small.module(FILTER, { graph: '[0]trim=0:1,setpts=PTS-STARTPTS' }, next());
  const joined = last.module(FILTER, { name: 'concat' }, next({ inputs: [first] }));
  const sinks = [marked, joined, quiet].map((stream) => {
    const sink = new TestSink();
    stream.module(sink.spec, sink.options, next({ callback: sink.callback }));
    return sink;
  });
  const video_params = { threads: 1, preset: 'veryfast', bit_rate: '200k' } as const;
  marked.module('c_ffmpeg_encoder', { output_path: file, video_params }, next({ inputs: [quiet] }));
  joined.module('c_ffmpeg_encoder', { output_path: `${file}.mkv`, video_params: { codec: 'ffv1', threads: 1 } }, next());
  return { graph, sinks };
}

async function result(name: string, options: GraphOptionsInput, where: (node: number) => Where = () => ({})) {
  const file = at(`${name}.mp4`);
  const { graph, sinks } = build(options, where, file);
  const report = await run(graph);
  const [one, two] = [await contentsOf(file), await contentsOf(`${file}.mkv`)];
  return { report, seen: [...sinks.map((sink) => sink.packets), one.video, one.audio, two.video].map(pictures) };
}

const test = suite('placements');
const reference = await result('reference', { threads: 0 });

test('the reference is what it should be', () => {
  const [marked, joined, quiet, video, audio, second] = reference.seen.map((list) => list.length);
  assert.equal([marked, joined, video, second], [100, 50, 100, 50]);
  assert.ok(quiet! > 180 && audio! > 180);
  const [small, other] = [reference.seen[0]!, reference.seen[1]!];
  assert.is(new Set(small.map(([, md5]) => md5)).size, 100, 'pictures differ');
  assert.equal(
    other.map(([time]) => time),
    small.slice(0, 50).map(([time]) => time),
  );
});

const CASES: Record<string, [GraphOptionsInput, ((node: number) => Where)?]> = {
  'threads 1': [{ threads: 1 }],
  'threads 2': [{ threads: 2 }],
  'threads 4': [{ threads: 4 }],
  'every node on a thread of its own': [{}, (node) => ({ scheduler: node })],
  'nodes dealt out to three threads': [{}, (node) => ({ scheduler: (node * 7) % 3 })],
  'named threads, against the flow': [{}, (node) => ({ thread: ['red', 'green', 'blue'][(node * 5 + 1) % 3]! })],
  'queues of one packet': [{ threads: 2, queue_length_limit: 1 }],
  'queues of one packet on the calling thread': [{ threads: 0, queue_length_limit: 1 }],
  'queues of one packet, every node on a thread of its own': [{ queue_length_limit: 1 }, (node) => ({ scheduler: node })],
  'queues of a hundred packets': [{ threads: 3, queue_length_limit: 100 }],
  'frames that are copied between threads': [{ threads: 3, transport: 'copy' }],
};

for (const [name, [options, where]] of Object.entries(CASES)) {
  test(name, async () => {
    const { report, seen } = await result(name, options, where);
    seen.forEach((list, i) => {
      assert.is(list.length, reference.seen[i]!.length, `list ${i}`);
      assert.equal(list, reference.seen[i], `list ${i}`);
    });
    if (where?.(1).scheduler === 1) assert.is(new Set(report.nodes.map((node) => node.thread)).size, report.nodes.length);
  });
}

test.run();
