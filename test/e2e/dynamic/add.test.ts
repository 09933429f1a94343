/** `graph.addNode()` and `graph.addOutput()`: nodes come to a running graph. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, defineModule, encode, Graph, GraphError, probeSync } from 'millrace';
import { TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, numbers } from '../../kit/modules.js';
import { endless, node, sinkOf, until } from '../../kit/running.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf, soon } from '../../kit/soon.js';

const adding = suite('adding nodes');
const folder = mkdtempSync(join(tmpdir(), 'millrace-add-'));
adding.after(() => rmSync(folder, { recursive: true, force: true }));
const graphOn = await sharedThreads(2);

/** Every packet from the first one on, in order. */
function assertContiguous(sink: TestSink, first?: number): void {
  const seen = numbers(sink.packets);
  const begin = first ?? seen[0] ?? 0;
  assert.equal(
    seen,
    seen.map((_, at) => begin + at),
  );
}

const make = (threads: number): Graph => (threads === 0 ? new Graph({ threads }) : graphOn({ threads }));

for (const threads of [0, 1, 2]) {
  adding(
    `threads: ${threads}: a branch joins at a packet boundary, leaves, and another comes; who stays loses nothing`,
    async () => {
      const graph = make(threads);
      const source = endless(graph);
      const stays = sinkOf(graph, add(graph, 'Relay', {}, { inputs: [source], alias: 'relay' }), 'stays');
      await graph.start();
      await until(graph, (now) => node(now, 'stays').packetsIn > 20);
      const sinks: TestSink[] = [];
      for (const round of [1, 2, 3]) {
        const alias = `late ${round}`;
        const branch = await soon(
          'the addition',
          graph.addNode(() => {
            const relay = add(graph, 'Relay', {}, { inputs: [source], alias: 'branch' });
            sinks.push(sinkOf(graph, relay, alias));
            return relay;
          }),
        );
        await until(graph, (now) => node(now, alias).packetsIn > 30);
        await soon('the removal', graph.removeNode(branch));
        await until(graph, (now) => node(now, alias).state === 'closed');
      }
      graph.stop();
      const report = await soon('the graph', graph.close());
      assertContiguous(stays, 0);
      for (const sink of sinks) {
        assertContiguous(sink);
        assert.ok(sink.packets.length > 30);
      }
      assert.is(report.nodes.length, 9);
      assert.equal(report.leaked, {});
      assert.equal(JSON.parse(JSON.stringify(graph.status())), graph.status());
    },
  );
}

adding('a module of this process, and a thread by name, come to a graph that has neither', async () => {
  const graph = graphOn({ threads: 1 });
  const source = endless(graph);
  source.module('null_sink', {}, { alias: 'first' });
  await graph.start();
  const seen: number[] = [];
  const [own] = await soon(
    'the addition',
    graph.addNode(() => {
      const named = add(graph, 'Relay', {}, { inputs: [source], alias: 'named', thread: 'apart' });
      const mine = defineModule({
        process(task) {
          for (const packet of task.inputs.get(0) ?? [])
            if (!packet.isEof) seen.push((packet.payload as { n: number }).n);
        },
      });
      return [named.module(mine, {}, { alias: 'mine' })];
    }),
  );
  const status = await until(graph, () => seen.length > 20);
  assert.is(node(status, 'mine').thread, -1);
  const places = ['first', 'named', 'mine'].map((alias) => status.threads.find(({ nodes }) => nodes.includes(alias))!);
  assert.is(new Set(places).size, 3);
  assert.is(places[1]!.asked, 'apart');
  await soon('the removal', graph.removeNode(own!));
  // The calling thread has nothing of the graph any more, and gets something once more.
  await until(graph, (now) => now.threads.some(({ thread, state }) => thread === -1 && state === 'ended'));
  const again: unknown[] = [];
  const collect = defineModule({
    process(task) {
      again.push(...(task.inputs.get(0) ?? []).filter(({ isEof }) => !isEof));
    },
  });
  await soon(
    'the addition',
    graph.addNode(() => source.module(collect, {}, { alias: 'again' })),
  );
  await until(graph, () => again.length > 20);
  graph.stop();
  await soon('the graph', graph.close());
  assert.equal(
    seen,
    seen.map((_, at) => seen[0]! + at),
  );
});

