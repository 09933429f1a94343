/** Exact time: rational time bases and conversions between them, integers only. */
import { MillraceError } from '../errors/errors.js';

/** A fraction such as a time base (seconds per tick) or a frame rate (frames per second). */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

/** The unit of `Packet.timestamp`. */
export const MICROSECONDS: Rational = Object.freeze({ num: 1, den: 1_000_000 });
/** The unit in which the synchronisation policies compute. */
export const NANOSECONDS: Rational = Object.freeze({ num: 1, den: 1_000_000_000 });

/**
 * How a result between two ticks is rounded; the names and meanings of FFmpeg's AVRounding:
 * `near` to the nearest, halves away from zero; `zero` towards zero; `inf` away from zero; `down`, `up` to -/+ infinity.
 */
export type Rounding = 'near' | 'zero' | 'inf' | 'down' | 'up';

/** True if the fraction can serve as a unit of time: both parts integers and above zero. */
export function isTimeBase({ num, den }: Rational): boolean {
  return Number.isInteger(num) && Number.isInteger(den) && num > 0 && den > 0;
}

/** True if both are the same fraction as it is written: 1/25 and 2/50 are not. */
export function isSameUnit(a: Rational, b: Rational): boolean {
  return a.num === b.num && a.den === b.den;
}

/**
 * Converts ticks of one time base into ticks of another, as av_rescale_q / av_rescale_q_rnd do. The result is exact
 * before rounding and is not limited to 64 bits.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD if a time base is not a positive fraction.
 */
export function rescale(value: bigint, from: Rational, to: Rational, rounding: Rounding = 'near'): bigint {
  if (!isTimeBase(from)) throw noTimeBase(from, 'source');
  if (isSameUnit(from, to)) return value;
  if (!isTimeBase(to)) throw noTimeBase(to, 'target');
  const small = rescaleSmall(value, from, to, rounding);
  return small === undefined ? rescaleLarge(value, from, to, rounding) : BigInt(small);
}

/**
 * Microseconds as a number, rounded as av_rescale_q. Exact up to 2^53 µs (285 years).
 * @throws MillraceError ERR_MILLRACE_PAYLOAD if the time base is not a positive fraction.
 */
export function toMicroseconds(pts: bigint, timeBase: Rational): number {
  const microseconds = knownMicroseconds(pts, timeBase);
  if (microseconds === undefined) throw noTimeBase(timeBase, 'source');
  return microseconds;
}

/** The same; undefined if the time base is not known (0/1) or none. */
export function knownMicroseconds(pts: bigint, timeBase: Rational): number | undefined {
  if (!isTimeBase(timeBase)) return undefined;
  const small = rescaleSmall(pts, timeBase, MICROSECONDS, 'near');
  return small ?? Number(rescaleLarge(pts, timeBase, MICROSECONDS, 'near'));
}

/** Nanoseconds, rounded as av_rescale_q. */
export function toNanoseconds(pts: bigint, timeBase: Rational): bigint {
  return rescale(pts, timeBase, NANOSECONDS);
}

/**
 * The same in numbers, which is ten times as quick and enough for days of most clocks; undefined where they would not be exact:
 * a product that is no safe integer is one that may have been rounded, and one that is has not been. Both time bases have been checked.
 */
function rescaleSmall(value: bigint, from: Rational, to: Rational, rounding: Rounding): number | undefined {
  const denominator = from.den * to.num;
  const numerator = Number(value) * (from.num * to.den);
  if (!Number.isSafeInteger(numerator) || !Number.isSafeInteger(denominator)) return undefined;
  const remainder = numerator % denominator;
  const quotient = (numerator - remainder) / denominator;
  if (remainder === 0) return quotient;
  const negative = remainder < 0;
  const away = rounding === 'near' ? 2 * Math.abs(remainder) >= denominator : isAway(rounding, negative);
  return away ? quotient + (negative ? -1 : 1) : quotient;
}

function rescaleLarge(value: bigint, from: Rational, to: Rational, rounding: Rounding): bigint {
  const numerator = value * BigInt(from.num) * BigInt(to.den);
  const denominator = BigInt(from.den) * BigInt(to.num);
  // BigInt division truncates towards zero; the remainder carries the sign of the numerator.
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  if (remainder === 0n) return quotient;
  const negative = remainder < 0n;
  const away =
    rounding === 'near' ? 2n * (negative ? -remainder : remainder) >= denominator : isAway(rounding, negative);
  return away ? quotient + (negative ? -1n : 1n) : quotient;
}

/** Whether what lies between two ticks becomes the one further from zero, however near the other one is. */
function isAway(rounding: Exclude<Rounding, 'near'>, negative: boolean): boolean {
  switch (rounding) {
    case 'zero':
      return false;
    case 'inf':
      return true;
    case 'down':
      return negative;
    case 'up':
      return !negative;
  }
}

function noTimeBase(value: Rational, which: string): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `The ${which} time base ${value.num}/${value.den} is no unit of time`,
    {
      hint: 'A time base is a fraction of two integers above zero, such as { num: 1, den: 25 }',
    },
  );
}
