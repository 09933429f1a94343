/**
 * The frame rate of pictures that do not tell one (a module made them, or gave them other times): read from the times of
 * the first few. Regular ones have a rate, all others are of a variable one and keep their times.
 */
import { isTimeBase, type Rational } from '../../../src/media/index.js';

/** Pictures that are looked at, for as many intervals less one. */
export const LOOK_AHEAD = 5;

export interface MeasuredRate {
  /** Of a variable one: the mean. */
  readonly rate: Rational;
  /** Absent: the pictures come at regular times. Else a unit in which each of their times can be told. */
  readonly timeBase?: Rational;
}

/** Rates in use, whole ones first: coarse times cannot tell 30 from 30000/1001. */
const USUAL: readonly Rational[] = [
  ...[24, 25, 30, 50, 60, 1, 2, 5, 10, 12, 15, 20, 48, 72, 90, 100, 120, 144, 240].map((num) => ({ num, den: 1 })),
  ...[24_000, 30_000, 60_000, 120_000].map((num) => ({ num, den: 1001 })),
];

/** The finest unit that every container and encoder takes. */
const FINEST: Rational = { num: 1, den: 90_000 };
/** Intervals that differ from the mean by more than this part of it, and by more than a tick, are no rounding. */
const TOLERANCE = 0.02;

/**
 * @param times Of the first pictures, in units of `timeBase`.
 * @returns undefined if they tell nothing: fewer than two of them, or none later than the other.
 */
export function rateOf(times: readonly bigint[], timeBase: Rational): MeasuredRate | undefined {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || last <= first || !isTimeBase(timeBase)) return undefined;
  const intervals = times.slice(1).map((time, i) => Number(time - times[i]!));
  const mean = Number(last - first) / intervals.length;
  const measured = timeBase.den / (timeBase.num * mean);
  const isRegular = intervals.every((each) => each > 0 && Math.abs(each - mean) <= Math.max(1, TOLERANCE * mean));
  // A mean of one or two ticks is not known well enough: 1, 2, 1 ms may be anything.
  const isExact = intervals.every((each) => each === mean);
  if (!isRegular || (mean < 4 && !isExact)) {
    const timeUnit = timeBase.den > FINEST.den * timeBase.num ? FINEST : timeBase;
    return { rate: simple(measured), timeBase: timeUnit };
  }
  if (isExact && mean < 100) return { rate: reduce(timeBase.den, timeBase.num * mean) };
  // Each end is rounded to a tick, or to the unit that the times were in before.
  const spread = Math.max(1, Math.max(...intervals) - Math.min(...intervals));
  const error = spread / (mean * intervals.length);
  const usual = USUAL.find(({ num, den }) => Math.abs((num / den - measured) / measured) <= error);
  if (usual !== undefined) return { rate: usual };
  return { rate: isExact ? reduce(timeBase.den, timeBase.num * mean) : simple(measured) };
}

/** Thousandths of a picture per second are exact enough for a mean. */
function simple(rate: number): Rational {
  return reduce(Math.max(1, Math.round(rate * 1000)), 1000);
}

function reduce(num: number, den: number): Rational {
  let [a, b] = [num, den];
  while (b !== 0) [a, b] = [b, a % b];
  return { num: num / a, den: den / a };
}
