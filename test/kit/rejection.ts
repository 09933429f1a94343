import type { MillraceError } from 'millrace';

/** What the promise rejects with. Rejects if it does not. */
export async function rejection(promise: Promise<unknown>): Promise<MillraceError> {
  return promise.then(
    () => {
      throw new Error('it was expected to reject');
    },
    (error: MillraceError) => error,
  );
}

/** What the call throws. Throws if it does not. */
export function thrown(call: () => unknown): MillraceError {
  try {
    call();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('it was expected to throw');
}
