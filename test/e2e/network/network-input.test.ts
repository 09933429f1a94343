/** An input of the network can be left at every stage and in every way, however quiet its peer is. */
import { Graph, type GraphError, type ModuleContext, type Task } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { inputs, SHORT_PROBE, ways } from '../../kit/quiet-stages.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf, soon } from '../../kit/soon.js';

const test = suite('inputs of the network');
const graphOn = await sharedThreads(2);

/** Tells of every frame. */
class Teller {
  #ctx: ModuleContext | undefined;
  init(ctx: ModuleContext): void {
    this.#ctx = ctx;
  }
  async process(task: Task): Promise<void> {
    for (const packet of task.inputs.get(0) ?? []) {
      if (!packet.isEof) await this.#ctx?.callback('frame', 1);
      packet.close();
    }
  }
}

/** Inputs that may wait at once. */
const AT_ONCE = 3;
const named = Object.entries(inputs);

const groups = Array.from({ length: Math.ceil(named.length / AT_ONCE) }, (_, n) =>
  named.slice(n * AT_ONCE, (n + 1) * AT_ONCE),
);

for (const [group, chosen] of crossed(groups, [...Object.entries(ways).entries()], 1)) {
  const name = group.map(([stage]) => stage).join(', ');
  test(`${name}: ways to end`, async () => {
    const watch = new LeakWatch();
    for (const [threads, [way, { end, code }]] of chosen) {
      const cases = await Promise.all(group.map(([, make]) => make()));
      try {
        const graph = graphOn({ threads });
        const abort = new AbortController();
        const told: (() => void)[] = [];
        const played = cases.map(({ url }, i) => {
          graph
            .decode({ input_path: url, dec_params: SHORT_PROBE })
            .video.module(Teller, {}, { callback: () => told[i]?.() });
          return new Promise<void>((resolve) => {
            told[i] = resolve;
          });
        });
        const run = graph.run({ signal: abort.signal }).then(
          () => undefined,
          (error: GraphError) => error,
        );
        for (const [i, { url, peer, frames }] of cases.entries()) {
          if (frames) await soon(`the first frame of ${url}`, Promise.race([played[i], run]));
          else if (peer) await soon(`a visit to ${url}`, Promise.race([peer.met, run]));
        }
        end(graph, abort);
        const error = await soon(`${name} after ${way}`, run);
        assert.is(error?.code, code, error?.message);
      } finally {
        for (const { peer } of cases) peer?.close();
      }
    }
    watch.check();
  });
}

for (const [name, make] of named) {
  test(`${name}: timeout_ms fails by name`, async () => {
    const { url, peer } = await make();
    try {
      const graph = new Graph({ threads: 0 });
      graph.decode({ input_path: url, timeout_ms: 300, dec_params: SHORT_PROBE }).video.module('null_sink', {});
      const error = await failureOf(name, graph.run());
      assert.is(error.code, 'ERR_MILLRACE_INPUT', error.message);
      assert.match(error.message, url);
      assert.match(error.message, 'nothing came for 300 ms');
    } finally {
      peer?.close();
    }
  });
}

test.run();
