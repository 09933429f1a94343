/** The policies of mux in graphs of actors in threads: NNStreamer's recorded cases. */
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SyncMode } from '../../../src/sync/index.js';
import { addJoin, type Bundle, muxed } from '../../kit/joins.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { type Vector, vectors } from '../../sync/vectors.js';

const graphs = suite('policies in graphs');
const graphOn = await sharedThreads(3);

const optionOf = ({ policy, options }: Vector): object => ({
  sync_mode: policy.toUpperCase(),
  ...(policy === 'basepad' && { sync_option: `${options.basePad ?? 0}:${options.duration ?? 0}` }),
});
const expectedOf = ({ expected }: Vector): Bundle[] => expected.map(({ pts, inputs }) => ({ pts, ids: inputs }));
/** In a graph every stream ends. */
const complete = (policy: SyncMode): Vector[] =>
  vectors(policy).filter(({ arrival, pads }) => pads.every((_, pad) => arrival.includes(`eos:${pad}`)));

for (const policy of ['nosync', 'slowest', 'basepad', 'refresh'] as const) {
  graphs(`mux does what NNStreamer's recorded ${policy} does when the buffers arrive in that order`, async () => {
    const cases = complete(policy).slice(0, 12);
    assert.ok(cases.length >= 6);
    for (const [n, vector] of cases.entries()) {
      // Room for all: a source that is held back would change the order in which refresh sees the buffers.
      const graph = graphOn({ threads: n < 2 ? 1 : 0, queue_length_limit: 1000 });
      const arrival = addJoin(graph, 'Arrival', { pads: vector.pads, arrival: vector.arrival }, { scheduler: 0 });
      const inputs = vector.pads.map((_, pad) => arrival.output(pad));
      assert.equal(await muxed(graph, inputs, optionOf(vector)), expectedOf(vector), vector.name);
    }
  });
}

for (const policy of ['slowest', 'basepad'] as const) {
  graphs(`${policy} gives the same from sources in threads of their own, however late the buffers come`, async () => {
    const watch = new LeakWatch();
    for (const [n, vector] of complete(policy).slice(0, 4).entries()) {
      const graph = graphOn({ threads: 3 });
      const inputs = vector.pads.map((buffers, pad) => addJoin(graph, 'Pad', { buffers, delay: 6, seed: n * 7 + pad }));
      assert.equal(await muxed(graph, inputs, optionOf(vector)), expectedOf(vector), vector.name);
    }
    await watch.check();
  });
}

graphs.run();
