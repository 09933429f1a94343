/** The graph as a function of the user's data: what is pushed arrives, and every way in which it cannot says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AudioFrame, concat, EncodedPacket, Graph, type GraphError, Packet, Tensor, VideoFrame } from 'millrace';
import { LeakWatch, TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, numbers, PLACEMENTS } from '../../kit/modules.js';
import { rejection, thrown } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const graphOn = await sharedThreads(3);

const MS = { num: 1, den: 1000 };

function value(n: number): Packet {
  return new Packet({ n }, { timestamp: n });
}

function picture(n: number, size = 64): Packet {
  return new Packet(
    VideoFrame.alloc({ width: size, height: 36, format: 'yuv420p', pts: BigInt(n * 40), timeBase: MS }),
  );
}

/** Pushes into a sink through a relay. */
function pipe(threads: number | 'auto', options: ConstructorParameters<typeof Graph>[0] = {}) {
  const graph = graphOn({ threads, ...options });
  const input = graph.inputStream('data');
  const sink = new TestSink();
  add(graph, 'Relay', {}, { inputs: [input], alias: 'relay' }).module(sink.spec, sink.options, {
    callback: sink.callback,
  });
  return { graph, input, sink };
}

const pushing = suite('pushing');

for (const threads of PLACEMENTS) {
  pushing(`values arrive in order (threads: ${threads})`, async () => {
    const leaks = new LeakWatch();
    const { graph, input, sink } = pipe(threads);
    await graph.start({ mode: 'push' });
    for (let n = 0; n < 100; n++) assert.is(await input.push(value(n)), true);
    await input.end();
    const report = await graph.close();
    assert.equal(
      numbers(sink.packets),
      Array.from({ length: 100 }, (_, n) => n),
    );
    assert.equal(sink.ends, [0]);
    leaks.check(report);
  });
}

pushing('frames, sound, encoded packets, tensors and bytes arrive as they were', async () => {
  const leaks = new LeakWatch();
  const { graph, input, sink } = pipe(2);
  await graph.start({ mode: 'push' });
  await input.push(picture(3));
  const samples = new Float32Array(1024).fill(0.25);
  await input.push(new Packet(AudioFrame.from([samples], { sampleRate: 48_000, format: 'fltp', pts: 7n })));
  await input.push(new Packet(EncodedPacket.from(Uint8Array.of(1, 2, 3), { pts: 5n })));
  await input.push(new Packet(Tensor.from(Float32Array.of(1, 2, 3, 4), [2, 2])));
  await input.push(new Packet(Uint8Array.of(9, 8), { timestamp: 11 }));
  const report = await graph.close();
  const [frame, sound, encoded, tensor, bytes] = sink.packets;
  assert.is(frame?.pts, 120n);
  assert.is(frame?.timestamp, 120_000);
  assert.equal([sound?.samples, sound?.sampleRate, sound?.pts], [1024, 48_000, 7n]);
  assert.equal([encoded?.kind, encoded?.pts], ['packet', 5n]);
  assert.is(tensor?.kind, 'value');
  assert.instance(tensor?.value, Tensor);
  assert.equal(
    { ...(tensor?.value as Tensor) },
    { dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
  );
  assert.equal([bytes?.value, bytes?.timestamp], [Uint8Array.of(9, 8), 11]);
  leaks.check(report);
});

pushing('fillPacket queues, and blocks where that is wanted', async () => {
  const { graph, sink } = pipe(2);
  await graph.start({ mode: 'push' });
  for (let n = 0; n < 300; n++) assert.is(graph.fillPacket('data', value(n), { block: n >= 100 }), true);
  graph.fillPacket('data', Packet.eof());
  await graph.close();
  assert.equal(
    numbers(sink.packets),
    Array.from({ length: 300 }, (_, n) => n),
  );
});

pushing('close() ends what is open; ending twice is harmless', async () => {
  const graph = graphOn();
  const [a, b] = [graph.inputStream('a'), graph.inputStream('b')];
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [a, b], callback: sink.callback });
  await graph.start({ mode: 'push' });
  await a.push(value(1));
  await a.end();
  await a.end();
  assert.is(a.closed, true);
  assert.is(b.closed, false);
  const [report, again] = await Promise.all([graph.close(), graph.close()]);
  assert.is(report, again);
  assert.equal(sink.ends.sort(), [0, 1]);
});

