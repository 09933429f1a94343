import { Graph, Packet, type Task, VideoFrame } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'valibot';
import Timestamper, { timestamperOptions } from '../../../actors/join/timestamper.js';
import type { ModuleContext } from '../../../src/module/contract.js';

const stamps = suite('timestamper');

/** Runs the module on packets without a graph. */
function stamped(options: object, packets: Packet[], elapsed = () => 0): Packet[] {
  const module = new Timestamper();
  module.init({ options: parse(timestamperOptions, options), elapsed } as unknown as ModuleContext<never>);
  const out: Packet[] = [];
  const task = { inputs: new Map([[0, packets]]), output: () => ({ push: (p: Packet) => out.push(p) }) };
  module.process(task as unknown as Task);
  return out;
}
const blank = (): Packet => new Packet('x');
/** In nanoseconds, as the policies read it. */
const times = (packets: Packet[]): number[] => packets.map((packet) => Math.round(packet.timestamp! * 1000));

stamps('a frame rate gives whole nanoseconds per packet, added up', () => {
  const five = () => [blank(), blank(), blank(), blank(), blank()];
  assert.equal(times(stamped({ framerate: '30/1' }, five())), [0, 33333333, 66666666, 99999999, 133333332]);
  assert.equal(times(stamped({ framerate: 25, start: 7 }, five())), [7, 40000007, 80000007, 120000007, 160000007]);
  assert.equal(times(stamped({ framerate: '30000,1001' }, five())).slice(0, 3), [0, 33366666, 66733332]);
});

stamps('without one a packet has the running time at which it came', () => {
  let now = 5_000.001;
  const clock = (): number => {
    now += 1000;
    return now;
  };
  assert.equal(times(stamped({ start: 7 }, [blank(), blank()], clock)), [6_000_008, 7_000_008]);
});

stamps('running time is that of the run, the same for a node that was ready long after the others', async () => {
  const graph = new Graph({ threads: 2 });
  const source = new TestSource({ kind: 'value', count: 3 });
  const bare = {
    process: (task: Task) => {
      for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) task.output(0).push(new Packet('x'));
    },
  };
  let initialised = 0n;
  const seen: [timestamp: number, most: number][] = [];
  const early = {
    process(task: Task): void {
      for (const packet of task.inputs.get(0) ?? []) {
        if (!packet.isEof) seen.push([packet.timestamp!, Number(process.hrtime.bigint() - initialised) / 1000]);
      }
    },
  };
  const late = {
    ...early,
    async init(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 400));
      initialised = process.hrtime.bigint();
    },
  };
  const blanks = graph.module(source.spec, source.options).module(bare);
  for (const module of [early, late]) blanks.module('timestamper', {}).module(module);
  await graph.run();
  assert.is(seen.length, 6);
  for (const [timestamp, most] of seen) {
    assert.ok(timestamp >= 0 && timestamp <= most, `${timestamp} µs, ${most} µs after the last init`);
  }
});

stamps('what has a time keeps it, and does not move the next one', () => {
  const known = new Packet('k', { timestamp: 5 });
  assert.equal(times(stamped({ framerate: 25 }, [blank(), known, blank()])), [0, 5000, 40_000_000]);
});

stamps('frames get the time themselves, exactly', () => {
  const frames = [0, 1, 2].map(() =>
    VideoFrame.alloc({ width: 16, height: 16, format: 'gray', timeBase: { num: 1, den: 30 }, duration: 1n }),
  );
  const packets = stamped(
    { framerate: '30/1' },
    frames.map((frame) => new Packet(frame)),
  );
  assert.equal(
    frames.map((frame) => [frame.pts, frame.duration, frame.timeBase.den]),
    [0n, 33333333n, 66666666n].map((pts) => [pts, 33333333n, 1e9]),
  );
  assert.equal(
    packets.map((packet) => packet.timestamp),
    [0, 33333, 66667],
  );
  for (const frame of frames) frame.close();
});

stamps('set_timestamp: false lets everything pass as it is', () => {
  assert.is(stamped({ framerate: 25, set_timestamp: false }, [blank()])[0]!.timestamp, undefined);
});

stamps('runs in a graph by its name, frames included', async () => {
  const watch = new LeakWatch();
  const graph = new Graph({ threads: 0 });
  const source = new TestSource({ kind: 'value', count: 3 });
  const bare = {
    process: (task: Task) => {
      for (const packet of task.inputs.get(0) ?? []) {
        if (!packet.isEof) task.output(0).push(new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray' })));
      }
    },
  };
  const sink = new TestSink();
  graph
    .module(source.spec, source.options)
    .module(bare)
    .module('timestamper', { framerate: '25' })
    .module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  assert.equal(
    sink.packets.map((packet) => packet.timestamp),
    [0, 40_000, 80_000],
  );
  await watch.check();
});

stamps('wrong options are refused by name', async () => {
  const graph = new Graph();
  const source = new TestSource({ count: 1 });
  graph.module(source.spec, source.options).module('timestamper', { framerate: 'fast', sart: 1 } as never);
  try {
    await graph.run();
  } catch (error) {
    assert.match((error as Error).message, /framerate: must be a positive frame rate/);
    assert.match((error as Error).message, /Did you mean 'start'/);
    return;
  }
  assert.unreachable();
});

stamps.run();

const clocks = suite('clock');

async function ticks(options: object) {
  const graph = new Graph({ threads: 0 });
  const sink = new TestSink();
  graph.module('clock', options as never).module(sink.spec, sink.options, { callback: sink.callback });
  await graph.run();
  return sink.packets;
}

clocks('ticks carry their number, their time in the time base, and microseconds', async () => {
  const seen = await ticks({ fps: '30000/1001', time_base: '1,90000', realtime: false, count: 4 });
  assert.equal(
    seen.map((packet) => packet.timestamp),
    [0, 33_367, 66_733, 100_100],
  );
  assert.equal(
    seen.map((packet) => (packet.value as { n: number; pts: bigint }).pts),
    [0n, 3003n, 6006n, 9009n],
  );
});

clocks('in real time it does not run ahead', async () => {
  const started = performance.now();
  const seen = await ticks({ fps: 50, count: 6 });
  assert.ok(performance.now() - started >= 99, 'the sixth tick is due after 100 ms');
  assert.is((seen.at(-1)!.value as { n: number }).n, 5);
});

clocks('an endless one ends when the graph is stopped', async () => {
  const watch = new LeakWatch();
  const graph = new Graph({ threads: 1 });
  let seen = 0;
  graph.module('clock', { fps: 200 }).module({
    process() {
      if (++seen === 3) graph.stop();
    },
  });
  assert.ok((await graph.run()).stopped);
  await watch.check();
});

clocks.run();
