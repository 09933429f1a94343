/** Modules that are initialised once and used by one graph after the other. */
import { fileURLToPath } from 'node:url';
import {
  type ConfigError,
  createModule,
  defineModule,
  Graph,
  type GraphConfig,
  type GraphError,
  type ModuleContext,
  Runtime,
  type WarmModule,
} from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, pictures, run, sinkOn } from '../../kit/media.js';

const warm = suite('warm modules');
const FILE = fileURLToPath(new URL('../../fixtures/modules/warm.mjs', import.meta.url));
const counted = (
  options: Record<string, unknown> = {},
  parameters: Parameters<typeof createModule>[2] = {},
): WarmModule => createModule({ name: 'counted', path: FILE, entry: 'Counted' }, options, parameters);
const runtime = new Runtime({ threads: 2 });
// Its threads are there before any test looks for threads that are left behind.
const first = new Graph({ runtime });
for (const scheduler of [0, 1]) {
  const picture = first.module('c_ffmpeg_filter', { name: 'testsrc2', para: 'duration=0.1' }, { scheduler });
  picture.module('null_sink', {}, { scheduler });
}
await first.run();

interface Seen {
  did: string[];
  inputs: number;
}

/** A graph with the module in it, and what the module tells. */
function using(module: WarmModule, options: object = { threads: 1, runtime }): { graph: Graph; seen: Seen[] } {
  const graph = new Graph(options);
  const seen: Seen[] = [];
  const source = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 0.12 });
  source
    .module(module, undefined, { alias: 'warm' })
    .addCallback('seen', (told: Seen) => seen.push(told))
    .module('null_sink');
  return { graph, seen };
}

/** All that was done with it in the end, without the single calls. */
const did = (seen: readonly Seen[]): string[] => seen.at(-1)!.did.filter((what) => what !== 'process');

warm('init once, reset between graphs, close once: on a thread of its own', async () => {
  const leaks = new LeakWatch();
  const module = counted();
  const lines: string[] = [];
  for (let n = 0; n < 3; n++) {
    const { graph, seen } = using(module, {
      threads: 0 === n % 2 ? 1 : 2,
      runtime,
      onLog: ({ text }: { text: string }) => lines.push(text),
    });
    const report = await graph.run();
    assert.equal(did(seen), ['made 1', 'init 0', ...Array(n).fill('reset')]);
    assert.is(seen.at(-1)!.inputs, 1, 'its context is that of the graph it is in');
    const node = report.nodes.find(({ alias }) => alias === 'warm')!;
    assert.is(node.frames, 3, 'also the meter that it kept');
    assert.equal(
      report.warnings.filter((text) => /loaded/.test(text)),
      n === 0 ? ['counted: loaded'] : [],
    );
  }
  assert.equal(lines.filter((text) => text === 'in warm').length, 9);
  await module.close();
  await module.close();
  leaks.check();
  const { graph } = using(module);
  assert.match((await failureOf(graph)).message, /premodule_id: the warm module counted has been closed/);
});

warm("on a runtime's thread, on a shared one, and on the calling thread", async () => {
  const places = [{ runtime, thread: 'models' }, { thread: 'shared' }, { thread: 'inline' }];
  for (const place of places) {
    const module = await counted({}, place).ready;
    for (let n = 0; n < 2; n++) {
      const { graph, seen } = using(module, place.thread === 'inline' ? { threads: 0 } : { threads: 1, runtime });
      const report = await run(graph);
      assert.is(did(seen).filter((what) => what === 'reset').length, n);
      const node = report.nodes.find(({ alias }) => alias === 'warm')!;
      assert.is(node.thread === -1, place.thread === 'inline');
    }
    await module.close();
  }
  const { graph } = using(await counted({}, { thread: 'shared' }).ready, { threads: 0 });
  assert.match((await failureOf(graph)).message, /lives in a thread, and this graph has none/);
});

warm('an object of this process is on the calling thread', async () => {
  let inits = 0;
  const told: unknown[] = [];
  const module = createModule(
    defineModule<{ tell: (value: unknown) => void }, { ctx: ModuleContext<{ tell: (value: unknown) => void }> }>({
      init(ctx) {
        inits++;
        this.ctx = ctx;
      },
      process(task) {
        this.ctx.options.tell(this.ctx.alias);
        for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) task.output(0).push(packet);
      },
    }),
    { tell: (value) => void told.push(value) },
  );
  for (let n = 0; n < 2; n++) await run(using(module).graph);
  assert.is(inits, 1);
  assert.ok(told.length >= 2 && told.every((alias) => alias === 'warm'));
  await module.close();
});

warm('a built-in module is as new in every graph, whatever is connected', async () => {
  const decoder = await createModule('c_ffmpeg_decoder', { input_path: media('one-frame.mp4') }, { thread: 'shared' })
    .ready;
  const scale = createModule('c_ffmpeg_filter', { name: 'scale', para: '32:24' }, { runtime, thread: 'models' });
  const made: unknown[] = [];
  for (const count of [1, 1, 2]) {
    const graph = new Graph({ threads: 1, runtime });
    const input = graph.module(decoder);
    const sinks = [sinkOn(input.video.module(scale))];
    if (count === 2) sinks.push(sinkOn(input.video));
    await run(graph);
    made.push(pictures(sinks[0]!.packets));
  }
  const [first] = made;
  assert.is((first as unknown[]).length, 1);
  assert.equal(made, [first, first, first]);
  await Promise.all([decoder.close(), scale.close()]);
});

