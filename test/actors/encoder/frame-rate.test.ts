/** Pictures that tell no frame rate, or a wrong one: their times say it, and what is left out or repeated is told. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EncoderOptions, Graph, type Module, Packet, type Rational, type Report, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rateOf } from '../../../actors/encoder/stream/frame-rate.js';

const rates = suite('frame rate of the times');
const folder = mkdtempSync(join(tmpdir(), 'millrace-rate-'));
rates.after(() => rmSync(folder, { recursive: true, force: true }));

interface Made {
  times: readonly bigint[];
  timeBase: Rational;
  frameRate?: Rational;
  duration?: bigint;
}

function source({ times, timeBase, frameRate, duration }: Made): Module {
  let at = 0;
  return {
    process(task) {
      const pts = times[at];
      if (pts === undefined) {
        task.done();
        return;
      }
      const frame = VideoFrame.alloc({ width: 64, height: 36, format: 'yuv420p', pts, timeBase });
      if (frameRate) frame.frameRate = frameRate;
      if (duration) frame.duration = duration;
      for (const { data } of frame.planes()) data.fill((at * 37) & 0xff);
      at++;
      task.output(0).push(new Packet(frame));
    },
  };
}

const regular = (count: number, at: (n: number) => number): bigint[] =>
  Array.from({ length: count }, (_, n) => BigInt(Math.round(at(n))));
const MICROSECONDS = { num: 1, den: 1_000_000 };
const params = { preset: 'ultrafast', threads: 1, bf: 0 };

/** Times of the pictures in the file, in ms. */
async function timesOf(input_path: string): Promise<number[]> {
  const graph = new Graph({ threads: 0 });
  const times: number[] = [];
  for await (const packet of graph.decode({ input_path }).video.packets().closing())
    times.push(packet.timestamp! / 1000);
  return times;
}

async function encoded(
  made: Made,
  name: string,
  options: Partial<EncoderOptions> = {},
): Promise<{ report: Report; times: number[] }> {
  const output_path = join(folder, name);
  const graph = new Graph({ threads: 0 });
  graph
    .module(source(made))
    .encode(null, { video_params: name.endsWith('.avi') ? { codec: 'mpeg4' } : params, ...options, output_path });
  const leaks = new LeakWatch();
  const report = await graph.run();
  leaks.check(report);
  return { report, times: await timesOf(output_path) };
}

const near = (actual: readonly number[], expected: readonly number[], within: number): void => {
  assert.is(actual.length, expected.length);
  actual.forEach((time, n) => {
    assert.ok(
      Math.abs(time - actual[0]! - (expected[n]! - expected[0]!)) <= within,
      `${n}: ${time} for ${expected[n]}`,
    );
  });
};

for (const name of ['a.mp4', 'a.mkv', 'a.ts', 'a.avi', 'a.flv', 'a.mov']) {
  for (const fps of [15, 60, 30_000 / 1001]) {
    rates(`${name}: every picture of ${fps.toFixed(2)} a second is written, at its time`, async () => {
      const times = regular(40, (n) => (n * 1e6) / fps);
      const { report, times: found } = await encoded({ times, timeBase: MICROSECONDS }, name);
      assert.equal(report.warnings, []);
      near(
        found,
        times.map((time) => Number(time) / 1000),
        1.1,
      );
      assert.is(report.frames, 40);
    });
  }
}

rates('pictures at irregular times keep them', async () => {
  const times = [0, 10, 55, 60, 130, 131, 200, 207, 380, 400].map((ms) => BigInt(ms * 1000));
  for (const name of ['irregular.mp4', 'irregular.mkv']) {
    const { report, times: found } = await encoded({ times, timeBase: MICROSECONDS }, name);
    assert.equal(report.warnings, []);
    near(
      found,
      times.map((time) => Number(time) / 1000),
      1,
    );
  }
});

rates('where only some rates can be had, what is dropped and repeated is told with numbers', async () => {
  const times = [0, 10, 55, 60, 130, 131, 200, 207, 380, 400].map((ms) => BigInt(ms * 1000));
  const { report } = await encoded({ times, timeBase: MICROSECONDS }, 'some.mpg', {
    video_params: { codec: 'mpeg2video' },
  });
  assert.match(report.warnings.join(), /\d+ frames were dropped and \d+ repeated to have \S+ frames per second/);
});

