/** URL objects among options: what crosses threads and goes into graph files is text. */
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { nameForFFmpeg } from '../../catalog/ffmpeg.js';

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
  if (types.isProxy(value)) return value;
  if (value instanceof URL) return value.protocol === 'file:' ? fileURLToPath(value) : value.href;
  if (!Array.isArray(value) && !isPlain(value)) return value;
  if (copies.has(value)) return copies.get(value);
  const copy: object = Array.isArray(value) ? [] : {};
  copies.set(value, copy);
  for (const key of Object.keys(value)) {
    const own = Object.getOwnPropertyDescriptor(value, key)!;
    const property = 'value' in own ? { value: replaced(own.value, copies), writable: true } : own;
    // Not an assignment: `__proto__` is a key like others.
    Object.defineProperty(copy, key, { ...property, enumerable: true, configurable: true });
  }
  if (Array.isArray(value)) (copy as unknown[]).length = value.length;
  return copy;
}

/** Not recursive: values may be deep, and hold themselves. */
function holdsUrl(value: unknown): boolean {
  const seen = new Set<unknown>([value]);
  for (const item of seen) {
    // It is refused with the other options, by its name; to ask it anything would run the user's code. So would getters.
    if (types.isProxy(item)) continue;
    if (item instanceof URL) return true;
    if (!Array.isArray(item) && !isPlain(item)) continue;
    for (const key of Object.keys(item)) seen.add(Object.getOwnPropertyDescriptor(item, key)!.value);
  }
  return false;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
