import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CALLING_THREAD, place } from '../../../src/scheduler/plan/placement.js';
import type { GraphSpec, NodeSpec } from '../../../src/scheduler/plan/spec.js';
import { topologicalRanks } from '../../../src/scheduler/plan/topology.js';

const placement = suite('placement');

const OPTIONS = {
  transport: 'auto',
  loader: [],
  spin: 0,
  optimizeGraph: true,
  queueLengthLimit: 8,
  queueBytesLimit: 1,
  hardCap: 1,
  stopGrace: 1,
  timeOut: 0,
} as const;

type Extra = Partial<Pick<NodeSpec, 'scheduler' | 'thread' | 'options'>> & { inProcess?: boolean };

/** A chain of nodes; module names with what else they say. */
function chain(threads: number | 'auto', ...nodes: [name: string, extra?: Extra][]): GraphSpec {
  return {
    name: 'chain',
    options: { ...OPTIONS, threads },
    nodes: nodes.map(([name, { inProcess, ...extra } = {}], id) => ({
      id,
      alias: `${name}${id}`,
      module: inProcess ? { name, definition: { process() {} } } : { name },
      options: {},
      inputManager: 'immediate',
      ...extra,
    })),
    links: nodes.slice(1).map((_, id) => ({ from: { node: id, output: 0 }, to: { node: id + 1, input: 0 } })),
  };
}

const threadsOf = (spec: GraphSpec, cores = 2) => place(spec, topologicalRanks(spec).rank, cores);
const TRANSCODE: [string][] = [['c_ffmpeg_decoder'], ['c_ffmpeg_filter'], ['c_ffmpeg_encoder']];

placement('threads: 0 puts everything on the calling thread, whatever the nodes say', () => {
  const { threads, threadOf } = threadsOf(chain(0, ['a', { scheduler: 3 }], ['b', { thread: 'x' }]));
  assert.equal([threads, threadOf], [0, [CALLING_THREAD, CALLING_THREAD]]);
});

placement('a number of threads is filled along the graph, the encoder by itself first', () => {
  assert.equal(threadsOf(chain(1, ...TRANSCODE)).threadOf, [0, 0, 0]);
  assert.equal(threadsOf(chain(2, ...TRANSCODE)).threadOf, [0, 0, 1]);
  assert.equal(threadsOf(chain(3, ...TRANSCODE)).threadOf, [0, 1, 2]);
});

placement('never more threads than nodes', () => {
  assert.is(threadsOf(chain(64, ...TRANSCODE)).threads, 3);
});

placement('more threads than stages: the next heavier nodes get one', () => {
  const spec = chain(4, ...TRANSCODE, ['pass_through'], ['null_sink']);
  assert.equal(threadsOf(spec).threadOf, [0, 1, 2, 3, 3]);
});

const ONE = { threads: 1 };
const TRANSCODE_ALONE: [string, Extra][] = [
  ['c_ffmpeg_decoder', { options: { dec_params: ONE } }],
  ['c_ffmpeg_filter', { options: { name: 'scale', para: '640:360' } }],
  ['c_ffmpeg_encoder', { options: { video_params: { preset: 'veryfast', ...ONE } } }],
];

placement('auto: codecs without threads of their own get a thread per stage, as far as there are cores', () => {
  const nodes: [string, Extra?][] = [...TRANSCODE_ALONE, ['pass_through'], ['null_sink']];
  for (const cores of [1, 2, 3, 8]) {
    const { threads, threadOf } = threadsOf(chain('auto', ...nodes), cores);
    assert.is(threads, Math.min(3, cores), `${cores} cores`);
    assert.is(threadOf[3], threadOf[2], 'cheap ones are fused with the node that feeds them');
    assert.is(threadOf[4], threadOf[2]);
  }
});

