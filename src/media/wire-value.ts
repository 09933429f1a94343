/** Any JavaScript value across threads, by msgpackr. */
// Plain 'msgpackr' has every thread look for a native addon and load it, for long strings alone.
import { Packr } from 'msgpackr/pack';
import { className } from '../class-name.js';
import { MillraceError } from '../errors.js';

/**
 * Self-contained (no structures shared between messages), keeping cycles, repeated references, Map, Set, Date, RegExp,
 * Error (name, message, cause), bigint of any size, undefined, and binary data in its type.
 */
const packr = new Packr({ structuredClone: true, copyBuffers: true });

/**
 * @throws MillraceError ERR_MILLRACE_PAYLOAD that names the part of the value which cannot cross threads: functions,
 * symbols, promises, weak collections, shared memory, and objects of classes (frames and packets among them, when they
 * are inside another value instead of being the payload themselves).
 */
export function packValue(value: unknown): Uint8Array {
  requirePlain(value, 'payload', new Set());
  return packr.pack(value);
}

export function unpackValue(bytes: Uint8Array): unknown {
  // msgpackr reads strings with TextDecoder, which refuses shared memory.
  const copy = Buffer.allocUnsafe(bytes.byteLength);
  copy.set(bytes);
  return packr.unpack(copy);
}

/** msgpackr would turn what it does not know into undefined or into a bare object without a word. */
function requirePlain(value: unknown, path: string, seen: Set<object>): void {
  if (typeof value === 'function' || typeof value === 'symbol') refuse(path, `a ${typeof value}`);
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (Array.isArray(value)) {
    value.forEach((item, i) => {
      requirePlain(item, `${path}[${i}]`, seen);
    });
  } else if (value instanceof Map) {
    for (const [key, item] of value) {
      requirePlain(key, `a key of ${path}`, seen);
      requirePlain(item, `${path}.get(${typeof key === 'object' ? '…' : String(key)})`, seen);
    }
  } else if (value instanceof Set) {
    for (const item of value) requirePlain(item, `a member of ${path}`, seen);
  } else if (value instanceof Error) {
    requirePlain(value.cause, `${path}.cause`, seen);
  } else if (isBinary(value) || value instanceof Date || value instanceof RegExp) {
    return;
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    // Plain objects of another realm have another Object.prototype, whose prototype is null as well.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      refuse(path, `an object of class ${className(value)}`);
    }
    for (const [key, item] of Object.entries(value)) requirePlain(item, `${path}.${key}`, seen);
  }
}

function isBinary(value: object): boolean {
  if (value instanceof SharedArrayBuffer) return false;
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function refuse(path: string, what: string): never {
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${path} is ${what}, which cannot cross threads`, {
    hint: 'A payload is a frame, an encoded packet, stream information, a tensor, bytes, or plain data',
  });
}
