import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  AudioFrame,
  process as call,
  Graph,
  Packet,
  Runtime,
  registerModule,
  type SyncModule,
  sendEof,
  syncModule,
  VideoFrame,
} from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ledger } from '../../src/media/index.js';
import { contentsOf, media, picturesOf, scratch } from '../kit/media.js';
import { rejection, thrown } from '../kit/rejection.js';

const at = scratch();
const FILE = fileURLToPath(new URL('../fixtures/modules/called.mjs', import.meta.url));
const module = (entry: string) => ({ name: entry.toLowerCase(), path: FILE, entry }) as const;
const CLIP = media('clip-4s.mp4');
// x264 with mbtree is not deterministic on every machine.
const VIDEO = { codec: 'h264', width: 320, height: 250, preset: 'ultrafast', threads: 1, 'x264-params': 'mbtree=0' };
const PLACES = { inline: { thread: 'inline' }, 'one shared thread': { thread: 'shared' }, 'a thread each': {} };

interface Parts {
  decoder: SyncModule<readonly number[], readonly number[]>;
  filters: SyncModule[];
  encoder: SyncModule;
}

/** The whole of a file, one call at a time: video through the filters, sound as it is. */
function loop({ decoder, filters, encoder }: Parts): void {
  const video = (packets: Packet[] = []): Packet[] => {
    let now = packets;
    for (const filter of filters) now = filter.process({ 0: now }).outputs[0] ?? [];
    return now;
  };
  for (let done = false; !done; ) {
    const step = decoder.process();
    done = step.done;
    const inputs: Record<number, Packet[]> = {};
    if (encoder.inputs.includes(0)) inputs[0] = video(step.outputs[0]);
    if (encoder.inputs.includes(1)) inputs[1] = step.outputs[1] ?? [];
    encoder.process(inputs);
  }
  encoder.sendEof();
  for (const part of [decoder, ...filters, encoder]) part.close();
}

const media320 = suite('sync calls: media');

for (const [place, parameters] of Object.entries(PLACES)) {
  const name = place.replaceAll(' ', '-');

  media320(`${place}: one image becomes a 320x240 JPEG`, async () => {
    const before = ledger.snapshot();
    const output = at(`${name}.jpg`);
    const decoder = syncModule('c_ffmpeg_decoder', { input_path: media('still.jpg') }, [], [0], parameters);
    const scale = syncModule('c_ffmpeg_filter', { name: 'scale', para: '320:240' }, [0], [0], parameters);
    const options = { output_path: output, format: 'mjpeg', video_params: { codec: 'jpg' } } as const;
    const encoder = syncModule('c_ffmpeg_encoder', options, [0], [], parameters);
    decoder.init();
    decoder.init();
    const { outputs, timestamp } = decoder.process();
    assert.is(outputs[0].length, 1);
    assert.is(timestamp, outputs[0][0]?.timestamp);
    encoder.process({ 0: scale.process({ 0: outputs[0] }).outputs[0] });
    encoder.sendEof();
    for (const part of [encoder, scale, decoder]) part.close();
    const [frame] = (await contentsOf(output)).video;
    assert.equal([frame?.width, frame?.height], [320, 240]);
    assert.equal(ledger.snapshot(), before);
  });

  media320(`${place}: video and sound of a file, decoder driven to its end, as a graph does it`, async () => {
    const output = at(`${name}.mp4`);
    const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP }, [], [0, 1], parameters);
    const flip = syncModule('c_ffmpeg_filter', { name: 'vflip' }, [0], [0], parameters);
    const encoder = syncModule(
      'c_ffmpeg_encoder',
      { output_path: output, video_params: VIDEO },
      [0, 1],
      [],
      parameters,
    );
    loop({ decoder, filters: [flip], encoder });

    const reference = at(`${name}-graph.mp4`);
    const graph = new Graph({ threads: 2 });
    const input = graph.decode({ input_path: CLIP });
    input.video.vflip().encode(input.audio, { output_path: reference, video_params: VIDEO });
    await graph.run();
    assert.equal(await picturesOf(output), await picturesOf(reference));
    const [ours, theirs] = [await contentsOf(output), await contentsOf(reference)];
    assert.ok(ours.video.length > 50);
    assert.is(ours.samples, theirs.samples);
  });
}

