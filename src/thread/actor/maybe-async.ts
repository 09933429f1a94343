/** Work that may have to wait: synchronous as long as nothing in it is a promise. */

import { requireReturned } from '../../module/door.js';

/** Yields what may be a promise, and is given what it resolves to. */
export type MaybeAsync<T> = Generator<unknown, T, unknown>;

/**
 * Runs the steps to their end: at once, or from the first promise on in a promise of the result. What a yielded promise
 * rejects with is thrown into the generator.
 */
export function runSteps<T>(steps: MaybeAsync<T>): T | Promise<T> {
  let step = steps.next();
  while (!step.done) {
    if (isPromise(step.value)) return resume(steps, step.value);
    step = steps.next(step.value);
  }
  return step.value;
}

async function resume<T>(steps: MaybeAsync<T>, first: PromiseLike<unknown>): Promise<T> {
  let pending: unknown = first;
  for (;;) {
    let step: IteratorResult<unknown, T>;
    try {
      const value = await pending;
      step = steps.next(value);
    } catch (error) {
      step = steps.throw(error);
    }
    if (step.done) return step.value;
    pending = step.value;
  }
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof (value as PromiseLike<unknown>).then === 'function';
}

/**
 * Calls `settle` when the call has returned, thrown or settled; synchronous as long as the call is.
 * @throws what the call throws, and MillraceError ERR_MILLRACE_MODULE for what cannot be returned (module/door.ts).
 */
export function whenSettled(call: () => void | Promise<void>, settle: (failed: boolean) => void): void | Promise<void> {
  let pending: Promise<void> | undefined;
  try {
    // A module in JavaScript may return anything: a thenable is waited for as `await` would.
    const returned: unknown = requireReturned(call());
    if (isPromise(returned)) pending = Promise.resolve(returned as PromiseLike<void>);
  } catch (error) {
    settle(true);
    throw error;
  }
  if (pending === undefined) {
    settle(false);
    return;
  }
  return pending.then(requireReturned).then(
    () => settle(false),
    (error: unknown) => {
      settle(true);
      throw error;
    },
  );
}
