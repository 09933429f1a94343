/** Where called modules live: on the calling thread, on those of a runtime, where a graph says. */
import { fileURLToPath } from 'node:url';
import { Graph, Packet, Runtime, type SyncModule, syncModule, type Task, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, codeOfAsync, obeying, valuesOf } from '../../kit/calls.js';
import { media } from '../../kit/media.js';
import { rejection, thrown } from '../../kit/rejection.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/modules/${name}`, import.meta.url));
const odd = (entry = 'Odd') => ({ name: entry.toLowerCase(), path: fixture('odd.mjs'), entry }) as const;
const give = (value: unknown) => ({ 0: [new Packet(value)] });
const picture = (): VideoFrame => VideoFrame.alloc({ width: 32, height: 32, format: 'gray' });
const INLINE = { thread: 'inline' } as const;

/** How many modules of odd.mjs have been closed on this thread. */
function closedHere(): number {
  const module = syncModule(odd(), {}, [0], [0], INLINE);
  const [closed] = valuesOf(module.process(give('closed')).outputs[0]);
  module.close();
  return closed as number;
}

const inline = suite('called modules on the calling thread');

inline('packets that were given are nobody else’s: closing one closes nothing that came back', () => {
  const leaks = new LeakWatch();
  const module = syncModule('pass_through', {}, [0], [0], INLINE);
  const given = new Packet(picture(), { timestamp: 9 });
  const [back] = module.process({ 0: [given] }).outputs[0];
  assert.ok(given.closed);
  given.close();
  assert.is(back?.closed, false);
  assert.is(back?.timestamp, 9);
  const { av } = back!.payload as VideoFrame;
  assert.ok(av.isWritable, 'it is referred to by nobody else');
  back!.close();
  module.close();
  leaks.check();
});

inline('a file that cannot be loaded says why, also to a call that blocks', () => {
  const broken = syncModule({ path: fixture('unloadable.mjs') }, {}, [0], [0], INLINE);
  const error = thrown(() => broken.init());
  assert.is(error.code, 'ERR_MILLRACE_MODULE_LOAD');
  assert.match(error.message, /unloadable\.mjs cannot be imported: .*there-is-no-such-file/);
  broken.close();
  const other = syncModule(odd('Nobody'), {}, [0], [0], INLINE);
  assert.match(thrown(() => other.init()).message, /no module as its export 'Nobody'; it exports .*Odd/);
  other.close();
});

inline('a module that begins asynchronously can be called blocking when it has begun', async () => {
  const module = syncModule(odd('AsyncBeginning'), {}, [0], [0], INLINE);
  assert.is(
    codeOf(() => module.init()),
    'ERR_MILLRACE_ASYNC_INLINE',
  );
  await module.initAsync();
  assert.equal(valuesOf(module.process(give(1)).outputs[0]), ['begun']);
  const pending = module.processAsync(give(1));
  assert.equal(valuesOf(module.process(give(1)).outputs[0]), ['begun'], 'what is not asynchronous is over');
  assert.equal(valuesOf((await pending).outputs[0]), ['begun']);
  module.close();
});

inline('close fails what waits; the module is closed once, when its call has come to an end', async () => {
  const leaks = new LeakWatch();
  for (const form of ['blocking', 'asynchronous']) {
    const before = closedHere();
    const module = syncModule(odd(), {}, [0], [0], INLINE);
    const calls = ['patient', 'patient', 1].map((what) =>
      codeOfAsync(module.processAsync({ 0: [new Packet(picture()), new Packet(what)] })),
    );
    if (form === 'blocking') {
      assert.is(
        codeOf(() => module.close()),
        'ERR_MILLRACE_ASYNC_INLINE',
      );
    }
    await module.closeAsync();
    assert.equal(await Promise.all(calls), new Array(3).fill('ERR_MILLRACE_CLOSED'));
    assert.is(closedHere(), before + 2, 'the one, and the one that counted before it');
  }
  leaks.check();
});

