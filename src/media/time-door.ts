/** Times that users set, checked where they come in: FFmpeg would wrap, truncate or refuse them without a word. */

import { MillraceError } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';
import type { Rational } from './time.js';

/** Of AVRational. */
const LARGEST_INT = 2 ** 31 - 1;
const LARGEST_TICKS = 2n ** 63n;
/** Microseconds: more than 64 bits of the longest unit, and far from where a number stops being one. */
const LARGEST_TIMESTAMP = 2 ** 128;

/**
 * A time or a length in units of a time base.
 * @param what its name, such as 'pts'.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD unless it is a bigint of 64 bits.
 */
export function requireTicks(value: bigint, what: string): bigint {
  if (typeof value !== 'bigint') refuse(what, value, 'It is a bigint in units of the time base, such as 40n');
  if (value >= LARGEST_TICKS || value < -LARGEST_TICKS) refuse(what, value, 'It fits into 64 bits');
  return value;
}

/** The same, or undefined for one that is not known. */
export function requireOptionalTicks(value: bigint | undefined, what: string): bigint | undefined {
  return value === undefined ? undefined : requireTicks(value, what);
}

/**
 * The unit of times.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD unless it is a fraction of two integers above zero, or 0/1: unknown.
 */
export function requireUnit(value: Rational, what = 'timeBase'): Rational {
  const { num, den } = (value ?? {}) as Partial<Rational>;
  if (isInt(num) && isInt(den) && den > 0 && (num > 0 || den === 1)) return value;
  return refuse(
    what,
    value,
    'It is a fraction of two integers above zero, such as { num: 1, den: 25 }; 0/1 if unknown',
  );
}

/** Of a rate: the same, and undefined is unknown. */
export function requireRate(value: Rational | undefined, what: string): Rational | undefined {
  return value === undefined ? undefined : requireUnit(value, what);
}

/**
 * A time in microseconds.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD unless it is undefined or a finite number.
 */
export function requireTimestamp(value: number | undefined): number | undefined {
  if (value === undefined || (typeof value === 'number' && Math.abs(value) < LARGEST_TIMESTAMP)) return value;
  return refuse('timestamp of a packet', value, 'It is a finite number of microseconds; undefined if unknown');
}

function isInt(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_INT;
}

function refuse(what: string, value: unknown, hint: string): never {
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${what} cannot be ${describeValue(value)}`, { hint });
}
