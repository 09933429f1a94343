/** What every graph may rely on, at every placement: order, ends, ownership, fan-out. */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, type GraphStats, Packet, registerModule } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { add, numbers, PLACEMENTS, placementsOf } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const flow = suite('flow of packets');
const graphOn = await sharedThreads(3, ['mine']);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

for (const threads of PLACEMENTS) {
  let tests = 0;
  const everywhere = (name: string, test: () => Promise<void>): void => {
    if (placementsOf(tests++).includes(threads)) flow(`threads: ${threads}: ${name}`, test);
  };

  everywhere('packets arrive complete and in order through a chain', async () => {
    const graph = new Graph({ threads });
    const sink = new TestSink();
    const relay = add(graph, 'Relay', {}, { inputs: [add(graph, 'Scatter', { count: 300, outputs: 1 })] });
    graph.module(sink.spec, sink.options, { inputs: [relay], callback: sink.callback });
    const leaks = new LeakWatch();
    const report = await graph.run();
    assert.equal(numbers(sink.packets), upTo(300));
    assert.equal(sink.ends, [0]);
    assert.equal(report.threads, Math.min(threads, 3));
    leaks.check(report);
  });

  everywhere('every consumer of an output gets every packet, frames included', async () => {
    const graph = graphOn({ threads });
    const source = new TestSource({ count: 40, kind: 'video' });
    const stream = graph.module(source.spec, source.options);
    const sinks = [new TestSink(), new TestSink({ delay: 1 }), new TestSink()];
    for (const sink of sinks) graph.module(sink.spec, sink.options, { inputs: [stream], callback: sink.callback });
    const leaks = new LeakWatch();
    const report = await graph.run();
    for (const sink of sinks) {
      assert.is(sink.packets.length, 40);
      assert.equal(sink.packets, sinks[0]!.packets);
    }
    assert.is(new Set(sinks[0]!.packets.map((p) => p.hash)).size > 30, true, 'pictures differ');
    leaks.check(report);
  });

  everywhere('the same packet on two outputs, and one kept for later, are references of their own', async () => {
    const graph = graphOn({ threads });
    const source = new TestSource({ count: 20, kind: 'video' });
    const twice = add(graph, 'Twice', {}, { inputs: [graph.module(source.spec, source.options)] });
    const [left, right] = [new TestSink(), new TestSink()];
    graph.module(left.spec, left.options, { inputs: [twice.output(0)], callback: left.callback });
    graph.module(right.spec, right.options, { inputs: [twice.output(1)], callback: right.callback });
    const leaks = new LeakWatch();
    const report = await graph.run();
    assert.is(right.packets.length, 20);
    assert.equal(left.packets, [...right.packets, ...right.packets]);
    leaks.check(report);
  });

  everywhere(
    'a module sees the end of each input once, is then asked for what it still has, and is closed once',
    async () => {
      const graph = graphOn({ threads });
      const told: unknown[] = [];
      const one = add(graph, 'Scatter', { count: 5, outputs: 1 });
      const two = add(graph, 'Scatter', { count: 9, outputs: 1 });
      // Input 1 is not connected: it ends at once.
      const witness = add(
        graph,
        'Witness',
        { flush: 3 },
        { inputs: [one, null, two], callback: (key, value) => void told.push([key, value]) },
      );
      const sink = new TestSink();
      graph.module(sink.spec, sink.options, { inputs: [witness], callback: sink.callback });
      await graph.run();
      assert.is(told.length, 1);
      const [key, { eofs, emptyCalls }] = told[0] as [string, { eofs: number[]; emptyCalls: number }];
      assert.is(key, 'closed');
      assert.equal([...eofs].sort(), [0, 1, 2]);
      assert.is(emptyCalls, 4, 'three that emit and one that does not');
      assert.is(sink.packets.length, 5 + 9 + 3);
      assert.equal(sink.ends, [0]);
    },
  );

  everywhere('a consumer that is done ends everything upstream, an endless source included', async () => {
    const graph = graphOn({ threads });
    const told: string[] = [];
    const witness = add(
      graph,
      'Witness',
      {},
      { inputs: [add(graph, 'Endless', { kind: 'video' })], callback: (key) => void told.push(String(key)) },
    );
    const take = add(graph, 'Take', { limit: 7 }, { inputs: [add(graph, 'Relay', {}, { inputs: [witness] })] });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, { inputs: [take], callback: sink.callback });
    const leaks = new LeakWatch();
    const report = await graph.run();
    assert.is(sink.packets.length, 7);
    assert.equal(told, ['closed']);
    assert.ok(report.nodes.every((node) => node.state === 'closed'));
    leaks.check(report);
  });

  everywhere('a producer goes on as long as one of its consumers takes', async () => {
    const graph = graphOn({ threads });
    const source = add(graph, 'Scatter', { count: 200, outputs: 1 });
    const all = new TestSink();
    const few = new TestSink({ limit: 3 });
    graph.module(few.spec, few.options, { inputs: [source], callback: few.callback });
    graph.module(all.spec, all.options, { inputs: [source], callback: all.callback });
    await graph.run();
    assert.equal(numbers(all.packets), upTo(200));
    assert.ok(few.packets.length >= 3);
  });

  everywhere('asynchronous modules keep order and do not hold up their neighbours', async () => {
    const graph = graphOn({ threads });
    const slow = add(
      graph,
      'SlowRelay',
      { milliseconds: 2 },
      { inputs: [add(graph, 'Scatter', { count: 30, outputs: 1 })] },
    );
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, { inputs: [slow], callback: sink.callback });
    const quick = new TestSink();
    const other = add(graph, 'Scatter', { count: 500, outputs: 1 });
    graph.module(quick.spec, quick.options, { inputs: [other], callback: quick.callback });
    await graph.run();
    assert.equal(numbers(sink.packets), upTo(30));
    assert.equal(numbers(quick.packets), upTo(500));
  });

  everywhere('what an asynchronous call pushes is delivered while it still runs', async () => {
    const graph = graphOn({ threads });
    const sink = new TestSink({ limit: 5 });
    const relay = add(graph, 'Relay', {}, { inputs: [add(graph, 'Streamer')] });
    graph.module(sink.spec, sink.options, { inputs: [relay], callback: sink.callback });
    await graph.run(); // would never end otherwise
    assert.equal(numbers(sink.packets).slice(0, 5), upTo(5));
  });

  everywhere('stop() ends endless sources and what is under way arrives', async () => {
    const graph = graphOn({ threads });
    const sink = new TestSink();
    const relay = add(graph, 'Relay', {}, { inputs: [add(graph, 'Endless')] });
    graph.module(sink.spec, sink.options, { inputs: [relay], callback: sink.callback });
    let seen: GraphStats | undefined;
    const run = graph.run({
      onProgress: () => {
        seen = graph.stats();
        if (seen.nodes[0]!.calls > 0) graph.stop();
      },
    });
    const report = await run;
    assert.ok(report.stopped);
    assert.is(numbers(sink.packets).length, report.nodes[0]!.packetsOut);
    assert.equal(numbers(sink.packets), upTo(report.nodes[0]!.packetsOut));
    assert.ok(seen!.nodes[0]!.calls > 0, 'statistics are there while it runs');
  });
}