inline('a call that does not come to its end fails after the timeout, and so does the close', async () => {
  const module = syncModule(odd(), {}, [0], [0], { ...INLINE, timeout: 100 });
  assert.equal(valuesOf((await module.processAsync(give(1))).outputs[0]), [1]);
  const calls = await Promise.all(['never', 1].map((what) => codeOfAsync(module.processAsync(give(what)))));
  assert.equal(calls, ['ERR_MILLRACE_TIMEOUT', 'ERR_MILLRACE_TIMEOUT']);
  assert.is(
    codeOf(() => module.process(give(1))),
    'ERR_MILLRACE_TIMEOUT',
  );
  await module.closeAsync();
  const other = syncModule(odd(), {}, [0], [0], { ...INLINE, timeout: 100 });
  await other.initAsync();
  const pending = codeOfAsync(other.processAsync(give('never')));
  assert.is(await codeOfAsync(other.closeAsync()), 'ERR_MILLRACE_TIMEOUT');
  assert.is(await pending, 'ERR_MILLRACE_CLOSED');
});

inline('a module that calls itself is told so', () => {
  let module: SyncModule<readonly [0], readonly [0]> | undefined;
  let code: string | undefined;
  const vain = {
    process(task: Task) {
      code = codeOf(() => module?.process(give(1)));
      task.output(0).push(new Packet('done'));
    },
  };
  module = syncModule(vain, {}, [0], [0]);
  assert.equal(valuesOf(module.process(give(1)).outputs[0]), ['done']);
  assert.is(code, 'ERR_MILLRACE_WOULD_DEADLOCK');
  module.close();
});

inline.run();

const graphs = suite('called modules of a graph');

graphs('with threads: 0 they live on the calling thread, whatever thread the node names', () => {
  const leaks = new LeakWatch();
  const graph = new Graph({ threads: 0 });
  graph.module('pass_through', {}, { alias: 'pass', thread: 'somewhere' });
  const pass = graph.getModule('pass');
  const other = graph.sync([0], [0], {}, 'pass_through');
  for (const module of [pass, other]) assert.equal(valuesOf(module.process(give(3)).outputs[0] ?? []), [3]);
  leaks.check(); // no thread was started
  pass.close();
  other.close();
});

graphs('with a runtime they live on its threads and end with it', async () => {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 1 });
  const graph = new Graph({ runtime });
  graph.module('pass_through', {}, { alias: 'pass', scheduler: 0 });
  const modules: SyncModule[] = [graph.getModule('pass'), graph.sync([0], [0], {}, 'pass_through')];
  for (const module of modules) assert.equal(valuesOf(module.process(give(3)).outputs[0] ?? []), [3]);
  assert.is(runtime.stats().threads, 1);
  assert.equal(
    runtime.stats().actors.map(({ alias, thread }) => [alias, thread]),
    [
      ['pass', 0],
      ['pass_through', 0],
    ],
  );
  await runtime.close();
  assert.ok(modules.every(({ closed }) => closed));
  leaks.check();
});

graphs('a node without connections is a source only if it begins streams', () => {
  const graph = new Graph({ threads: 0 });
  const source = (spec: Parameters<Graph['module']>[0], options: object, alias: string) =>
    graph.module(spec, options as never, { alias });
  source('c_ffmpeg_filter', { name: 'scale', para: '16:16' }, 'scale');
  source('c_ffmpeg_filter', { name: 'testsrc2', para: 'size=32x32' }, 'test');
  source('c_ffmpeg_decoder', {}, 'bytes');
  source(obeying('Numbers'), { count: 2 }, 'numbers').module('null_sink');
  source(obeying('Echo'), {}, 'echo');
  const inputs = ['scale', 'test', 'bytes', 'numbers', 'echo'].map((alias) => graph.getModule(alias).inputs);
  assert.equal(inputs, [[0], [], [0], [], [0]]);
  assert.equal(valuesOf(graph.getModule('numbers').process().outputs[0] ?? []), [{ n: 0 }]);
  for (const alias of ['scale', 'test', 'bytes', 'numbers', 'echo']) graph.getModule(alias).close();
});

graphs('getModule takes an alias and refuses parameters that are none', () => {
  const graph = new Graph();
  graph.module('pass_through', {}, { alias: 'pass' });
  assert.match(thrown(() => graph.getModule('pass', { treads: 'x' } as never)).message, /Did you mean 'thread'/);
  assert.is(graph.getModule('pass', { alias: 'other' }).alias, 'other');
});

