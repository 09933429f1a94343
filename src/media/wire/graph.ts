/**
 * A value as a table of its objects, for what msgpackr would change on the way: -0, lone surrogates, `__proto__` as a
 * key, holes and named properties of arrays, objects without a prototype, Map, Set, Date, RegExp, errors with all they
 * carry, values of any depth. Each object is a row, and a slot refers to it by its number, so that cycles and repeated
 * references need no care and nothing here is recursive. Tensors are data of ours and go along. A row is an array:
 *
 *   ['O', 1 without prototype, keys, slots]      ['M', [key, value, key, value, …]]     ['V', type, bytes]
 *   ['A', length, keys or null, slots]           ['T', members]                         ['R', source, flags, lastIndex]
 *   ['E', class, keys, slots, 1 if enumerable]   ['D', milliseconds]         ['N', type, shape, bytes of a tensor]
 *   ['F', number]  what travels beside the value: a frame, an encoded packet
 *
 * A slot is what msgpackr keeps as it is, or an array: [row], or a mark and its text.
 */
import { types } from 'node:util';
import { MillraceError } from '../../errors/errors.js';
import { className } from '../../errors/naming.js';
import { Tensor, type TensorType } from '../packet/tensor.js';
import { requireFits } from './limit.js';
import { typedArrays } from './typed-arrays.js';

/** `Map` because the other form of a value never is one; see value.ts. */
export type ValueTable = Map<'rows', Row[]>;
type Row = unknown[];
type Slot = unknown;

/** An object on its way, and how it was reached: its name is made only if it has to be refused. */
interface Reached {
  readonly value: object;
  readonly from: Reached | undefined;
  readonly step: string;
  readonly level: number;
}

const NATIVE_ERRORS = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
} as const;

const VIEWS = [...Object.values(typedArrays), DataView] as const;
const viewTypes = new Map<string, (typeof VIEWS)[number]>(VIEWS.map((type) => [type.name, type]));

export interface ValueLimits {
  /** Objects that may be in one another. Default: any number. */
  readonly levels?: number;
  /** It is only looked at, and may be of any size. */
  readonly stays?: boolean;
  /** It goes as a message does, without our classes. */
  readonly isMessage?: boolean;
  /**
   * What goes beside the value, and stands in it by its number: says whether an object is of that kind, and notes it.
   * Absent: nothing does.
   */
  readonly beside?: (value: object) => number | undefined;
}

