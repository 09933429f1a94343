/** The arithmetic of timestamps, packet by packet, without files. */
import { Frame } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PacketTimes, StreamClock, type StreamTiming, Timeline } from '../../../actors/decoder/time/timeline.js';
import { uprightFilters } from '../../../actors/decoder/track/autorotate.js';
import { FrameExtractor } from '../../../actors/decoder/track/frame-extractor.js';
import { Trim } from '../../../actors/decoder/track/trim.js';
import { AudioFrame, VideoFrame } from '../../../src/media/index.js';

const timing: StreamTiming = {
  kind: 'video',
  timeBase: { num: 1, den: 90_000 },
  wrapBits: 33,
  startTime: undefined,
  averageFrameRate: { num: 25, den: 1 },
  frameRate: { num: 25, den: 1 },
  videoDelay: 0,
  sampleRate: 0,
  frameSize: 0,
};
const usual = { containerStart: 0n, start: 0n, copyTimestamps: false, discontinuous: false, audioDecoded: false };

/** Feeds packets with these pts (= dts), 3600 ticks long, and gives what becomes of them. */
function run(timeline: Timeline, clock: StreamClock, values: readonly (bigint | undefined)[]) {
  return values.map((value) => {
    const packet: PacketTimes = { pts: value, dts: value, duration: 3600n };
    timeline.apply(clock, packet);
    return packet.pts;
  });
}

const time = suite('decoder: timeline');

time('the beginning of the container becomes 0, unless timestamps are kept', () => {
  const at = { ...usual, containerStart: 2_000_000n };
  assert.equal(run(new Timeline(at, [timing]), new StreamClock(timing), [180_000n, 183_600n]), [0n, 3600n]);
  const kept = new Timeline({ ...at, copyTimestamps: true }, [timing]);
  assert.equal(run(kept, new StreamClock(timing), [180_000n]), [180_000n]);
  const sought = { ...at, start: 1_000_000n, copyTimestamps: true, startAtZero: true };
  assert.equal(run(new Timeline(sought, [timing]), new StreamClock(timing), [270_000n]), [90_000n]);
});

time('of a format with jumps only the streams in use count for the beginning', () => {
  const stream = { ...timing, startTime: 270_000n };
  const timeline = new Timeline({ ...usual, containerStart: 2_000_000n, discontinuous: true }, [stream]);
  assert.equal(run(timeline, new StreamClock(stream), [270_000n]), [0n]);
});

time('a counter that has wrapped before the first packet is unrolled', () => {
  const before = (1n << 33n) - 3600n;
  const timeline = new Timeline(usual, [timing]);
  assert.equal(run(timeline, new StreamClock(timing), [before, 0n, 3600n]), [-3600n, 0n, 3600n]);
});

time('a jump forwards or backwards is closed where the format allows jumps', () => {
  const jumps = { ...usual, discontinuous: true };
  const forwards = new Timeline(jumps, [timing]);
  assert.equal(run(forwards, new StreamClock(timing), [0n, 3600n, 9_000_000n, 9_003_600n]), [
    0n,
    3600n,
    7200n,
    10_800n,
  ]);
  const back = new Timeline(jumps, [timing]);
  assert.equal(run(back, new StreamClock(timing), [900_000n, 903_600n, 0n]), [900_000n, 903_600n, 907_200n]);
});

time('a gap of seconds is kept', () => {
  const timeline = new Timeline({ ...usual, discontinuous: true }, [timing]);
  assert.equal(run(timeline, new StreamClock(timing), [0n, 720_000n]), [0n, 720_000n]);
  const far = 90_000n * 3600n;
  assert.equal(run(new Timeline(usual, [timing]), new StreamClock(timing), [0n, far]), [0n, far]);
});

time('an absurd timestamp is dropped', () => {
  const absurd = 90_000n * 3600n * 40n;
  const wide = { ...timing, wrapBits: 64 };
  assert.equal(run(new Timeline(usual, [wide]), new StreamClock(wide), [0n, absurd, 7200n]), [0n, undefined, 7200n]);
});

time('after a seek inside the input a distance is no jump', () => {
  const clock = new StreamClock(timing);
  const timeline = new Timeline({ ...usual, discontinuous: true }, [timing]);
  run(timeline, clock, [0n]);
  timeline.restart([clock]);
  assert.equal(run(timeline, clock, [9_000_000n]), [9_000_000n]);
});

time('a repetition follows the end of the last frame', () => {
  const clock = new StreamClock(timing);
  const timeline = new Timeline(usual, [timing]);
  run(timeline, clock, [0n, 3600n]);
  timeline.repeat(undefined);
  assert.equal(run(timeline, clock, [0n, 3600n]), [7200n, 10_800n]);
  timeline.repeat(undefined);
  assert.equal(run(timeline, clock, [0n]), [14_400n]);
});

time('with sound a repetition follows the last sample', () => {
  const clock = new StreamClock(timing);
  const timeline = new Timeline({ ...usual, audioDecoded: true }, [timing]);
  run(timeline, clock, [0n, 3600n]);
  timeline.repeat({ begin: undefined, end: 100_000n });
  assert.equal(run(timeline, clock, [0n]), [9000n]);
});

