/**
 * Asynchronous contexts (AsyncLocalStorage). What a user gives to a run, a job or a call is called back from a thread's
 * port or another call's turn, in whatever context that happens to have: a shared thread belongs to whoever started it. So
 * the context is kept with what was given, and what is shared is made in none.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Calls something in the context that it was taken in, and returns what that returns. */
export type Context = <R>(work: () => R) => R;

/** The context of now. */
export function takeContext(): Context {
  return AsyncLocalStorage.snapshot();
}

const outside = takeContext();

/** For what outlives the call that happens to make it: it neither works in the context of that call nor keeps it alive. */
export function withoutContext<R>(work: () => R): R {
  return outside(work);
}
