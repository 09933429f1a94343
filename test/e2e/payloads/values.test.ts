/** Values are the same wherever the nodes are placed: what arrives is what was given, or it was refused by name. */
import { fileURLToPath } from 'node:url';
import { Graph, type ModuleContext, Packet, Runtime, syncModule, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long } from '../../kit/long.js';
import { rejection, thrown } from '../../kit/rejection.js';

const values = suite('values');

const FILE = fileURLToPath(new URL('../../fixtures/modules/slips.mjs', import.meta.url));
const of = (entry: string) => ({ name: entry.toLowerCase(), path: FILE, entry });
const { VALUES, REFUSED, Box, isSame } = (await import(FILE)) as {
  VALUES: Record<string, () => unknown>;
  REFUSED: Record<string, () => unknown>;
  Box: new () => object;
  isSame(value: unknown, name: string): boolean;
};
const names = Object.keys(VALUES);
const refused = Object.keys(REFUSED);

const runtime = new Runtime({ threads: 2 });
const PLACES = [0, 1, 2];

for (const threads of PLACES) {
  const graphOn = (): Graph => new Graph({ runtime, threads });
  const last = { scheduler: Math.max(0, threads - 1) };
  /** Each of them in each way, in one of the places; in the long form in all of them. */
  const refusedHere = (way: number): string[] =>
    refused.filter((_, i) => long || (i + way) % PLACES.length === PLACES.indexOf(threads));

  values(`of packets arrive as they were given, threads ${threads}`, async () => {
    const same: [unknown, unknown][] = [];
    const stream = graphOn()
      .module(of('Giving'), { names }, { scheduler: 0 })
      .module(of('Comparing'), { names }, { ...last, callback: (name, value) => void same.push([name, value]) });
    let n = 0;
    for await (const { payload } of stream.packets()) assert.ok(isSame(payload, names[n++]!), names[n - 1]);
    assert.equal(
      same,
      names.map((name) => [name, true]),
    );
  });

  values(`of packets are refused by name, threads ${threads}`, async () => {
    const watch = new LeakWatch();
    for (const name of refusedHere(0)) {
      const graph = graphOn();
      graph.module(of('Giving'), { names: [name] }, { scheduler: 0, alias: 'giving' }).module('null_sink', {}, last);
      const error = await rejection(graph.run());
      assert.is(error.code, 'ERR_MILLRACE_PAYLOAD', `${name}: ${error.message}`);
      assert.match(error.message, /"giving" \(giving\).* payload.* is .*, which cannot cross threads/, name);
      assert.equal((error as unknown as { leaked: unknown }).leaked, {}, name);
    }
    if (threads === 0) watch.check();
  });

  values(`of callbacks and of their answers are the same, threads ${threads}`, async () => {
    const graph = graphOn();
    const given: unknown[] = [];
    const callback = (name: unknown, value: unknown): void => {
      assert.ok(isSame(value, String(name)), String(name));
      given.push(name);
    };
    graph.module(of('Giving'), { names, by: 'callback' }, { callback });
    const answers = graph.module(of('Asking'), { names }, { callback: (name) => VALUES[name]!() });
    let n = 0;
    for await (const { payload } of answers.packets()) assert.ok(isSame(payload, names[n++]!), names[n - 1]);
    assert.equal(given, names);
  });

  values(`of callbacks and of their answers are refused by name, threads ${threads}`, async () => {
    for (const name of refusedHere(1)) {
      const graph = graphOn();
      graph.module(of('Giving'), { names: [name], by: 'callback' }, { callback: () => {}, alias: 'giving' });
      const asked = await rejection(graph.run());
      assert.is(asked.code, 'ERR_MILLRACE_PAYLOAD', name);
      assert.match(asked.message, /"giving".*the value of ctx\.callback\(".*", …\).* is .*cannot cross threads/);
    }
    for (const name of refusedHere(2)) {
      const other = graphOn();
      other.module(of('Asking'), { names: [name] }, { callback: () => REFUSED[name]!(), alias: 'asking' });
      const answered = await rejection(other.run());
      assert.is(answered.code, 'ERR_MILLRACE_PAYLOAD', name);
      assert.match(answered.message, /what the callback of node asking returned.* is .*cannot cross threads/);
    }
  });

  values(`of jobs arrive as they were given, threads ${threads}`, async () => {
    const graph = graphOn();
    const stream = graph.inputStream('in').module(of('Passing'));
    const server = await graph.serve({ outputs: { out: stream } });
    const { outputs } = await server.submit(names.map((name) => new Packet(VALUES[name]!())));
    const wrong = names.filter((name, n) => !isSame(outputs.out![n]!.payload, name));
    const error = await rejection(server.submit(new Packet({ box: new Box() })));
    await server.close();
    assert.equal(wrong, []);
    assert.match(error.message, /payload\.box is an object of class Box/);
  });

  values(`of options arrive as they were given, threads ${threads}`, async () => {
    const some = ['an object with -0', 'a lone surrogate', '__proto__', 'holes', 'Map', 'Set', 'a cycle'];
    const options = Object.fromEntries(some.map((name) => [name, VALUES[name]!()]));
    let wrong: string[] | undefined;
    const callback = (_: unknown, value: unknown): void => {
      wrong = some.filter((name) => !isSame((value as Record<string, unknown>)[name], name));
    };
    const graph = graphOn();
    graph.module(of('Showing'), options, { callback });
    await graph.run();
    assert.equal(wrong, []);
  });
}

