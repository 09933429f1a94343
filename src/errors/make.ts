import { GraphError, MillraceError } from './errors.js';
import { isError, messageOf } from './wire.js';

/** Somebody wanted no more of it. @param reason what they said: `AbortSignal.reason`, an error, a text; undefined: nothing. */
export function abortedError(message: string, reason: unknown): GraphError {
  const text = isError(reason) ? `: ${messageOf(reason)}` : typeof reason === 'string' ? `: ${reason}` : '';
  return new GraphError('ERR_MILLRACE_ABORTED', `${message}${text}`, reason === undefined ? {} : { cause: reason });
}

/** A method was called when it is too late or too early for it. */
export function stateError(message: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_STATE', message, { hint });
}
