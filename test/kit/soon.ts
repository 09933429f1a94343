/** Promises that have to settle: a hang is told by name. */
import type { MillraceError } from 'millrace';
import * as assert from 'uvu/assert';

/** Far less than the 30 s that an input waits by itself, and far more than a loaded machine needs. */
const SOON = 15_000;

/** What it resolves to; fails by name instead of hanging. @param limit in ms, for what shares its cores with other work. */
export async function soon<T>(what: string, promise: Promise<T>, limit = SOON): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What it rejects with. */
export async function failureOf(what: string, promise: Promise<unknown>): Promise<MillraceError> {
  const error = await soon(
    what,
    promise.then(
      () => undefined,
      (thrown: MillraceError) => thrown,
    ),
  );
  assert.ok(error, `${what} did not fail`);
  return error!;
}

/** Its value, as soon as it does not throw any more; after a while its error. */
export async function untilRight<T>(look: () => T): Promise<T> {
  const limit = Date.now() + SOON;
  for (;;) {
    try {
      return look();
    } catch (error) {
      if (Date.now() > limit) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
