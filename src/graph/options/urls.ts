/** URL objects among options: what crosses threads and goes into graph files is text. */
import { fileURLToPath } from 'node:url';
import { nameForFFmpeg } from '../../../actors/shared/location.js';

/** The path of a file that is given as one, as `file://…` or as a URL object. */
export function pathOf(value: string | URL): string {
  return nameForFFmpeg(String(value));
}

/**
 * A copy in which URL objects, at any depth, are the path of their file, or their text where they are of no file; the
 * value itself if there are none.
 */
export function withoutUrls<T>(value: T): T {
  return holdsUrl(value) ? (replaced(value, new Map()) as T) : value;
}

/** @param copies of what is being copied: a value may hold itself. */
function replaced(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (value instanceof URL) return value.protocol === 'file:' ? fileURLToPath(value) : value.href;
  if (!Array.isArray(value) && !isPlain(value)) return value;
  if (copies.has(value)) return copies.get(value);
  const copy: object = Array.isArray(value) ? [] : {};
  copies.set(value, copy);
  for (const [key, item] of Object.entries(value)) {
    // Not an assignment: `__proto__` is a key like others.
    const property = { value: replaced(item, copies), writable: true, enumerable: true, configurable: true };
    Object.defineProperty(copy, key, property);
  }
  if (Array.isArray(value)) (copy as unknown[]).length = value.length;
  return copy;
}

/** Not recursive: values may be deep, and hold themselves. */
function holdsUrl(value: unknown): boolean {
  const seen = new Set<unknown>([value]);
  for (const item of seen) {
    if (item instanceof URL) return true;
    if (Array.isArray(item) || isPlain(item)) for (const inner of Object.values(item)) seen.add(inner);
  }
  return false;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