pushing('the same name is the same stream, and several nodes take it', async () => {
  const graph = graphOn({ threads: 2 });
  const sinks = [new TestSink(), new TestSink()];
  for (const sink of sinks) {
    graph.inputStream('x').module(sink.spec, sink.options, { callback: sink.callback });
  }
  await graph.start();
  for (let n = 0; n < 20; n++) await graph.inputStream('x').push(value(n));
  await graph.close();
  for (const sink of sinks) assert.is(sink.packets.length, 20);
});

pushing('a push waits for room, and the links hold no more than their limit', async () => {
  const graph = graphOn({ threads: 1, queue_length_limit: 4 });
  const input = graph.inputStream('data');
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  add(graph, 'Gate', {}, { inputs: [input], callback: () => gate });
  await graph.start({ mode: 'push' });
  let room = 0;
  const pushes = Array.from({ length: 20 }, (_, n) => input.push(value(n)).then(() => room++));
  // The gate takes what is there once, and then the link fills.
  while (graph.stats().links[0]!.queued < 4) await sleep(2);
  await sleep(20);
  const before = room;
  assert.ok(before >= 4 && before <= 12, `${before} of 20 found room`);
  release();
  await Promise.all(pushes);
  assert.is(room, 20);
  const report = await graph.close();
  assert.is(report.links[0]!.reliefs, 0);
});

pushing('streams that are pushed one after the other cannot hang on each other', async () => {
  const graph = graphOn({ threads: 2 });
  const [first, second] = [graph.inputStream('first'), graph.inputStream('second')];
  const sink = new TestSink();
  add(graph, 'Gather', { order: 'sequence' }, { inputs: [first, second] }).module(sink.spec, sink.options, {
    callback: sink.callback,
  });
  await graph.start({ mode: 'push' });
  // It wants all of the first before it takes anything of the second.
  for (let n = 50; n < 100; n++) await second.push(value(n));
  for (let n = 0; n < 25; n++) await first.push(value(n));
  for (let n = 25; n < 50; n++) graph.fillPacket('first', value(n), { block: true });
  const report = await graph.close();
  assert.equal(
    numbers(sink.packets),
    Array.from({ length: 100 }, (_, n) => n),
  );
  assert.ok(report.warnings.some((text) => /limit of the link from second/.test(text)));
});

pushing('the same, blocking', async () => {
  const graph = graphOn({ threads: 2 });
  const [first, second] = [graph.inputStream('first'), graph.inputStream('second')];
  const sink = new TestSink();
  concat([first, second]).module(sink.spec, sink.options, { callback: sink.callback });
  await graph.start({ mode: 'push' });
  for (let n = 50; n < 100; n++) graph.fillPacket('second', picture(n), { block: true });
  for (let n = 0; n < 50; n++) graph.fillPacket('first', picture(n), { block: true });
  await graph.close();
  assert.is(sink.packets.length, 100);
});

pushing('a stream nobody takes any more says so, and costs nothing', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const input = graph.inputStream('data');
  const sink = new TestSink();
  add(graph, 'Take', { limit: 5 }, { inputs: [input] }).module(sink.spec, sink.options, { callback: sink.callback });
  await graph.start({ mode: 'push' });
  let n = 0;
  while (await input.push(picture(n))) n++;
  assert.is(input.closed, true);
  assert.is(await input.push(picture(n)), false);
  assert.is(graph.fillPacket('data', picture(n)), false);
  assert.is(graph.fillPacket('data', picture(n), { block: true }), false);
  const report = await graph.close();
  assert.is(sink.packets.length, 5);
  leaks.check(report);
});

pushing('stop() takes no more and finishes what is under way', async () => {
  const leaks = new LeakWatch();
  const { graph, input, sink } = pipe(1);
  await graph.start({ mode: 'push' });
  for (let n = 0; n < 30; n++) await input.push(picture(n));
  graph.stop();
  const report = await graph.close();
  assert.is(report.stopped, true);
  assert.is(sink.packets.length, 30);
  leaks.check(report);
});

pushing.run();

const refusing = suite('what cannot be pushed');

refusing('names that do not exist', async () => {
  const { graph } = pipe(0);
  await graph.start();
  const error = thrown(() => graph.fillPacket('date', value(1)));
  assert.is(error.code, 'ERR_MILLRACE_CONFIG');
  assert.match(error.message, /no input stream 'date'.*Input streams are data/);
  assert.is(thrown(() => graph.inputStream('other')).code, 'ERR_MILLRACE_STATE');
  assert.is(thrown(() => graph.inputStream('')).code, 'ERR_MILLRACE_CONFIG');
  await graph.close();
});

