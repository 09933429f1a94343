/** The rules of a module's life, without links, threads or a graph. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Packet } from '../../src/media/index.js';
import type { Module, ModuleContext, Task } from '../../src/module/contract.js';
import { ActorInputs } from '../../src/thread/actor/inputs.js';
import { runSteps } from '../../src/thread/actor/maybe-async.js';
import { Deliveries } from '../../src/thread/actor/output.js';
import { ActorOutputs } from '../../src/thread/actor/outputs.js';
import { EmittedPackets, GivenPackets, givenInput } from '../../src/thread/call/call-links.js';
import { ModuleInstance } from '../../src/thread/module-instance.js';

const instances = suite('module instance');

/** A module with these inputs and the outputs 0 and 1. */
function made(module: Module, ids: number[] = [0]) {
  const given = new GivenPackets();
  const emitted = [new EmittedPackets(), new EmittedPackets()];
  const deliveries = new Deliveries();
  const aborter = new AbortController();
  const context = { options: { n: '1' }, inputs: ids, signal: aborter.signal } as unknown as ModuleContext;
  const instance = new ModuleInstance(module, context, {
    inputs: new ActorInputs(
      ids.map((id) => givenInput(id, given)),
      [],
      module,
    ),
    outputs: new ActorOutputs(new Map(emitted.map((output, id) => [id, [output]])), deliveries, 'it'),
    deliveries,
    aborter,
  });
  const taken = (): unknown[][] =>
    emitted.map(({ packets }) => packets.splice(0).map(({ control, payload }) => control ?? payload));
  return { given, instance, taken };
}

const host = { now: () => 0n, wake() {}, available: () => false };

instances(
  'its options are checked before it is asked how its inputs go together, and then it is initialised',
  async () => {
    const log: unknown[] = [];
    const validate = async (value: unknown) => ({ value: { n: Number((value as { n: string }).n) } });
    const module: Module = {
      schema: { '~standard': { version: 1, vendor: 'test', validate } },
      inputManager(options) {
        log.push(['manager', options]);
        return 'default';
      },
      init: (ctx) => void log.push(['init', ctx.options]),
      process() {},
    };
    const { instance } = made(module);
    const steps = runSteps(instance.init(undefined, host));
    assert.equal(log, []);
    await steps;
    assert.equal(log, [
      ['manager', { n: 1 }],
      ['init', { n: 1 }],
    ]);
    assert.ok(instance.inputs.manager);
  },
);

instances('a call hands on what it pushed when it has come to its end, and is over once the module says so', () => {
  const { instance, given, taken } = made({
    process(task) {
      for (const packet of task.inputs.get(0) ?? []) task.output(0).push(packet);
      assert.equal(taken(), [[], []]);
      task.done();
    },
  });
  given.give(new Packet(1));
  instance.process(instance.inputs.take());
  assert.ok(instance.isOver);
  assert.is(instance.made, 1);
  instance.finish();
  instance.finish();
  assert.equal(taken(), [[1, 'eof'], ['eof']]);
});

instances('after the end of its inputs a module is over when a call brings neither a packet nor an end', () => {
  const steps: ((task: Task) => void)[] = [
    () => {}, // takes the end
    (task) => task.output(0).push(new Packet('rest')),
    (task) => task.output(0).push(Packet.eof()),
    (task) => task.output(1).push(new Packet('rest of the other')),
    () => {},
  ];
  const { instance, given, taken } = made({ process: (task) => steps.shift()?.(task) });
  given.give(Packet.eof());
  let calls = 0;
  do {
    assert.ok(++calls < 10);
    instance.process(instance.inputs.take());
  } while (!instance.isOver);
  assert.is(calls, 5);
  assert.equal(taken(), [['rest', 'eof'], ['rest of the other']]);
});

instances('a source is over when it says so; once it was told to read no more, when a call brings nothing', () => {
  let left = 2;
  let drained = false;
  const module: Module = {
    process(task) {
      if (drained && left-- > 0) task.output(0).push(new Packet(left));
    },
    drain() {
      drained = true;
    },
  };
  const { instance } = made(module, []);
  instance.process({ inputs: new Map() });
  assert.not(instance.isOver, 'it may have something later');
  instance.drain();
  let calls = 0;
  do {
    instance.process({ inputs: new Map() });
  } while (++calls < 10 && !instance.isOver);
  assert.is(calls, 3);
  const simple = made({ process() {} }, []).instance;
  simple.drain();
  assert.ok(simple.finished, 'it has nothing to drain');
});

instances('a call that fails, now or later, brings nothing, and its inputs are released', async () => {
  for (const isAsync of [false, true]) {
    const { instance, given, taken } = made({
      process(task) {
        task.output(0).push(new Packet('half'));
        if (!isAsync) throw new Error('broken');
        return Promise.resolve().then(() => {
          throw new Error('broken');
        });
      },
    });
    const packet = new Packet(1);
    given.give(packet);
    const seen: string[] = [];
    const ends = { returned: () => seen.push('returned'), settled: (failed: boolean) => seen.push(`failed ${failed}`) };
    try {
      await instance.process(instance.inputs.take(), ends);
      assert.unreachable();
    } catch (error) {
      assert.is((error as Error).message, 'broken');
    }
    assert.equal(seen, ['returned', 'failed true']);
    assert.ok(packet.closed);
    assert.equal(taken(), [[], []]);
  }
});

instances('it is closed once, finished or not, and told by its signal that it should return', () => {
  let closes = 0;
  const { instance } = made({ process() {}, close: () => void closes++ });
  instance.abort(new Error('enough'));
  assert.ok(instance.context.signal.aborted);
  instance.close();
  instance.close();
  assert.is(closes, 1);
  assert.ok(instance.finished);
});

instances.run();