rates(
  'the picture that stands until a little later first one is ordinary, one that stands long is told of',
  async () => {
    const from = async (start: number): Promise<string> => {
      const times = regular(10, (n) => start + n * 40_000);
      const { report } = await encoded({ times, timeBase: MICROSECONDS, frameRate: { num: 25, den: 1 } }, 'late.mpg', {
        video_params: { codec: 'mpeg2video' },
      });
      return report.warnings.join();
    };
    assert.is(await from(80_000), '');
    assert.match(await from(2_000_000), /0 frames were dropped and \d+ repeated/);
  },
);

rates('a rate that is not that of the times drops pictures, and says how many', async () => {
  const times = regular(60, (n) => (n * 1e6) / 60);
  const { report, times: found } = await encoded(
    { times, timeBase: MICROSECONDS, frameRate: { num: 25, den: 1 } },
    'wrong.mp4',
  );
  const dropped = Number(/(\d+) frames were dropped/.exec(report.warnings.join())?.[1]);
  assert.is(found.length + dropped, 60);
  assert.ok(dropped > 20);
  const wanted = await encoded({ times, timeBase: MICROSECONDS, frameRate: { num: 60, den: 1 } }, 'asked.mp4', {
    video_params: { ...params, r: 25 },
  });
  assert.equal(wanted.report.warnings, []);
});

rates('one picture, and pictures without a time', async () => {
  const one = await encoded({ times: [5n], timeBase: { num: 1, den: 10 }, duration: 2n }, 'one.mp4');
  assert.is(one.times.length, 1);
  const limited = await encoded({ times: regular(20, (n) => n * 100_000), timeBase: MICROSECONDS }, 'three.mp4', {
    vframes: 3,
  });
  assert.is(limited.times.length, 3);
  const jpeg = await encoded({ times: [0n], timeBase: MICROSECONDS }, 'one.jpg', { video_params: { codec: 'mjpeg' } });
  assert.is(jpeg.report.frames, 1);
});

rates('what a clock of 60 ticks a second makes of 25 pictures a second is written as 60', async () => {
  for (const name of ['clock.mp4', 'clock.avi']) {
    const output_path = join(folder, name);
    const graph = new Graph({ threads: 0 });
    const picture = graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 1 });
    const clock = graph.module('clock', { fps: 60, realtime: false, count: 90 });
    const pick: Module = {
      process(task) {
        for (const packet of task.inputs.get(1) ?? []) if (!packet.isEof) task.output(0).push(packet);
      },
    };
    graph
      .module(pick, {}, { inputs: [clock, picture], inputManager: 'clocksync', alias: 'clocked' })
      .encode(null, { output_path, video_params: name.endsWith('.avi') ? { codec: 'mpeg4' } : params });
    const report = await graph.run();
    const count = report.nodes.find(({ alias }) => alias === 'clocked')!.packetsOut;
    assert.ok(count > 50, `${count}`);
    assert.equal(report.warnings, []);
    const times = await timesOf(output_path);
    assert.is(times.length, count);
    near(
      times,
      regular(count, (n) => n).map((n) => Number(n) * (1000 / 60)),
      1.1,
    );
  }
});

rates('rates are read from times in any unit', () => {
  const read = (fps: number, den: number, num = 1) =>
    rateOf(
      regular(5, (n) => (n * den) / num / fps),
      { num, den },
    );
  assert.equal(read(25, 25), { rate: { num: 25, den: 1 } });
  assert.equal(read(60, 1000)?.rate, { num: 60, den: 1 });
  assert.equal(read(60_000 / 1001, 90_000), { rate: { num: 60_000, den: 1001 } });
  assert.equal(read(24_000 / 1001, 24_000), { rate: { num: 24_000, den: 1001 } });
  assert.equal(read(1 / 7, 1_000_000)?.rate, { num: 1, den: 7 });
  assert.equal(rateOf([0n, 0n], MICROSECONDS), undefined);
  assert.equal(rateOf([5n], MICROSECONDS), undefined);
  assert.equal(rateOf([3n, 2n, 1n], MICROSECONDS), undefined);
  assert.equal(rateOf([0n, 1n, 5n, 6n], { num: 1, den: 25 })?.timeBase, { num: 1, den: 25 });
  assert.equal(rateOf([0n, 1_000_000n, 900_000_000n], { num: 1, den: 1_000_000_000 })?.timeBase, {
    num: 1,
    den: 90_000,
  });
});

rates.run();
