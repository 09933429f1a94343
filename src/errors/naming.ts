/** What messages call an object. */
import { isOfAnotherCopy } from './brand.js';

/** The name of its class. The bundler gives one that refers to itself a leading underscore. */
export function className(value: object): string {
  const made = (value as { constructor?: { name?: unknown } | null }).constructor;
  return String(made?.name || 'object').replace(/^_/, '');
}

/**
 * A bundler calls a class that names itself within by another name (`_Packet`), which is seen wherever one of its objects is
 * printed: they have their own.
 */
export function nameClasses(classes: Readonly<Record<string, object>>): void {
  for (const [value, made] of Object.entries(classes))
    Object.defineProperty(made, 'name', { value, configurable: true });
}

/** The same with the article: 'a Tensor', 'an EncodedPacket', 'a Uint8Array'. */
export function anObject(value: object): string {
  const name = className(value);
  const copy = isOfAnotherCopy(value) ? ' of another copy of millrace' : '';
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}${copy}`;
}

/** Any value, short: what somebody gave us instead of what was wanted. Never throws. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'object':
      return value === null ? 'null' : describeObject(value);
    case 'function':
      return value.name === '' ? 'a function' : `the function ${value.name}`;
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
    case 'bigint':
      return `${String(value).slice(0, 60)}n`;
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return anObject(value);
  try {
    const text = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
    return text.length > 60 ? `${text.slice(0, 57)}...` : text;
  } catch {
    return Array.isArray(value) ? 'an array' : 'an object'; // circular
  }
}

/** What a packet brought, for messages. */
export function payloadName(payload: unknown): string {
  if (payload === undefined || payload === null) return 'a packet without payload';
  return typeof payload === 'object' ? anObject(payload) : `a ${typeof payload}`;
}
