import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { balance } from '../../../src/scheduler/plan/balance.js';
import { random } from '../../fixtures/modules/plain.mjs';

const test = suite('cutting into stretches');

test('the heaviest is as light as possible, the others as even as they can be', () => {
  assert.equal(balance([3, 2, 6], 2), [0, 0, 1]);
  assert.equal(balance([6, 1, 1, 1, 1], 3), [0, 1, 1, 2, 2]);
  assert.equal(balance([1, 1, 1, 1], 2), [0, 0, 1, 1]);
});

test('as many stretches as asked for, but no empty ones', () => {
  assert.equal(balance([5, 0, 0], 3), [0, 1, 2]);
  assert.equal(balance([5, 1], 9), [0, 1]);
  assert.equal(balance([], 3), []);
  assert.equal(balance([1, 2, 3], 1), [0, 0, 0]);
});

test('no cut of random sequences has a lighter heaviest stretch', () => {
  const next = random(3);
  for (let round = 0; round < 200; round++) {
    const weights = Array.from({ length: 1 + Math.floor(next() * 8) }, () => Math.floor(next() * 100) / 10);
    const parts = 1 + Math.floor(next() * 5);
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    const best = Math.min(...everyCut(weights.length, Math.min(parts, weights.length)).map((c) => most(weights, c)));
    const found = balance(weights, parts);
    assert.is(new Set(found).size, Math.min(parts, weights.length));
    assert.equal(found, [...found].sort());
    assert.ok(most(weights, found) <= best + whole / 1000 + 1e-6, `${weights} in ${parts}: ${found}`);
  }
});

function most(weights: readonly number[], stretchOf: readonly number[]): number {
  const sums: number[] = [];
  stretchOf.forEach((stretch, item) => {
    sums[stretch] = (sums[stretch] ?? 0) + weights[item]!;
  });
  return Math.max(...sums);
}

function everyCut(length: number, parts: number): number[][] {
  if (length === 1) return [[0]];
  return everyCut(length - 1, parts).flatMap((head) => {
    const last = head.at(-1)!;
    return last + 1 < parts
      ? [
          [...head, last],
          [...head, last + 1],
        ]
      : [[...head, last]];
  });
}

test.run();