media320('video only and sound only', async () => {
  for (const [id, inputs] of [
    [0, [0]],
    [1, [1]],
  ] as const) {
    const output = at(`only-${id}.mp4`);
    const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP }, [], [id], { thread: 'inline' });
    const encoder = syncModule('c_ffmpeg_encoder', { output_path: output, video_params: VIDEO }, inputs, [], {
      thread: 'inline',
    });
    loop({ decoder, filters: [], encoder });
    const { video, samples } = await contentsOf(output);
    assert.is(video.length > 0, id === 0);
    assert.is(samples > 0, id === 1);
  }
});

media320('one audio frame through volume=3 into a one-frame mp4', async () => {
  const output = at('volume.mp4');
  const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP }, [], [1]);
  const volume = syncModule('c_ffmpeg_filter', { name: 'volume', para: 'volume=3' }, [0], [0]);
  const encoder = syncModule('c_ffmpeg_encoder', { output_path: output }, [1], []);
  let frame: Packet | undefined;
  while (frame === undefined) frame = decoder.process().outputs[1].shift();
  assert.instance(frame.payload, AudioFrame);
  const before = (frame.payload as AudioFrame).samples;
  const { outputs } = volume.process({ 0: [frame] });
  encoder.process({ 1: outputs[0] });
  encoder.sendEof();
  for (const part of [decoder, volume, encoder]) part.close();
  const { samples } = await contentsOf(output);
  assert.ok(samples >= before && samples <= before + 2048, `${samples} of ${before} samples`);
});

media320('sendEof on a decoder stops reading and returns the frames its codec held back, then the end', () => {
  const before = ledger.snapshot();
  const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP }, [], [0]);
  const first = decoder.process().outputs[0];
  const { outputs, done } = sendEof(decoder);
  assert.ok(done);
  assert.ok(outputs[0].at(-1)?.isEof);
  const frames = outputs[0].length - 1;
  assert.ok(frames > 0 && frames < 60, `${frames} delayed frames`);
  assert.equal(decoder.process().outputs[0], []);
  assert.equal(decoder.sendEof().outputs[0], []);
  decoder.close();
  for (const packet of [...first, ...outputs[0]]) packet.close();
  assert.equal(ledger.snapshot(), before);
});

media320('a source gives its frames, then the ends of its outputs, then nothing; nothing it was not asked for', () => {
  const decoder = syncModule('c_ffmpeg_decoder', { input_path: CLIP, vframes: 3, dec_params: { threads: 1 } }, [], [0]);
  const seen: string[] = [];
  for (let i = 0; i < 6; i++) {
    const { outputs, done } = decoder.process();
    assert.equal(Object.keys(outputs), ['0']);
    seen.push(`${outputs[0].map((packet) => (packet.isEof ? 'end' : 'frame')).join('+')}${done ? '!' : ''}`);
    for (const packet of outputs[0]) packet.close();
  }
  assert.match(seen.join(' '), /^frame frame frame(\+end!| end!)( !)+ ?/);
  decoder.close();
});

media320('through getModule: the same object each time, and the same frames as the graph', async () => {
  const graph = new Graph();
  const flipped = graph.decode({ input_path: CLIP, vframes: 5 }, { alias: 'in' }).video.vflip({ alias: 'flip' });
  flipped.module('null_sink');
  const decoder = graph.getModule('in');
  assert.is(graph.getModule('in'), decoder);
  const flip = graph.getModule('flip');
  const frames: Packet[] = [];
  for (let done = false; !done; ) {
    const step = decoder.process();
    done = step.done;
    frames.push(...(flip.process({ 0: step.outputs[0] ?? [] }).outputs[0] ?? []));
    for (const packet of step.outputs[1] ?? []) packet.close();
  }
  const hash = ({ payload }: Packet): string =>
    createHash('md5')
      .update((payload as VideoFrame).toBuffer())
      .digest('hex');
  const hashes = frames.filter((packet) => !packet.isEof).map(hash);
  for (const packet of frames) packet.close();
  decoder.close();
  flip.close();
  const other = new Graph({ threads: 1 });
  const seen: Packet[] = [];
  for await (const packet of other.decode({ input_path: CLIP, vframes: 5 }).video.vflip().packets()) seen.push(packet);
  assert.is(hashes.length, 5);
  assert.equal(hashes, seen.map(hash));
  for (const packet of seen) packet.close();
});

