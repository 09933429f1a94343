import { anObject } from '../src/errors/naming.js';

/** What a packet brought, for messages. */
export function payloadName(payload: unknown): string {
  if (payload === undefined || payload === null) return 'a packet without payload';
  return typeof payload === 'object' ? anObject(payload) : `a ${typeof payload}`;
}
