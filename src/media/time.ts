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

/**
 * Converts ticks of one time base into ticks of another, as av_rescale_q / av_rescale_q_rnd do. The result is exact
 * before rounding and is not limited to 64 bits.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD if a time base is not a positive fraction.
 */
export function rescale(value: bigint, from: Rational, to: Rational, rounding: Rounding = 'near'): bigint {
  requireTimeBase(from, 'source');
  requireTimeBase(to, 'target');
  const numerator = value * BigInt(from.num) * BigInt(to.den);
  const denominator = BigInt(from.den) * BigInt(to.num);
  // BigInt division truncates towards zero; the remainder carries the sign of the numerator.
  const quotient = numerator / denominator;
  const remainder = numerator % denominator;
  if (remainder === 0n) return quotient;
  const away = remainder < 0n ? quotient - 1n : quotient + 1n;
  switch (rounding) {
    case 'zero':
      return quotient;
    case 'inf':
      return away;
    case 'down':
      return remainder < 0n ? away : quotient;
    case 'up':
      return remainder < 0n ? quotient : away;
    case 'near': {
      const twice = 2n * (remainder < 0n ? -remainder : remainder);
      return twice >= denominator ? away : quotient;
    }
  }
}

/** Microseconds as a number, rounded as av_rescale_q. Exact up to 2^53 µs (285 years). */
export function toMicroseconds(pts: bigint, timeBase: Rational): number {
  return Number(rescale(pts, timeBase, MICROSECONDS));
}

/** Nanoseconds, rounded as av_rescale_q. */
export function toNanoseconds(pts: bigint, timeBase: Rational): bigint {
  return rescale(pts, timeBase, NANOSECONDS);
}

function requireTimeBase(value: Rational, which: string): void {
  if (isTimeBase(value)) return;
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `The ${which} time base ${value.num}/${value.den} is no unit of time`,
    {
      hint: 'A time base is a fraction of two integers above zero, such as { num: 1, den: 25 }',
    },
  );
}
