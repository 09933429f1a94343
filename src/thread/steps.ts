/** Work that may have to wait: synchronous as long as nothing in it is a promise. */

/** Yields what may be a promise, and is given what it resolves to. */
export type Steps<T> = Generator<unknown, T, unknown>;

/**
 * Runs the steps to their end: at once, or from the first promise on in a promise of the result. What a yielded promise
 * rejects with is thrown into the generator.
 */
export function runSteps<T>(steps: Steps<T>): T | Promise<T> {
  let step = steps.next();
  while (!step.done) {
    if (isPromise(step.value)) return resume(steps, step.value);
    step = steps.next(step.value);
  }
  return step.value;
}

async function resume<T>(steps: Steps<T>, first: PromiseLike<unknown>): Promise<T> {
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
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

/** Calls `settle` when the call has returned, thrown or settled; synchronous as long as the call is. */
export function whenSettled(call: () => void | Promise<void>, settle: (failed: boolean) => void): void | Promise<void> {
  let pending: void | Promise<void>;
  try {
    pending = call();
  } catch (error) {
    settle(true);
    throw error;
  }
  // A module in JavaScript may return anything.
  if (typeof pending?.then !== 'function') {
    settle(false);
    return;
  }
  return pending.then(
    () => settle(false),
    (error: unknown) => {
      settle(true);
      throw error;
    },
  );
}
