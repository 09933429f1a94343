/**
 * Listeners to the abort of signals: one for each signal in the whole process, however many graphs, runs and jobs have the
 * same one, because Node takes more than ten listeners for a leak.
 */
const known = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls the listener once when the signal aborts, not if it has aborted already.
 * @returns forgets the listener.
 */
export function whenAborted(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  const listeners = known.get(signal) ?? watch(signal);
  // A function of its own, so that the same listener may be added twice.
  const entry = (): void => listener();
  listeners.add(entry);
  return () => {
    if (!listeners.delete(entry) || listeners.size > 0 || known.get(signal) !== listeners) return;
    known.delete(signal);
    signal.removeEventListener('abort', onAbort);
  };
}

function watch(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>();
  known.set(signal, listeners);
  signal.addEventListener('abort', onAbort, { once: true });
  return listeners;
}

function onAbort({ target }: Event): void {
  const signal = target as AbortSignal;
  const listeners = [...(known.get(signal) ?? [])];
  known.delete(signal);
  for (const listener of listeners) listener();
}
