/** Times as people write them: seconds, or hours, minutes and seconds. */
import { parsed, type Schema } from './schema.js';

/** Seconds of "90", "1:30" or "0:01:30.5"; undefined for other texts. */
export function secondsOf(text: string): number | undefined {
  const match = /^(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)$/.exec(text.trim());
  if (!match) return undefined;
  const [, hours = 0, minutes = 0, seconds] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

/** A number of seconds from `min` on, or a text of them. */
export function seconds(min = 0): Schema<number> {
  return parsed(`a number of at least ${min} (seconds), or [h:]m:s such as "1:30.5"`, (value) => {
    const number = typeof value === 'string' ? secondsOf(value) : value;
    return typeof number === 'number' && Number.isFinite(number) && number >= min ? number : undefined;
  });
}
