/** What modules say through `ctx.log` reaches whoever listens, wherever the module runs and however it is used. */
import { fileURLToPath } from 'node:url';
import { Graph, type LogEntry, type NodeHandle, Packet, Runtime, registerModule, syncModule } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf } from '../../kit/calls.js';
import { rejection } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const log = suite('what modules say');

const FILE = fileURLToPath(new URL('../../fixtures/modules/saying.mjs', import.meta.url));
const saying = (entry = 'Saying') => ({ name: 'saying', path: FILE, entry });
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** What Saying says of these moments. */
function expected(node: string, moments: readonly string[]): LogEntry[] {
  return moments.flatMap((text) => LEVELS.map((level) => ({ level, node, context: 'saying', text })));
}

function listener() {
  const heard: LogEntry[] = [];
  return { heard, onLog: (entry: LogEntry) => void heard.push(entry) };
}

/** One that sends two packets. */
function fed(graph: Graph): NodeHandle {
  let n = 0;
  return graph.module({
    process(task) {
      if (n === 2) task.done();
      else task.output(0).push(new Packet({ n: n++ }));
    },
  });
}

const MOMENTS = ['init', 'packet 0', 'packet 1', 'close'];

const graphOn = await sharedThreads(2);

for (const threads of [0, 1, 2]) {
  log(`every level, in order, with the node and its module, threads ${threads}`, async () => {
    const { heard, onLog } = listener();
    const graph = graphOn({ threads, onLog });
    const first = fed(graph).module(saying(), {}, { alias: 'first' });
    first.module(saying(), {}, { alias: 'second', scheduler: Math.max(0, threads - 1) }).module({ process() {} });
    const report = await graph.run();
    for (const node of ['first', 'second']) {
      assert.equal(
        heard.filter((entry) => entry.node === node),
        expected(node, MOMENTS),
      );
    }
    // Warnings and errors are in the report as well, the others are not.
    assert.is(report.warnings.length, 2 * 2 * MOMENTS.length);
  });

  log(`without a listener warnings and errors are in the report, threads ${threads}`, async () => {
    const graph = graphOn({ threads });
    fed(graph)
      .module(saying(), {}, { alias: 'first' })
      .module({ process() {} });
    const { warnings } = await graph.run();
    assert.equal(
      warnings,
      MOMENTS.flatMap((moment) => [`first: ${moment}`, `first: ${moment}`]),
    );
  });

  log(`a listener that throws fails the graph, threads ${threads}`, async () => {
    const graph = graphOn({
      threads,
      onLog() {
        throw new Error('full disk');
      },
    });
    fed(graph)
      .module(saying())
      .module({ process() {} });
    const error = await rejection(graph.run());
    assert.is(error.code, 'ERR_MILLRACE_CALLBACK');
    assert.match(error.message, /onLog threw: full disk/);
  });

  log(`what is no text is shown as one, threads ${threads}`, async () => {
    const { heard, onLog } = listener();
    const graph = graphOn({ threads, onLog });
    fed(graph).module(saying('Odd'));
    await graph.run();
    assert.equal(
      heard.map(({ text }) => text.split('\n')[0]),
      ['Error: an error', '{ a: [ 1 ] }', 'undefined', '5n', 'Symbol(s)', '[Function (anonymous)]', heard[6]?.text],
    );
    assert.type(heard[6]?.text, 'string');
  });
}

log('what a module said before its thread died is heard', async () => {
  const { heard, onLog } = listener();
  const graph = new Graph({ threads: 1, onLog });
  fed(graph).module(saying('Leaving'));
  assert.is((await rejection(graph.run())).code, 'ERR_MILLRACE_WORKER_DIED');
  assert.equal(
    heard.map(({ text }) => text),
    ['it is time'],
  );
});

