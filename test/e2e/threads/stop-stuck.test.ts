/** `stop()` of a graph whose source does not come back from the call it is in. */
import { fileURLToPath } from 'node:url';
import { Graph, type GraphError } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const stopping = suite('stop() and a stuck source');
const graphOn = await sharedThreads(2);
const path = fileURLToPath(new URL('../../fixtures/modules/never.mjs', import.meta.url));

/**
 * A source that gives three packets and then does not come back, and what is behind it in another thread.
 * @param own its threads are, and end with it.
 */
function stuckGraph(how: string, own = false, stop_grace = 200): { graph: Graph; inCall: () => boolean } {
  const options = { threads: 2, stop_grace };
  const graph = own ? new Graph(options) : graphOn(options);
  graph
    .module({ name: 'source', path, entry: 'Source' }, { how, after: 3 }, { alias: 'src', scheduler: 0 })
    .module('null_sink', {}, { scheduler: 1 });
  return {
    graph,
    inCall: () => graph.stats().nodes[0]!.call?.phase === 'process' && graph.stats().nodes[0]!.calls === 3,
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

for (const how of ['loop', 'pending']) {
  stopping(
    `a source that ${how === 'loop' ? 'loops' : 'never settles'} fails the graph after stop_grace, by name`,
    async () => {
      const leaks = new LeakWatch();
      // A thread that can end in time has enough of it, however busy the machine is.
      const grace = how === 'loop' ? 200 : 2000;
      const { graph, inCall } = stuckGraph(how, how === 'loop', grace);
      const run = rejection(graph.run());
      await until(inCall);
      graph.stop();
      const error = (await run) as GraphError;
      assert.is(error.code, 'ERR_MILLRACE_TIMEOUT');
      assert.equal([error.alias, error.phase, error.nodeId], ['src', 'process', 0]);
      const told = `source "src" (source) did not return from process() within ${grace} ms after stop()`;
      assert.ok(error.message.includes(told), error.message);
      const terminated = error.warnings.filter((text) => /the thread of src did not stop within \d+ ms/.test(text));
      assert.is(terminated.length, how === 'loop' ? 1 : 0, error.warnings.join());
      leaks.check();
    },
  );
}

stopping('a source that loops until it sees ctx.stopping ends the graph well', async () => {
  const { graph, inCall } = stuckGraph('polling');
  const run = graph.run();
  await until(inCall);
  graph.stop();
  assert.is((await run).stopped, true);
});

stopping('leaving the last reader of a stuck source ends as well, and its runtime serves others', async () => {
  const graph = graphOn({ stop_grace: 200 });
  const source = { name: 'source', path, entry: 'Source' };
  const reader = graph.module(source, { how: 'loop', after: 3 }, { scheduler: 0 }).packets();
  await reader.next();
  await until(() => graph.stats().nodes[0]!.calls === 3 && graph.stats().nodes[0]!.call !== undefined);
  assert.is((await rejection(reader.return())).code, 'ERR_MILLRACE_TIMEOUT');
  const { graph: next, inCall } = stuckGraph('polling');
  const run = next.run();
  await until(inCall);
  next.stop();
  await run;
});

stopping.run();
