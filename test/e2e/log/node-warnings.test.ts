/** One signal for many graphs, and times beyond what a timer of Node takes: it all works, and Node warns of nothing. */
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { add } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';
import { summing, values } from '../../kit/serving.js';

const quiet = suite('no warnings of Node');
const warned: string[] = [];
const note = (warning: Error): void => void warned.push(`${warning.name}: ${warning.message}`);

quiet.before(() => void process.on('warning', note));
quiet.after(() => void process.off('warning', note));

async function check(): Promise<void> {
  // They are told in the next turn, what a timer cannot count after 1 ms.
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(warned.splice(0), []);
}

const endless = (): Graph => {
  const graph = new Graph({ threads: 0 });
  add(graph, 'Endless').module('pass_through', {}, { alias: 'end' });
  return graph;
};

quiet('one signal ends many runs, readers and jobs at once', async () => {
  const abort = new AbortController();
  const { signal } = abort;
  const { graph, stream } = summing({ threads: 0 });
  const server = await graph.serve({ outputs: [stream], signal });
  const each = Array.from({ length: 12 }, (_, n) => n);
  const failures = [
    ...each.map(() => endless().run({ signal })),
    ...each.map(async () => {
      for await (const _ of endless().node('end').packets({ signal }).closing());
    }),
    ...each.map((n) => server.submit({ in: unending(n) }, { signal })),
  ].map((pending) => rejection(pending));
  await new Promise((resolve) => setTimeout(resolve, 20));
  abort.abort();
  const codes = new Set((await Promise.all(failures)).map(({ code }) => code));
  assert.equal([...codes], ['ERR_MILLRACE_ABORTED']);
  await check();
});

quiet('runs that end forget their signal', async () => {
  const { signal } = new AbortController();
  for (let n = 0; n < 12; n++) {
    const graph = new Graph({ threads: 0 });
    add(graph, 'Scatter', { count: 3, outputs: 1 }).module('null_sink');
    await graph.run({ signal });
  }
  await check();
});

quiet('the longest times that the options allow are no short ones', async () => {
  // Each way of waiting with each way of joining in the long form.
  for (const [threads, modes] of crossed([0, 1], ['slowest', 'refresh'] as const, 1)) {
    for (const mode of modes) {
      const graph = new Graph({ threads, time_out: 1e6, stop_grace: 1e9 });
      const inputs = [1, 2].map(() => add(graph, 'Scatter', { count: 20, outputs: 1 }));
      const joined = graph.module('mux', { sync_mode: mode, timeout: 1e7 }, { inputs });
      let count = 0;
      for await (const packet of joined.packets()) {
        if (!packet.isEof) count++;
        packet.close();
      }
      assert.ok(count > 0);
    }
  }
  const stuck = new Graph({ threads: 0, time_out: 0.2, stop_grace: 1e9 });
  add(stuck, 'SlowRelay', { milliseconds: 700 }, { inputs: [add(stuck, 'Scatter', { count: 2, outputs: 1 })] }).module(
    'null_sink',
  );
  assert.is((await rejection(stuck.run())).code, 'ERR_MILLRACE_STALLED');
  await check();
});

async function* unending(n: number) {
  yield* values(n);
  await new Promise(() => {});
}

quiet.run();