refusing('anything before the start, and packets after the end', async () => {
  const leaks = new LeakWatch();
  const { graph, input } = pipe(1);
  assert.match((await rejection(input.push(picture(1)))).message, /'data' before the start.*start\(\)/);
  assert.is(thrown(() => graph.fillPacket('data', picture(1), { block: true })).code, 'ERR_MILLRACE_STATE');
  assert.is((await rejection(graph.close())).code, 'ERR_MILLRACE_STATE');
  await graph.forceClose();
  await graph.start({ mode: 'push' });
  assert.is((await rejection(graph.start())).code, 'ERR_MILLRACE_STATE');
  await input.end();
  const late = await rejection(input.push(picture(1)));
  assert.is(late.code, 'ERR_MILLRACE_STATE');
  assert.match(late.message, /input stream 'data' after its end/);
  assert.is(thrown(() => graph.fillPacket('data', picture(1))).code, 'ERR_MILLRACE_STATE');
  const report = await graph.close();
  assert.is((await rejection(input.push(picture(1)))).code, 'ERR_MILLRACE_STATE');
  leaks.check(report);
});

refusing('what is no packet, what was released, and signals', async () => {
  const { graph, input, sink } = pipe(1);
  await graph.start();
  const wrong = await rejection(input.push(new Uint8Array(3) as never));
  assert.is(wrong.code, 'ERR_MILLRACE_PAYLOAD');
  assert.match(wrong.message, /input stream 'data': a Uint8Array is no Packet/);
  const released = picture(1);
  released.close();
  assert.match((await rejection(input.push(released))).message, /'data': the packet was released/);
  const hollow = picture(1);
  (hollow.payload as VideoFrame).close();
  assert.is((await rejection(input.push(hollow))).code, 'ERR_MILLRACE_CLOSED');
  assert.is((await rejection(input.push(Packet.control('pause')))).code, 'ERR_MILLRACE_PAYLOAD');
  await input.push(value(1));
  await graph.close();
  assert.is(sink.packets.length, 1);
});

refusing('options that do not exist, and their values', async () => {
  const leaks = new LeakWatch();
  const { graph } = pipe(1);
  await graph.start();
  for (const [options, words] of [
    [true, 'must be an object, not true'],
    [{ blok: true }, "blok: is no option \\(Did you mean 'block'"],
    [{ block: 1 }, 'block: must be true or false, not 1'],
  ] as const) {
    const error = thrown(() => graph.fillPacket('data', picture(1), options as never));
    assert.is(error.code, 'ERR_MILLRACE_CONFIG');
    assert.match(error.message, new RegExp(words));
  }
  leaks.check(await graph.close());
});

refusing('a packet that waits to be sent already', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const [a, b] = [graph.inputStream('a'), graph.inputStream('b')];
  // It takes what a link holds and sleeps: the last of so many is waiting for half a second.
  const sink = new TestSink({ delay: 50 });
  graph.module(sink.spec, sink.options, { inputs: [a, b], callback: sink.callback });
  await graph.start();
  const first = Array.from({ length: 100 }, (_, n) => picture(n));
  for (const packet of first) graph.fillPacket('a', packet);
  const again = first.at(-1)!;
  assert.match(thrown(() => graph.fillPacket('b', again)).message, /'b': the packet has been pushed already.*clone/);
  assert.is((await rejection(a.push(again))).code, 'ERR_MILLRACE_CLOSED');
  leaks.check(await graph.close());
  assert.is(sink.packets.length, 100);
});

refusing('a payload that cannot cross threads fails the graph by name', async () => {
  const { graph, input } = pipe(1);
  await graph.start();
  const error = (await rejection(
    (async () => {
      for (;;) await input.push(new Packet({ call: () => {} }));
    })(),
  )) as GraphError;
  assert.is(error.alias, 'data');
  assert.match(error.message, /"data" \(input_stream\) failed in .*function/);
  assert.is(await rejection(graph.close()), error);
});

