/** What the decoder's three sources of packets (a file, bytes, packets one by one) have in common. */
import { MillraceError } from '../../src/errors/errors.js';
import type { Task } from '../../src/module/contract.js';

/** Where the packets come from, and all that depends on it. */
export interface DecoderSource {
  open(): void;
  process(task: Task): void | Promise<void>;
  wants?(): readonly number[] | undefined;
  /** Reads no more; what the codecs hold back still comes. */
  drain?(): void;
  /** Another one for the next job, with what is too dear to be made anew; otherwise it is closed and opened. */
  renew?(): DecoderSource;
  close(): void | Promise<void>;
}

/** What is there from init to close. @throws MillraceError ERR_MILLRACE_STATE if it is not. */
export function present<T>(value: T | undefined): T {
  if (value === undefined)
    throw new MillraceError('ERR_MILLRACE_STATE', 'The decoder was used before init or after close');
  return value;
}
