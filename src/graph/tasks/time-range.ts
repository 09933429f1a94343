/** A part of an input: from where to where. */
import * as v from 'valibot';
import { MillraceError } from '../../errors/errors.js';
import { seconds } from '../../schema/seconds.js';

export interface TimeRange {
  /** Seconds on the clock of the input, also as text: `'1:30.5'`. Default: its beginning. */
  readonly start?: number | string | undefined;
  /** The same. Default: its end. */
  readonly end?: number | string | undefined;
  /** The same, in place of `end`. */
  readonly duration?: number | string | undefined;
}

/** The same, checked. */
type Checked = { readonly [key in keyof TimeRange]?: number | undefined };

export const timeRangeEntries = {
  start: v.optional(seconds()),
  end: v.optional(seconds()),
  duration: v.optional(seconds(0.001)),
};

/**
 * The part as options of a decoder.
 * @throws MillraceError ERR_MILLRACE_CONFIG where it would be empty, or its end is said twice.
 */
export function checkRange(
  what: string,
  { start, end, duration }: Checked,
): { start_time?: number; end_time?: number } {
  if (end !== undefined && duration !== undefined) {
    throw new MillraceError(
      'ERR_MILLRACE_CONFIG',
      `${what}: end and duration both say where it ends: give one of them`,
    );
  }
  const until = duration === undefined ? end : (start ?? 0) + duration;
  if (until !== undefined && until <= (start ?? 0)) {
    throw new MillraceError(
      'ERR_MILLRACE_CONFIG',
      `${what}: the end (${until} s) must be later than the start (${start ?? 0} s)`,
    );
  }
  return { ...(start !== undefined && { start_time: start }), ...(until !== undefined && { end_time: until }) };
}
