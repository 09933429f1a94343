/** Sync calls at their edges: nothing given, the same thing given twice, failed beginnings, endless ends. */
import { process as call, Graph, Packet, Runtime, syncModule, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, obeying, valuesOf } from '../../kit/calls.js';
import { long, times } from '../../kit/long.js';
import { media } from '../../kit/media.js';

const edges = suite('sync calls at their edges');
const PLACES = { inline: { thread: 'inline' }, 'in a thread': { thread: 'edges' } } as const;

function picture(value: number): VideoFrame {
  const frame = VideoFrame.alloc({ width: 64, height: 64, format: 'gray', pts: 7n, timeBase: { num: 1, den: 25 } });
  frame.planes()[0]!.data.fill(value);
  return frame;
}

for (const [place, where] of Object.entries(PLACES)) {
  edges(`${place}: no packets may be null, undefined, or nothing`, () => {
    const echo = syncModule(obeying('Echo'), {}, [0], [0], where);
    assert.equal(call(echo, null).outputs[0], []);
    assert.equal(call(echo).outputs[0], []);
    assert.equal(echo.process(undefined).outputs, { 0: [] });
    assert.equal(echo.process({}).outputs, { 0: [] });
    assert.equal(echo.process({ 0: undefined }).outputs, { 0: [] });
    echo.close();
  });

  edges(`${place}: the same packet on two inputs, and twice on one, arrives every time`, async () => {
    const leaks = new LeakWatch();
    const pass = syncModule('pass_through', {}, [0, 1], [0, 1], where);
    const packet = new Packet(picture(9));
    const { outputs, timestamp } = pass.process({ 0: [packet, packet], 1: [packet] });
    const frames = [...outputs[0], ...outputs[1]];
    assert.is(frames.length, 3);
    assert.is(timestamp, 280_000);
    for (const { payload } of frames) assert.is((payload as VideoFrame).copyPlanes()[0]!.data[100], 9);
    for (const frame of frames) frame.close();
    await pass.closeAsync();
    leaks.check();
  });

  edges(`${place}: a packet that was given away is refused, and what came with it is released`, async () => {
    const leaks = new LeakWatch();
    const pass = syncModule('pass_through', {}, [0], [0], where);
    const given = new Packet(picture(1));
    given.close();
    const other = new Packet(picture(2));
    assert.is(
      codeOf(() => pass.process({ 0: [other, given] })),
      'ERR_MILLRACE_CLOSED',
    );
    assert.ok(other.closed);
    assert.equal(valuesOf(pass.process({ 0: [new Packet(3)] }).outputs[0]), [3]);
    await pass.closeAsync();
    leaks.check();
  });

  edges(`${place}: what failed to begin fails again`, () => {
    const missing = syncModule('c_ffmpeg_decoder', { input_path: '/nowhere/at/all.mp4' }, [], [0], where);
    for (let i = 0; i < 2; i++) assert.throws(() => missing.init(), /failed in init: .*\/nowhere\/at\/all\.mp4/);
    assert.throws(() => missing.process(), /failed in init/);
    assert.throws(() => missing.sendEof(), /failed in init/);
    missing.close();
  });

  edges(`${place}: a refused change of options says so and changes nothing`, () => {
    const echo = syncModule(obeying('Echo'), {}, [0], [0], where);
    echo.dynamicReset({ factor: 10 });
    assert.throws(() => echo.dynamicReset({ factor: -1 }), /failed in reset: factor is -1/);
    assert.equal(valuesOf(echo.process({ 0: [new Packet(2)] }).outputs[0]), [20]);
    echo.close();
    const fixed = syncModule('pass_through', {}, [0], [0], where);
    assert.throws(() => fixed.dynamicReset({ a: 1 }), /cannot be changed/);
    fixed.close();
  });

  // Tens of thousands of packets, which take seconds from thread to thread.
  if (long || place === 'inline') {
    edges(`${place}: an end behind which a module goes on without end comes back to its caller`, async () => {
      const endless = syncModule(obeying('Endless'), {}, [0], [0], where);
      const first = endless.process({ 0: [new Packet(1), Packet.eof()] });
      assert.not(first.done);
      assert.ok(first.outputs[0].length >= 256);
      await endless.closeAsync();
    });
  }

  edges(`${place}: what a module warns of can be read`, () => {
    const module = syncModule(obeying('Obedient'), {}, [0], [0], where);
    module.process({ 0: [new Packet('warn')] });
    assert.equal(module.warnings, ['as told']);
    module.close();
  });

  edges(`${place}: a source that is told to end gives out what it holds`, () => {
    const source = syncModule(obeying('Numbers'), { count: 10, held: 2 }, [], [0], where);
    assert.equal(valuesOf(source.process().outputs[0]), [{ n: 0 }]);
    const { outputs, done } = source.sendEof();
    assert.equal(valuesOf(outputs[0]), [{ n: 8 }, { n: 9 }, 'EOF']);
    assert.ok(done);
    source.close();
    const fresh = syncModule('c_ffmpeg_filter', { name: 'testsrc2' }, [], [0], where);
    assert.equal(valuesOf(fresh.sendEof().outputs[0]), ['EOF']);
    fresh.close();
  });

  edges(`${place}: answers and calls of many packets come whole`, () => {
    const module = syncModule(obeying('Obedient'), {}, [0], [0], where);
    assert.is(module.process({ 0: [new Packet('flood')] }).outputs[0].length, 1000);
    const many = Array.from({ length: 1000 }, (_, i) => new Packet(new Uint8Array(2000).fill(i)));
    const { outputs } = module.process({ 0: many });
    assert.is(outputs[0].length, 1000);
    assert.is((outputs[0][999]!.payload as Uint8Array)[7], 999 & 0xff);
    module.close();
  });
}