adding('what can be said of a node before the start can be said of one that comes, and of no other', async () => {
  const two = join(folder, 'two.nut');
  const first = new Graph({ threads: 0 });
  const sound = (frequency: number) => first.filter('sine', { frequency, duration: 0.2 });
  const audio_params = { codec: 'pcm_s16le' };
  encode({ audio: [sound(400), sound(800)] }, { output_path: two, audio_params });
  await first.run();

  const graph = new Graph({ threads: 0 });
  const source = endless(graph, 'source', 1);
  source.module('null_sink', {}, { alias: 'first' });
  const running = graph.decode({ input_path: two }, { alias: 'running' });
  running.audio.module('null_sink');
  await graph.start();
  const sink = new TestSink();
  const seen: unknown[] = [];
  const node = await soon(
    'the addition',
    graph.addNode(() => {
      const input = graph.decode({ input_path: two }, { alias: 'two' });
      graph
        .module(sink.spec, sink.options, { inputs: [input.audios[1]!], alias: 'sink' })
        .addCallback('seen', (value) => {
          seen.push(value);
          sink.callback('seen', value);
        });
      assert.throws(() => running.audios[1], /"running" was chosen after its start/);
      assert.throws(
        () => graph.addCallback('seen', () => {}, 'first'),
        /within graph.addNode\(\) to a node that comes/,
      );
      assert.throws(() => graph.addCallback('seen', () => {}), /addCallback\(\) of a graph that has been run/);
      return graph.node('sink');
    }),
  );
  assert.throws(() => node.addCallback('seen', () => {}), /addCallback\(\) of a graph that has been run/);
  await until(graph, (now) => now.nodes.some(({ alias, state }) => alias === 'sink' && state === 'closed'));
  graph.stop();
  await soon('the graph', graph.close());
  assert.is(seen.length, 1);
  assert.is(
    sink.packets.reduce((sum, { samples }) => sum + (samples ?? 0), 0),
    8820,
  );
});

adding('an addition is not blamed for what is wrong with another one beside it', async () => {
  const graph = new Graph({ threads: 0 });
  const source = endless(graph, 'source', 1);
  source.module('null_sink', {}, { alias: 'first' });
  await graph.start();
  const [bad, good] = await soon(
    'the additions',
    Promise.allSettled([
      graph.addNode(() => source.module('null_sink', {}, { alias: 'first' })),
      graph.addNode(() => source.module('null_sink', {}, { alias: 'second' })),
    ]),
  );
  assert.is(bad.status, 'rejected');
  assert.is(good.status, 'fulfilled', (good as PromiseRejectedResult).reason?.message);
  await soon('the removal', graph.removeNode('second'));
  graph.stop();
  await soon('the graph', graph.close());
});

adding('files begin and end while the graph runs; copied video begins with a key frame', async () => {
  const clip = join(folder, 'clip.mp4');
  const first = new Graph({ threads: 0 });
  const params = { codec: 'mpeg4', g: 10, threads: 1 };
  first
    .filter('testsrc2', { size: '64x48', rate: 25, duration: 4 })
    .encode(null, { output_path: clip, video_params: params });
  await first.run();

  const graph = graphOn({ threads: 2 });
  const packets = graph.decode(
    { input_path: clip, video_codec: 'copy', loop: -1 },
    {
      alias: 'copied',
    },
  ).video;
  const pictures = graph.filter('testsrc2', { size: '64x48', rate: 25, alias: 'pictures' });
  pictures.module('null_sink', {}, { alias: 'a' });
  packets.module('null_sink', {}, { alias: 'b' });
  await graph.start();
  await until(graph, (now) => node(now, 'a').packetsIn > 3 && node(now, 'b').packetsIn > 3);
  const paths = ['encoded.mp4', 'copied.mp4'].map((name) => join(folder, name));
  const [encoded, copied] = await soon(
    'the additions',
    Promise.all([
      graph.addOutput(
        pictures,
        { output_path: paths[0]!, video_params: { codec: 'mpeg4', threads: 1 } },
        { alias: 'x' },
      ),
      graph.addOutput({ video: packets }, { output_path: paths[1]! }, { alias: 'y' }),
    ]),
  );
  await until(graph, (now) => node(now, 'x').frames > 20 && node(now, 'y').frames > 20);
  await soon('the removals', Promise.all([graph.removeNode(encoded), graph.removeNode(copied)]));
  const status = graph.status();
  for (const [i, alias] of ['x', 'y'].entries()) {
    const [video] = probeSync(paths[i]!).streams;
    assert.is(video!.frames, node(status, alias).frames);
  }
  assert.is(node(status, 'y').dropped, 0, 'nothing before the key frame came to it');
  graph.stop();
  const report = await soon('the graph', graph.close());
  assert.equal(report.leaked, {});
});

