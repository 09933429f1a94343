/** What the program reads, writes, pushes and takes comes to a running graph, and leaves it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineGraph, Graph, Packet, probe, type SeekableSource } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, numbers } from '../../kit/modules.js';
import { endless, node, sinkOf, until } from '../../kit/running.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { failureOf, soon } from '../../kit/soon.js';

const ports = suite('what the program has comes to a running graph');
const folder = mkdtempSync(join(tmpdir(), 'millrace-ports-'));
ports.after(() => rmSync(folder, { recursive: true, force: true }));
const graphOn = await sharedThreads(1);
const clip = join(folder, 'clip.mkv');
const params = { codec: 'mpeg4', threads: 1 } as const;
const made = new Graph({ threads: 0 });
made
  .filter('testsrc2', { size: '64x48', rate: 25, duration: 0.4 })
  .encode(null, { output_path: clip, video_params: params });
await made.run();

/** A source of the program's, and how often it was closed. */
function source(): SeekableSource & { closed: number } {
  const bytes = readFileSync(clip);
  return {
    closed: 0,
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    close() {
      this.closed++;
    },
  };
}

ports(
  'a source and a buffer are decoded by nodes that come later, and closed when these leave or are refused',
  async () => {
    const graph = graphOn();
    sinkOf(graph, endless(graph, 'source', 1), 'stays');
    await graph.start();
    const [read, refused] = [source(), source()];
    const decoder = await soon(
      'the addition',
      graph.addNode(() => {
        const input = graph.decode({ input: read, loop: -1, realtime: true }, { alias: 'of the program' });
        input.video.module('null_sink', {}, { alias: 'taken' });
        return input;
      }),
    );
    await until(graph, (now) => node(now, 'taken').packetsIn > 3);
    await failureOf(
      'the addition',
      graph.addNode(() => {
        graph.decode({ input: refused }).video.module('null_sink');
        return add(graph, 'Failing', { where: 'init' }, { inputs: [graph.node('of the program').video] });
      }),
    );
    assert.equal([read.closed, refused.closed], [0, 1]);
    await soon('the removal', graph.removeNode(decoder));
    assert.is(read.closed, 1, 'while the graph goes on');
    const sink = await graph.addNode(() =>
      sinkOf(graph, graph.decode({ input: readFileSync(clip) }).video, 'buffered'),
    );
    await until(graph, (now) => node(now, 'buffered').state === 'closed');
    assert.is(sink.packets.length, 10);
    // The other consumer of what left has ended: its alias can be given again.
    await soon(
      'the addition',
      graph.addNode(() => graph.decode({ input: source() }).video.module('null_sink', {}, { alias: 'taken' })),
    );
    graph.stop();
    const report = await soon('the graph', graph.close());
    assert.equal([read.closed, refused.closed], [1, 1]);
    assert.equal(report.leaked, {});
  },
);

ports(
  'an encoder into a sink of the program comes and leaves: the sink has the whole file by then, and its name is free',
  async () => {
    const graph = graphOn();
    const pictures = graph.decode({ input_path: clip, loop: -1, realtime: true }).video;
    pictures.module('null_sink');
    await graph.start();
    for (const round of [1, 2]) {
      let file = Buffer.alloc(0);
      let closed = 0;
      const output = {
        async write(bytes: Uint8Array, offset: number) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          const grown = Buffer.alloc(Math.max(file.length, offset + bytes.length));
          file.copy(grown);
          grown.set(bytes, offset);
          file = grown;
        },
        close() {
          closed++;
        },
      };
      const encoder = await soon(
        'the addition',
        graph.addOutput(pictures, { output, format: 'mp4', video_params: params }, { alias: 'recording' }),
      );
      await until(graph, (now) => now.nodes.filter(({ alias }) => alias === 'recording').at(-1)!.frames > 4);
      await soon('the removal', graph.removeNode(encoder));
      assert.is(closed, 1, `round ${round}`);
      const frames = graph
        .status()
        .nodes.filter(({ alias }) => alias === 'recording')
        .at(-1)!.frames;
      const { streams } = await probe(file);
      assert.is(streams[0]!.frames, frames);
    }
    graph.stop();
    assert.equal((await soon('the graph', graph.close())).leaked, {});
  },
);

