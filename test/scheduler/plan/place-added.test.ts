import { availableParallelism } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { estimate } from '../../../src/scheduler/plan/cost.js';
import { freshThread, placeAdded } from '../../../src/scheduler/plan/place-added.js';
import { CALLING_THREAD, type Placement } from '../../../src/scheduler/plan/placement.js';
import type { GraphSpec, NodeSpec } from '../../../src/scheduler/plan/spec.js';
import { topologicalRanks } from '../../../src/scheduler/plan/topology.js';

const placing = suite('places of nodes that come');

const OPTIONS: GraphSpec['options'] = {
  ...{ transport: 'auto' as const, loader: [], spin: 0, optimizeGraph: true, queueLengthLimit: 8 },
  ...{ queueBytesLimit: 1, hardCap: 1, stopGrace: 1, timeOut: 0, threads: 2 },
};

/** A decoder on thread 0, whatever `asked` says of the threads, and what comes behind it. */
function placed(
  { asked, open, hasResting = false }: { asked: Placement['asked']; open: number[]; hasResting?: boolean },
  ...added: Partial<NodeSpec>[]
) {
  const nodes = [{}, ...added].map((extra, id): NodeSpec => {
    const module = { name: id === 0 ? 'c_ffmpeg_decoder' : 'null_sink' };
    return { id, alias: `node${id}`, module, options: {}, ...extra };
  });
  const links = added.map((_, at) => ({ from: { node: at, output: 0 }, to: { node: at + 1, input: 0 } }));
  const spec: GraphSpec = { name: 'grows', options: OPTIONS, nodes, links };
  const { rank } = topologicalRanks(spec);
  const all = estimate(spec, rank, availableParallelism());
  const placement = { asked, threadOf: [0], costs: all.slice(0, 1) } as unknown as Placement;
  const { costs, ...places } = placeAdded(spec, 1, rank, placement, open, hasResting, () => false);
  assert.equal(costs, all.slice(1), 'what comes costs what it would have cost from the start');
  return places;
}

const ENCODER = { module: { name: 'c_ffmpeg_encoder' } };

placing('a cheap node goes to where its packets come from, an expensive one to who has least to do', () => {
  assert.equal(placed({ asked: [undefined, undefined], open: [0, 1] }, {}), { threadOf: [0], fresh: [] });
  assert.equal(placed({ asked: [undefined, undefined], open: [0, 1] }, ENCODER), { threadOf: [1], fresh: [] });
  assert.equal(placed({ asked: [undefined], open: [0] }, ENCODER), { threadOf: [0], fresh: [] });
});

placing('the size of pictures is known from the nodes in front', () => {
  const scale = { module: { name: 'c_ffmpeg_filter' }, options: { name: 'scale', para: '320:180' } };
  assert.is(placed({ asked: [undefined], open: [0] }, scale, {}, ENCODER).fresh.length, 0);
});

placing('a thread that everything has left is taken again before one that has something to do', () => {
  const rests = { asked: [undefined, undefined], open: [0], hasResting: true };
  assert.equal(placed(rests, ENCODER), { threadOf: [freshThread(0)], fresh: [undefined] });
  assert.equal(placed(rests, {}), { threadOf: [0], fresh: [] });
  assert.equal(placed({ ...rests, open: [] }, {}, {}), {
    threadOf: [freshThread(0), freshThread(0)],
    fresh: [undefined],
  });
});

placing('a thread with a name is for who asks for it', () => {
  const named = { asked: ['own'], open: [0] };
  assert.equal(placed(named, { thread: 'own' }, {}), { threadOf: [0, freshThread(0)], fresh: [undefined] });
  assert.equal(placed(named, { thread: 'other' }, ENCODER), {
    threadOf: [freshThread(0), freshThread(1)],
    fresh: ['other', undefined],
  });
});

placing('what belongs to the calling thread goes there: modules of this process, and warm ones that live there', () => {
  const threads = { asked: [undefined], open: [0] };
  const own = { module: { name: 'own', definition: { process() {} } } };
  const warm = { warm: { place: undefined } as NodeSpec['warm'] };
  assert.equal(placed(threads, own, warm as Partial<NodeSpec>).threadOf, [CALLING_THREAD, CALLING_THREAD]);
});

placing.run();
