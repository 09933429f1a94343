import { show } from '../../actors/options.js';
import { anObject } from '../class-name.js';

/** What somebody gave us instead of what was wanted, for messages. */
export function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? anObject(value) : show(value);
}