flow('stop() reaches a source that waits for something through its signal', async () => {
  for (const threads of [0, 1]) {
    const graph = graphOn({ threads });
    const source = new TestSource({ delay: 60_000 });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, {
      inputs: [graph.module(source.spec, source.options)],
      callback: sink.callback,
    });
    const run = graph.run();
    setTimeout(() => graph.stop(), 300);
    assert.ok((await run).stopped);
    assert.equal(sink.ends, [0]);
  }
});

flow('stop() before anything came leaves no file and is no failure', async () => {
  const graph = graphOn({ threads: 1 });
  const source = new TestSource({ kind: 'video', delay: 60_000 });
  const output = join(tmpdir(), `millrace-${process.pid}-never.mp4`);
  graph.module(source.spec, source.options).encode(null, { output_path: output });
  const run = graph.run();
  setTimeout(() => graph.stop(), 300);
  const report = await run;
  assert.ok(report.stopped);
  assert.match(
    report.warnings.join(),
    /nothing was written to .*never\.mp4: the graph was stopped before anything came/,
  );
  assert.not(existsSync(output));
});

flow('stop() loses nothing of what a module still has when its inputs have ended', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads });
    const backlog = add(graph, 'Backlog', {}, { inputs: [add(graph, 'Endless')], callback: () => graph.stop() });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, { inputs: [backlog], callback: sink.callback });
    const report = await graph.run();
    const made = report.nodes[0]!.packetsOut;
    assert.ok(made >= 600);
    assert.equal(numbers(sink.packets), upTo(made));
  }
});

flow(
  'a packet that is pushed, followed by the end of that output, and pushed to another is one reference each',
  async () => {
    registerModule('end_between', {
      process(task) {
        const packet = new Packet({ n: 0 });
        task.output(0).push(packet);
        task.output(0).push(Packet.eof());
        task.output(1).push(packet);
        task.done();
      },
    });
    const graph = graphOn({ threads: 1 });
    const node = graph.module('end_between');
    const sinks = [new TestSink(), new TestSink()];
    for (const [id, sink] of sinks.entries()) {
      graph.module(sink.spec, sink.options, { inputs: [node.output(id)], callback: sink.callback });
    }
    await graph.run();
    for (const sink of sinks) assert.equal([numbers(sink.packets), sink.ends], [[0], [0]]);
  },
);

