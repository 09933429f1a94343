/** Push graphs, pull graphs and called actors on the threads of one runtime. */
import { Graph, type NodeParameters, Packet, Runtime, type Stream, VideoFrame } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { obeying } from '../../kit/calls.js';
import { long } from '../../kit/long.js';
import { add, numbers } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';

const MS = { num: 1, den: 1000 };
const sequence = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const value = (n: number): Packet => new Packet({ n }, { timestamp: n });

function picture(n: number): Packet {
  const frame = VideoFrame.alloc({ width: 64, height: 36, format: 'yuv420p', pts: BigInt(n * 40), timeBase: MS });
  return new Packet(frame);
}

/** Pushes through a module of obeying.mjs into a sink. */
function pushed(
  runtime: Runtime,
  {
    entry = 'Echo',
    options = {},
    where = {},
  }: { entry?: string; options?: Record<string, unknown>; where?: NodeParameters } = {},
) {
  const graph = new Graph({ runtime });
  const input = graph.inputStream('data');
  const sink = new TestSink();
  const node = graph.module(obeying(entry), options, { ...where, inputs: [input] });
  node.module(sink.spec, sink.options, { ...where, callback: sink.callback });
  return { graph, input, sink };
}

function counted(graph: Graph, count: number, kind: 'value' | 'video' = 'value'): Stream {
  const source = new TestSource({ count, kind });
  return graph.module(source.spec, source.options);
}

async function pushAll(input: { push(packet: Packet): Promise<boolean> }, packets: Packet[]): Promise<void> {
  for (const packet of packets) assert.is(await input.push(packet), true);
}

async function read(reader: AsyncIterable<Packet>): Promise<number[]> {
  const seen: number[] = [];
  for await (const packet of reader) {
    seen.push((packet.payload as { n: number }).n);
    packet.close();
  }
  return seen;
}

const shared = suite('graphs on a runtime');

for (const threads of long ? [1, 2, 3] : [1, 2]) {
  shared(`two push graphs and a pull graph at once on ${threads} threads, beside a called actor`, async () => {
    const leaks = new LeakWatch();
    const runtime = new Runtime({ threads });
    const actor = await runtime.spawn({ ...obeying('Echo'), options: { factor: 3 }, inputs: [0], outputs: [0] });
    const [one, two] = [pushed(runtime), pushed(runtime)];
    const pull = new Graph({ runtime });
    const reader = add(pull, 'Relay', {}, { inputs: [counted(pull, 100)] }).packets();
    await one.graph.start({ mode: 'push' });
    await two.graph.start({ mode: 'push' });
    assert.is(runtime.stats().runs, 2);
    const calls = async (): Promise<void> => {
      for (let n = 0; n < 50; n++) {
        // Blocking ones too: what the graphs need does not depend on this thread.
        const { outputs } =
          n % 2 === 0 ? actor.process({ 0: [new Packet(n)] }) : await actor.processAsync({ 0: [new Packet(n)] });
        assert.is(outputs[0]?.[0]?.payload, 3 * n);
      }
    };
    const [seen] = await Promise.all([
      read(reader),
      pushAll(one.input, sequence(100).map(value)),
      pushAll(two.input, sequence(60).map(picture)),
      calls(),
    ]);
    assert.equal(seen, sequence(100));
    await Promise.all([one.graph.close(), two.graph.close(), pull.close()]);
    assert.equal(numbers(one.sink.packets), sequence(100));
    assert.is(two.sink.packets.length, 60);
    const { runs, threads: started } = runtime.stats();
    assert.is(runs, 0);
    assert.is(started, threads);
    await runtime.close();
    leaks.check();
  });
}

shared('one after the other they use the same threads', async () => {
  const runtime = new Runtime({ threads: 2 });
  const before = new LeakWatch();
  for (let i = 0; i < 5; i++) {
    const { graph, input, sink } = pushed(runtime);
    await graph.start({ mode: 'push' });
    await pushAll(input, sequence(10).map(picture));
    await graph.close();
    assert.is(sink.packets.length, 10);
    const pull = new Graph({ runtime });
    assert.equal(await read(counted(pull, 10).packets()), sequence(10));
    assert.ok(runtime.stats().threads <= 2);
  }
  await runtime.close();
  before.check();
});

shared('one that fails leaves the others of its threads alone', async () => {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 1 });
  const good = pushed(runtime);
  const bad = pushed(runtime, { entry: 'Obedient' });
  const actor = await runtime.spawn({ ...obeying('Echo'), inputs: [0], outputs: [0] });
  await good.graph.start({ mode: 'push' });
  await bad.graph.start({ mode: 'push' });
  const failing = async (): Promise<void> => {
    await pushAll(bad.input, sequence(5).map(picture));
    await bad.input.push(new Packet('throw'));
    for (let n = 0; ; n++) await bad.input.push(picture(n));
  };
  const [error] = await Promise.all([rejection(failing()), pushAll(good.input, sequence(50).map(picture))]);
  assert.is(error.code, 'ERR_MILLRACE_MODULE');
  assert.is((await rejection(bad.graph.close())).code, 'ERR_MILLRACE_MODULE');
  assert.is(actor.process({ 0: [new Packet(7)] }).outputs[0]?.[0]?.payload, 7);
  await pushAll(good.input, sequence(10).map(picture));
  await good.graph.close();
  assert.is(good.sink.packets.length, 60);
  await runtime.close();
  leaks.check();
});

