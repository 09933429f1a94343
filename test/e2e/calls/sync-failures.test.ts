/** Sync calls that go wrong: nobody waits for what does not come, and nobody is blamed for what others do. */
import { fileURLToPath } from 'node:url';
import { Packet, syncModule, Tensor, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codeOf, codeOfAsync, valuesOf } from '../../kit/calls.js';
import { rejection, thrown } from '../../kit/rejection.js';

const failures = suite('sync calls that fail');
const FILE = fileURLToPath(new URL('../../fixtures/modules/odd.mjs', import.meta.url));
const odd = (entry = 'Odd') => ({ name: entry.toLowerCase(), path: FILE, entry }) as const;
const give = (value: unknown) => ({ 0: [new Packet(value)] });
const picture = (): VideoFrame => VideoFrame.alloc({ width: 32, height: 32, format: 'gray' });
const PLACES = { inline: { thread: 'inline' }, 'in a thread': { thread: 'failures' } } as const;

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A thread that has been started: that would be part of the first call's time. */
async function started(thread: string): Promise<{ thread: string; stop: () => Promise<void> }> {
  const module = syncModule(odd(), {}, [0], [0], { thread });
  await module.initAsync();
  return { thread, stop: () => module.closeAsync() };
}

for (const what of ['throw outside', 'reject outside'] as const) {
  failures(`a call that waits for ever fails of what its thread threw outside of it (${what})`, async () => {
    const leaks = new LeakWatch();
    const { thread, stop } = await started(what);
    const module = syncModule(odd(), {}, [0], [0], { thread, alias: 'timid', timeout: 1000 });
    module.init();
    const error = thrown(() => module.process({ 0: [new Packet(picture()), new Packet(what)] }));
    assert.is(error.code, 'ERR_MILLRACE_MODULE');
    assert.match(error.message, /"timid" \(odd\) failed in process: (thrown in a timer|rejected for nobody)/);
    const next = await rejection(module.processAsync({ 0: [new Packet(picture())] }));
    assert.is(next.message, error.message, 'it is still in that call');
    // The call never comes to its end, so its thread is stopped.
    assert.is(await codeOfAsync(module.closeAsync()), 'ERR_MILLRACE_TIMEOUT');
    await stop();
    leaks.check();
  });
}

failures('a call that failed of what was thrown outside of it, and returns later, is forgotten', async () => {
  const module = syncModule(odd(), {}, [0], [0], PLACES['in a thread']);
  const failed = thrown(() => module.process(give('throw outside and return')));
  assert.match(failed.message, /thrown in a timer/);
  // Until it returns the module is still in that call, and others fail as it did.
  let values: unknown[] | undefined;
  while (values === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    try {
      values = valuesOf(module.process(give(5)).outputs[0]);
    } catch (error) {
      assert.is((error as Error).message, failed.message);
    }
  }
  assert.equal(values, [5]);
  module.close();
});

for (const [place, where] of Object.entries(PLACES)) {
  failures(`${place}: whatever is thrown reaches the caller as an error`, () => {
    const module = syncModule(odd(), {}, [0], [0], where);
    for (const what of ['null', 'bare', 'symbol', 'object', 'getter', 'circular']) {
      const error = thrown(() => module.process(give(what)));
      assert.is(error.code, 'ERR_MILLRACE_MODULE', what);
      assert.match(error.message, /"odd" \(odd\) failed in process: /);
    }
    assert.equal(valuesOf(module.process(give(5)).outputs[0]), [5]);
    module.close();
  });

  failures(`${place}: the end of an output that was in a failed call comes with a later one`, () => {
    const module = syncModule(odd(), {}, [0], [0], where);
    assert.match(thrown(() => module.process(give('end and throw'))).message, /after the end/);
    assert.equal(valuesOf(module.sendEof().outputs[0]), ['EOF']);
    module.close();
  });

  failures(`${place}: a beginning that fails is told, not the end that fails of it`, () => {
    const module = syncModule(odd('Uncooperative'), {}, [0], [0], where);
    for (let i = 0; i < 2; i++) assert.match(thrown(() => module.init()).message, /failed in init: no beginning/);
    assert.equal(module.warnings.length, 1);
    assert.match(module.warnings[0]!, /failed in close: no end/);
    module.close();
  });

  failures(`${place}: what is emitted to outputs that were not declared keeps the end going`, () => {
    const module = syncModule(odd('Later'), {}, [0], [1], where);
    assert.equal(valuesOf(module.sendEof().outputs[1]), [4, 5, 'EOF']);
    module.close();
  });

  failures(`${place}: a source of which nothing is wanted makes one call, and comes back`, () => {
    const module = syncModule(odd('Ticker'), {}, [], [], where);
    assert.equal(module.process(), { outputs: {}, done: false, timestamp: undefined });
    module.close();
  });

  failures(
    `${place}: a module is not given what it does not want, however much it makes; the end brings all of it`,
    () => {
      const module = syncModule(odd('Many'), { count: 1000 }, [0], [0], where);
      assert.equal(module.process(give('a')).outputs[0].length, 256);
      assert.equal(module.process(give('b')).outputs[0].length, 256);
      const { outputs, done } = module.sendEof();
      assert.is(outputs[0].length, 2 * 1000 - 2 * 256 + 1);
      assert.ok(done);
      module.close();
    },
  );

  failures(`${place}: packets in a form that is none are refused by name, and released`, async () => {
    const leaks = new LeakWatch();
    const module = syncModule('pass_through', {}, [0], [0], where);
    const refused = (given: unknown, message: RegExp): void => {
      const error = thrown(() => module.process(given as never));
      assert.is(error.code, 'ERR_MILLRACE_CONFIG');
      assert.match(error.message, message);
    };
    refused(new Map([[0, [new Packet(picture())]]]), /as \{ id: \[packet, …\] \}, not as a Map/);
    refused(new Packet(picture()), /not as a Packet/);
    refused([new Packet(picture())], /input 0 takes a list of packets/);
    refused({ 0: new Packet(picture()) }, /input 0 takes a list of packets/);
    refused({ '00': [new Packet(picture())] }, /input 00 was not declared/);
    refused('packets', /not as a string/);
    await module.closeAsync();
    leaks.check();
  });

  failures(
    `${place}: a frame that was closed inside its packet is refused, and what came with it is released`,
    async () => {
      const leaks = new LeakWatch();
      const module = syncModule('pass_through', {}, [0], [0], where);
      const frame = picture();
      const given = [new Packet(picture()), new Packet(frame), new Packet(picture())];
      frame.close();
      assert.is(
        codeOf(() => module.process({ 0: given })),
        'ERR_MILLRACE_CLOSED',
      );
      await module.closeAsync();
      leaks.check();
    },
  );
}

