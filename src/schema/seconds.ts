/** Times in options: seconds, or hours, minutes and seconds. */
import { secondsOf } from './clock-text.js';
import { parsed, type Schema } from './schema.js';

/** A number of seconds from `min` on, or a text of them. */
export function seconds(min = 0): Schema<number> {
  return parsed(`a number of at least ${min} (seconds), or [h:]m:s such as "1:30.5"`, (value) => {
    const number = typeof value === 'string' ? secondsOf(value) : value;
    return typeof number === 'number' && Number.isFinite(number) && number >= min ? number : undefined;
  });
}
