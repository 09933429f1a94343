/** What `graph.stats()` and the report tell of a graph's nodes, links and threads. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode, Graph, type GraphStats, type NodeStats, type Progress } from 'millrace';
import { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const stats = suite('statistics');
const graphOn = await sharedThreads(2);
const folder = mkdtempSync(join(tmpdir(), 'millrace-stats-'));
stats.after(() => rmSync(folder, { recursive: true, force: true }));

const node = (from: GraphStats, alias: string): NodeStats => from.nodes.find((one) => one.alias === alias)!;

/** Looks at the graph every 10 ms until the condition holds; its time limit is the test runner's. */
async function until(graph: Graph, holds: (now: GraphStats) => boolean): Promise<GraphStats> {
  for (;;) {
    const now = graph.stats();
    if (holds(now)) return now;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

for (const threads of [0, 2]) {
  stats(`threads: ${threads}: a fast source behind a slow sink waits for room, the sink does not starve`, async () => {
    const graph = graphOn({ threads, queue_length_limit: 2 });
    const source = add(graph, 'Scatter', { count: 60, outputs: 1 }, { alias: 'fast' });
    const sink = new TestSink({ delay: 2 });
    graph.module(sink.spec, sink.options, { inputs: [source], callback: sink.callback, alias: 'slow' });
    const report = await graph.run();
    const [fast, slow] = [node(report, 'fast'), node(report, 'slow')];
    assert.ok(fast.waits.blocked.count > 5, JSON.stringify(fast.waits));
    assert.is(fast.waits.starving.count, 0);
    assert.is(slow.waits.blocked.count, 0);
    assert.ok(report.sleeps.every(({ count, milliseconds }) => count > 0 && milliseconds > 0));
  });

  stats(`threads: ${threads}: a fast sink behind a slow source starves, the source waits for nothing`, async () => {
    // There is room for everything: the slow one does not wait even if the thread of the fast one has to.
    const graph = graphOn({ threads, queue_length_limit: 50 });
    const slow = add(graph, 'SlowRelay', { milliseconds: 2 }, { alias: 'slow', inputs: [scatter(graph, 40)] });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, { inputs: [slow], callback: sink.callback, alias: 'fast' });
    const report = await graph.run();
    const fast = node(report, 'fast');
    // At least for the first packet; how often after that is up to the operating system.
    assert.ok(fast.waits.starving.count > 0, JSON.stringify(fast.waits));
    assert.ok(fast.waits.starving.milliseconds > 0);
    assert.is(fast.waits.blocked.count, 0);
    assert.is(node(report, 'slow').waits.blocked.count, 0);
  });
}

function scatter(graph: Graph, count: number) {
  return add(graph, 'Scatter', { count, outputs: 1 }, { alias: 'source' });
}

stats('the time of the last packet that was taken is known on both sides of a link', async () => {
  for (const threads of [0, 2]) {
    const graph = graphOn({ threads });
    const relay = add(graph, 'Relay', {}, { alias: 'relay', inputs: [scatter(graph, 30)] });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, { inputs: [relay], callback: sink.callback, alias: 'sink' });
    const report = await graph.run();
    const times = report.nodes.map(({ timestampIn, timestampOut }) => [timestampIn, timestampOut]);
    assert.equal(times, [
      [undefined, 29],
      [29, 29],
      [29, undefined],
    ]);
    assert.equal(
      report.links.map((link) => link.timestamp),
      [29, 29],
    );
  }
});

stats('a running graph shows who is in a call, who waits for what, and where the packets are', async () => {
  for (const threads of [0, 2]) {
    const graph = new Graph({ threads, queue_length_limit: 3 });
    const source = add(graph, 'Endless', {}, { alias: 'source' });
    const stuck = add(graph, 'Failing', { where: 'never', after: 0 }, { alias: 'stuck', inputs: [source] });
    const sink = new TestSink();
    graph.module(sink.spec, sink.options, { inputs: [stuck], callback: sink.callback, alias: 'sink' });
    const abort = new AbortController();
    const run = graph.run({ signal: abort.signal }).catch((error: { code: string }) => error.code);
    // Each thread says so when it gets there; nothing changes once all of this holds.
    const held = (now: GraphStats): boolean =>
      node(now, 'stuck').call?.phase === 'process' &&
      node(now, 'source').waitsFor === 'room' &&
      node(now, 'sink').waitsFor === 'packets' &&
      now.links[0]!.outbox >= 1 &&
      now.links[0]!.queued >= 3;
    const now = await until(graph, held);
    assert.is(node(now, 'stuck').waitsFor, undefined);
    assert.is(node(now, 'source').call, undefined);
    assert.is(now.links[1]!.queued, 0);
    // What goes on is counted while it does.
    const later = await until(
      graph,
      (seen) => node(seen, 'source').waits.blocked.milliseconds > node(now, 'source').waits.blocked.milliseconds + 20,
    );
    assert.ok(node(later, 'stuck').call!.milliseconds > node(now, 'stuck').call!.milliseconds);
    assert.is(node(later, 'source').waits.blocked.count, node(now, 'source').waits.blocked.count);
    assert.is(node(later, 'source').calls, node(now, 'source').calls);
    abort.abort();
    assert.is(await run, 'ERR_MILLRACE_ABORTED');
  }
});

