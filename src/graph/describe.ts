import { className, show } from '../../actors/options.js';

/** What somebody gave us instead of what was wanted, for messages. */
export function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return show(value);
  const name = className(value);
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;
}
