/** Calls that neither take nor give: no progress, not at full speed, and not for ever. */
import { fileURLToPath } from 'node:url';
import { type Graph, type GraphError, type NodeHandle, type NodeParameters, Packet, syncModule } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { valuesOf } from '../../kit/calls.js';
import { add } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const idle = suite('calls that neither take nor give');
const graphOn = await sharedThreads(1);
const path = fileURLToPath(new URL('../../fixtures/modules/idle.mjs', import.meta.url));
const named = (entry: string) => ({ name: entry.toLowerCase(), path, entry });

function idling(
  graph: Graph,
  entry: string,
  options: Record<string, unknown> = {},
  parameters: NodeParameters = {},
): NodeHandle {
  return graph.module(named(entry), options, { alias: 'idler', ...parameters });
}

for (const threads of [0, 1]) {
  for (const entry of ['WantsNothing', 'WantsNothingLater', 'Idler']) {
    idle(
      `threads: ${threads}: ${entry}: the graph has made no progress, and it was not called at full speed`,
      async () => {
        const graph = graphOn({ threads, time_out: 2, stop_grace: 500 });
        const inputs = entry === 'Idler' ? [] : [add(graph, 'Scatter', { count: 100, outputs: 1 })];
        idling(graph, entry, {}, { inputs }).module('null_sink');
        const leaks = new LeakWatch();
        const error = (await rejection(graph.run())) as GraphError;
        assert.equal([error.code, error.alias, error.phase], ['ERR_MILLRACE_STALLED', 'idler', 'process']);
        const calls = Number(
          /"idler" .* called (\d+) times in a row without taking or giving/.exec(error.message)?.[1],
        );
        // Some hundred and a hundred a second; at full speed it would be a million.
        assert.ok(calls > 1 && calls < 20_000, error.message);
        leaks.check(error);
      },
    );
  }

  idle(`threads: ${threads}: a source that looks now and then whether there is something makes progress`, async () => {
    const graph = graphOn({ threads, time_out: 3 });
    idling(graph, 'Patient', { after: 160, milliseconds: 25 }).module('null_sink');
    const { nodes } = await graph.run();
    assert.equal([nodes[0]!.calls, nodes[0]!.packetsOut], [160, 1]);
  });

  idle(`threads: ${threads}: a clock that ticks less often than time_out is not stuck`, async () => {
    const graph = graphOn({ threads, time_out: 4 });
    graph.module('clock', { fps: 0.2, count: 2 }).module('null_sink');
    assert.is((await graph.run()).nodes[0]!.packetsOut, 2);
  });

  idle(`threads: ${threads}: work in many small steps comes to its end`, async () => {
    const graph = graphOn({ threads });
    const source = add(graph, 'Scatter', { count: 3, outputs: 1 });
    const steps = idling(graph, 'Steps', { steps: 300 }, { inputs: [source] });
    steps.module('null_sink', {}, { alias: 'sink' });
    const { nodes } = await graph.run();
    assert.is(nodes.find(({ alias }) => alias === 'sink')!.packetsIn, 3);
  });

  idle(`threads: ${threads}: a stop ends the graph`, async () => {
    for (const entry of ['Idler', 'WantsNothing']) {
      const graph = graphOn({ threads });
      const inputs = entry === 'Idler' ? [] : [add(graph, 'Endless')];
      idling(graph, entry, {}, { inputs }).module('null_sink');
      const running = graph.run();
      await new Promise((resolve) => setTimeout(resolve, 50));
      graph.stop();
      assert.ok((await running).stopped);
    }
  });
}

for (const thread of ['inline', 'w']) {
  idle(`thread: '${thread}': a source that gives nothing returns nothing`, async () => {
    const module = syncModule(named('Idler'), { after: 4 }, [], [0], { thread });
    for (let call = 1; call < 4; call++) {
      const { outputs, done } = thread === 'inline' ? await module.processAsync() : module.process();
      assert.equal([outputs[0], done], [[], false]);
    }
    const { outputs, done } = await module.processAsync();
    assert.equal([valuesOf(outputs[0]), done], [[{ n: 4 }, 'EOF'], true]);
    await module.closeAsync();
  });

  idle(`thread: '${thread}': a module that wants nothing returns nothing, and keeps what it was given`, async () => {
    for (const entry of ['WantsNothing', 'WantsNothingLater']) {
      const module = syncModule(named(entry), {}, [0], [0], { thread });
      for (let n = 0; n < 3; n++) {
        const { outputs, done } = await module.processAsync({ 0: [new Packet({ n })] });
        assert.equal([outputs[0], done], [[], false]);
      }
      assert.equal((await module.sendEofAsync()).outputs[0], []);
      await module.closeAsync();
    }
  });

  idle(`thread: '${thread}': work in many small steps goes on with the next call`, async () => {
    const module = syncModule(named('Steps'), { steps: 600 }, [0], [0], { thread });
    let { outputs } = await module.processAsync({ 0: [new Packet('worked')] });
    let calls = 1;
    for (; outputs[0].length === 0 && calls < 10; calls++) ({ outputs } = await module.processAsync());
    assert.equal(valuesOf(outputs[0]), ['worked']);
    assert.ok(calls > 1);
    await module.closeAsync();
  });
}

idle.run();