stats('after the end nothing goes on', async () => {
  const graph = graphOn({ threads: 1 });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [scatter(graph, 5)], callback: sink.callback });
  await graph.run();
  const first = graph.stats();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(graph.stats(), first);
  assert.ok(first.nodes.every((one) => one.call === undefined && one.waitsFor === undefined));
});

stats('progress of a graph without pictures and times has no rate and no speed', async () => {
  const graph = new Graph({ threads: 0 });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [scatter(graph, 5)], callback: sink.callback });
  const told: unknown[] = [];
  await graph.run({ onProgress: ({ frames, fps, speed, duration }) => told.push([frames, fps, speed, duration]) });
  assert.ok(told.length > 0);
  for (const figures of told) assert.equal(figures, [0, undefined, undefined, undefined]);
});

stats('progress of sound has a speed and no rate, and no figure is NaN or goes back', async () => {
  const graph = new Graph({ threads: 0 });
  encode(null, graph.filter('sine', { duration: 2 }), { null_output: true, format: 'wav' });
  const told: Progress[] = [];
  await graph.run({ onProgress: (progress) => void told.push(progress) });
  assert.ok((told.at(-1)?.speed ?? 0) > 0);
  for (const [index, now] of told.entries()) {
    assert.is(now.fps, undefined);
    for (const figure of Object.values(now)) assert.not.ok(Number.isNaN(figure));
    assert.ok((now.position ?? 0) >= (told[index - 1]?.position ?? 0));
  }
});

stats('progress as an iterable and on the channel: the last is of the end, and both end with the run', async () => {
  const published: Progress[] = [];
  const listener = (message: unknown): void => {
    const { graph, progress } = message as { graph: string; progress: Progress };
    if (graph === 'watched') published.push(progress);
  };
  subscribe('millrace:progress', listener);
  const graph = new Graph({ threads: 0, graph_name: 'watched' });
  graph
    .filter('testsrc2', { size: '64x48', rate: 25, duration: 2 })
    .encode(null, { output_path: join(folder, 'watched.mp4') });
  assert.is((await rejection(graph.progress().next())).code, 'ERR_MILLRACE_STATE');
  const run = graph.run();
  const told: Progress[] = [];
  for await (const progress of graph.progress()) told.push(progress);
  unsubscribe('millrace:progress', listener);
  const report = await run;
  const last = told.at(-1)!;
  assert.equal(published.at(-1), last);
  assert.is(last.frames, 50);
  assert.is(last.size, statSync(join(folder, 'watched.mp4')).size);
  assert.is(last.size, report.bytes);
  assert.equal(
    last.outputs.map(({ path, frames, size }) => ({ path, frames, size })),
    [{ path: join(folder, 'watched.mp4'), frames: 50, size: last.size }],
  );
  assert.is(Math.round(last.bitRate!), Math.round((last.size! * 8e6) / last.position!));
  const after: Progress[] = [];
  for await (const progress of graph.progress()) after.push(progress);
  assert.equal(after, [], 'it is over');
});

stats('an iterable of progress ends with a run that fails, and may be left at any time', async () => {
  const failing = new Graph({ threads: 0 });
  add(failing, 'Failing', { where: 'process' }, { inputs: [scatter(failing, 9)] });
  const run = failing.run();
  for await (const _ of failing.progress());
  assert.ok((await rejection(run)) instanceof Error);
  const left = new Graph({ threads: 0 });
  const sink = new TestSink({ delay: 1 });
  left.module(sink.spec, sink.options, { inputs: [scatter(left, 400)], callback: sink.callback });
  const going = left.run();
  for await (const { elapsed } of left.progress()) {
    assert.ok(elapsed > 0);
    break;
  }
  await going;
});

stats.run();
