/** URL objects among options: what crosses threads and goes into graph files is text. */
import { fileURLToPath } from 'node:url';
import { nameForFFmpeg } from '../../actors/location.js';

/** The path of a file that is given as one, as `file://…` or as a URL object. */
export function pathOf(value: string | URL): string {
  return nameForFFmpeg(String(value));
}

/** A copy in which URL objects, at any depth, are the path of their file, or their text where they are of no file. */
export function withoutUrls<T>(value: T): T {
  return replaced(value) as T;
}

function replaced(value: unknown): unknown {
  if (value instanceof URL) return value.protocol === 'file:' ? fileURLToPath(value) : value.href;
  if (Array.isArray(value)) return value.some(holdsUrl) ? value.map(replaced) : value;
  if (!isPlain(value) || !Object.values(value).some(holdsUrl)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item)]));
}

function holdsUrl(value: unknown): boolean {
  if (value instanceof URL) return true;
  if (Array.isArray(value)) return value.some(holdsUrl);
  return isPlain(value) && Object.values(value).some(holdsUrl);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