for (const thread of [0, 'side']) {
  shared(`thread ${thread} dies with what it runs; others go on, and new graphs get another thread`, async () => {
    const where = typeof thread === 'number' ? { scheduler: thread } : { thread };
    const leaks = new LeakWatch();
    const runtime = new Runtime({ threads: 2 });
    const doomed = await runtime.spawn({ ...obeying('Obedient'), inputs: [0], outputs: [0], thread });
    const there = pushed(runtime, { where });
    const elsewhere = pushed(runtime, { where: { scheduler: 1 } });
    await there.graph.start({ mode: 'push' });
    await elsewhere.graph.start({ mode: 'push' });
    await pushAll(there.input, sequence(5).map(picture));
    const died = await rejection(doomed.processAsync({ 0: [new Packet('exit')] }));
    assert.is(died.code, 'ERR_MILLRACE_WORKER_DIED');
    assert.is((await rejection(there.graph.close())).code, 'ERR_MILLRACE_WORKER_DIED');
    await pushAll(elsewhere.input, sequence(30).map(picture));
    await elsewhere.graph.close();
    assert.is(elsewhere.sink.packets.length, 30);
    const next = pushed(runtime, { where });
    await next.graph.start({ mode: 'push' });
    await pushAll(next.input, sequence(5).map(picture));
    await next.graph.close();
    assert.is(next.sink.packets.length, 5);
    await runtime.close();
    leaks.check();
  });
}

shared('the end of the runtime ends push graphs, pushes that wait, readers and calls', async () => {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 2 });
  const idle = pushed(runtime);
  const stuck = pushed(runtime, { entry: 'Later', options: { delay: 60_000 } });
  const pull = new Graph({ runtime });
  const reader = counted(pull, 1_000_000, 'video').packets();
  const actor = await runtime.spawn({ ...obeying('Later'), options: { delay: 60_000 }, inputs: [0], outputs: [0] });
  await idle.graph.start({ mode: 'push' });
  await stuck.graph.start({ mode: 'push' });
  await pushAll(idle.input, [picture(0)]);
  const flooding = async (): Promise<void> => {
    for (let n = 0; ; n++) await stuck.input.push(picture(n));
  };
  const reading = async (): Promise<void> => {
    for await (const packet of reader) packet.close();
  };
  const ends = [flooding(), reading(), actor.processAsync({ 0: [new Packet(1)] })].map(rejection);
  // All three graphs have begun.
  while (runtime.stats().runs < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all([runtime.close(), runtime.close()]);
  const codes = (await Promise.all(ends)).map(({ code }) => code);
  assert.equal(codes, ['ERR_MILLRACE_ABORTED', 'ERR_MILLRACE_ABORTED', 'ERR_MILLRACE_CLOSED']);
  for (const { graph, input } of [idle, stuck]) {
    assert.is((await rejection(graph.close())).code, 'ERR_MILLRACE_ABORTED');
    assert.is((await rejection(input.push(picture(1)))).code, 'ERR_MILLRACE_ABORTED');
  }
  leaks.check();
  const late = pushed(runtime);
  assert.is((await rejection(late.graph.start({ mode: 'push' }))).code, 'ERR_MILLRACE_STATE');
  assert.is((await rejection(read(counted(new Graph({ runtime }), 5).packets()))).code, 'ERR_MILLRACE_STATE');
});

shared('modules that are called live on the runtime of their graph', async () => {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 2 });
  const graph = new Graph({ runtime });
  const made = graph.sync([0], [0], { factor: 2 }, obeying('Echo'));
  graph.module(obeying('Echo'), { factor: 5 }, { alias: 'five', scheduler: 1 });
  const node = graph.getModule('five');
  assert.is(made.process({ 0: [new Packet(1)] }).outputs[0]?.[0]?.payload, 2);
  assert.is(node.process({ 0: [new Packet(1)] }).outputs[0]?.[0]?.payload, 5);
  const { actors, threads } = runtime.stats();
  assert.equal(
    actors.map(({ alias, thread }) => [alias, thread]),
    [
      ['obeying', 0],
      ['five', 1],
    ],
  );
  assert.is(threads, 2);
  const inline = graph.sync([0], [0], {}, 'pass_through', { thread: 'inline', alias: 'here' });
  assert.is((await inline.processAsync({ 0: [new Packet(4)] })).outputs[0]?.[0]?.payload, 4);
  await node.closeAsync();
  assert.equal(
    runtime.stats().actors.map(({ alias }) => alias),
    ['obeying', 'here'],
  );
  await runtime.close();
  assert.is(made.closed && inline.closed, true);
  leaks.check();
});

shared('actors go to the threads with the fewest, whether or not they have been called', async () => {
  const runtime = new Runtime({ threads: 3 });
  const spec = { ...obeying('Echo'), inputs: [0], outputs: [0] };
  const actors = [];
  for (let n = 0; n < 4; n++) actors.push(await runtime.spawn(spec));
  assert.equal(
    actors.map(({ thread }) => thread),
    [0, 1, 2, 0],
  );
  actors[1]!.close();
  assert.is((await runtime.spawn(spec)).thread, 1);
  await runtime.close();
});

shared('what is no actor is refused by name', async () => {
  const runtime = new Runtime({ threads: 1 });
  for (const none of [undefined, null, 5, 'pass_through']) {
    for (const call of [runtime.spawn(none as never), runtime.run(none as never), runtime.run([none] as never)]) {
      assert.is((await rejection(call)).code, 'ERR_MILLRACE_CONFIG');
    }
  }
  await runtime.close();
});

shared.run();