graphs.run();

const runtimes = suite('actors of a runtime');

runtimes('actors are dealt out to the threads when they are spawned', async () => {
  const runtime = new Runtime({ threads: 2 });
  const spec = { name: 'pass_through', inputs: [0], outputs: [0] } as const;
  const actors = [await runtime.spawn(spec), await runtime.spawn(spec), await runtime.spawn({ ...spec, thread: 1 })];
  actors.push(await runtime.spawn(spec));
  assert.equal(
    actors.map(({ thread }) => thread),
    [0, 1, 1, 0],
  );
  const [first] = actors;
  const { outputs } = first!.process(give(1));
  assert.equal(valuesOf(outputs[0]), [1], 'results are typed by the ids declared');
  assert.match((await rejection(runtime.spawn({ ...spec, thread: 2 }))).message, /no thread 2.*threads 0 to 1/s);
  await runtime.close();
});

runtimes('actors that named no thread are placed by the scheduler when they are run', async () => {
  const runtime = new Runtime({ threads: 2 });
  const decoder = await runtime.spawn({
    name: 'c_ffmpeg_decoder',
    options: { input_path: media('clip-4s.mp4'), vframes: 5 },
    outputs: [0],
  });
  const flip = await runtime.spawn({ name: 'c_ffmpeg_filter', options: { name: 'vflip' }, inputs: [0], outputs: [0] });
  const sink = await runtime.spawn({ name: 'null_sink', inputs: [0], thread: 1 });
  decoder.connect(0, flip, 0);
  flip.connect(0, sink, 0);
  const report = await runtime.run([decoder, flip, sink]);
  assert.is(report.nodes.find(({ module }) => module === 'null_sink')?.thread, 1);
  const other = await runtime.spawn({ name: 'null_sink', inputs: [0], thread: 'inline' });
  assert.match((await rejection(runtime.run([other]))).message, /is inline, and a run has threads/);
  await runtime.close();
});

runtimes('closed actors are forgotten', async () => {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 1 });
  const spec = { name: 'pass_through', inputs: [0], outputs: [0] } as const;
  const [one, two, three] = [await runtime.spawn(spec), await runtime.spawn(spec), await runtime.spawn(spec)];
  for (const actor of [one, two]) actor.process(give(1));
  one.close();
  await one.closeAsync();
  await two.closeAsync();
  await three.closeAsync();
  assert.equal(runtime.stats().actors, []);
  await Promise.all([runtime.close(), runtime.close()]);
  leaks.check();
});

runtimes('a runtime without threads has everything on the calling one', async () => {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 0 });
  assert.is(runtime.threads, 0);
  const actor = await runtime.spawn({ name: 'pass_through', inputs: [0], outputs: [0] });
  assert.is(actor.thread, 'inline');
  assert.equal(valuesOf(actor.process(give(2)).outputs[0]), [2]);
  const graph = new Graph({ runtime });
  graph.decode({ input_path: media('clip-4s.mp4'), vframes: 3 }).video.module('null_sink');
  assert.is((await graph.run()).frames, 3);
  const [source, sink] = [
    await runtime.spawn({ name: 'c_ffmpeg_filter', options: { name: 'testsrc2', para: 'duration=1' }, outputs: [0] }),
    await runtime.spawn({ name: 'null_sink', inputs: [0] }),
  ];
  source.connect(0, sink, 0);
  assert.is((await runtime.run([source, sink])).frames, 25);
  assert.is(runtime.stats().threads, 0);
  await runtime.close();
  leaks.check();
});

runtimes('a call while the runtime is being closed is refused, and releases what it was given', async () => {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 1 });
  const graph = new Graph({ runtime });
  graph.filter('testsrc2', { size: '64x64' }).module('null_sink');
  const failed = rejection(graph.run());
  const actor = await runtime.spawn({ name: 'pass_through', inputs: [0], outputs: [0] });
  const closing = runtime.close();
  assert.is(
    codeOf(() => actor.process({ 0: [new Packet(picture())] })),
    'ERR_MILLRACE_STATE',
  );
  await closing;
  await failed;
  leaks.check();
});

runtimes.run();
