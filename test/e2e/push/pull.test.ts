/** The graph as an iterator: packets come at the reader's pace, and every way of leaving releases everything. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AudioFrame,
  concat,
  type Graph,
  type GraphError,
  Packet,
  type PacketReader,
  type Stream,
  VideoFrame,
} from 'millrace';
import { LeakWatch, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, PLACEMENTS } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

function testVideo(graph: Graph, frames: number): Stream {
  return graph.filter('testsrc2', { size: '640x480', rate: 25, duration: frames / 25 });
}

function counted(graph: Graph, count: number, kind: 'value' | 'video' = 'value'): Stream {
  const source = new TestSource({ count, kind });
  return graph.module(source.spec, source.options);
}

function numberOf(packet: Packet): number {
  return (packet.payload as { n: number }).n;
}

async function read(reader: AsyncIterable<Packet>): Promise<number[]> {
  const seen: number[] = [];
  for await (const packet of reader) seen.push(numberOf(packet));
  return seen;
}

const sequence = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

const pulling = suite('pulling');
const graphOn = await sharedThreads(3);

for (const threads of PLACEMENTS) {
  pulling(`packets come in order, then the end (threads: ${threads})`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads });
    const reader = counted(graph, 200).packets();
    assert.equal(await read(reader), sequence(200));
    assert.equal(await reader.next(), { done: true, value: undefined });
    leaks.check(await graph.close());
  });
}

pulling('scaled frames, each the reader\u2019s to close', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn();
  let frames = 0;
  for await (const packet of testVideo(graph, 30).scale(299, 299).packets<VideoFrame>()) {
    const { width, height, timestamp } = packet.payload;
    assert.equal([width, height, timestamp], [299, 299, frames++ * 40_000]);
    assert.is(packet.payload.toBuffer('rgb24').byteLength, 299 * 299 * 3);
    packet.close();
  }
  assert.is(frames, 30);
  leaks.check(await graph.close());
});

pulling('leaving after ten frames stops the graph and releases everything', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn();
  let frames = 0;
  for await (const packet of testVideo(graph, 100_000).scale(299, 299).packets()) {
    packet.close();
    if (++frames === 10) break;
  }
  const report = await graph.close();
  assert.is(report.stopped, true);
  leaks.check(report);
});

pulling('a loop that throws does the same, and its error is the one that counts', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn();
  const error = await rejection(
    (async () => {
      for await (const packet of testVideo(graph, 100_000).packets().closing()) {
        assert.instance(packet.payload, VideoFrame);
        throw new RangeError('enough');
      }
    })(),
  );
  assert.is(error.message, 'enough');
  leaks.check(await graph.close());
});

pulling('closing() releases each packet when the loop goes on', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  let last: Packet | undefined;
  for await (const packet of testVideo(graph, 20).packets().closing()) {
    assert.is(last?.closed ?? true, true);
    assert.is(packet.closed, false);
    last = packet;
  }
  assert.is(last?.closed, true);
  leaks.check(await graph.close());
});

pulling('two streams of one graph, at once and in turns', async () => {
  for (const how of ['at once', 'in turns']) {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads: 2 });
    const video = testVideo(graph, 50).packets();
    const sound = graph.filter('sine', { duration: 2 }).packets();
    const seen = { frames: 0, samples: 0 };
    const take = async (reader: PacketReader): Promise<boolean> => {
      const { value: packet } = await reader.next();
      if (packet?.payload instanceof VideoFrame) seen.frames++;
      if (packet?.payload instanceof AudioFrame) seen.samples += packet.payload.samples;
      packet?.close();
      return packet !== undefined;
    };
    const all = async (reader: PacketReader): Promise<void> => {
      while (await take(reader));
    };
    if (how === 'at once') await Promise.all([all(video), all(sound)]);
    else for (let open = true; open; ) open = [await take(video), await take(sound)].includes(true);
    assert.equal(seen, { frames: 50, samples: 88_200 });
    leaks.check(await graph.close());
  }
});

pulling('a reader that waits is helped over one that does not ask', async () => {
  const graph = graphOn({ threads: 1 });
  const source = add(graph, 'Scatter', { count: 200, outputs: 2, spread: 'blocks' });
  const [first, second] = [source.output(0).packets(), source.output(1).packets()];
  const [a, b] = [await read(first), await read(second)];
  assert.equal(
    [...a, ...b].sort((x, y) => x - y),
    sequence(200),
  );
});

pulling('an idle reader holds the graph back, at the limit of its link', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const reader = add(graph, 'Endless', { kind: 'video' }).packets({ queueLimit: 4 });
  await graph.start({ mode: 'generator' });
  while (graph.stats().links[0]!.queued < 4) await sleep(2);
  await sleep(50);
  const { packets, queued, reliefs } = graph.stats().links[0]!;
  assert.ok(packets <= 6 && queued <= 6, `${packets} packets made, ${queued} queued`);
  assert.is(reliefs, 0);
  const { value } = await reader.next();
  value?.close();
  await reader.return();
  leaks.check(await graph.close());
});

pulling('several next() at once are answered in order', async () => {
  const graph = graphOn({ threads: 1 });
  const reader = counted(graph, 5).packets();
  const results = await Promise.all(Array.from({ length: 7 }, () => reader.next()));
  assert.equal(
    results.map(({ done, value }) => (done ? 'end' : numberOf(value as Packet))),
    [0, 1, 2, 3, 4, 'end', 'end'],
  );
});

pulling('a loop that is always served leaves timers their turn', async () => {
  const graph = graphOn({ threads: 1 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  let seen = 0;
  for await (const _ of add(graph, 'Endless').packets()) if (++seen === 20_000 || ticks > 5) break;
  clearInterval(timer);
  assert.ok(ticks > 5, `${ticks} ticks in ${seen} packets`);
});

pulling('other outputs of the graph are finished all the same', async () => {
  const graph = graphOn({ threads: 2 });
  const [left, right] = testVideo(graph, 40).split(2);
  const sunk = left.module('null_sink');
  let frames = 0;
  for await (const packet of right.packets().closing()) frames += packet.payload instanceof VideoFrame ? 1 : 0;
  const report = await graph.close();
  assert.is(frames, 40);
  assert.is(report.nodes.find(({ id }) => id === sunk.nodeId)?.packetsIn, 40);
});

pulling.run();

const life = suite('life of a reader');

life('return() before the start takes it back', async () => {
  const graph = graphOn({ threads: 1 });
  const source = counted(graph, 10);
  const unused = source.packets();
  const used = source.packets();
  await unused.return();
  assert.equal(await read(used), sequence(10));
  assert.is((await graph.close()).links.length, 1);
  assert.equal(await unused.next(), { done: true, value: undefined });
});

life('return() again takes nothing else back', async () => {
  const graph = graphOn({ threads: 1 });
  const source = counted(graph, 10);
  const [unused, first, second] = [source.packets(), source.packets(), source.packets()];
  await unused.return();
  await unused.return();
  assert.equal(await Promise.all([read(first), read(second)]), [sequence(10), sequence(10)]);
});

for (const [how, leave] of [
  ['closing()', async (reader: PacketReader) => void (await reader.closing().return?.())],
  ['toReadable()', async (reader: PacketReader) => void reader.toReadable().destroy()],
] as const) {
  life(`${how} that is left before anything was read leaves the graph`, async () => {
    const before = graphOn({ threads: 1 });
    await leave(counted(before, 100).packets());
    assert.is((await before.run()).links.length, 0);
    const running = graphOn({ threads: 1 });
    const reader = counted(running, 100).packets();
    await running.start();
    await leave(reader);
    await running.close();
  });
}

for (const between of ['nothing', 'a module of this thread', 'a module of another thread']) {
  life(`a reader with ${between} between it and what is pushed is left, with packets waiting or none`, async () => {
    const leaks = new LeakWatch();
    for (const waiting of [0, 3]) {
      const graph = graphOn({ threads: between === 'a module of this thread' ? 0 : 1 });
      const input = graph.inputStream('in');
      const stream = between === 'nothing' ? input : add(graph, 'Relay', {}, { inputs: [input] });
      const reader = stream.packets();
      await graph.start();
      for (let n = 0; n < waiting; n++) {
        const frame = VideoFrame.alloc({ width: 64, height: 36, format: 'gray', pts: BigInt(n) });
        await input.push(new Packet(frame));
      }
      const next = waiting === 0 ? reader.next() : undefined;
      await sleep(5);
      await reader.return();
      assert.is((await next)?.done ?? true, true);
      assert.is(input.closed, true);
      leaks.check(await graph.close());
    }
  });
}

life('what waits for a packet is left at once', async () => {
  const leaks = new LeakWatch();
  for (const how of ['closing', 'toReadable']) {
    const graph = graphOn({ threads: 1 });
    const input = graph.inputStream('silent');
    const reader = add(graph, 'Relay', {}, { inputs: [input] }).packets();
    await graph.start();
    if (how === 'closing') {
      const packets = reader.closing();
      const next = packets.next();
      await packets.return?.();
      assert.is((await next).done, true);
    } else {
      const readable = reader.toReadable();
      readable.read();
      await sleep(5);
      readable.destroy();
    }
    while (!input.closed) await sleep(2);
    leaks.check(await graph.close());
  }
});

life('a graph without its only reader is a graph without consumers', async () => {
  const graph = graphOn({ threads: 1 });
  await counted(graph, 10).packets().return();
  assert.match((await rejection(graph.start({ mode: 'generator' }))).message, /needs a reader/);
  assert.is((await graph.run()).links.length, 0);
});

life('no reader is made after the start', async () => {
  const graph = graphOn({ threads: 1 });
  const source = counted(graph, 10);
  const reader = source.packets();
  await graph.start();
  assert.throws(() => source.packets(), /after the start/);
  assert.equal(await read(reader), sequence(10));
});

life('run() works as well as start() and the first next()', async () => {
  const graph = graphOn({ threads: 1 });
  const reader = counted(graph, 30).packets();
  const [report, seen] = await Promise.all([graph.run(), read(reader)]);
  assert.equal(seen, sequence(30));
  assert.is(report.stopped, false);
});

life('leaving one of two readers leaves the other its stream', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const source = counted(graph, 100, 'video');
  const [short, long] = [source.packets(), source.packets()];
  const whole = (async () => {
    let n = 0;
    for await (const packet of long.closing()) n += packet.payload instanceof VideoFrame ? 1 : 0;
    return n;
  })();
  const { value } = await short.next();
  value?.close();
  await short.return();
  assert.is(await whole, 100);
  leaks.check(await graph.close());
});

life('a wrong graph rejects the first next(), and may be mended', async () => {
  const graph = graphOn();
  const reader = graph.module('no_such_module').packets();
  assert.is((await rejection(reader.next())).code, 'ERR_MILLRACE_CONFIG');
  assert.throws(() => counted(graph, 1).packets({ queueLimit: 0 }), /queueLimit/);
});

for (const where of ['init', 'process', 'exit', 'close']) {
  life(`the graph's error reaches the loop (${where})`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads: 2 });
    const source = where === 'close' ? counted(graph, 20, 'video') : add(graph, 'Endless', { kind: 'video' });
    const reader = add(graph, 'Failing', { where }, { inputs: [source], alias: 'bad' }).packets();
    const error = (await rejection(
      (async () => {
        for await (const _ of reader.closing());
      })(),
    )) as GraphError;
    assert.match(error.message, where === 'exit' ? /died/ : /said no/);
    assert.is(await rejection(graph.close()), error);
    assert.equal(await reader.next(), { done: true, value: undefined });
    leaks.check(error);
  });
}

life('the signal of a reader that has not asked yet aborts the graph', async () => {
  const abort = new AbortController();
  const graph = graphOn({ threads: 1 });
  const source = add(graph, 'Endless', { kind: 'video', outputs: 2 });
  const [reader] = [source.output(0).packets(), source.output(1).packets({ signal: abort.signal })];
  (await reader.next()).value?.close();
  abort.abort(new Error('enough'));
  const error = (await rejection(graph.close())) as GraphError;
  assert.is(error.code, 'ERR_MILLRACE_ABORTED');
  assert.match(error.message, /enough/);
});

for (const how of ['packets', 'start']) {
  life(`the signal of ${how}() aborts the graph`, async () => {
    const leaks = new LeakWatch();
    const abort = new AbortController();
    const { signal } = abort;
    const graph = graphOn({ threads: 1 });
    const reader = add(graph, 'Endless', { kind: 'video' }).packets(how === 'packets' ? { signal } : {});
    if (how === 'start') await graph.start({ signal });
    const error = (await rejection(
      (async () => {
        let n = 0;
        for await (const _ of reader.closing()) if (++n === 20) abort.abort();
      })(),
    )) as GraphError;
    assert.is(error.code, 'ERR_MILLRACE_ABORTED');
    leaks.check((await rejection(graph.close())) as GraphError);
  });
}

life('await using leaves it', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  {
    await using reader = add(graph, 'Endless', { kind: 'video' }).packets();
    (await reader.next()).value?.close();
  }
  leaks.check(await graph.close());
});

life.run();

const both = suite('pushing and pulling');

both('what is pushed comes out, without more in between than the limits allow', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const input = graph.inputStream('in');
  const reader = input.vflip().packets<VideoFrame>();
  await graph.start({ mode: 'push' });
  const pushed = (async () => {
    for (let n = 0; n < 60; n++) {
      const pts = BigInt(n);
      const frame = VideoFrame.alloc({ width: 64, height: 36, format: 'gray', pts, timeBase: { num: 1, den: 25 } });
      await input.push(new Packet(frame));
    }
    await input.end();
  })();
  let n = 0n;
  for await (const packet of reader.closing()) assert.is(packet.payload.pts, n++);
  assert.is(n, 60n);
  await pushed;
  leaks.check(await graph.close());
});

both('one packet in, one packet out', async () => {
  const graph = graphOn({ threads: 1 });
  const input = graph.inputStream('in');
  const reader = add(graph, 'Relay', {}, { inputs: [input] }).packets();
  await graph.start();
  for (let n = 0; n < 50; n++) {
    await input.push(new Packet({ n }));
    assert.is(numberOf((await reader.next()).value!), n);
  }
  await input.end();
  assert.is((await reader.next()).done, true);
  await graph.close();
});

both('leaving the reader ends the pushing', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1 });
  const input = graph.inputStream('in');
  const reader = add(graph, 'Relay', {}, { inputs: [input] }).packets();
  await graph.start();
  const pushed = (async () => {
    let n = 0;
    while (await input.push(new Packet({ n }))) n++;
    return n;
  })();
  await reader.next();
  await reader.return();
  assert.ok((await pushed) > 0);
  leaks.check(await graph.close());
});

both('a reader behind a join waits for the stream that is to be pushed', async () => {
  const graph = graphOn({ threads: 1 });
  const [a, b] = [graph.inputStream('a'), graph.inputStream('b')];
  const reader = add(graph, 'Gather', { order: 'sequence' }, { inputs: [a, b] }).packets();
  await graph.start();
  const seen = read(reader);
  for (let n = 20; n < 40; n++) await b.push(new Packet({ n }));
  for (let n = 0; n < 20; n++) await a.push(new Packet({ n }));
  await graph.close();
  assert.equal(await seen, sequence(40));
});

both('graphs in a chain', async () => {
  const leaks = new LeakWatch();
  const first = graphOn({ threads: 1 });
  const second = graphOn({ threads: 1 });
  const third = graphOn({ threads: 1 });
  const [middle, last] = [second.inputStream('middle'), third.inputStream('last')];
  const between = concat([middle.hflip()]).packets();
  const reader = last.scale(32, 18).packets<VideoFrame>();
  await Promise.all([second.start(), third.start()]);
  const feeding = [middle.pushFrom(counted(first, 75, 'video').packets()), last.pushFrom(between)];
  let frames = 0;
  for await (const packet of reader.closing()) frames += packet.payload.width === 32 ? 1 : 0;
  await Promise.all(feeding);
  assert.is(frames, 75);
  for (const graph of [first, second, third]) leaks.check(await graph.close());
});

both('leaving the end of a chain stops it to its beginning', async () => {
  const leaks = new LeakWatch();
  const first = graphOn({ threads: 1 });
  const second = graphOn({ threads: 1 });
  const input = second.inputStream('in');
  const reader = input.hflip().packets();
  await second.start();
  const feeding = input.pushFrom(add(first, 'Endless', { kind: 'video' }).packets());
  let frames = 0;
  for await (const _ of reader.closing()) if (++frames === 10) break;
  await feeding;
  leaks.check(await second.close());
  assert.is((await first.close()).stopped, true);
});

both.run();

const limits = suite('readers at different speeds');

limits('one that is late holds the other back from hard_cap on, and nothing is lost', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1, hard_cap: 200_000 });
  const source = add(graph, 'Endless', { kind: 'video', outputs: 2 });
  const [eager, late] = [source.output(0).packets<VideoFrame>(), source.output(1).packets<VideoFrame>()];
  const take = async (reader: PacketReader<VideoFrame>): Promise<bigint | undefined> => {
    const { value: packet } = await reader.next();
    const pts = packet?.payload.pts;
    packet?.close();
    return pts;
  };
  assert.is(await take(late), 0n);
  let eaten = 0n;
  const eating = (async () => {
    while (eaten < 300n) assert.is(await take(eager), eaten++);
  })();
  await sleep(300);
  assert.ok(eaten < 100n, `${eaten} packets without the other reader`);
  for (let n = 1n; n < 290n; n++) assert.is(await take(late), n);
  await eating;
  await Promise.all([eager.return(), late.return()]);
  leaks.check(await graph.close());
});

limits('one that is never read is an error at hard_cap', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 1, hard_cap: 200_000 });
  const source = add(graph, 'Endless', { kind: 'video', outputs: 2 });
  const reader = source.output(0).packets();
  source.output(1).packets();
  const error = (await rejection(
    (async () => {
      for await (const _ of reader.closing());
    })(),
  )) as GraphError;
  assert.is(error.code, 'ERR_MILLRACE_LINK_OVERFLOW');
  assert.match(error.message, /to input 0 of packet_reader/);
  leaks.check(error);
});

limits.run();

const ends = suite('the end of a graph and readers that do not ask for it');

for (const threads of PLACEMENTS) {
  ends(`one that has taken everything but the end holds nobody up (threads: ${threads})`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads });
    const source = counted(graph, 5, 'video');
    const [whole, counting, empty] = [
      source.packets(),
      source.packets(),
      source.module({ process: () => {} }).packets(),
    ];
    const all = (async () => {
      for await (const _ of whole.closing());
    })();
    for (let n = 0; n < 5; n++) (await counting.next()).value!.close();
    await all;
    leaks.check(await graph.close());
    for (const reader of [counting, empty]) assert.equal(await reader.next(), { done: true, value: undefined });
  });

  ends(`what one has not taken is still its own after the others have ended (threads: ${threads})`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn({ threads });
    const source = counted(graph, 3);
    const [whole, late] = [source.packets(), source.packets()];
    assert.equal(await read(whole), sequence(3));
    const closed = graph.close();
    assert.equal(await read(late), sequence(3));
    leaks.check(await closed);
  });
}

ends.run();
