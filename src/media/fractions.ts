/** Fractions for fields of few bits, as av_reduce makes them. */
import type { Rational } from './time.js';

/** The nearest fraction with terms up to `limit`. */
export function limitTerms({ num, den }: Rational, limit: number): Rational {
  return nearest(BigInt(num), BigInt(den), limit);
}

/** The same for terms that no number holds: convergents, and the last one's intermediate. */
export function nearest(num: bigint, den: bigint, limit: number): Rational {
  const most = BigInt(limit);
  let [before, best] = [
    { num: 0n, den: 1n },
    { num: 1n, den: 0n },
  ];
  while (den !== 0n) {
    const whole = num / den;
    const next = { num: whole * best.num + before.num, den: whole * best.den + before.den };
    if (next.num > most || next.den > most) {
      let steps = whole;
      for (const term of ['num', 'den'] as const) {
        if (best[term] > 0n && (most - before[term]) / best[term] < steps) steps = (most - before[term]) / best[term];
      }
      const nearer = den * (2n * steps * best.den + before.den) > num * best.den;
      if (nearer) best = { num: steps * best.num + before.num, den: steps * best.den + before.den };
      break;
    }
    [before, best] = [best, next];
    [num, den] = [den, num - whole * den];
  }
  return { num: Number(best.num), den: Number(best.den) };
}
