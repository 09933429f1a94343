/**
 * Option schemas of the built-in modules: valibot with the coercions that BMF graph files need (numbers and booleans
 * as strings, 0/1 for booleans) and unknown keys refused by name. Every message says what would be right; the path of
 * the key travels in the issue, so that a graph file's error can name it.
 */
import { distance } from 'fastest-levenshtein';
import * as v from 'valibot';
import { MillraceError } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';

export type Schema<T> = v.GenericSchema<unknown, T>;

export interface Rational {
  readonly num: number;
  readonly den: number;
}

/** Values that FFmpeg's option parser takes as text. */
export type AVOptionValue = string | number | boolean;
export type AVOptionValues = Readonly<Record<string, AVOptionValue>>;

/** The known name nearest to `name`, if one is near enough to be a likely misspelling (a third of its letters, at most 4). */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(4, Math.max(2, Math.floor(name.length / 3))) + 1;
  for (const candidate of known) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance && d < name.length) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** "Did you mean 'crf'?", or `otherwise` when nothing known is near. */
export function didYouMean(name: string, known: Iterable<string>, otherwise = ''): string {
  const candidate = nearest(name, known);
  return candidate === undefined ? otherwise : `Did you mean '${candidate}'?`;
}

/** To FFmpeg a text ends at its first NUL: what was checked would be another text than the one it reads. */
function holdsNul(value: unknown): boolean {
  return typeof value === 'string' && value.includes('\0');
}

const NUL = 'holds a NUL character, at which FFmpeg would take the text to end';

/** A schema from a parser that answers `undefined` for what it does not accept. Text with a NUL in it never is. */
export function parsed<T>(expected: string, parse: (value: unknown) => T | undefined): Schema<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      if (holdsNul(dataset.value)) {
        addIssue({ message: NUL });
        return NEVER;
      }
      const result = parse(dataset.value);
      if (result !== undefined) return result;
      addIssue({ message: `must be ${expected}, not ${describeValue(dataset.value)}` });
      return NEVER;
    }),
  );
}

interface Range {
  min?: number;
  max?: number;
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function inRange(value: number | undefined, { min = -Infinity, max = Infinity }: Range): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function rangeText({ min, max }: Range): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

/** A finite number, or a string that holds one. */
export function number(range: Range = {}): Schema<number> {
  return parsed(`a number${rangeText(range)}`, (value) => inRange(toNumber(value), range));
}

/** A whole number, or a string that holds one. */
export function integer(range: Range = {}): Schema<number> {
  return parsed(`a whole number${rangeText(range)}`, (value) => {
    const result = inRange(toNumber(value), range);
    return Number.isSafeInteger(result) ? result : undefined;
  });
}

/** Whether an option that was not checked yet says no, as `boolean` takes it. */
export function isOff(value: unknown): boolean {
  return value === false || value === 0 || value === '0' || value === 'false';
}

/** Whether one says yes: a number or a text that is there does as well. */
export function isOn(value: unknown): boolean {
  return value !== undefined && !['0', 'false', ''].includes(String(value));
}

/** true/false, 0/1, or either of them as a string. */
export function boolean(): Schema<boolean> {
  return parsed('true or false (or 1 or 0)', (value) => {
    if (value === true || value === 1 || value === '1' || value === 'true') return true;
    if (isOff(value)) return false;
    return undefined;
  });
}

/** A string that is not empty. */
export function text(what = 'a string that is not empty'): Schema<string> {
  return parsed(what, (value) => (typeof value === 'string' && value !== '' ? value : undefined));
}

/** A function; what it takes and returns cannot be looked at. */
export function callable<F extends (...args: never[]) => unknown>(): Schema<F> {
  return parsed('a function', (value) => (typeof value === 'function' ? (value as F) : undefined));
}

/** One of the given strings or numbers; a number may come as a string. */
export function choice<const T extends string | number>(...values: readonly T[]): Schema<T> {
  return parsed(`one of ${values.map((value) => describeValue(value)).join(', ')}`, (value) =>
    values.find((known) => known === value || (typeof known === 'number' && toNumber(value) === known)),
  );
}

/**
 * A positive rational: "num,den" (BMF), "num/den", a number, or a number as a string. A decimal number that stands
 * for a n/1001 rate (29.97, 23.976) becomes that rate, as av_parse_video_rate does for its names.
 */
export function rational(what = 'a positive rational such as "30000/1001", "1,25" or 29.97'): Schema<Rational> {
  return parsed(what, toRational);
}

/** What `rational` makes of a value; undefined where it refuses it. */
export function toRational(value: unknown): Rational | undefined {
  const match = typeof value === 'string' ? /^\s*(\d+)\s*[,/:]\s*(\d+)\s*$/.exec(value) : null;
  if (match) {
    const num = Number(match[1]);
    const den = Number(match[2]);
    return num > 0 && den > 0 && num <= 0x7fffffff && den <= 0x7fffffff ? { num, den } : undefined;
  }
  const decimal = toNumber(value);
  return decimal !== undefined && decimal > 0 && decimal <= 1e6 ? fromDecimal(decimal) : undefined;
}

/** The fraction a decimal number stands for: whole, n/1001, or thousandths of a decimal in lowest terms. */
export function fromDecimal(value: number): Rational {
  if (Number.isInteger(value)) return { num: value, den: 1 };
  const ntsc = Math.round(value) * 1000;
  if (value > 10 && Math.abs(ntsc / 1001 - value) < 0.0005) return { num: ntsc, den: 1001 };
  const scale = value > 1000 ? 1e3 : 1e6;
  const num = Math.max(1, Math.round(value * scale));
  const divisor = greatestCommonDivisor(num, scale);
  return { num: num / divisor, den: scale / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Options that go on to FFmpeg: an object whose values are strings, numbers or booleans. */
export function avOptions(): Schema<AVOptionValues> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, AVOptionValues>(({ dataset, addIssue, NEVER }) => {
      const input = dataset.value;
      if (!isPlainObject(input)) {
        addIssue({ message: `must be an object of FFmpeg options, not ${describeValue(input)}` });
        return NEVER;
      }
      let wrong = false;
      for (const [key, value] of Object.entries(input)) {
        const nul = holdsNul(key) || holdsNul(value);
        if (!nul && (typeof value === 'string' || typeof value === 'boolean' || toNumber(value) !== undefined))
          continue;
        wrong = true;
        addIssue({
          message: nul ? NUL : `must be a string, a number or a boolean, not ${describeValue(value)}`,
          path: [{ type: 'object', origin: 'value', input, key, value }],
        });
      }
      return wrong ? NEVER : (input as AVOptionValues);
    }),
  );
}

/** Plain text pairs, such as container metadata; numbers and booleans become text. */
export function textRecord(): Schema<Readonly<Record<string, string>>> {
  return v.pipe(
    avOptions(),
    v.transform((values) => Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))),
  );
}

