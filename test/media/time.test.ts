import { avRescaleQ, avRescaleQRnd, Rational as NativeRational } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  MICROSECONDS,
  type Rational,
  type Rounding,
  rescale,
  toMicroseconds,
  toNanoseconds,
  VideoFrame,
} from '../../src/media/index.js';

const test = suite('time');

// A fixed linear congruential generator: failures repeat.
let seed = 12345;
const random = (limit: number) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return seed % limit;
};

const bases: Rational[] = [
  { num: 1, den: 25 },
  { num: 1001, den: 30000 },
  { num: 1, den: 90000 },
  { num: 1, den: 48000 },
  { num: 1, den: 12800 },
  { num: 1, den: 3 },
  { num: 7, den: 2 },
  MICROSECONDS,
  { num: 1, den: 2 },
  { num: 1, den: 1 },
];

test('rescales as av_rescale_q, negative values and ties included', () => {
  for (let i = 0; i < 20000; i++) {
    const from = bases[random(bases.length)]!;
    const to = bases[random(bases.length)]!;
    const value = BigInt(random(2_000_000) - 1_000_000) * (i % 5 === 0 ? 1_000_003n : 1n);
    assert.is(
      rescale(value, from, to),
      avRescaleQ(value, from, to),
      `${value} ${from.num}/${from.den} ${to.num}/${to.den}`,
    );
  }
});

test('rounds in all of FFmpeg’s ways', () => {
  const modes: [Rounding, number][] = [
    ['zero', 0],
    ['inf', 1],
    ['down', 2],
    ['up', 3],
    ['near', 5],
  ];
  for (const [name, native] of modes) {
    for (let value = -40n; value <= 40n; value++) {
      const from = { num: 1, den: 8 };
      const to = { num: 1, den: 3 };
      assert.is(rescale(value, from, to, name), avRescaleQRnd(value, from, to, native), `${name} ${value}`);
    }
  }
});

test('halves go away from zero', () => {
  const half = { num: 1, den: 2 };
  const one = { num: 1, den: 1 };
  assert.is(rescale(1n, half, one), 1n);
  assert.is(rescale(-1n, half, one), -1n);
  assert.is(rescale(3n, half, one), 2n);
});

test('is exact beyond 64 bits', () => {
  const large = 2n ** 63n - 1n;
  assert.is(rescale(large, { num: 1, den: 1 }, { num: 1, den: 1_000_000_000 }), large * 1_000_000_000n);
});

test('is exact on both sides of what numbers can tell apart', () => {
  const most = 2n ** 53n;
  for (const from of bases) {
    for (const to of bases) {
      const [up, down] = [BigInt(from.num * to.den), BigInt(from.den * to.num)];
      for (let i = -40n; i <= 40n; i++) {
        // Products at the limit, and values there.
        for (const value of [most / up + i, most + i, -most / up + i]) {
          const [product, rest] = [value * up, (value * up) % down];
          const away = 2n * (rest < 0n ? -rest : rest) >= down ? (rest < 0n ? -1n : 1n) : 0n;
          assert.is(rescale(value, from, to), product / down + away, `${value} ${up}/${down}`);
          assert.is(rescale(value, from, to, 'down'), product / down - (rest < 0n ? 1n : 0n), `${value} ${up}/${down}`);
        }
      }
    }
  }
});

test('gives microseconds as a number and nanoseconds as a bigint', () => {
  assert.is(toMicroseconds(1n, { num: 1001, den: 30000 }), 33367);
  assert.is(toNanoseconds(1n, { num: 1001, den: 30000 }), 33_366_667n);
  assert.is(toMicroseconds(-3n, { num: 1, den: 25 }), -120_000);
});

test('a frame whose unit of time is not known has no timestamp', () => {
  const frame = VideoFrame.alloc({ width: 2, height: 2, format: 'gray', pts: 3n });
  assert.is(frame.timestamp, undefined);
  frame.timeBase = { num: 1, den: 25 };
  assert.is(frame.timestamp, 120_000);
  frame.av.timeBase = new NativeRational(-1, 25);
  assert.is(frame.timestamp, undefined);
  frame.timeBase = { num: 1, den: 25 };
  frame.pts = undefined;
  assert.is(frame.timestamp, undefined);
  frame.close();
});

test('a time base that is no unit of time is refused by name, in whatever the times come and go', () => {
  assert.throws(() => rescale(1n, { num: 0, den: 1 }, { num: 0, den: 1 }), /source time base 0\/1/);
  assert.throws(() => rescale(0n, MICROSECONDS, { num: 1.5, den: 1 }), /target time base 1.5\/1/);
  assert.throws(() => toMicroseconds(1n, { num: 1, den: 0 }), /source time base 1\/0/);
  assert.throws(() => rescale(1n, { num: 0, den: 1 }, MICROSECONDS), /source time base 0\/1/);
  assert.throws(() => rescale(1n, MICROSECONDS, { num: 1, den: -25 }), /target time base 1\/-25/);
});

test.run();
