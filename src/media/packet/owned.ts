/**
 * What of a payload belongs to its packet: frames, encoded packets, and those that stand in a value (`{ frame, boxes }`, a
 * list, nested as deep as one likes). A packet that is closed releases each of them, and its clone has references of its
 * own; all else in a value is shared.
 */
import { types } from 'node:util';

/** Marks the classes, on their prototypes. */
const OWNED: unique symbol = Symbol('belongs to its packet');

export interface Owned {
  clone(): unknown;
  close(): void;
}

const NONE: readonly Owned[] = [];

/** For the static block of a class: its objects belong to the packet they travel in. */
export function markOwned(prototype: Owned): void {
  Object.defineProperty(prototype, OWNED, { value: true });
}

function isOwned(value: object): value is Owned {
  return (value as { [OWNED]?: true })[OWNED] === true;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** A list (a Bundle included), Map, Set or plain object. Others keep what they hold to themselves, and a Proxy is not asked. */
function isContainer(value: object): boolean {
  if (types.isProxy(value)) return false;
  if (Array.isArray(value) || types.isMap(value) || types.isSet(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** Lists up to this length are looked through by their numbers; longer ones may be mostly holes, whatever they say. */
const DENSE = 100_000;

/** What a container holds itself; of objects no getter is run. */
function forEachIn(container: object, visit: (item: unknown) => void): void {
  if (Array.isArray(container)) {
    const list: readonly unknown[] = container.length <= DENSE ? container : Object.values(container as unknown[]);
    for (let i = 0; i < list.length; i++) visit(list[i]);
  } else if (types.isMap(container)) {
    for (const [key, item] of container) {
      visit(key);
      visit(item);
    }
  } else if (types.isSet(container)) for (const item of container) visit(item);
  else for (const key of Object.keys(container)) visit(Object.getOwnPropertyDescriptor(container, key)?.value);
}

/** What belongs to the packet of this payload, each once: the payload itself, or what stands in it. */
export function ownedIn(payload: unknown): readonly Owned[] {
  if (typeof payload !== 'object' || payload === null) return NONE;
  if (!types.isProxy(payload) && isOwned(payload)) return [payload];
  if (!isContainer(payload)) return NONE;
  let found: Set<Owned> | undefined;
  let inside: Set<object> | undefined;
  const visit = (item: unknown): void => {
    if (!isObject(item) || types.isProxy(item)) return;
    if (isOwned(item)) {
      found ??= new Set();
      found.add(item);
    } else if (item !== payload && isContainer(item)) {
      inside ??= new Set();
      inside.add(item);
    }
  };
  forEachIn(payload, visit);
  // It grows while it is walked, by each container once: cycles end, and nothing is recursive.
  if (inside !== undefined) for (const container of inside) forEachIn(container, visit);
  return found === undefined ? NONE : [...found];
}

/** Releases what belongs to the packet of this payload. */
export function closeOwned(payload: unknown): void {
  for (const owned of ownedIn(payload)) owned.close();
}

/**
 * A payload for a second packet: what belongs to the packet is referenced once more, in containers of the clone's own; a
 * payload that has nothing of that is shared.
 */
export function cloneOwned<T>(payload: T): T {
  const owned = ownedIn(payload);
  if (owned.length === 0) return payload;
  const copies = new Map<object, unknown>();
  try {
    for (const one of owned) copies.set(one, one.clone());
  } catch (error) {
    // One of them was closed before: the references taken so far go back.
    for (const copy of copies.values()) (copy as Owned).close();
    throw error;
  }
  return copyOf(payload, copies) as T;
}

/** @param copies those there are, by what they are of. */
function copyOf(value: unknown, copies: Map<object, unknown>): unknown {
  const pending: (() => void)[] = [];
  const of = (item: unknown): unknown => {
    if (!isObject(item)) return item;
    if (copies.has(item)) return copies.get(item);
    if (!isContainer(item)) return item;
    const copy = emptyOf(item);
    copies.set(item, copy);
    // Not at once: values may be deeper than the stack.
    pending.push(() => fill(copy, item, of));
    return copy;
  };
  const copy = of(value);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) next();
  return copy;
}

function emptyOf(container: object): object {
  if (types.isMap(container)) return new Map();
  if (types.isSet(container)) return new Set();
  if (!Array.isArray(container)) return Object.create(Object.getPrototypeOf(container) as object | null) as object;
  const list: unknown[] = [];
  Object.setPrototypeOf(list, Object.getPrototypeOf(container) as object);
  list.length = container.length;
  return list;
}

function fill(copy: object, container: object, of: (item: unknown) => unknown): void {
  if (types.isMap(container))
    for (const [key, item] of container) (copy as Map<unknown, unknown>).set(of(key), of(item));
  else if (types.isSet(container)) for (const item of container) (copy as Set<unknown>).add(of(item));
  else {
    for (const key of Reflect.ownKeys(container)) {
      const property = Object.getOwnPropertyDescriptor(container, key)!;
      if ('value' in property) property.value = of(property.value);
      Object.defineProperty(copy, key, property);
    }
  }
}
