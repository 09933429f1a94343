import { MillraceError } from '../errors/errors.js';

/** A method was called when it is too late or too early for it. */
export function stateError(message: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_STATE', message, { hint });
}