failures('a payload too large for any ring is refused on the side that has it', async () => {
  const module = syncModule(odd(), {}, [0], [0], PLACES['in a thread']);
  const error = thrown(() => module.process(give(new Uint8Array(600e6))));
  assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
  assert.match(error.message, /600000000 bytes \(\d+\.\d MiB\) cannot cross threads: the limit is \d+ bytes/);
  assert.is((await rejection(module.processAsync(give('huge')))).code, 'ERR_MILLRACE_PAYLOAD');
  assert.equal(valuesOf(module.process(give(5)).outputs[0]), [5]);
  module.close();
});

failures('the clock of a call runs while it is made, not while others are', async () => {
  const { thread, stop } = await started('failures');
  const module = syncModule(odd(), {}, [0], [0], { thread, timeout: 1000 });
  const calls = Array.from({ length: 8 }, (_, value) => module.processAsync(give({ do: 'sleep', ms: 200, value })));
  // A blocking one behind them.
  assert.equal(valuesOf(module.process(give('last')).outputs[0]), ['last']);
  const answers = await Promise.all(calls);
  assert.equal(
    answers.flatMap(({ outputs }) => valuesOf(outputs[0])),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  await module.closeAsync();
  await stop();
});

failures('an answer that came in time is taken, however late its caller looks', async () => {
  const { thread, stop } = await started('failures');
  const module = syncModule(odd(), {}, [0], [0], { thread, timeout: 1000 });
  const pending = module.processAsync(give({ do: 'sleep', ms: 20, value: 7 }));
  block(1500);
  assert.equal(valuesOf((await pending).outputs[0]), [7]);
  assert.equal(valuesOf((await module.processAsync(give(8))).outputs[0]), [8]);
  await module.closeAsync();
  await stop();
});

failures('a timeout is a number of milliseconds, also one that no timer of Node can have', async () => {
  for (const timeout of [Number.POSITIVE_INFINITY, Number.NaN, 0, -1]) {
    assert.match(thrown(() => syncModule('pass_through', {}, [0], [0], { timeout })).message, /timeout: .*at least 1/);
  }
  for (const where of Object.values(PLACES)) {
    for (const timeout of [2 ** 31, 1e15]) {
      const module = syncModule(odd(), {}, [0], [0], { ...where, timeout });
      const answer = module.processAsync(give({ do: 'sleep', ms: 20, value: 7 }));
      assert.equal(valuesOf((await answer).outputs[0]), [7]);
      await module.closeAsync();
    }
  }
});

failures('after a close that blocked, closeAsync waits until the thread has gone', async () => {
  const leaks = new LeakWatch();
  const module = syncModule(odd(), { warn: true }, [0], [0]);
  module.init();
  module.close();
  assert.equal(module.warnings, ['closed'], 'also what the end warned of');
  await module.closeAsync();
  leaks.check();
  assert.equal(module.warnings, ['closed']);
});

failures('errors call payloads by the names of their classes', () => {
  const merge = syncModule('merge', {}, [0, 1], [0], PLACES.inline);
  const inputs = {
    0: [new Packet(picture(), { timestamp: 0 })],
    1: [new Packet(Tensor.from(new Float32Array(1), [1]), { timestamp: 0 })],
  };
  const { message } = thrown(() => merge.process(inputs));
  assert.match(message, /: VideoFrame \(input 0\) and Tensor \(input 1\) do not go together/);
  merge.close();
  const pass = syncModule('pass_through', {}, [0], [0], PLACES['in a thread']);
  const inside = thrown(() => pass.process(give({ packet: new Packet(1) })));
  assert.match(inside.message, /payload\.packet is .*Packet/);
  pass.close();
});

failures.run();
