/** Fractions for fields of few bits, as av_reduce makes them. */
import type { Rational } from '../../../src/media/index.js';

/** The nearest fraction with terms up to `limit`: convergents, and the last one's intermediate, as av_reduce. */
export function limitTerms(value: Rational, limit: number): Rational {
  let [num, den] = [value.num, value.den];
  let [before, best]: [Rational, Rational] = [
    { num: 0, den: 1 },
    { num: 1, den: 0 },
  ];
  while (den !== 0) {
    const whole = Math.floor(num / den);
    const next = { num: whole * best.num + before.num, den: whole * best.den + before.den };
    if (next.num > limit || next.den > limit) {
      const steps = Math.min(
        best.num > 0 ? Math.floor((limit - before.num) / best.num) : whole,
        best.den > 0 ? Math.floor((limit - before.den) / best.den) : whole,
      );
      const nearer = den * (2 * steps * best.den + before.den) > num * best.den;
      return nearer ? { num: steps * best.num + before.num, den: steps * best.den + before.den } : best;
    }
    [before, best] = [best, next];
    [num, den] = [den, num - whole * den];
  }
  return best;
}