placement('auto: threads of the codecs count, and only what would be the bottleneck is taken apart', () => {
  const both = (threads: number | undefined): GraphSpec =>
    chain(
      'auto',
      ['c_ffmpeg_decoder', { options: { dec_params: { threads } } }],
      ['c_ffmpeg_filter', { options: { name: 'scale', para: '640:360' } }],
      ['c_ffmpeg_encoder', { options: { video_params: { threads } } }],
    );
  assert.is(threadsOf(both(1), 8).threads, 3);
  assert.is(threadsOf(both(2), 8).threads, 3, 'two further threads leave six cores');
  assert.is(threadsOf(both(undefined), 8).threads, 2, "FFmpeg's own choice fills the cores");
  assert.is(threadsOf(both(1), 2).threads, 2);
  assert.is(threadsOf(both(undefined), 1).threads, 1);
});

placement(
  'auto: one thread is enough for codecs whose own threads fill the cores, not for what computes itself',
  () => {
    for (const [video_params, onFour] of [[{}, 2] as const, [{ preset: 'veryfast' }, 3] as const]) {
      const transcode = chain(
        'auto',
        ['c_ffmpeg_decoder'],
        ['c_ffmpeg_filter', { options: { name: 'scale', para: '640:360' } }],
        ['c_ffmpeg_encoder', { options: { video_params } }],
      );
      const few = threadsOf(transcode, 2);
      assert.is(few.threads, 1);
      assert.match(few.why, /one thread serves them all, itself busy for \d+ % of the time/);
      assert.is(threadsOf(transcode, 4).threads, onFour, 'with more cores the same work takes more of the time');
    }
    const own: [string, Extra?][] = [['c_ffmpeg_decoder'], ['my_module'], ['c_ffmpeg_encoder']];
    assert.is(threadsOf(chain('auto', ...own), 2).threads, 2, 'a module of the user may take any time');
    const alone = chain('auto', ['c_ffmpeg_decoder'], ['c_ffmpeg_encoder', { options: { video_params: ONE } }]);
    assert.is(threadsOf(alone, 2).threads, 1, 'nothing is as heavy as the encoder');
    const spec = chain('auto', ['c_ffmpeg_decoder', { scheduler: 1 }], ['c_ffmpeg_encoder']);
    assert.is(threadsOf(spec, 2).threads, 2, 'what is asked for wins');
  },
);

placement('auto: options that are known before the start count: codec, preset, size', () => {
  const encode = (video_params: Record<string, unknown>): GraphSpec =>
    chain(
      'auto',
      ['c_ffmpeg_decoder', { options: { dec_params: ONE } }],
      ['c_ffmpeg_encoder', { options: { video_params: { ...ONE, ...video_params } } }],
    );
  const work = (spec: GraphSpec): number => threadsOf(spec).costs[1]!.work;
  assert.ok(work(encode({ codec: 'hevc' })) > work(encode({ codec: 'h264' })));
  assert.ok(work(encode({ codec: 'h264' })) > work(encode({ codec: 'h264', preset: 'veryfast' })));
  assert.ok(work(encode({ codec: 'h264', preset: 'veryfast' })) > work(encode({ codec: 'mpeg4' })));
  assert.ok(work(encode({ width: 320, height: 180 })) < work(encode({})) / 10);
  assert.ok(work(encode({ codec: 'copy' })) < 0.1);
  // A medium encoder beside which everything else is cheap: nothing is gained by a second thread.
  assert.is(threadsOf(encode({ codec: 'hevc', preset: 'placebo' }), 4).threads, 1);
});

placement('the size a scale filter makes holds downstream', () => {
  const spec = (para: string): GraphSpec =>
    chain(
      2,
      ['c_ffmpeg_filter', { options: { name: 'testsrc2', para: 'size=1920x1080' } }],
      ['c_ffmpeg_filter', { options: { name: 'scale', para } }],
      ['pass_through'],
      ['c_ffmpeg_encoder'],
    );
  const sizes = threadsOf(spec('-2:270')).costs.map(({ what }) => /\d+x\d+/.exec(what)?.[0]);
  assert.equal(sizes, ['1920x1080', '480x270', undefined, '480x270']);
  assert.match(threadsOf(spec('iw/2:ih/2')).costs[3]!.what, /1920x1080/);
});