refusing('more than is kept, pushed without waiting', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1, hard_cap: 100_000 });
  const input = graph.inputStream('data');
  add(graph, 'Failing', { where: 'never', after: 0 }, { inputs: [input] });
  await graph.start();
  let kept = 0;
  const full = thrown(() => {
    for (; kept < 1000; kept++) graph.fillPacket('data', picture(kept));
  });
  assert.is(full.code, 'ERR_MILLRACE_QUEUE_FULL');
  assert.match(full.message, /'data' has \d+ packets \(about 0\.1 MB\) waiting.*hard_cap/);
  assert.ok(kept >= 10 && kept < 60, `${kept} packets`);
  assert.is((await rejection(input.push(picture(1)))).code, 'ERR_MILLRACE_QUEUE_FULL');
  await graph.forceClose();
  leaks.check((await rejection(graph.close())) as GraphError);
});

refusing('graphs that do not fit their mode, and streams that feed nothing', async () => {
  const { graph } = pipe(1);
  assert.match((await rejection(graph.run())).message, /run\(\) cannot feed the input stream 'data'/);
  assert.match((await rejection(graph.start({ mode: 'generator' }))).message, /needs a reader/);
  assert.match((await rejection(graph.start({ mode: 'normal' }))).message, /feeds no input streams/);
  assert.match((await rejection(graph.start({ mode: 'pull' as never }))).message, /"normal", "push", "generator"/);
  graph.inputStream('spare');
  assert.match((await rejection(graph.start())).message, /input_streams\[1\]: 'spare' feeds no node/);
  const plain = graphOn();
  add(plain, 'Endless');
  assert.match((await rejection(plain.start({ mode: 'push' }))).message, /needs an input stream/);
});

refusing.run();

const deadlock = suite('blocking pushes that would wait for themselves');

async function refused(graph: Graph, block: () => unknown, why: RegExp): Promise<void> {
  const error = thrown(block);
  assert.is(error.code, 'ERR_MILLRACE_WOULD_DEADLOCK');
  assert.match(error.message, why);
  await graph.forceClose();
}

deadlock('everything on this thread', async () => {
  const { graph } = pipe(0);
  await graph.start();
  await refused(graph, () => graph.fillPacket('data', picture(0), { block: true }), /relay.* need this thread/);
});

deadlock('a module of this process', async () => {
  const graph = graphOn({ threads: 1 });
  graph.inputStream('data').module({ process() {} }, {}, { alias: 'mine' });
  await graph.start();
  await refused(graph, () => graph.fillPacket('data', picture(0), { block: true }), /mine needs this thread/);
});

deadlock('a reader of the same graph, until it is left', async () => {
  const graph = graphOn({ threads: 1 });
  const input = graph.inputStream('data');
  add(graph, 'Relay', {}, { inputs: [input] }).packets();
  await graph.start();
  await refused(graph, () => graph.fillPacket('data', picture(0), { block: true }), /reader_\d+_of_.* this thread/);
});

deadlock('a callback that waits for an answer', async () => {
  const graph = graphOn({ threads: 1 });
  const input = graph.inputStream('data');
  add(graph, 'Gate', {}, { inputs: [input], callback: () => 'answer' });
  await graph.start();
  const block = (): void => {
    for (let n = 0; n < 1000; n++) graph.fillPacket('data', picture(n), { block: true });
  };
  await refused(graph, block, /waits for the answer of a callback/);
});

deadlock('not the start: a blocking push may be the first thing', async () => {
  const { graph, sink } = pipe(2);
  await graph.start();
  for (let n = 0; n < 50; n++) graph.fillPacket('data', value(n), { block: true });
  await graph.close();
  assert.is(sink.packets.length, 50);
});

deadlock('no answer is owed to a module that has ended with its thread', async () => {
  const graph = graphOn({ threads: 2 });
  let answered = false;
  const parting = add(graph, 'Parting', {}, { alias: 'parting', scheduler: 0 });
  parting.addCallback('asked', async () => {
    while (graph.status().threads[0]!.state !== 'ended') await sleep(1);
    answered = true;
  });
  parting.module('null_sink', {}, { scheduler: 0 });
  const input = graph.inputStream('data');
  const slow = add(graph, 'SlowRelay', {}, { inputs: [input], scheduler: 1, queueLimit: 1 });
  slow.module('null_sink', {}, { scheduler: 1 });
  await graph.start();
  while (!answered) await sleep(1);
  for (let n = 0; n < 20; n++) assert.ok(graph.fillPacket('data', value(n), { block: true }));
  await input.end();
  await graph.close();
});

