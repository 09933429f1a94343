import { anObject } from '../errors/naming.js';
import { show } from '../schema/schema.js';

/** What somebody gave us instead of what was wanted, for messages. */
export function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? anObject(value) : show(value);
}
