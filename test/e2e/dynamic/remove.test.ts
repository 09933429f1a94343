/** `graph.removeNode()`: a node leaves while the others go on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineModule, Graph, GraphError, Packet, probeSync } from 'millrace';
import type { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, numbers } from '../../kit/modules.js';
import { endless, node, sinkOf, until } from '../../kit/running.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf, soon } from '../../kit/soon.js';

const removing = suite('removing a node');
const folder = mkdtempSync(join(tmpdir(), 'millrace-remove-'));
removing.after(() => rmSync(folder, { recursive: true, force: true }));
const graphOn = await sharedThreads(2);

/** All of them, in order. */
function assertWhole(sink: TestSink): void {
  assert.equal(numbers(sink.packets), [...sink.packets.keys()]);
}

for (const threads of [0, 1, 2]) {
  removing(`threads: ${threads}: its consumers see the end of the stream, the other branch loses nothing`, async () => {
    const graph = threads === 0 ? new Graph({ threads }) : graphOn({ threads });
    const source = endless(graph);
    const places = threads === 2 ? [{ scheduler: 0 }, { scheduler: 1 }] : [{}, {}];
    const first = add(graph, 'Relay', {}, { inputs: [source], alias: 'first', ...places[0] });
    const gone = sinkOf(graph, first, 'gone');
    const other = sinkOf(graph, add(graph, 'Relay', {}, { inputs: [source], alias: 'other', ...places[1] }), 'stays');
    await graph.start();
    await until(graph, (now) => node(now, 'gone').packetsIn > 20);
    await soon('the removal', graph.removeNode(first));
    const after = await until(graph, (now) => node(now, 'gone').state === 'closed');
    assert.is(node(after, 'first').state, 'closed');
    assert.throws(() => graph.node('first'), /no node 'first'/);
    await until(graph, (now) => node(now, 'stays').packetsIn > node(after, 'stays').packetsIn + 100);
    graph.stop();
    const report = await soon('the graph', graph.close());
    assertWhole(gone);
    assertWhole(other);
    assert.is(gone.packets.length, node(report as never, 'first').packetsOut);
    assert.equal(report.leaked, {});
  });
}

removing('what leads to nobody else ends with it, and with the last one the graph', async () => {
  const graph = new Graph({ threads: 0 });
  const sink = sinkOf(graph, add(graph, 'Relay', {}, { inputs: [endless(graph)] }), 'sink');
  assert.match((await failureOf('the removal', graph.removeNode('sink'))).message, /"sink" before the start/);
  await graph.start();
  await until(graph, (now) => node(now, 'sink').packetsIn > 5);
  graph.pause();
  await soon('the removal', graph.removeNode('sink'));
  await soon('the graph', graph.close());
  assertWhole(sink);
  assert.match((await failureOf('the removal', graph.removeNode('sink'))).message, /no node 'sink'/);
});

removing('a file is completed with what the encoder has got, and the other goes on', async () => {
  const graph = graphOn({ threads: 2 });
  const pictures = graph.filter('testsrc2', { size: '64x48', rate: 25 }).filter('format', 'yuv420p');
  const [early, late] = ['early.mp4', 'late.mp4'].map((name) => join(folder, name)) as [string, string];
  const params = { video_params: { codec: 'mpeg4', threads: 1 } };
  const first = pictures.encode(null, { output_path: early, ...params }, { alias: 'early' });
  pictures.encode(null, { output_path: late, ...params }, { alias: 'late' });
  await graph.start();
  await until(graph, (now) => node(now, 'early').frames > 5);
  await soon('the removal', graph.removeNode(first));
  const frames = probeSync(early).streams[0]!.frames!;
  assert.is(frames, node(graph.status(), 'early').frames);
  await until(graph, (now) => node(now, 'late').frames > frames + 20);
  graph.stop();
  const report = await soon('the graph', graph.close());
  assert.is(probeSync(late).streams[0]!.frames, node(report as never, 'late').frames);
  assert.equal(report.leaked, {});
});

removing(
  'a call that waits is told by its signal; one that fails in closing fails the removal, not the graph',
  async () => {
    const graph = new Graph({ threads: 0 });
    const source = endless(graph);
    let waits = false;
    const stuck = source.module(
      defineModule<object, { signal: AbortSignal }>({
        init(ctx) {
          this.signal = ctx.signal;
        },
        process() {
          waits = true;
          return new Promise((_, reject) => {
            this.signal.addEventListener('abort', () => reject(this.signal.reason as Error));
          });
        },
      }),
      {},
      { alias: 'stuck' },
    );
    const broken = source.module(
      defineModule({
        process() {},
        close() {
          throw new Error('the disk is full');
        },
      }),
      {},
      { alias: 'broken' },
    );
    const stays = sinkOf(graph, source, 'stays');
    await graph.start();
    await until(graph, () => waits);
    await soon('the removal', graph.removeNode(stuck));
    const failure = (await failureOf('the removal', graph.removeNode(broken))) as GraphError;
    assert.ok(failure instanceof GraphError);
    assert.equal([failure.alias, failure.phase], ['broken', 'close']);
    assert.match(failure.message, /the disk is full/);
    const before = node(graph.status(), 'stays').packetsIn;
    await until(graph, (now) => node(now, 'stays').packetsIn > before + 50);
    graph.stop();
    await soon('the graph', graph.close());
    assertWhole(stays);
  },
);

removing('parallel copies and merged filters leave as one', async () => {
  const graph = new Graph({ threads: 0 });
  const source = endless(graph);
  const copied = add(graph, 'Relay', {}, { inputs: [source], distNums: 3, alias: 'copied' });
  const gone = sinkOf(graph, copied, 'gone');
  const pictures = graph.filter('testsrc2', { size: '64x48' });
  const merged = pictures.hflip().vflip().scale(32, 24, { alias: 'scale' });
  merged.module('null_sink', {}, { alias: 'last' });
  const stays = sinkOf(graph, source, 'stays');
  await graph.start();
  await until(graph, (now) => node(now, 'gone').packetsIn > 20 && node(now, 'last').packetsIn > 5);
  await soon('the removals', Promise.all([graph.removeNode('copied'), graph.removeNode(merged)]));
  await until(graph, (now) => node(now, 'gone').state === 'closed' && node(now, 'last').state === 'closed');
  assert.ok(graph.status().nodes.every(({ alias, state }) => state === 'closed' || /^(source|stays)$/.test(alias)));
  graph.stop();
  await soon('the graph', graph.close());
  assertWhole(gone);
  assertWhole(stays);
});

removing('an input stream that is removed answers its pushes', async () => {
  const graph = new Graph({ threads: 0 });
  const [left, right] = [graph.inputStream('left'), graph.inputStream('right')];
  const joined = add(graph, 'Relay', {}, { inputs: [left, right] });
  const sink = sinkOf(graph, joined, 'sink');
  await graph.start({ mode: 'push' });
  await left.push(new Packet({ n: 0 }));
  await right.push(new Packet({ n: 1 }));
  await soon('the removal', graph.removeNode(right));
  assert.not(await right.push(new Packet({ n: 2 })));
  await left.push(new Packet({ n: 2 }));
  await soon('the graph', graph.close());
  assertWhole(sink);
});

removing.run();