edges('getModule takes the thread of the node, and refuses what a called module cannot have', () => {
  const graph = new Graph();
  const input = graph.decode({ input_path: media('clip-4s.mp4') }, { alias: 'in', thread: 'node' });
  input.video.module('null_sink', {}, { alias: 'sink', callback: () => 1 });
  input.audio.module('pass_through', {}, { alias: 'copies', distNums: 2 }).module('null_sink');
  const decoder = graph.getModule('in');
  for (const packets of Object.values(decoder.process().outputs)) for (const packet of packets) packet.close();
  decoder.close();
  assert.throws(() => graph.getModule('sink'), /callback: a module that is called has no callback/);
  assert.throws(() => graph.getModule('copies'), /parallel copies/);
});

edges('the time limit of an asynchronous call ends with its answer, however quick it is', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = timers();
  // A thread that looks for calls instead of sleeping answers some of them while they are being sent.
  process.env.MILLRACE_WAIT_SPIN = '100000';
  const module = syncModule('pass_through', {}, [0], [0], { timeout: 60_000 });
  delete process.env.MILLRACE_WAIT_SPIN;
  await module.initAsync();
  for (let n = 0; n < times(300, 1000); n++) await module.processAsync();
  assert.is(timers(), before);
  await module.closeAsync();
});

edges('what graphs that share a thread hold is no leak of one another', async () => {
  const runtime = new Runtime({ threads: 1 });
  const holder = await runtime.spawn({
    ...obeying('Frames'),
    options: { count: 9, width: 64, height: 64 },
    outputs: [0],
  });
  const reverse = await runtime.spawn({
    name: 'c_ffmpeg_filter',
    options: { name: 'reverse' },
    inputs: [0],
    outputs: [0],
  });
  const graph = new Graph({ runtime });
  graph.decode({ input_path: media('clip-4s.mp4'), vframes: 60 }).video.module('null_sink');
  const running = graph.run();
  // Frames that stay in the thread while the graph ends there.
  for (let i = 0; i < 9; i++) await reverse.processAsync({ 0: (await holder.processAsync()).outputs[0] });
  assert.equal((await running).leaked, {});
  await runtime.close();
});

edges.run();