flow('explicit threads: scheduler by index, thread by name; the report says who was where', async () => {
  const graph = graphOn();
  const source = add(graph, 'Scatter', { count: 10, outputs: 1 }, { scheduler: 1 });
  const relay = add(graph, 'Relay', {}, { inputs: [source], thread: 'mine' });
  const other = add(graph, 'Relay', {}, { inputs: [relay], thread: 'mine' });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [other], scheduler: 0, callback: sink.callback });
  const report = await graph.run();
  assert.equal(numbers(sink.packets), upTo(10));
  const [a, b, c, d] = report.nodes.map((node) => node.thread);
  assert.is(b, c);
  assert.is(new Set([a, b, d]).size, 3);
  assert.equal(
    report.links.map((link) => link.kind),
    ['ring', 'direct', 'ring'],
  );
});

flow('an index beyond the given threads goes to thread 0 with a warning', async () => {
  const graph = graphOn({ threads: 1 });
  add(graph, 'Relay', {}, { inputs: [add(graph, 'Scatter', { count: 3, outputs: 1 })], scheduler: 5, alias: 'far' });
  const report = await graph.run();
  assert.match(report.warnings.join(), /far.*scheduler 5 is out of range of 1 threads/);
  assert.is(report.threads, 1);
});

flow('a module registered as an object runs on the calling thread beside worker threads', async () => {
  const seen: number[] = [];
  registerModule('collect', {
    process(task) {
      for (const packet of task.inputs.get(0) ?? []) {
        if (!packet.isEof) seen.push((packet.payload as { n: number }).n);
      }
    },
  });
  const graph = graphOn({ threads: 2 });
  const source = add(graph, 'Scatter', { count: 100, outputs: 1 });
  graph.module('collect', {}, { inputs: [add(graph, 'Relay', {}, { inputs: [source] })] });
  const leaks = new LeakWatch();
  const report = await graph.run();
  assert.equal(seen, upTo(100));
  assert.is(report.nodes[2]!.thread, -1);
  leaks.check(report);
});

flow('a callback answers the module, and what it throws arrives there', async () => {
  const answers: unknown[] = [];
  registerModule('asker', {
    async process(task) {
      const { ctx } = this as unknown as { ctx: { callback(key: string, value: unknown): Promise<unknown> } };
      answers.push(await ctx.callback('double', 21));
      answers.push(await ctx.callback('fail', 0).catch((error: Error) => error.message));
      task.done();
    },
    init(ctx) {
      Object.assign(this, { ctx });
    },
  });
  const graph = new Graph({ threads: 0 });
  graph.module(
    'asker',
    {},
    {
      callback: (key, value) => {
        if (key === 'fail') throw new Error('no such thing');
        return (value as number) * 2;
      },
    },
  );
  await graph.run();
  assert.equal(answers, [42, 'no such thing']);
});

flow('no call gets more packets than its link takes, however fast the producer goes on', async () => {
  const graph = graphOn({ transport: 'copy', queue_length_limit: 4 });
  let bursts: unknown;
  const count = times(100, 400);
  const options = { width: 1280, height: 720, count };
  const stills = add(graph, 'Stills', options, { scheduler: 0 });
  const callback = (_key: string | number, value: unknown) => {
    bursts = value;
  };
  add(graph, 'Bursts', {}, { inputs: [stills], scheduler: 1, callback });
  await graph.run();
  const { most, all } = bursts as { most: number; all: number };
  assert.is(all, count);
  assert.ok(most <= 4, `${most} packets in one call`);
});

flow('links count what they carried, and nothing is queued at the end', async () => {
  const graph = graphOn({ threads: 2, queue_length_limit: 2 });
  const sink = new TestSink({ delay: 1 });
  const source = add(graph, 'Scatter', { count: 50, outputs: 1 });
  graph.module(sink.spec, sink.options, { inputs: [source], callback: sink.callback });
  const report = await graph.run();
  const [link] = report.links;
  assert.is(link!.packets, 51, 'fifty packets and the end');
  assert.is(link!.queued, 0);
  assert.ok(link!.highWater >= 2 && link!.highWater <= 4, `high water ${link!.highWater}`);
});

flow('a packet pushed after the end of its output is an error', async () => {
  registerModule('after_end', {
    process(task) {
      task.output(0).push(Packet.eof());
      task.output(0).push(new Packet(1));
    },
  });
  const graph = new Graph({ threads: 0 });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [graph.module('after_end')], callback: sink.callback });
  try {
    await graph.run();
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /after_end.*pushed to output 0 after its end/);
  }
});

flow.run();
