/** What a call gives and takes, how it fails, what ends it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { process as call, Packet, registerModule, syncModule, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ledger } from '../../../src/media/index.js';
import { rejection, thrown } from '../../kit/rejection.js';

const FILE = fileURLToPath(new URL('../../fixtures/modules/called.mjs', import.meta.url));
const module = (entry: string) => ({ name: entry.toLowerCase(), path: FILE, entry }) as const;

const calls = suite('sync calls');
/** A thread that one module after the other is in. */
const SHARED = { thread: 'calls' } as const;
const EVERYWHERE = { inline: { thread: 'inline' }, 'in a thread': SHARED } as const;

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
  const slow = syncModule(module('Slow'), {}, [0], [0], SHARED);
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
    const neighbour = syncModule(module('Doubler'), {}, [0], [0], SHARED);
    await neighbour.initAsync();
    const moody = syncModule(module('Moody'), {}, [0], [0], { ...SHARED, timeout: 1000 });
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
  const moody = syncModule(module('Moody'), {}, [0], [0], SHARED);
  moody.process({ 0: [new Packet('late')] });
  // It comes when the other thread gets to it; calls before that are none of its business.
  let error: unknown;
  while (error === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    try {
      moody.process();
    } catch (cause) {
      error = cause;
    }
  }
  assert.match((error as Error).message, /too late/);
  assert.is(moody.process({ 0: [new Packet('')] }).outputs[0][0]?.payload, 'fine');
  await moody.closeAsync();
});

calls('a payload that cannot cross threads is an error on the side that made it', () => {
  const moody = syncModule(module('Moody'), {}, [0], [0], SHARED);
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
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal([stdout, stderr, status], ['42\n', '', 0]);
});

calls.run();