/** A known option that this version does not have: refused by name instead of being ignored. */
export function unsupported(hint = ''): v.OptionalSchema<Schema<never>, undefined> {
  return v.optional(
    v.pipe(
      v.unknown(),
      v.rawTransform<unknown, never>(({ addIssue, NEVER }) => {
        addIssue({ message: `is not supported in this version${hint ? `; ${hint}` : ''}` });
        return NEVER;
      }),
    ),
  );
}

/** Ids of the inputs and outputs of a node that are connected. */
export interface Ports {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** An option that does not go with what is connected to the node. */
export interface PortProblem {
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** @throws MillraceError ERR_MILLRACE_CONFIG for the first problem. */
export function refusePortProblems(problems: readonly PortProblem[]): void {
  const [first] = problems;
  if (first) throw new MillraceError('ERR_MILLRACE_CONFIG', `${first.key}: ${first.message}`, { hint: first.hint });
}

type Entries = v.ObjectEntries;
type Output<E extends Entries> = v.InferOutput<v.ObjectSchema<E, undefined>>;

/**
 * An object with exactly these keys; each unknown one is refused together with the nearest known name.
 * @param elsewhere A sentence about a key that is known by another name, or in another place.
 */
export function strictOptions<const E extends Entries>(
  entries: E,
  elsewhere?: (key: string) => string | undefined,
): Schema<Output<E>> {
  const known = Object.keys(entries);
  return v.pipe(
    optionObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const input: unknown = dataset.value;
      if (!isPlainObject(input)) return;
      for (const key of Object.keys(input)) {
        if (Object.hasOwn(entries, key)) continue;
        addIssue({
          message: `is not an option here. ${elsewhere?.(key) ?? didYouMean(key, known, `Known: ${known.join(', ')}`)}`,
          path: [{ type: 'object', origin: 'key', input, key, value: input[key] }],
        });
      }
    }),
    v.transform((value) => value as Output<E>),
  );
}

/** An object with these keys, whose other keys are FFmpeg options and end up under `av`: BMF's `video_params`. */
export function optionsWithAV<const E extends Entries>(entries: E): Schema<Output<E> & { av: AVOptionValues }> {
  return v.pipe(
    optionObject(entries),
    v.rawTransform<Record<string, unknown>, Output<E> & { av: AVOptionValues }>(({ dataset, addIssue, NEVER }) => {
      const own: Record<string, unknown> = {};
      const av: Record<string, unknown> = {};
      for (const [key, value] of Object.entries(dataset.value)) (Object.hasOwn(entries, key) ? own : av)[key] = value;
      const result = v.safeParse(avOptions(), av);
      if (result.success) return { ...own, av: result.output } as Output<E> & { av: AVOptionValues };
      for (const issue of result.issues) addIssue({ message: issue.message, ...(issue.path && { path: issue.path }) });
      return NEVER;
    }),
  );
}

function optionObject(entries: Entries): Schema<Record<string, unknown>> {
  return v.looseObject(entries, ({ input, path }) =>
    path?.length ? 'is required' : `must be an object of options, not ${describeValue(input)}`,
  );
}