/** A key as it follows its object in a path. */
function stepTo(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  if (typeof key === 'symbol') return `[${String(key)}]`;
  if (/^\d+$/.test(key)) return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/**
 * @param root what the value is called in errors.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD that names the part of the value which cannot cross threads.
 */
export function tableOf(value: unknown, root: string, limits: ValueLimits = {}): ValueTable {
  return new Flattening(root, limits).run(value);
}

class Flattening {
  private readonly rows: Row[] = [];
  private readonly reached: Reached[] = [];
  private readonly numbers = new Map<object, number>();
  private bytes = 0;

  constructor(
    private readonly root: string,
    private readonly limits: ValueLimits,
  ) {}

  run(value: unknown): ValueTable {
    const first = this.slot(value, undefined, '');
    // A value that is no object has a row of its own.
    if (this.reached.length === 0) return new Map([['rows', [['P', first]]]]);
    for (let row = 0; row < this.reached.length; row++) this.rows.push(this.row(this.reached[row]!));
    return new Map([['rows', this.rows]]);
  }

  private slot(value: unknown, from: Reached | undefined, step: string): Slot {
    switch (typeof value) {
      case 'number':
        return Object.is(value, -0) ? ['-0'] : value;
      case 'string':
        return isWellFormed(value) ? value : ['s', units(value)];
      case 'bigint':
        return ['n', String(value)];
      case 'undefined':
        return ['u'];
      case 'boolean':
        return value;
      case 'function':
      case 'symbol':
        return this.refuse(from, step, `a ${typeof value}`);
    }
    if (value === null) return null;
    const object = value as object;
    let number = this.numbers.get(object);
    if (number === undefined) {
      number = this.reached.length;
      this.numbers.set(object, number);
      const level = (from?.level ?? 0) + 1;
      const { levels = Number.POSITIVE_INFINITY } = this.limits;
      if (level > levels) this.refuse(from, step, `nested in more than ${levels} levels`);
      this.reached.push({ value: object, from, step, level });
    }
    return [number];
  }

  private row(at: Reached): Row {
    const { value } = at;
    // Whatever it is asked runs the user's code, which may answer differently each time, or throw.
    if (types.isProxy(value)) this.refuse(at, '', 'a Proxy');
    const beside = this.limits.beside?.(value);
    if (beside !== undefined) return ['F', beside];
    if (Array.isArray(value)) return this.array(at, value);
    if (types.isMap(value)) {
      this.requireBare(at, 'Map');
      const entries = [...value].flatMap(([key, item], i) => [
        this.slot(key, at, ` (key ${i + 1})`),
        this.slot(item, at, `.get(${typeof key === 'object' || typeof key === 'symbol' ? '…' : String(key)})`),
      ]);
      return ['M', entries];
    }
    if (types.isSet(value)) {
      this.requireBare(at, 'Set');
      return ['T', [...value].map((item, i) => this.slot(item, at, ` (member ${i + 1})`))];
    }
    if (types.isDate(value)) {
      this.requireBare(at, 'Date');
      return ['D', value.getTime()];
    }
    if (types.isRegExp(value)) {
      this.requireBare(at, 'RegExp', ['lastIndex']);
      const { source, flags, lastIndex } = value;
      return ['R', this.slot(source, at, '.source'), flags, lastIndex];
    }
    if (types.isNativeError(value)) return this.error(at, value);
    if (ArrayBuffer.isView(value) || types.isArrayBuffer(value)) return this.binary(at, value);
    if (value instanceof Tensor && !this.limits.isMessage) return this.tensor(at, value);
    return this.object(at);
  }

  private tensor(at: Reached, { dtype, shape, data }: Tensor): Row {
    this.requireBare(at, 'Tensor', ['dtype', 'shape', 'data']);
    this.count(data);
    return ['N', dtype, [...shape], new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
  }

  private object(at: Reached): Row {
    const { value } = at;
    const prototype: unknown = Object.getPrototypeOf(value);
    // Plain objects of another realm have another Object.prototype, whose prototype is null as well.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      this.refuse(at, '', `an object of class ${className(value)}`);
    }
    const keys = this.keysOf(at);
    return ['O', prototype === null ? 1 : 0, ...this.properties(at, keys)];
  }

  private array(at: Reached, value: readonly unknown[]): Row {
    if (prototypes(value) !== 2) this.refuse(at, '', `an object of class ${className(value)}`);
    const keys = this.keysOf(at, ['length']);
    // Holes are what is not among the keys.
    const isDense =
      keys.length === value.length && keys.at(-1) === (value.length > 0 ? `${value.length - 1}` : undefined);
    const [names, slots] = this.properties(at, keys);
    return ['A', value.length, isDense ? null : names, slots];
  }

  private error(at: Reached, value: Error): Row {
    const name = className(value);
    const depth = name === 'Error' ? 2 : 3;
    if (!Object.hasOwn(NATIVE_ERRORS, name) || prototypes(value) !== depth) {
      this.refuse(at, '', `an object of class ${name}`);
    }
    // `stack` is a data property or a getter, by the version of V8.
    const keys = ['stack', ...this.keysOf(at, ['stack'], true)];
    const slots = keys.map((key) => this.slot(value[key as keyof Error], at, stepTo(key)));
    const enumerable = keys.map((key) => (Object.prototype.propertyIsEnumerable.call(value, key) ? 1 : 0));
    return ['E', name, keys.map((key) => this.slot(key, at, '')), slots, enumerable];
  }

  private binary(at: Reached, value: ArrayBufferView | ArrayBuffer): Row {
    const isView = ArrayBuffer.isView(value);
    const type = isView && Buffer.isBuffer(value) ? 'Buffer' : className(value);
    if (isView ? type !== 'Buffer' && !viewTypes.has(type) : type !== 'ArrayBuffer') {
      this.refuse(at, '', `an object of class ${type}`);
    }
    if (isDetached(isView ? value.buffer : value)) this.refuse(at, '', `a ${type} whose memory was transferred away`);
    this.count(value);
    const bytes = isView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    return ['V', type, bytes];
  }

  private count({ byteLength }: { readonly byteLength: number }): void {
    this.bytes += byteLength;
    if (!this.limits.stays) requireFits(this.bytes);
  }

  private properties(at: Reached, keys: readonly string[]): [names: Slot[], slots: Slot[]] {
    const value = at.value as Record<string, unknown>;
    return [keys.map((key) => this.slot(key, at, '')), keys.map((key) => this.slot(value[key], at, stepTo(key)))];
  }

  /** The keys of an object of which every property is plain data, but for those named. */
  private keysOf({ value, ...at }: Reached, except: readonly string[] = [], hidden = false): string[] {
    const reached = { value, ...at };
    return Reflect.ownKeys(value).filter((key): key is string => {
      if (typeof key === 'symbol') return this.refuse(reached, stepTo(key), 'a property with a symbol as its key');
      if (except.includes(key)) return false;
      const { get, set, enumerable } = Object.getOwnPropertyDescriptor(value, key)!;
      if (get !== undefined || set !== undefined) return this.refuse(reached, stepTo(key), 'a getter or setter');
      if (!enumerable && !hidden) return this.refuse(reached, stepTo(key), 'a property that is not enumerable');
      return true;
    });
  }

  /** Of a class of the language, not of one that extends it, and without properties of its own. */
  private requireBare(at: Reached, type: string, except: readonly string[] = []): void {
    if (prototypes(at.value) !== 2) this.refuse(at, '', `an object of class ${className(at.value)}`);
    const extra = Reflect.ownKeys(at.value).find((key) => !except.includes(String(key)));
    if (extra !== undefined) this.refuse(at, stepTo(extra), `a property of a ${type}`);
  }

  private refuse(from: Reached | undefined, step: string, what: string): never {
    let path = step;
    for (let at = from; at !== undefined; at = at.from) path = `${at.step}${path}`;
    const isMedia = /class (VideoFrame|AudioFrame|EncodedPacket|Packet|Bundle|StreamInfo)$/.test(what);
    if (path.length > 200) path = `${path.slice(0, 100)} … ${path.slice(-80)}`;
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${this.root}${path} is ${what}, which cannot cross threads`, {
      hint: isMedia
        ? 'Frames and encoded packets go in payloads of packets, alone or in a value; elsewhere stand their data: toBuffer(), copyPlanes()'
        : 'Plain data does: objects, arrays, strings, numbers, Map, Set, Date, RegExp, errors, bytes',
    });
  }
}

/**
 * @param beside what travelled beside the value, by its numbers.
 * @throws TypeError for a table that `tableOf` has not made.
 */
export function fromTable(table: ValueTable, beside: readonly object[] = []): unknown {
  const rows = table.get('rows')!;
  if (rows[0]![0] === 'P') return fromSlot(rows[0]![1], []);
  const objects = rows.map((row) => (row[0] === 'F' ? beside[row[1] as number]! : shell(row)));
  rows.forEach((row, i) => {
    fill(objects[i]!, row, objects);
  });
  return objects[0];
}

function fromSlot(slot: Slot, objects: readonly object[]): unknown {
  if (!Array.isArray(slot)) return slot;
  const [mark, text] = slot as [number | string, unknown];
  switch (mark) {
    case '-0':
      return -0;
    case 'u':
      return undefined;
    case 'n':
      return BigInt(text as string);
    case 's':
      return fromUnits(text as Uint8Array);
    default:
      return objects[mark as number];
  }
}

/** The object of a row, which its contents may refer to. */
function shell(row: Row): object {
  const [kind, first, second, third] = row;
  switch (kind) {
    case 'O':
      return first === 1 ? (Object.create(null) as object) : {};
    case 'A':
      return [];
    case 'M':
      return new Map();
    case 'T':
      return new Set();
    case 'D':
      return new Date(first as number);
    case 'R':
      return Object.assign(new RegExp(fromSlot(first, []) as string, second as string), { lastIndex: third });
    case 'E': {
      const error = first === 'AggregateError' ? new AggregateError([]) : makeError(first as string);
      for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key);
      return error;
    }
    case 'V':
      return binaryOf(first as string, second as Uint8Array);
    case 'N':
      return Tensor.fromBytes(first as TensorType, second as number[], third as Uint8Array);
    default:
      throw new TypeError(`${String(kind)} is no row of a value`);
  }
}

function makeError(name: string): Error {
  return new NATIVE_ERRORS[name as Exclude<keyof typeof NATIVE_ERRORS, 'AggregateError'>]();
}

function fill(object: object, row: Row, objects: readonly object[]): void {
  const of = (slot: Slot): unknown => fromSlot(slot, objects);
  const define = (keys: readonly Slot[], slots: readonly Slot[], isEnumerable: (i: number) => boolean): void => {
    slots.forEach((slot, i) => {
      // Not an assignment: `__proto__` is a key like others.
      const enumerable = isEnumerable(i);
      const property = { value: of(slot), writable: true, configurable: true, enumerable };
      Object.defineProperty(object, of(keys[i]) as string, property);
    });
  };
  switch (row[0]) {
    case 'O':
      define(row[2] as Slot[], row[3] as Slot[], () => true);
      break;
    case 'A': {
      const list = object as unknown[];
      list.length = row[1] as number;
      const slots = row[3] as Slot[];
      if (row[2] !== null) define(row[2] as Slot[], slots, () => true);
      else for (let i = 0; i < slots.length; i++) list[i] = of(slots[i]);
      break;
    }
    case 'M': {
      const entries = row[1] as Slot[];
      for (let i = 0; i < entries.length; i += 2)
        (object as Map<unknown, unknown>).set(of(entries[i]), of(entries[i + 1]));
      break;
    }
    case 'T':
      for (const slot of row[1] as Slot[]) (object as Set<unknown>).add(of(slot));
      break;
    case 'E':
      define(row[2] as Slot[], row[3] as Slot[], (i) => (row[4] as number[])[i] === 1);
      break;
  }
}

function binaryOf(type: string, bytes: Uint8Array): object {
  const buffer = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(buffer).set(bytes);
  if (type === 'ArrayBuffer') return buffer;
  return type === 'Buffer'
    ? Buffer.from(buffer)
    : new (viewTypes.get(type) as new (buffer: ArrayBuffer) => ArrayBufferView)(buffer);
}

/** Node 20 has no `detached`: such a buffer is told by what can be made of it. */
function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    return new Uint8Array(buffer).byteLength > 0;
  } catch {
    return true;
  }
}

/** Length of the prototype chain, the null at its end not counted. */
function prototypes(value: object): number {
  let count = 0;
  for (let at: unknown = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at)) count++;
  return count;
}

/** No half of a surrogate pair stands alone, so that the string survives UTF-8. */
export function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

function units(text: string): Uint8Array {
  return Buffer.from(text, 'utf16le');
}

function fromUnits(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le');
}
