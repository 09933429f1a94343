/**
 * Whether the call of a module that is on the stack has a caller who blocks for it: an asynchronous answer is none then.
 * Only of modules on the thread of their caller; all others may take their time.
 */
import { performance } from '../../../ringbuffer/clock.js';

let deadline: number | undefined;

/** When such a call is to be over, on performance.now()'s clock (Infinity: whenever it is); undefined outside of one. */
export function blockingDeadline(): number | undefined {
  return deadline;
}

/** Makes a call for which its caller blocks, for so many ms at most. */
export function callBlocking<T>(timeout: number, call: () => T): T {
  const before = deadline;
  deadline = performance.now() + timeout;
  try {
    return call();
  } finally {
    deadline = before;
  }
}
