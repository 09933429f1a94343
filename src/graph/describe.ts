import { show } from '../../actors/options.js';

/** What somebody gave us instead of what was wanted, for messages. */
export function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return show(value);
  // The bundler names a class that refers to itself with a leading underscore.
  const name = (value.constructor?.name ?? 'object').replace(/^_/, '');
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;
}