log('a graph that serves jobs tells what its modules say', async () => {
  const { heard, onLog } = listener();
  const graph = new Graph({ threads: 1, onLog });
  const stream = graph.inputStream('in').module(saying(), {}, { alias: 'first' });
  const server = await graph.serve({ outputs: [stream] });
  await server.submit([new Packet({ n: 7 })]);
  await server.close();
  assert.equal(heard, expected('first', ['init', 'packet 7', 'close']));
});

for (const thread of ['inline', 'talk'] as const) {
  log(`a call has been heard when it returns, on thread ${thread}`, async () => {
    const { heard, onLog } = listener();
    const module = syncModule(saying(), {}, [0], [0], { alias: 'called', thread, onLog });
    module.process({ 0: [new Packet({ n: 1 })] });
    assert.equal(heard, expected('called', ['init', 'packet 1']));
    await module.processAsync({ 0: [new Packet({ n: 2 })] });
    assert.equal(heard, expected('called', ['init', 'packet 1', 'packet 2']));
    await module.closeAsync();
    assert.equal(heard, expected('called', ['init', 'packet 1', 'packet 2', 'close']));
    assert.is(module.warnings.length, 8);
  });
}

log('a runtime hears its graphs and actors, unless these have a listener of their own', async () => {
  const [outer, inner] = [listener(), listener()];
  const runtime = new Runtime({ threads: 1, onLog: outer.onLog });
  const say = async (graph: Graph): Promise<void> => {
    fed(graph)
      .module(saying(), {}, { alias: 'run' })
      .module({ process() {} });
    await graph.run();
  };
  await say(new Graph({ runtime }));
  assert.equal(outer.heard.splice(0), expected('run', MOMENTS));
  await say(new Graph({ runtime, onLog: inner.onLog }));
  assert.equal(inner.heard.splice(0), expected('run', MOMENTS));

  const actor = await runtime.spawn({ ...saying(), inputs: [0], alias: 'actor' });
  actor.process({ 0: [new Packet({ n: 1 })] });
  assert.equal(outer.heard.splice(0), expected('actor', ['init', 'packet 1']));
  const own = await runtime.spawn({ ...saying(), inputs: [0], alias: 'own', onLog: inner.onLog });
  own.init();
  assert.equal(inner.heard.splice(0), expected('own', ['init']));
  const called = new Graph({ runtime, onLog: inner.onLog }).sync([0], [], {}, saying(), { alias: 'of a graph' });
  called.init();
  assert.equal(inner.heard, expected('of a graph', ['init']));
  const two = await runtime.spawn({ ...saying('Two'), outputs: [0] });
  const wired = await runtime.spawn({ ...saying(), inputs: [0], outputs: [0], alias: 'wired' });
  await runtime.run([two.connect(0, wired, 0), wired]);
  assert.equal(outer.heard, expected('wired', MOMENTS));
  await runtime.close();
});

log('a graph file is given its listener beside the file, and cannot hold one', async () => {
  const { heard, onLog } = listener();
  registerModule('saying', saying());
  registerModule('two', saying('Two'));
  const built = new Graph({ threads: 0 });
  built.module('two').module('saying', {}, { alias: 'first' });
  await Graph.fromConfig(built.toConfig(), { onLog }).run();
  assert.equal(heard, expected('first', MOMENTS));
  assert.is(
    codeOf(() => Graph.fromConfig({ option: { onLog: 'x' }, nodes: [] })),
    'ERR_MILLRACE_CONFIG',
  );
  const graph = new Graph({ graph_name: 'named', onLog });
  assert.equal(graph.toConfig().option, { graph_name: 'named' });
});

log('what is no function is refused', () => {
  const wrong = { onLog: 'loud' } as never;
  for (const make of [
    () => new Graph(wrong),
    () => new Runtime(wrong),
    () => Graph.fromConfig({ nodes: [] }, wrong),
    () => syncModule('pass_through', {}, [0], [0], wrong),
  ]) {
    assert.is(codeOf(make), 'ERR_MILLRACE_CONFIG');
  }
});

log.run();
