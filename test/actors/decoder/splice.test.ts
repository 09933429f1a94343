/** Where the timestamps of a file begin that follows another one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { splice } from '../../../actors/decoder/time/splice.js';

const test = suite('splice');
const s = (seconds: number) => BigInt(Math.round(seconds * 1e6));
const options = { overlap: s(10), gap: s(10), interval: s(0.04) };

test('the first file begins at zero', () => {
  assert.equal(splice(s(5), { last: undefined, zero: 0n, previous: 0n }, options), { begin: 0n });
});

test('a file with a clock of its own is put behind the last frame', () => {
  const state = { last: s(3), zero: s(1), previous: s(1) };
  assert.equal(splice(s(1), state, options), { begin: s(3.04) });
  assert.equal(splice(0n, state, options), { begin: s(3.04) });
  assert.equal(splice(s(500), state, options), { begin: s(3.04) });
});

test('a file with the same clock keeps a gap up to cut_off_time', () => {
  const state = { last: s(3), zero: s(1), previous: s(1) };
  assert.equal(splice(s(6), state, options), { begin: s(5) });
  assert.equal(splice(s(13.9), state, options), { begin: s(12.9) });
  assert.equal(splice(s(14), state, options), { begin: s(3.04) });
});

test('a file with the same clock repeats up to overlap_time of the one before', () => {
  const state = { last: s(30), zero: s(1), previous: s(1) };
  assert.equal(splice(s(25), state, options), { begin: s(24), after: s(30) });
  assert.equal(splice(s(20), state, options), { begin: s(30.04) });
});

test.run();
