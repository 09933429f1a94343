/**
 * Any plain JavaScript value across threads, exactly as it is: what arrives is deeply and strictly equal to what was sent.
 * Most values are objects, arrays, strings and numbers, which msgpackr keeps and packs fastest; what holds anything else
 * goes as a table (graph.ts), which is told by being a Map: the short form never is one.
 */
// Plain 'msgpackr' has every thread look for a native addon and load it, for long strings alone.
import { types } from 'node:util';
import { Packr } from 'msgpackr/pack';
import { MillraceError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { fromTable, isWellFormed, tableOf, type ValueLimits, type ValueTable } from './graph.js';

/** Self-contained (no structures shared between messages), keeping repeated references, undefined and 64-bit integers. */
const packr = new Packr({ structuredClone: true, copyBuffers: true });

/** Deeper values go as a table: msgpackr is recursive, and nobody knows how much stack there is. */
const SHALLOW = 64;
const LARGEST_INTEGER = 2n ** 63n;

/**
 * @param root what the value is called in errors.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD that names the part of the value which cannot cross threads: functions,
 * symbols, getters, proxies, promises, weak collections, shared memory, and objects of classes (frames and packets among them, unless
 * they go `beside` the value; tensors are plain data); and for a value that is too large.
 */
export function packValue(value: unknown, root = 'payload', beside?: ValueLimits['beside']): Uint8Array {
  const plain = isSimple(value, new Set(), 0) ? value : tableOf(value, root, { beside });
  try {
    return packr.pack(plain);
  } catch (cause) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${root} cannot be packed: ${messageOf(cause)}`, { cause });
  }
}

/** @param beside what went beside it, by its numbers. */
export function unpackValue(bytes: Uint8Array, beside?: readonly object[]): unknown {
  // msgpackr reads strings with TextDecoder, which refuses shared memory.
  const copy = Buffer.allocUnsafe(bytes.byteLength);
  copy.set(bytes);
  const value: unknown = packr.unpack(copy);
  return types.isMap(value) ? fromTable(value as ValueTable, beside) : value;
}

/**
 * Refuses what cannot cross threads, also where it need not: a graph does the same wherever its nodes are placed.
 * @param limits of other ways to travel; the form of payloads has none.
 * @throws as `packValue`
 */
export function requirePlain(value: unknown, root = 'payload', limits: ValueLimits = {}): void {
  if (!isSimple(value, new Set(), 0)) tableOf(value, root, { ...limits, stays: true });
}

/** msgpackr keeps it as it is. */
function isSimple(value: unknown, seen: Set<object>, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return isWellFormed(value);
    case 'number':
      return !Object.is(value, -0);
    case 'bigint':
      return value < LARGEST_INTEGER && value >= -LARGEST_INTEGER;
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null || seen.has(value)) return true;
  if (depth > SHALLOW || types.isProxy(value)) return false;
  seen.add(value);
  return Array.isArray(value) ? isSimpleList(value, seen, depth) : isSimpleObject(value, seen, depth);
}

function isSimpleList(list: readonly unknown[], seen: Set<object>, depth: number): boolean {
  if (Object.getPrototypeOf(list) !== Array.prototype) return false;
  // No holes, and no named properties.
  if (Reflect.ownKeys(list).length !== list.length + 1) return false;
  for (const item of list) if (!isSimple(item, seen, depth + 1)) return false;
  return true;
}

function isSimpleObject(object: object, seen: Set<object>, depth: number): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === 'symbol' || key === '__proto__' || !isWellFormed(key)) return false;
    const { value, enumerable, get, set } = Object.getOwnPropertyDescriptor(object, key)!;
    if (!enumerable || get !== undefined || set !== undefined) return false;
    if (!isSimple(value, seen, depth + 1)) return false;
  }
  return true;
}
