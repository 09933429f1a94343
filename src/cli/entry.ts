import { type BigIntStats, statSync } from 'node:fs';

/** What is at a path, as far as it can be told without opening it: whoever opens it tells why it cannot. */
export function entryAt(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false, bigint: true });
  } catch {
    return undefined; // No directory on the way there, or none that may be read.
  }
}