media320('a frame crosses by reference: what the caller writes into its own copy does not show in the actor', () => {
  const before = ledger.snapshot();
  const pass = syncModule('pass_through', {}, [0], [0]);
  const frame = VideoFrame.alloc({ width: 64, height: 64, format: 'gray' });
  for (const plane of frame.planes()) plane.data.fill(9);
  const { outputs } = pass.process({ 0: [new Packet(frame)] });
  const back = outputs[0][0]?.payload as VideoFrame;
  assert.ok(frame.closed, 'what was given is consumed');
  assert.is(back.planes()[0]?.data[0], 9);
  back.close();
  pass.close();
  assert.equal(ledger.snapshot(), before);
});

media320.run();

const calls = suite('sync calls');
const EVERYWHERE = { inline: { thread: 'inline' }, 'in a thread': {} } as const;

for (const [place, parameters] of Object.entries(EVERYWHERE)) {
  calls(`${place}: a user module is called, reset and ended`, () => {
    const doubler = syncModule(module('Doubler'), {}, [0], [0], parameters);
    const values = (packets: Packet[]): unknown[] => packets.map((packet) => (packet.isEof ? 'end' : packet.payload));
    let result = call(doubler, { 0: [new Packet(1, { timestamp: 5 }), new Packet(2, { timestamp: 7 })] });
    assert.equal(values(result.outputs[0]), [2, 4]);
    assert.equal([result.done, result.timestamp], [false, 7]);
    doubler.dynamicReset({ factor: 10 });
    result = doubler.process({ 0: [new Packet(3)] });
    assert.equal(values(result.outputs[0]), [30]);
    assert.equal(doubler.process().outputs[0], []);
    result = doubler.sendEof();
    assert.equal([values(result.outputs[0]), result.done], [['bye', 'end'], true]);
    assert.equal(doubler.process({ 0: [new Packet(1)] }).outputs[0], [], 'after the end nothing comes');
    doubler.close();
    doubler.close();
    assert.is(thrown(() => doubler.process()).code, 'ERR_MILLRACE_STATE');
  });

  calls(`${place}: an end may be fed on like data, and a second one is ignored`, () => {
    const doubler = syncModule(module('Doubler'), {}, [0], [0], parameters);
    const { outputs, done } = doubler.process({ 0: [new Packet(1), Packet.eof(), Packet.eof()] });
    assert.equal(
      outputs[0].map((packet) => packet.isEof),
      [false, false, true],
    );
    assert.ok(done);
    doubler.close();
  });

  calls(
    `${place}: packets of an input the module does not want yet wait for their turn; a payload goes to two outputs`,
    () => {
      const before = ledger.snapshot();
      const pairs = syncModule(module('Pairs'), {}, [0, 1], [0, 1], parameters);
      const frame = (value: number): Packet => {
        const picture = VideoFrame.alloc({ width: 16, height: 16, format: 'gray' });
        picture.planes()[0]!.data.fill(value);
        return new Packet(picture);
      };
      const value = (packet: Packet): number => (packet.payload as VideoFrame).planes()[0]!.data[0]!;
      assert.equal(pairs.process({ 1: [frame(1)] }).outputs[0], []);
      const { outputs } = pairs.process({ 0: [frame(0)] });
      assert.equal(outputs[0].map(value), [0, 1]);
      assert.equal(outputs[1].map(value), [0, 1]);
      for (const packet of [...outputs[0], ...outputs[1]]) packet.close();
      pairs.close();
      assert.equal(ledger.snapshot(), before);
    },
  );

  calls(`${place}: what the module throws reaches the caller, who may go on`, () => {
    const moody = syncModule(module('Moody'), {}, [0], [0], { ...parameters, alias: 'diva' });
    const error = thrown(() => moody.process({ 0: [new Packet('throw')] }));
    assert.is(error.code, 'ERR_MILLRACE_MODULE');
    assert.match(error.message, /"diva" \(moody\) failed in process: in a bad mood/);
    assert.is(moody.process({ 0: [new Packet('')] }).outputs[0][0]?.payload, 'fine');
    moody.close();
    const never = syncModule(module('Moody'), { init: 'throw' }, [0], [0], parameters);
    assert.match(thrown(() => never.init()).message, /failed in init: no mood for it/);
    never.close();
    const stays = syncModule(module('Moody'), { close: 'throw' }, [0], [0], parameters);
    stays.process();
    assert.match(thrown(() => stays.close()).message, /failed in close: will not go/);
    stays.close();
  });
}