warm('is in one graph at a time, and as one node', async () => {
  const module = await counted({}, { thread: 'shared' }).ready;
  const first = using(module);
  const held = first.graph.run();
  const second = using(module);
  assert.match(
    (await failureOf(second.graph)).message,
    /the warm module counted is in the graph graph, and in one at a time/,
  );
  assert.match(await module.close().then(String, (error: Error) => error.message), /is in the graph graph/);
  await held;
  await run(second.graph);
  const graph = new Graph({ threads: 1, runtime });
  const source = graph.filter('testsrc2', { size: '64x48', duration: 0.1 });
  for (const alias of ['a', 'b']) source.module(module, undefined, { alias }).module('null_sink');
  assert.match((await failureOf(graph)).message, /nodes\[3\].*: the warm module counted is nodes\[1\]/);
  for (const [options, parameters] of [
    [{ a: 1 }, {}],
    [{}, { scheduler: 0 }],
    [{}, { thread: 'x' }],
    [{}, { distNums: 2 }],
  ] as const) {
    assert.throws(
      () => source.module(module, options as never, parameters),
      (error: ConfigError) => error.problems.length === 1,
    );
  }
  await module.close();
});

warm('what fails in it is told, by `ready` and by the graph, and a graph that fails leaves it usable', async () => {
  const bad = counted({ fail: 'init' }, { thread: 'shared' });
  const error = (await bad.ready.catch((cause: GraphError) => cause)) as GraphError;
  assert.match(error.message, 'the warm module counted failed in init(): no model');
  assert.is(error.phase, 'init');
  assert.match((await failureOf(using(bad).graph)).message, /is of no use: .*no model/);
  await bad.close();

  const failing = await counted({ fail: 'process' }, { thread: 'shared' }).ready;
  for (let n = 0; n < 2; n++) assert.match((await failureOf(using(failing).graph)).message, 'no idea');
  await failing.close();

  const stuck = await counted({ fail: 'reset' }, { thread: 'inline' }).ready;
  await run(using(stuck).graph);
  assert.match((await failureOf(using(stuck).graph)).message, 'stuck');

  const unwilling = await counted({ fail: 'close' }, { thread: 'shared' }).ready;
  assert.match(await unwilling.close().then(String, (cause: Error) => cause.message), 'failed in close(): will not go');

  for (const wrong of [
    () => createModule('no_such'),
    () => counted({}, { threads: 1 } as never),
    () => counted({}, { runtime }),
  ]) {
    assert.throws(wrong, (cause: ConfigError) => cause.problems.length === 1);
  }
});

warm('one that does not come back from close() is given up', async () => {
  process.env.MILLRACE_STOP_GRACE = '50';
  const modules = [{ thread: 'shared' }, { thread: 'inline' }].map((place) => counted({ fail: 'end' }, place));
  delete process.env.MILLRACE_STOP_GRACE;
  for (const module of modules) {
    await module.ready;
    const error = await module.close().catch((cause: GraphError) => cause);
    assert.match(String(error), 'did not come back from close() within 50 ms of close()');
    assert.is((error as GraphError).code, 'ERR_MILLRACE_TIMEOUT');
  }
});

warm('a thread that dies takes it along', async () => {
  const mortal = await counted({ fail: 'die' }).ready;
  assert.match((await failureOf(using(mortal).graph)).message, /died \(exit code 3\)/);
  assert.match(
    (await failureOf(using(mortal).graph)).message,
    /is of no use: the thread of the warm module counted died/,
  );
  await mortal.close();
});

warm('a graph that is stopped in the middle gives it back, reset', async () => {
  const module = await counted({}, { thread: 'shared' }).ready;
  const graph = new Graph({ threads: 1, runtime });
  const abort = new AbortController();
  graph
    .filter('testsrc2', { size: '64x48', rate: 25 })
    .module(module)
    .addCallback('seen', () => abort.abort())
    .module('null_sink');
  assert.match(await graph.run({ signal: abort.signal }).then(String, (cause: Error) => cause.message), 'aborted');
  const next = using(module);
  await run(next.graph);
  assert.equal(did(next.seen).slice(1), ['init 0', 'reset']);
  await module.close();
});

warm('graph files name it by its id, in the process that has it', async () => {
  const module = await counted({ size: 3 }, { thread: 'shared' }).ready;
  const { graph } = using(module);
  graph.node('warm').addCallback('seen', 'seen');
  const config = JSON.parse(JSON.stringify(graph.toConfig())) as GraphConfig;
  assert.is(config.nodes[1]!.meta_info.premodule_id, module.id);
  assert.equal(config.nodes[1]!.option, { size: 3 });
  for (let n = 0; n < 2; n++) {
    const read = Graph.fromConfig({ ...config, option: { threads: 1 } });
    const seen: Seen[] = [];
    read.addCallback('seen', (told: Seen) => seen.push(told));
    await run(read);
    assert.is(did(seen).filter((what) => what === 'reset').length, n);
  }
  const changed = (change: (node: GraphConfig['nodes'][number]) => void): string => {
    const other = structuredClone(config);
    change(other.nodes[1]!);
    try {
      Graph.fromConfig(other);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing was refused';
  };
  assert.match(
    changed((node) => Object.assign(node.meta_info, { premodule_id: 999_999 })),
    /there is no warm module 999999/,
  );
  assert.match(
    changed((node) => Object.assign(node.option, { size: 4 })),
    /are not those of the warm module/,
  );
  assert.match(
    changed((node) => Object.assign(node.module_info, { name: 'split', path: '' })),
    /a counted, and the node is a split/,
  );
  await module.close();
});

warm.after(() => runtime.close());
warm.run();