ports('a reader comes, holds its producer back, and leaves without stopping the graph', async () => {
  const graph = graphOn({ queue_length_limit: 2 });
  const numbered = endless(graph, 'source', 1);
  const stays = sinkOf(graph, numbered, 'stays');
  await graph.start();
  await until(graph, (now) => node(now, 'stays').packetsIn > 10);
  const read = async (count: number): Promise<number[]> => {
    const reader = await soon(
      'the addition',
      graph.addNode(() => numbered.packets<{ n: number }>()),
    );
    const seen: number[] = [];
    for await (const { payload } of reader.closing()) {
      seen.push(payload.n);
      if (seen.length === count) break;
    }
    return seen;
  };
  for (const seen of await Promise.all([read(30), read(50)])) {
    assert.equal(
      seen,
      seen.map((_, at) => seen[0]! + at),
    );
  }
  const idle = await graph.addNode(() => numbered.packets());
  // Nobody reads: what holds the graph back is this one.
  const held = await until(graph, (now) => now.queues.some(({ full, names }) => full && names.to.startsWith('reader')));
  assert.is(held.state, 'running');
  await idle.return();
  const before = node(graph.status(), 'stays').packetsIn;
  await until(graph, (now) => node(now, 'stays').packetsIn > before + 20);
  assert.throws(() => numbered.packets(), /after the start.*within graph\.addNode/);
  graph.stop();
  await soon('the graph', graph.close());
  const all = numbers(stays.packets);
  assert.equal(all, [...all.keys()]);
});

ports('an input stream comes, is pushed into, and ends', async () => {
  const graph = graphOn();
  sinkOf(graph, endless(graph, 'source', 1), 'stays');
  await graph.start();
  assert.throws(() => graph.inputStream('late'), /within graph\.addNode/);
  const [late, sink] = await soon(
    'the addition',
    graph.addNode(() => {
      const stream = graph.inputStream('late');
      return [stream, sinkOf(graph, stream, 'of the late one')] as const;
    }),
  );
  for (let n = 0; n < 20; n++) await soon('a push', late.push(new Packet({ n })));
  await late.end();
  await until(graph, (now) => node(now, 'of the late one').state === 'closed');
  assert.equal(numbers(sink.packets), [...Array(20).keys()]);
  graph.stop();
  await soon('the graph', graph.close());
});

ports('a sub-graph comes by its name, and leaves as a whole by its handle or alias, again and again', async () => {
  const branch = defineGraph(
    (inner: Graph, [stream]) => {
      const relay = add(inner, 'Relay', {}, { inputs: [stream!], alias: 'relay' });
      const nested = inner.module(
        defineGraph((g: Graph, [s]) => add(g, 'Relay', {}, { inputs: [s!], alias: 'twig' }), { name: 'nested' }),
        {},
        { inputs: [relay] },
      );
      return nested;
    },
    { name: 'branch' },
  );
  const graph = graphOn();
  const numbered = endless(graph, 'source', 1);
  const stays = sinkOf(graph, numbered, 'stays');
  await graph.start();
  for (const round of [1, 2, 3]) {
    const [left, sink] = await soon(
      'the addition',
      graph.addNode((g) => {
        const made = g.module(branch, {}, { inputs: [numbered], alias: 'left' });
        return [made, sinkOf(g, made, `late ${round}`)] as const;
      }),
    );
    await until(graph, (now) => node(now, `late ${round}`).packetsIn > 10);
    assert.is(graph.node('left'), left);
    if (round === 1) await soon('the removal', graph.removeNode(left));
    else if (round === 2) await soon('the removal', graph.removeNode('left'));
    else await soon('the removal', graph.update({ nodes: [{ action: 'remove', alias: 'left' }] }));
    await until(graph, (now) => node(now, `late ${round}`).state === 'closed');
    const seen = numbers(sink.packets);
    assert.equal(
      seen,
      seen.map((_, at) => seen[0]! + at),
    );
    assert.throws(() => graph.node('left'), /no node 'left'/);
    // What is refused leaves no name behind either.
    await failureOf(
      'the addition',
      graph.addNode((g) => {
        g.module(branch, {}, { inputs: [numbered], alias: 'left' });
        return add(g, 'Failing', { where: 'init' }, { inputs: [numbered] });
      }),
    );
  }
  graph.stop();
  const report = await soon('the graph', graph.close());
  assert.equal(report.leaked, {});
  const all = numbers(stays.packets);
  assert.equal(all, [...all.keys()]);
});

ports.run();
