/** Checks of what exported functions are given, in the first line of each. */

import { type ErrorCode, MillraceError } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';

/** @throws MillraceError, of that code, unless it is an object with (these) options. */
export function requireObject(value: unknown, what: string, code: ErrorCode = 'ERR_MILLRACE_CONFIG'): void {
  if (typeof value === 'object' && value !== null) return;
  throw new MillraceError(code, `${what} cannot be ${describeValue(value)}`, { hint: 'It is an object' });
}

/**
 * An object of node-av, of which a class of ours takes the ownership.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD
 */
export function requireNative(value: unknown, what: string): void {
  if (typeof value === 'object' && value !== null && typeof (value as { free?: unknown }).free === 'function') return;
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${what} cannot be ${describeValue(value)}`, {
    hint: 'It is an object of node-av, such as a Frame or a Packet',
  });
}

/** @throws MillraceError ERR_MILLRACE_CONFIG unless it has that method. */
export function requireMethod(value: unknown, method: string, what: string): void {
  if (typeof value === 'object' && value !== null && method in value) return;
  throw new MillraceError('ERR_MILLRACE_CONFIG', `${what} cannot be ${describeValue(value)}`);
}