placement('branches stay together: each rendition is on one thread', () => {
  const spec = chain(3, ['c_ffmpeg_decoder']);
  for (const id of [1, 2, 3]) {
    const node = (name: string, at: number, options: Record<string, unknown>): NodeSpec => ({
      id: at,
      alias: `${name}${at}`,
      module: { name },
      options,
      inputManager: 'immediate',
    });
    spec.nodes.push(node('c_ffmpeg_filter', id, { name: 'scale', para: '640:360' }));
    spec.links.push({ from: { node: 0, output: 0 }, to: { node: id, input: 0 } });
  }
  for (const id of [1, 2, 3]) {
    spec.nodes.push({
      ...spec.nodes[1]!,
      id: id + 3,
      alias: `enc${id}`,
      module: { name: 'c_ffmpeg_encoder' },
      options: {},
    });
    spec.links.push({ from: { node: id, output: 0 }, to: { node: id + 3, input: 0 } });
  }
  const { threadOf } = threadsOf(spec, 4);
  assert.equal([threadOf[4], threadOf[5], threadOf[6]], [0, 1, 2]);
  assert.equal([threadOf[1], threadOf[2], threadOf[3]], [0, 1, 2]);
});

placement('what nobody can know is no cheap thing: a module of yours is taken for as heavy as the heaviest', () => {
  const { threads, threadOf } = threadsOf(
    chain('auto', ...TRANSCODE_ALONE.slice(0, 2), ['mine'], ...TRANSCODE_ALONE.slice(2)),
    4,
  );
  assert.is(threads, 4);
  assert.is(new Set(threadOf).size, 4);
});

placement('threads with a name leave fewer cores to auto', () => {
  const nodes = TRANSCODE_ALONE.map(([name, extra]): [string, Extra] => [name, { ...extra }]);
  nodes[2]![1].thread = 'encoder';
  const { threads, threadOf } = threadsOf(chain('auto', ...nodes), 2);
  assert.equal([threads, threadOf], [2, [0, 0, 1]]);
});

placement('an index is obeyed; without a number of threads it makes as many as it needs', () => {
  const { threads, threadOf } = threadsOf(
    chain('auto', ['a', { scheduler: 2 }], ['b', { scheduler: 0 }], ['c', { scheduler: 1 }]),
  );
  assert.equal([threads, threadOf], [3, [2, 0, 1]]);
});

placement('an index adds to what auto takes, and never lowers it', () => {
  const { threads } = threadsOf(chain('auto', ['c_ffmpeg_decoder', { scheduler: 0 }], ['c_ffmpeg_encoder']));
  assert.is(threads, 2);
});

placement('an index out of the given range goes to thread 0 and is warned of', () => {
  const { threadOf, warnings } = threadsOf(chain(2, ['a', { scheduler: 2 }], ['b', { scheduler: 1 }]));
  assert.equal(threadOf, [0, 1]);
  assert.match(warnings.join(), /"a0".*scheduler 2 is out of range of 2 threads/);
});

placement('nodes of one thread name share a thread of their own', () => {
  const { threads, threadOf } = threadsOf(
    chain(1, ['a'], ['b', { thread: 'x' }], ['c'], ['d', { thread: 'x' }], ['e', { thread: 'y' }]),
  );
  assert.equal([threads, threadOf], [3, [0, 1, 0, 1, 2]]);
});

placement('modules of this process stay on the calling thread', () => {
  const { threads, threadOf } = threadsOf(chain(2, ['a'], ['b', { inProcess: true, scheduler: 1 }], ['c']));
  assert.equal([threads, threadOf], [2, [0, CALLING_THREAD, 1]]);
});

placement('a cycle is found and told node by node', () => {
  const spec = chain(1, ['a'], ['b'], ['c'], ['d']);
  spec.links.push({ from: { node: 2, output: 1 }, to: { node: 1, input: 1 } });
  assert.equal(topologicalRanks(spec).cycle, ['b1', 'c2', 'b1']);
});

placement.run();