adding('what is refused adds nothing, and the graph goes on', async () => {
  const graph = make(1);
  const source = endless(graph);
  const stays = sinkOf(graph, source, 'stays');
  assert.match(
    (
      await failureOf(
        'the addition',
        graph.addNode(() => source.module('null_sink')),
      )
    ).message,
    /before the start/,
  );
  await graph.start();
  const refused: [build: () => unknown, code: string, message: RegExp][] = [
    [() => source.module('null_sink', { a: 1 } as never), 'ERR_MILLRACE_CONFIG', /unknown|option/],
    [() => source.module('null_sink', {}, { alias: 'stays' }), 'ERR_MILLRACE_CONFIG', /alias of/],
    [
      () => add(graph, 'Failing', { where: 'init' }, { inputs: [source], alias: 'fails' }),
      'ERR_MILLRACE_MODULE',
      /init said no/,
    ],
    [() => add(graph, 'Missing', {}, { inputs: [source] }), 'ERR_MILLRACE_MODULE_LOAD', /Missing/],
    [() => undefined, 'ERR_MILLRACE_STATE', /adds no node/],
    [async () => source.module('null_sink'), 'ERR_MILLRACE_STATE', /asynchronous/],
    [() => add(graph, 'Relay', {}, { inputs: [source], distNums: 2 }), 'ERR_MILLRACE_CONFIG', /no parallel copies/],
  ];
  for (const [build, code, message] of refused) {
    const error = await failureOf('the addition', graph.addNode(build));
    assert.match(error.message, message);
    assert.is(error.code, code, error.message);
    assert.ok(code !== 'ERR_MILLRACE_CONFIG' || error instanceof ConfigError);
    assert.ok(!/^ERR_MILLRACE_MODULE/.test(code) || error instanceof GraphError);
  }
  const before = node(graph.status(), 'stays').packetsIn;
  await until(graph, (now) => node(now, 'stays').packetsIn > before + 50);
  await graph.addNode(() => source.module('null_sink', {}, { alias: 'fails' }));
  graph.stop();
  await soon('the graph', graph.close());
  assertContiguous(stays, 0);
  assert.is(
    (
      await failureOf(
        'the addition',
        graph.addNode(() => source.module('null_sink')),
      )
    ).code,
    'ERR_MILLRACE_CLOSED',
  );
});

adding('a source joins a running node as a further input', async () => {
  const graph = make(1);
  const hub = add(graph, 'Relay', {}, { inputs: [endless(graph)], alias: 'hub' });
  const sink = sinkOf(graph, hub, 'sink');
  await graph.start();
  await until(graph, (now) => node(now, 'sink').packetsIn > 20);
  await soon(
    'the addition',
    graph.addNode(() => {
      const second = new TestSource({ kind: 'value', count: 25, start: 1e9 });
      const made = graph.module(second.spec, second.options, { alias: 'second' });
      graph.connect(made, 'hub');
      return made;
    }),
  );
  await until(graph, (now) => node(now, 'second').state === 'closed');
  graph.stop();
  await soon('the graph', graph.close());
  const late = sink.packets.filter(({ timestamp }) => timestamp! >= 1e9);
  assert.equal(numbers(late), [...late.keys()]);
  assert.is(late.length, 25);
  assertContiguous({ packets: sink.packets.filter(({ timestamp }) => timestamp! < 1e9) } as TestSink, 0);
});

adding('what a built-in module gives to a reader alone can be given to others as well', async () => {
  const graph = make(1);
  const drawn = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 2 });
  const reader = drawn.packets();
  await graph.start();
  const sink = new TestSink();
  let read = 0;
  for await (const packet of reader) {
    packet.close();
    if (++read === 5) {
      await soon(
        'the addition',
        graph.addNode(() => graph.module(sink.spec, sink.options, { inputs: [drawn], callback: sink.callback })),
      );
    }
  }
  await soon('the graph', graph.close());
  assert.is(read, 50);
  assert.ok(sink.packets.length > 0 && sink.packets.length <= 45, `${sink.packets.length} pictures`);
});

adding('what has ended with its thread gives its end to who joins, and nothing joins it', async () => {
  const graph = graphOn({ threads: 2 });
  const short = new TestSource({ kind: 'value', count: 3 });
  const over = graph.module(short.spec, short.options, { alias: 'over', scheduler: 0 });
  add(graph, 'Relay', {}, { inputs: [over], alias: 'last', scheduler: 0 }).module('null_sink', {}, { scheduler: 0 });
  const long = new TestSource({ kind: 'value', delay: 1 });
  const source = graph.module(long.spec, long.options, { alias: 'source', scheduler: 1 });
  source.module('null_sink', {}, { alias: 'first', scheduler: 1 });
  await graph.start();
  await until(graph, (now) => now.threads.some(({ state }) => state === 'ended'));
  const refused = await failureOf(
    'the connection',
    graph.addNode(() => graph.connect(source, 'last')),
  );
  assert.is(refused.code, 'ERR_MILLRACE_CLOSED');
  assert.match(refused.message, /"last" takes no further input/);
  const alone = await failureOf(
    'the addition',
    graph.addNode(() => over.module('null_sink', {}, { alias: 'alone' })),
  );
  assert.is(alone.code, 'ERR_MILLRACE_CLOSED');
  const sink = new TestSink();
  await soon(
    'the addition',
    graph.addNode(() =>
      graph.module(sink.spec, sink.options, { inputs: [over, source], callback: sink.callback, alias: 'both' }),
    ),
  );
  // Also past the limit of any link that nobody reads.
  const before = node(graph.status(), 'first').packetsIn;
  await until(graph, (now) => node(now, 'first').packetsIn > before + 50 && node(now, 'both').packetsIn > 20);
  graph.stop();
  await soon('the graph', graph.close());
  assert.equal(sink.ends, [0, 1]);
  assertContiguous(sink);
});

adding.run();