calls('wrong inputs, options and ids are refused by name, and what was given is released', () => {
  const before = ledger.snapshot();
  const doubler = syncModule(module('Doubler'), {}, [0], [0], { thread: 'inline' });
  const frame = new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray' }));
  assert.match(thrown(() => doubler.process({ 3: [frame] } as never)).message, /input 3 was not declared; there are 0/);
  assert.ok(frame.closed);
  assert.match(thrown(() => doubler.process({ 0: ['x'] } as never)).message, /entry 0 is none/);
  doubler.close();
  const refused = (...parts: Parameters<typeof syncModule>): string => thrown(() => syncModule(...parts)).message;
  assert.match(refused('c_ffmpeg_filtre', {}, [0], [0]), /there is no module 'c_ffmpeg_filtre'/);
  assert.match(refused('c_ffmpeg_filter', { nam: 'scale' } as never, [0], [0]), /Did you mean 'name'/);
  assert.match(refused('c_ffmpeg_decoder', {} as never, [], [0]), /input_path/);
  assert.match(refused('pass_through', {}, [0, 0] as never, [0]), /different ids/);
  assert.match(refused('pass_through', {}, [0], [0], { timeout: 0 }), /timeout/);
  assert.match(refused('pass_through', {}, [0], [0], { treads: 'x' } as never), /Did you mean 'thread'/);
  assert.equal(ledger.snapshot(), before);
});

calls('a blocking call of an asynchronous module on this thread is refused; its Async form works', async () => {
  const slow = syncModule(module('Slow'), {}, [0], [0], { thread: 'inline' });
  await slow.initAsync();
  assert.is(thrown(() => slow.process({ 0: [new Packet(1)] })).code, 'ERR_MILLRACE_ASYNC_INLINE');
  const results = await Promise.all([2, 3].map((n) => slow.processAsync({ 0: [new Packet(n)] })));
  assert.equal(
    results.map(({ outputs }) => outputs[0][0]?.payload),
    [4, 6],
  );
  await slow.closeAsync();
});

calls('asynchronous modules in threads can be called both ways, several at the same time, in order', async () => {
  const slow = syncModule(module('Slow'), {}, [0], [0]);
  const other = syncModule(module('Slow'), { factor: 3 }, [0], [0]);
  const results = await Promise.all([
    slow.processAsync({ 0: [new Packet(1)] }),
    other.processAsync({ 0: [new Packet(1)] }),
    slow.processAsync({ 0: [new Packet(2)] }),
  ]);
  assert.equal(
    results.map(({ outputs }) => outputs[0][0]?.payload),
    [2, 3, 4],
  );
  const pending = slow.processAsync({ 0: [new Packet(5)] });
  assert.is(slow.process({ 0: [new Packet(6)] }).outputs[0][0]?.payload, 12, 'a blocking call behind a pending one');
  assert.is((await pending).outputs[0][0]?.payload, 10);
  await Promise.all([slow.closeAsync(), other.closeAsync()]);
});

calls('a registered module is called by its name, one of this process on this thread', () => {
  registerModule('sync_test_doubler', { path: FILE, entry: 'Doubler' });
  const named = syncModule('sync_test_doubler', { factor: 4 }, [0], [0]);
  assert.is(named.process({ 0: [new Packet(2)] }).outputs[0]?.[0]?.payload, 8);
  named.close();
  const here = {
    process: (task: { output(id: number): { push(packet: Packet): void } }) => task.output(0).push(new Packet('here')),
  };
  const own = syncModule(here, {}, [0], [0]);
  assert.is(own.process({ 0: [new Packet(1)] }).outputs[0][0]?.payload, 'here');
  own.close();
  assert.match(thrown(() => syncModule(here, {}, [0], [0], { thread: 'x' })).message, /cannot leave its thread/);
});