values('the threads end', () => runtime.close());

for (const thread of ['inline', 'values'] as const) {
  values(`of calls are the same, or refused by name, thread ${thread}`, async () => {
    const module = syncModule(of('Passing'), {}, [0], [0], { thread });
    for (const name of names) {
      const { outputs } = module.process({ 0: [new Packet(VALUES[name]!())] });
      assert.ok(isSame(outputs[0][0]!.payload, name), name);
    }
    for (const name of refused) {
      const error = thrown(() => module.process({ 0: [new Packet(REFUSED[name]!())] }));
      assert.is(error.code, 'ERR_MILLRACE_PAYLOAD', name);
      assert.match(error.message, /payload.* is .*, which cannot cross threads/);
      assert.match(thrown(() => module.dynamicReset({ value: REFUSED[name]!() })).message, /option\.value.* is /);
    }
    for (const name of names) {
      module.dynamicReset({ value: VALUES[name]!() });
      const { outputs } = module.process({ 0: [new Packet(1)] });
      assert.ok(isSame((outputs[0][0]!.payload as { value: unknown }).value, name), name);
    }
    module.close();
    const giving = syncModule(of('Giving'), { names: ['a class'] }, [], [0], { thread });
    assert.match((await rejection(giving.processAsync())).message, /payload\.box is an object of class Box/);
    giving.close();
  });
}

values('of options are plain data, whoever uses them', () => {
  const logo = VideoFrame.alloc({ width: 4, height: 4, format: 'gray' });
  for (const [name, make] of Object.entries({ ...REFUSED, 'a frame': () => logo })) {
    if (name === 'a URL') continue; // it is taken for its text
    for (const use of [
      () => new Graph().module(of('Showing'), { value: make() }),
      () => syncModule(of('Showing'), { value: make() }, [], [0], { thread: 'inline' }),
    ]) {
      const error = thrown(use);
      assert.is(error.code, 'ERR_MILLRACE_CONFIG', name);
      assert.match(error.message, /options of showing cannot be used: option\.value.* is /, name);
    }
  }
  assert.not.ok(logo.closed);
  logo.close();
  let deep: object = {};
  for (let i = 0; i < 3000; i++) deep = { deep };
  assert.match(thrown(() => new Graph().module(of('Showing'), { deep })).message, /nested in more than 500 levels/);
});

values('between modules of this process, which never leave it, are whatever they are', async () => {
  for (const threads of [0, 1]) {
    const box = new Box();
    const seen: unknown[] = [];
    let context: ModuleContext<object> | undefined;
    const graph = new Graph({ threads });
    const first = graph.module(
      {
        init(ctx) {
          context = ctx;
        },
        async process(task) {
          task.output(0).push(new Packet(await context!.callback('box', box)));
          task.done();
        },
      },
      {},
      { callback: (_, value) => value },
    );
    first.module({
      process(task) {
        for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) seen.push(packet.payload);
      },
    });
    await graph.run();
    assert.is(seen[0], box);
  }
});

values.run();
