/** Runtimes: threads that are kept, and actors spawned, called and wired by hand. */
import { fileURLToPath } from 'node:url';
import { Graph, Packet, Runtime } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contentsOf, media, scratch } from '../../kit/media.js';
import { rejection, thrown } from '../../kit/rejection.js';

const at = scratch();
const FILE = fileURLToPath(new URL('../../fixtures/modules/called.mjs', import.meta.url));
const CLIP = media('clip-4s.mp4');
const VIDEO = { codec: 'h264', width: 320, height: 250, preset: 'ultrafast', threads: 1 };

const runtimes = suite('runtime');

runtimes('actors are spawned, called and wired on its threads, which graphs share', async () => {
  const watch = new LeakWatch();
  const runtime = new Runtime({ threads: 2 });
  const doubler = await runtime.spawn({ path: FILE, entry: 'Doubler', inputs: [0], outputs: [0], alias: 'd' });
  assert.is((await doubler.processAsync({ 0: [new Packet(4)] })).outputs[0]?.[0]?.payload, 8);
  assert.is(runtime.stats().threads, 1);

  const output = at('wired.mp4');
  const decoder = await runtime.spawn({
    name: 'c_ffmpeg_decoder',
    options: { input_path: CLIP, vframes: 10 },
    outputs: [0],
  });
  const scale = await runtime.spawn({
    name: 'c_ffmpeg_filter',
    options: { name: 'scale', para: '160:120' },
    inputs: [0],
    outputs: [0],
  });
  const encoder = await runtime.spawn({
    name: 'c_ffmpeg_encoder',
    options: { output_path: output, video_params: VIDEO },
    inputs: [0],
  });
  decoder.connect(0, scale, 0);
  scale.connect(0, encoder, 0);
  assert.throws(() => decoder.connect(0, scale, 0), /is fed already/);
  assert.throws(() => decoder.connect(1, scale, 0), /output 1 was not declared/);
  const report = await runtime.run([decoder, scale, encoder]);
  assert.is(report.frames, 10);
  assert.is((await contentsOf(output)).video.length, 10);

  for (let i = 0; i < 3; i++) {
    const graph = new Graph({ runtime });
    graph.decode({ input_path: CLIP, vframes: 5 }).video.module('null_sink');
    assert.is((await graph.run()).frames, 5);
  }
  assert.ok(runtime.stats().threads <= 2);
  assert.equal(runtime.stats().actors.map(({ alias, calls: n }) => [alias, n])[0], ['d', 1]);
  await runtime.close();
  await runtime.close();
  assert.is((await rejection(runtime.spawn({ name: 'pass_through' }))).code, 'ERR_MILLRACE_STATE');
  watch.check();
});

runtimes('a thread that dies fails what runs on it, and is replaced', async () => {
  const watch = new LeakWatch();
  const runtime = new Runtime({ threads: 1 });
  const spec = { path: FILE, entry: 'Moody', inputs: [0], outputs: [0] };
  const [one, two] = [await runtime.spawn(spec), await runtime.spawn(spec)];
  await two.initAsync();
  assert.is((await rejection(one.processAsync({ 0: [new Packet('exit')] }))).code, 'ERR_MILLRACE_WORKER_DIED');
  assert.is((await rejection(two.processAsync())).code, 'ERR_MILLRACE_WORKER_DIED');
  const three = await runtime.spawn(spec);
  assert.is((await three.processAsync({ 0: [new Packet('')] })).outputs[0]?.[0]?.payload, 'fine');
  await runtime.close();
  watch.check();
});

runtimes('close aborts what runs', async () => {
  const runtime = new Runtime({ threads: 1 });
  const graph = new Graph({ runtime });
  graph.filter('testsrc2', { size: '64x64' }).module('null_sink');
  const failed = rejection(graph.run());
  await new Promise((resolve) => setTimeout(resolve, 100));
  await runtime.close();
  assert.match((await failed).code, /ERR_MILLRACE_(ABORTED|STATE)/);
});

runtimes('wrong options are refused', () => {
  assert.match(thrown(() => new Runtime({ threds: 1 } as never)).message, /threds/);
  assert.match(thrown(() => new Graph({ runtime: {} as never })).message, /must be a Runtime/);
});

runtimes('spawning and closing many times leaves nothing behind', async () => {
  const watch = new LeakWatch();
  const runtime = new Runtime({ threads: 1 });
  for (let i = 0; i < 100; i++) {
    const actor = await runtime.spawn({ path: FILE, entry: 'Doubler', inputs: [0], outputs: [0] });
    assert.is(actor.process({ 0: [new Packet(i)] }).outputs[0]?.[0]?.payload, 2 * i);
    if (i % 2 === 0) actor.close();
    else await actor.closeAsync();
  }
  await runtime.close();
  watch.check();
});

runtimes.run();
