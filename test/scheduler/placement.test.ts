import { availableParallelism } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CALLING_THREAD, place } from '../../src/scheduler/placement.js';
import type { GraphSpec, NodeSpec } from '../../src/scheduler/spec.js';
import { topologicalRanks } from '../../src/scheduler/topology.js';

const placement = suite('placement');

const OPTIONS = {
  transport: 'auto',
  spin: 0,
  queueLengthLimit: 8,
  queueBytesLimit: 1,
  hardCap: 1,
  stopGrace: 1,
} as const;

type Extra = Partial<Pick<NodeSpec, 'scheduler' | 'thread'>> & { inProcess?: boolean };

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

const threadsOf = (spec: GraphSpec) => place(spec, topologicalRanks(spec).rank);
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

placement('auto takes as many threads as there are heavy nodes, at most one per core; cheap ones are fused', () => {
  const { threads, threadOf } = threadsOf(chain('auto', ...TRANSCODE, ['pass_through'], ['null_sink']));
  assert.is(threads, Math.min(3, availableParallelism()));
  assert.is(threadOf[3], threadOf[4]);
});

placement('an index is obeyed; without a number of threads it makes as many as it needs', () => {
  const { threads, threadOf } = threadsOf(
    chain('auto', ['a', { scheduler: 2 }], ['b', { scheduler: 0 }], ['c', { scheduler: 1 }]),
  );
  assert.equal([threads, threadOf], [3, [2, 0, 1]]);
});

placement('an index adds to what auto takes, and never lowers it', () => {
  const { threads } = threadsOf(chain('auto', ['c_ffmpeg_decoder', { scheduler: 0 }], ['c_ffmpeg_encoder']));
  assert.is(threads, Math.min(2, availableParallelism()));
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
