/** The threads of a graph that changes: they are taken again, and those of warm modules are lent. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { fileURLToPath } from 'node:url';
import { createModule, Graph, type MillraceError, type NodeHandle, type WarmModule } from 'millrace';
import { TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';
import { endless, node, sinkOf, until } from '../../kit/running.js';
import { failureOf, soon } from '../../kit/soon.js';

const changing = suite('threads of a graph that changes');
const FILE = fileURLToPath(new URL('../../fixtures/modules/warm.mjs', import.meta.url));

changing(
  'a thread that everything has left is taken again; none is started for it, and nobody comes too late',
  async () => {
    const graph = new Graph({ threads: 2 });
    const { spec, options } = new TestSource({ kind: 'video', delay: 2 });
    const source = graph.module(spec, options, { scheduler: 0 });
    source.module('null_sink', {}, { scheduler: 0, alias: 'stays' });
    const branch = (alias: string, place: { scheduler?: number }): NodeHandle =>
      source.encode(
        null,
        { output_path: '-', format: 'null', video_params: { codec: 'rawvideo' } },
        { alias, ...place },
      );
    let left = branch('branch', { scheduler: 1 });
    await graph.start();
    await until(graph, (now) => node(now, 'branch').packetsIn > 0);
    let started = 0;
    const count = (): void => {
      started++;
    };
    subscribe('worker_threads', count);
    try {
      for (let round = 0; round < 12; round++) {
        await soon('the removal', graph.removeNode(left));
        // An encoder goes to the thread that has least to do.
        const place = round % 2 === 0 ? { scheduler: 1 } : {};
        left = await soon(
          'the addition',
          graph.addNode(() => branch('branch', place)),
        );
        const { thread } = node(graph.status(), 'branch');
        assert.is.not(thread, 0);
      }
      await until(graph, (now) => node(now, 'branch').packetsIn > 0);
    } finally {
      unsubscribe('worker_threads', count);
    }
    assert.is(started, 0);
    // Those from the start, and the one that goes by a new number now.
    assert.ok(graph.status().threads.length <= 3, `${graph.status().threads.length} threads`);
    graph.stop();
    assert.equal((await soon('the graph', graph.close())).leaked, {});
  },
);

changing('warm modules come to a running graph on their own threads, leave, and come to others', async () => {
  const module = { name: 'counted', path: FILE, entry: 'Counted' };
  const all: [WarmModule, object][] = [
    [createModule(module), { threads: 1 }],
    [createModule(module, {}, { thread: 'inline' }), { threads: 0 }],
  ];
  for (const [warm, options] of all) {
    const graph = new Graph(options);
    const source = endless(graph, 'source', 1);
    source.module('null_sink');
    await graph.start();
    const did: string[][] = [];
    const join = (to: Graph, from: NodeHandle, alias: string): NodeHandle => {
      const made = to.module(warm, {}, { inputs: [from], alias });
      made.addCallback('seen', (told: { did: string[] }) => did.push(told.did));
      made.module('null_sink', {}, { alias: `behind ${alias}` });
      return made;
    };
    const first = await soon(
      'the addition',
      graph.addNode(() => join(graph, source, 'first')),
    );
    await until(graph, (now) => node(now, 'behind first').packetsIn > 3);

    // It is in one graph at a time, and in one place of it.
    const other = new Graph(options);
    const elsewhere = endless(other, 'source', 1);
    elsewhere.module('null_sink');
    await other.start();
    const inTwo = await failureOf(
      'a second graph',
      other.addNode(() => join(other, elsewhere, 'second')),
    );
    assert.match(inTwo.message, /the warm module counted is in the graph/);
    const twice = await failureOf(
      'a second place',
      graph.addNode(() => join(graph, source, 'second')),
    );
    assert.match(twice.message, /the warm module counted is nodes\[/);
    const closing: MillraceError = await failureOf('its close', warm.close());
    assert.is(closing.code, 'ERR_MILLRACE_STATE');

    await soon('the removal', graph.removeNode(first));
    const again = await soon(
      'the addition',
      graph.addNode(() => join(graph, source, 'again')),
    );
    await until(graph, (now) => node(now, 'behind again').packetsIn > 3);
    await soon('the removal', graph.removeNode(again));
    await soon(
      'the addition',
      other.addNode(() => join(other, elsewhere, 'second')),
    );
    await until(other, (now) => node(now, 'behind second').packetsIn > 3);
    for (const one of [graph, other]) {
      one.stop();
      const { leaked, warnings } = await soon('the graph', one.close());
      assert.equal(leaked, {});
      if (one === graph) assert.equal(warnings, ['counted: loaded']);
    }
    await warm.close();
    const made = did.at(-1)!;
    assert.is(made.filter((what) => what.startsWith('init')).length, 1, made.join());
    assert.is(made.filter((what) => what === 'reset').length, 2, made.join());
  }
});

changing('a warm module that cannot join is free again', async () => {
  const warm = createModule({ name: 'counted', path: FILE, entry: 'Counted' }, {}, { thread: 'inline' });
  await warm.ready;
  const graph = new Graph({ threads: 0 });
  const source = endless(graph, 'source', 1);
  const stays = sinkOf(graph, source, 'stays');
  await graph.start();
  const bad = await failureOf(
    'the addition',
    graph.addNode(() => {
      graph.module(warm, {}, { inputs: [source], alias: 'warm' }).module('null_sink');
      add(graph, 'Failing', { where: 'init' }, { inputs: [source] });
    }),
  );
  assert.match(bad.message, /init said no/);
  await soon(
    'the addition',
    graph.addNode(() => graph.module(warm, {}, { inputs: [source], alias: 'warm' }).module('null_sink')),
  );
  await until(graph, (now) => node(now, 'stays').packetsIn > 0);
  graph.stop();
  await soon('the graph', graph.close());
  assert.ok(stays.packets.length > 0);
  await warm.close();
});

changing.run();