time('the decoding time of packets without one is continued', () => {
  const clock = new StreamClock(timing);
  run(new Timeline(usual, [timing]), clock, [9000n, undefined, undefined]);
  assert.is(clock.dts, 180_000n);
});
time.run();

const trim = suite('decoder: trim');

function picture(pts: bigint) {
  return VideoFrame.alloc({ width: 2, height: 2, format: 'gray', pts, timeBase: { num: 1, den: 25 } });
}

trim('pictures from the start on, before the end', () => {
  const cut = (range: ConstructorParameters<typeof Trim>[0], ...times: bigint[]) => {
    const trimmer = new Trim(range);
    return times.map((pts) => {
      using frame = picture(pts);
      return trimmer.video(frame.av);
    });
  };
  assert.equal(cut({ start: 40_000n, end: 120_000n }, 0n, 1n, 2n, 3n), ['before', 'inside', 'inside', 'after']);
  // A length counts from the first picture that is let through.
  assert.equal(cut({ start: 30_000n, end: 90_000n, length: 80_000n }, 0n, 1n, 2n, 3n), [
    'before',
    'inside',
    'inside',
    'after',
  ]);
  assert.equal(cut({ start: undefined }, -3n, 100n), ['inside', 'inside']);
});

for (const format of ['s16', 's16p', 'fltp', 'u8']) {
  trim(`sound to the sample: ${format}`, () => {
    const make = (pts: bigint, first: number) => {
      const ramp = (channel: number) => Float32Array.from({ length: 100 }, (_, i) => first + i + channel * 0.5);
      using planar = AudioFrame.from([ramp(0), ramp(1)], { sampleRate: 1000, format: 'fltp', pts });
      if (format === 'fltp') return planar.av.clone()!;
      const frame = AudioFrame.alloc({ sampleRate: 1000, channels: 2, format, samples: 100, pts });
      const width = { s16: 4, s16p: 2, u8: 2 }[format]!;
      for (const { data } of frame.planes())
        for (let i = 0; i < data.length; i++) data[i] = Math.floor(i / width) + first;
      const native = frame.av.clone()!;
      frame.close();
      return native;
    };
    const trimmer = new Trim({ start: 30_000n, end: 150_000n });
    const first = trimmer.audio(make(0n, 0));
    const second = trimmer.audio(make(100n, 100));
    assert.instance(first, Frame);
    assert.instance(second, Frame);
    using head = AudioFrame.wrap(first as Frame);
    using tail = AudioFrame.wrap(second as Frame);
    assert.equal([head.pts, head.samples, tail.pts, tail.samples], [30n, 70, 100n, 50]);
    const bytes = head.toBuffer();
    assert.is(format === 'fltp' ? bytes.readFloatLE(0) : bytes[0], 30);
    const end = tail.planes()[0]!;
    assert.is(format === 'fltp' ? tail.toBuffer().readFloatLE(49 * 4) : end.data.at(-1), 149);
    const late = make(200n, 0);
    assert.is(trimmer.audio(late), 'after');
    late.free();
  });
}
trim.run();

const rotate = suite('decoder: display matrix');

/** Clockwise degrees, then flips (av_display_rotation_set, av_display_matrix_flip). */
function matrix(degrees: number, { hflip = false, vflip = false } = {}): Int32Array {
  const radians = (-degrees * Math.PI) / 180;
  const fixed = [Math.cos(radians), -Math.sin(radians), 0, Math.sin(radians), Math.cos(radians), 0, 0, 0, 0];
  const result = Int32Array.from(fixed, (value) => Math.round(value * 65536));
  for (let i = 0; i < 9; i += 3) {
    if (hflip) result[i]! *= -1;
    if (vflip) result[i + 1]! *= -1;
  }
  result[8] = 1 << 30;
  return result;
}

rotate('the filters are those of the ffmpeg command', () => {
  assert.equal(uprightFilters(matrix(0)), []);
  assert.equal(uprightFilters(matrix(-90)), [['transpose', 'cclock']]);
  assert.equal(uprightFilters(matrix(90)), [['transpose', 'clock']]);
  assert.equal(uprightFilters(matrix(180)), [
    ['hflip', ''],
    ['vflip', ''],
  ]);
  assert.equal(uprightFilters(matrix(0, { hflip: true })), [['hflip', '']]);
  assert.equal(uprightFilters(matrix(0, { vflip: true })), [['vflip', '']]);
  assert.match(uprightFilters(matrix(30)).join(), /^rotate,30\.0+\*PI\/180$/);
});
rotate.run();

const extract = suite('decoder: extract_frames');

extract('keeps frames by time, also of an uneven stream', () => {
  const extractor = new FrameExtractor({ num: 4, den: 1 }, { num: 25, den: 1 });
  const kept: [number, number][] = [];
  for (const pts of [0, 1, 2, 9, 10, 11, 25, 26, 27, 28, 29, 30]) {
    using frame = picture(BigInt(pts));
    if (extractor.keep(frame.av)) kept.push([pts, Number(frame.pts)]);
  }
  assert.equal(kept, [
    [0, 0],
    [2, 6],
    [9, 13],
    [25, 25],
    [27, 31],
  ]);
});
extract.run();
