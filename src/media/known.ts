/**
 * What a thread keeps of work that comes again: bounded, because streams in flight at once have few sizes and layouts, and
 * files of unknown origin may have any number.
 */

const MAX_KNOWN = 64;
/** Each has native memory. */
const MAX_IN_USE = 4;

/** Notes what is known now. @returns it. */
export function remember<K, V>(known: Map<K, V>, key: K, value: V): V {
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(key, value);
  return value;
}

/** What is in use for a key, made if there is none; of those that are too many the least recently used is freed. */
export function inUseFor<V extends { free(): void }>(all: Map<string, V>, key: string, make: () => V): V {
  const value = all.get(key) ?? make();
  all.delete(key);
  all.set(key, value);
  if (all.size > MAX_IN_USE) {
    const [oldest] = all.keys();
    all.get(oldest!)?.free();
    all.delete(oldest!);
  }
  return value;
}
