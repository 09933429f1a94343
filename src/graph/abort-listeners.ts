/**
 * Listeners to the abort of signals, one for each signal however many there are: the jobs of a server may all have the
 * same one, and Node takes more than ten listeners for a leak.
 */
export class AbortListeners {
  private readonly known = new Map<AbortSignal, Set<() => void>>();

  /** @returns forgets the listener. */
  add(signal: AbortSignal | undefined, listener: () => void): () => void {
    if (signal === undefined) return () => {};
    const listeners = this.known.get(signal) ?? this.watch(signal);
    listeners.add(listener);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0 || this.known.get(signal) !== listeners) return;
      this.known.delete(signal);
      signal.removeEventListener('abort', this.onAbort);
    };
  }

  private watch(signal: AbortSignal): Set<() => void> {
    const listeners = new Set<() => void>();
    this.known.set(signal, listeners);
    signal.addEventListener('abort', this.onAbort, { once: true });
    return listeners;
  }

  private readonly onAbort = ({ target }: Event): void => {
    const signal = target as AbortSignal;
    const listeners = [...(this.known.get(signal) ?? [])];
    this.known.delete(signal);
    for (const listener of listeners) listener();
  };
}