deadlock.run();

const failing = suite('failing graphs');

function failingGraph(where: string) {
  const graph = where === 'exit' ? new Graph({ threads: 1 }) : graphOn({ threads: 1 });
  const input = graph.inputStream('data');
  add(graph, 'Failing', { where }, { inputs: [input], alias: 'bad' });
  return { graph, input };
}

failing('pending pushes, later ones and close() reject with the same error', async () => {
  const leaks = new LeakWatch();
  const { graph, input } = failingGraph('process');
  await graph.start();
  // Three calls that succeed and the one that fails can each take a full queue of 8, and 8 more then find room.
  const pending = Array.from({ length: 100 }, (_, n) =>
    input.push(picture(n)).then(
      () => undefined,
      (error) => error,
    ),
  );
  const error = (await rejection(graph.close())) as GraphError;
  assert.match(error.message, /"bad" .*process said no/);
  const outcomes = await Promise.all(pending);
  assert.ok(outcomes.includes(error));
  assert.ok(outcomes.every((outcome) => outcome === undefined || outcome === error));
  assert.is(await rejection(input.push(picture(1))), error);
  assert.is(
    thrown(() => graph.fillPacket('data', picture(1))),
    error,
  );
  assert.is(
    thrown(() => graph.fillPacket('data', picture(1), { block: true })),
    error,
  );
  leaks.check(error);
});

for (const where of ['init', 'process', 'exit']) {
  failing(`a blocked push throws the error (${where})`, async () => {
    const leaks = new LeakWatch();
    const { graph } = failingGraph(where);
    await graph.start();
    const error = thrown(() => {
      for (;;) graph.fillPacket('data', picture(0), { block: true });
    }) as GraphError;
    const final = (await rejection(graph.close())) as GraphError;
    // What a thread died of is heard only when this one is free again.
    if (where !== 'exit') assert.is(error, final);
    assert.is(error.code, final.code);
    assert.match(error.message, where === 'exit' ? /^the thread of bad died/ : /said no/);
    assert.match(final.message, where === 'exit' ? /^the thread of bad died \(exit code 7\)/ : /said no/);
    leaks.check(final);
  });
}

failing('pushes that nobody awaits do not end the process', async () => {
  const { graph, input } = failingGraph('process');
  await graph.start();
  for (let n = 0; n < 100; n++) void input.push(picture(n));
  await rejection(graph.close());
  await sleep(5);
});

failing('forceClose() and the signal release everything', async () => {
  for (const how of ['forceClose', 'signal']) {
    const leaks = new LeakWatch();
    const abort = new AbortController();
    const graph = new Graph({ threads: 1 });
    const input = graph.inputStream('data');
    // So slow that most of the pushes are still waiting, however late this thread is to go on.
    add(graph, 'SlowRelay', { milliseconds: 200 }, { inputs: [input] }).module('null_sink');
    await graph.start({ signal: abort.signal });
    const pushes = Array.from({ length: 100 }, (_, n) => rejection(input.push(picture(n))));
    await sleep(10);
    if (how === 'signal') abort.abort(new Error('enough'));
    else await graph.forceClose();
    const error = (await rejection(graph.close())) as GraphError;
    assert.is(error.code, 'ERR_MILLRACE_ABORTED');
    assert.match(error.message, how === 'signal' ? /enough/ : /forceClose/);
    assert.is(await pushes.at(-1), error);
    await graph.forceClose();
    leaks.check(error);
  }
});

failing('forceClose() ends a module that does not return', async () => {
  const graph = new Graph({ threads: 1, stop_grace: 60_000 });
  const input = graph.inputStream('data');
  add(graph, 'Failing', { where: 'hang', after: 0 }, { inputs: [input], alias: 'bad' });
  await graph.start();
  await input.push(value(1));
  while (graph.stats().nodes.find(({ alias }) => alias === 'bad')?.call?.phase !== 'process') await sleep(5);
  await graph.forceClose();
  const { warnings } = (await rejection(graph.close())) as GraphError;
  assert.match(warnings.join(), /bad.*was terminated/);
});

failing('a graph that waits for its user is not stalled', async () => {
  const { graph, input, sink } = pipe(1, { time_out: 1 });
  await graph.start();
  await input.push(value(1));
  await sleep(2500);
  await input.push(value(2));
  await graph.close();
  assert.is(sink.packets.length, 2);
});

failing.run();
