/** The same media graph gives the same pictures and samples wherever its nodes run and however short its queues are. */
import type { GraphOptionsInput, NodeParameters } from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long } from '../../kit/long.js';
import { contentsOf, media, pictures, quickAac, run, scratch } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const at = scratch();
const FILTER = 'c_ffmpeg_filter';
const NODES = 12;
const graphOn = await sharedThreads(long ? NODES : 3, ['red', 'green']);

type Where = Pick<NodeParameters, 'scheduler' | 'thread'>;

/**
 * Two inputs, a fan-out into an encoder and sinks, an overlay, and the second half of the clip played before the first:
 * that one needs a queue which holds more frames than a limit allows.
 */
function build(options: GraphOptionsInput, where: (node: number) => Where, file: string) {
  let nodes = 0;
  const next = (more: NodeParameters = {}): NodeParameters => ({ ...where(nodes++), ...more });
  const graph = graphOn(options);
  const source = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 24, aframes: 45 }, next());
  const logo = graph.decode({ input_path: media('logo-alpha.png') }, next());
  const small = source.video.module(FILTER, { name: 'scale', para: '160:90' }, next());
  const marked = small.module(FILTER, { name: 'overlay', para: '4:4' }, next({ inputs: [logo.video] }));
  const quiet = source.audio.module(FILTER, { name: 'volume', para: '0.5' }, next());
  const last = small.module(FILTER, { graph: '[0]trim=0.48:0.96,setpts=PTS-STARTPTS' }, next());
  const first = small.module(FILTER, { graph: '[0]trim=0:0.48,setpts=PTS-STARTPTS' }, next());
  const joined = last.module(FILTER, { name: 'concat' }, next({ inputs: [first] }));
  const sinks = [marked, joined, quiet].map((stream) => {
    const sink = new TestSink();
    stream.module(sink.spec, sink.options, next({ callback: sink.callback }));
    return sink;
  });
  // libx264's mbtree is not deterministic on AVX-512 machines.
  const video_params = { threads: 1, preset: 'veryfast', bit_rate: '200k', mbtree: 0 } as const;
  marked.module(
    'c_ffmpeg_encoder',
    { output_path: file, video_params, audio_params: quickAac },
    next({ inputs: [quiet] }),
  );
  return { graph, sinks };
}

async function result(name: string, options: GraphOptionsInput, where: (node: number) => Where = () => ({})) {
  const file = at(`${name}.mp4`);
  const { graph, sinks } = build(options, where, file);
  const report = await run(graph);
  const { video, audio } = await contentsOf(file);
  return { report, seen: [...sinks.map((sink) => sink.packets), video, audio].map(pictures) };
}

const test = suite('placements');
const reference = await result('reference', { threads: 0 });

test('the reference is what it should be', () => {
  const [marked, joined, quiet, video, audio] = reference.seen.map((list) => list.length);
  assert.equal([marked, joined, video], [24, 24, 24]);
  assert.is(quiet, 45);
  assert.ok(Math.abs(audio! - 45) <= 1, `${audio} frames of sound in the file`);
  const [small, other] = [reference.seen[0]!, reference.seen[1]!];
  assert.is(new Set(small.map(([, md5]) => md5)).size, 24, 'pictures differ');
  assert.equal(
    other.map(([time]) => time),
    small.map(([time]) => time),
  );
});

type Case = readonly [options: GraphOptionsInput, where?: (node: number) => Where];
const dealt = (node: number): Where => ({ scheduler: (node * 7) % 3 });
const CASES: Record<string, Case> = {
  'threads 3': [{ threads: 3 }],
  'neighbours on different threads, queues of one packet': [{ queue_length_limit: 1 }, dealt],
  'named threads, against the flow': [{}, (node) => ({ thread: ['red', 'green'][(node * 5 + 1) % 2]! })],
  'queues of one packet on the calling thread': [{ threads: 0, queue_length_limit: 1 }],
  'queues of a hundred packets, and frames that are copied': [
    { threads: 3, transport: 'copy', queue_length_limit: 100 },
  ],
};
/** What the cases above have together, one by one, and more threads. */
const MORE: Record<string, Case> = {
  'threads 1': [{ threads: 1 }],
  'threads 2': [{ threads: 2 }],
  'threads 4': [{ threads: 4 }],
  'nodes dealt out to three threads': [{}, dealt],
  'queues of one packet': [{ threads: 2, queue_length_limit: 1 }],
  'every node on a thread of its own, queues of one packet': [
    { queue_length_limit: 1 },
    (node) => ({ scheduler: node }),
  ],
  'queues of a hundred packets': [{ threads: 3, queue_length_limit: 100 }],
  'frames that are copied between threads': [{ threads: 3, transport: 'copy' }],
};

for (const [name, [options, where]] of Object.entries({ ...CASES, ...(long && MORE) })) {
  test(name, async () => {
    const { report, seen } = await result(name, options, where);
    seen.forEach((list, i) => {
      assert.is(list.length, reference.seen[i]!.length, `list ${i}`);
      assert.equal(list, reference.seen[i], `list ${i}`);
    });
    if (name.startsWith('every node'))
      assert.is(new Set(report.nodes.map((node) => node.thread)).size, report.nodes.length);
  });
}

test.run();