for (const [what, message] of [
  ['exit', /exit code 3|has ended/],
  ['overflow', /call stack|died|has ended/],
] as const) {
  calls(`a call of a module that dies (${what}) ends with an error, and so does every later one`, async () => {
    const watch = new LeakWatch();
    const moody = syncModule(module('Moody'), {}, [0], [0]);
    const error = thrown(() => moody.process({ 0: [new Packet(what)] }));
    assert.match(error.message, message);
    if (error.code === 'ERR_MILLRACE_WORKER_DIED') {
      assert.is(thrown(() => moody.process()).code, 'ERR_MILLRACE_WORKER_DIED');
    }
    await moody.closeAsync();
    const again = syncModule(module('Moody'), {}, [0], [0]);
    const pending = await rejection(again.processAsync({ 0: [new Packet(what)] }));
    assert.match(pending.message, message);
    await again.closeAsync();
    watch.check();
  });
}

calls('a call that takes too long fails, its thread is stopped, and so are others on it', async () => {
  const watch = new LeakWatch();
  for (const form of ['blocking', 'asynchronous']) {
    const shared = { thread: `stuck-${form}` };
    const neighbour = syncModule(module('Doubler'), {}, [0], [0], shared);
    neighbour.init();
    const moody = syncModule(module('Moody'), {}, [0], [0], { ...shared, timeout: 1500 });
    moody.init();
    const started = { 0: [new Packet('loop')] };
    const error =
      form === 'blocking' ? thrown(() => moody.process(started)) : await rejection(moody.processAsync(started));
    assert.is(error.code, 'ERR_MILLRACE_TIMEOUT');
    assert.match(error.message, /did not answer process\(\) within 1500 ms/);
    assert.is(thrown(() => moody.process()).code, 'ERR_MILLRACE_TIMEOUT');
    assert.is(thrown(() => neighbour.process()).code, 'ERR_MILLRACE_TIMEOUT', 'its thread is gone');
    await Promise.all([moody.closeAsync(), neighbour.closeAsync()]);
  }
  watch.check();
});

calls('close ends asynchronous calls that wait, and those that would wait for ever', async () => {
  const watch = new LeakWatch();
  for (const mood of ['patient', 'never']) {
    // The start of a thread would be part of the first call's time.
    const neighbour = syncModule(module('Doubler'), {}, [0], [0], { thread: mood });
    await neighbour.initAsync();
    const moody = syncModule(module('Moody'), {}, [0], [0], { thread: mood, timeout: 1000 });
    await moody.initAsync();
    const pending = rejection(moody.processAsync({ 0: [new Packet(mood)] }));
    if (mood === 'patient') moody.close();
    else assert.is((await rejection(moody.closeAsync())).code, 'ERR_MILLRACE_TIMEOUT');
    assert.is((await pending).code, 'ERR_MILLRACE_CLOSED');
    await Promise.all([moody.closeAsync(), neighbour.closeAsync()]);
  }
  watch.check();
});

calls('an error outside of any call fails the next one', async () => {
  const moody = syncModule(module('Moody'), {}, [0], [0]);
  moody.process({ 0: [new Packet('late')] });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.match(thrown(() => moody.process()).message, /too late/);
  assert.is(moody.process({ 0: [new Packet('')] }).outputs[0][0]?.payload, 'fine');
  await moody.closeAsync();
});

calls('a payload that cannot cross threads is an error on the side that made it', () => {
  const moody = syncModule(module('Moody'), {}, [0], [0]);
  assert.is(thrown(() => moody.process({ 0: [new Packet({ call: () => 1 })] })).code, 'ERR_MILLRACE_PAYLOAD');
  assert.is(thrown(() => moody.process({ 0: [new Packet('function')] })).code, 'ERR_MILLRACE_PAYLOAD');
  assert.is(moody.process({ 0: [new Packet('')] }).outputs[0][0]?.payload, 'fine');
  moody.close();
});

calls('a sync call may be the first thing a program does, and an unclosed module does not keep it alive', () => {
  const script = `
    import { Packet, syncModule } from 'millrace';
    const doubler = syncModule({ path: ${JSON.stringify(FILE)}, entry: 'Doubler' }, {}, [0], [0]);
    console.log(doubler.process({ 0: [new Packet(21)] }).outputs[0][0].payload);
  `;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal([stdout, stderr, status], ['42\n', '', 0]);
});

calls.run();

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
  assert.ok(readFileSync(FILE));
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
