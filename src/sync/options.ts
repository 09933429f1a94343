/** Options of a synchroniser: as text, as NNStreamer spells them, and as an object; everything checked at once. */
import { ConfigError, type Problem } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';
import type { DropPolicy, PerPad, SyncEvent, SyncMode } from './types.js';

export const SYNC_MODES: readonly SyncMode[] = ['nosync', 'slowest', 'basepad', 'refresh'];
const DROP_POLICIES: readonly DropPolicy[] = ['oldest', 'newest', 'fail'];

/** Duration of a `sync_option` that names a base pad and nothing else: G_MAXINT, as NNStreamer has it. */
const DEFAULT_DURATION_OF_TEXT = 2_147_483_647n;

/** What `basepad` goes by. */
export interface BasePadOption {
  /** Index of the base pad. */
  basePad: number;
  /** Nanoseconds: how far from the base a buffer may be and still replace the one before it. */
  duration: bigint;
}

export interface SynchronizerOptions<T> {
  /** In any case. */
  mode: SyncMode;
  /** Number of pads, from 1; there is no upper limit. */
  pads: number;
  /**
   * Of `basepad` only: text as `parseSyncOption` takes it, or an object, in which what is left out is 0. Default: base
   * pad 0, duration 0.
   */
  option?: string | { basePad?: number; duration?: bigint | number | string };
  /**
   * Of `refresh` only: whether the output ends with the first pad that ends (`any`, as NNStreamer has it; the default)
   * or goes on until the last has ended (`all`). A pad that ends without ever delivering ends the output in both.
   */
  end?: 'any' | 'all';
  /**
   * Nanoseconds, above zero. A pad from which nothing came for that long, by the times given to `tick`, no longer holds
   * the others: its last buffer is used again; if it never delivered, its entry is null. Default: none, wait for ever.
   */
  timeout?: PerPad<bigint | number>;
  /**
   * With `timeout`: asked before a pad counts as silent. True says that a buffer of it is there, only not pushed yet (it
   * waits in a queue before the synchroniser), so that it is waited for. Default: nothing waits elsewhere.
   */
  pending?: (pad: number) => boolean;
  /** How many buffers may wait on a pad, from 1. Default: any number. Also `max_queue`, as in graph files. */
  maxQueue?: PerPad<number>;
  max_queue?: PerPad<number>;
  /** What a full queue gives up. Default `fail`. Also `drop_policy`. */
  dropPolicy?: DropPolicy;
  drop_policy?: DropPolicy;
  /**
   * Makes the reference that an output gets of a value; the output's owner releases it. With `release` this is for
   * values that are counted. Default: the value itself.
   */
  clone?: (value: T) => T;
  /** Called once for each value that was pushed and not handed over, when the synchroniser lets go of it. */
  release?: (value: T) => void;
  /** Called for every drop and every reuse. */
  trace?: (event: SyncEvent) => void;
}

/** The same, checked, with defaults, per pad. */
export interface Settings<T> {
  mode: SyncMode;
  pads: number;
  basePad: number;
  duration: bigint;
  endsWithAny: boolean;
  /** Nanoseconds per pad; undefined where a pad has none, or if no pad has one. */
  timeouts: readonly (bigint | undefined)[] | undefined;
  pending: ((pad: number) => boolean) | undefined;
  /** Per pad; undefined where a pad has none. Empty if no pad has one. */
  maxQueue: readonly (number | undefined)[];
  dropPolicy: DropPolicy;
  clone: ((value: T) => T) | undefined;
  release: ((value: T) => void) | undefined;
  trace: ((event: SyncEvent) => void) | undefined;
}

/**
 * The policy of a `sync_mode` text, in any case; undefined if there is none of that name.
 * Source: NNStreamer, gst_tensor_time_sync_get_mode.
 */
export function parseSyncMode(text: string): SyncMode | undefined {
  if (typeof text !== 'string') return undefined;
  return SYNC_MODES.find((mode) => mode === text.toLowerCase());
}

/**
 * Reads a `sync_option` of `basepad`: `N:D`, N the index of the base pad and D the duration in nanoseconds, both
 * decimal; `N` alone means a duration of 2147483647. Spaces around the numbers are allowed. Undefined if it is anything
 * else. Source: NNStreamer, gst_tensor_time_sync_set_option_data, which reads what it can of a malformed text and cuts
 * durations to 32 bits; here they are not cut.
 */
export function parseSyncOption(text: string): BasePadOption | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^\s*(\d+)\s*(?::\s*(\d+)\s*)?$/.exec(text);
  if (!match) return undefined;
  const duration = match[2] === undefined ? DEFAULT_DURATION_OF_TEXT : BigInt(match[2]);
  return { basePad: Number(match[1]), duration };
}

const OPTION_FORM =
  'Write N:D, N the index of the base pad and D the duration in nanoseconds, such as 0:33333333, or N alone';

const KEYS: Readonly<Record<keyof SynchronizerOptions<unknown>, true>> = {
  mode: true,
  pads: true,
  option: true,
  end: true,
  timeout: true,
  pending: true,
  maxQueue: true,
  max_queue: true,
  dropPolicy: true,
  drop_policy: true,
  clone: true,
  release: true,
  trace: true,
};

/** @throws ConfigError that lists everything that is wrong. */
export function resolveOptions<T>(options: SynchronizerOptions<T>): Settings<T> {
  if (typeof options !== 'object' || options === null) {
    throw new ConfigError('wrong options of a synchronizer', [
      { path: 'options', message: `must be an object, not ${describeValue(options)}` },
    ]);
  }
  const problems: Problem[] = [];
  const refuse = (path: string, message: string, hint: string): void => {
    problems.push({ path, message, hint });
  };
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(KEYS, key)) refuse(key, 'no such option', `The options are ${Object.keys(KEYS).join(', ')}`);
  }
  const mode = typeof options.mode === 'string' ? parseSyncMode(options.mode) : undefined;
  if (mode === undefined)
    refuse('mode', `${describeValue(options.mode)} is no policy`, `One of ${SYNC_MODES.join(', ')}`);
  const { pads } = options;
  if (!isCount(pads)) refuse('pads', `${describeValue(pads)} is no number of pads`, 'An integer from 1');

  const base = readOption(options.option, refuse);
  if (options.option !== undefined && mode !== undefined && mode !== 'basepad' && !isEmpty(options.option)) {
    refuse('option', `the policy ${mode} has no option`, 'It belongs to basepad; leave it out');
  } else if (mode === 'basepad' && isCount(pads) && base.basePad >= pads) {
    const hint = `With ${pads} ${pads === 1 ? 'pad the base pad is 0' : `pads it is 0 to ${pads - 1}`}`;
    refuse('option', `there is no pad ${base.basePad} that could be the base pad`, hint);
  }
  const { end } = options;
  if (end !== undefined && end !== 'any' && end !== 'all') {
    refuse('end', `${describeValue(end)} is no rule for the end`, "'any' or 'all'");
  } else if (end !== undefined && mode !== undefined && mode !== 'refresh') {
    refuse('end', `the policy ${mode} has no choice of its end`, 'It belongs to refresh; leave it out');
  }

  for (const [camel, snake] of [['maxQueue', 'max_queue'] as const, ['dropPolicy', 'drop_policy'] as const]) {
    if (options[camel] === undefined || options[snake] === undefined) continue;
    refuse(snake, `the same option as ${camel}, which is given too`, 'Give one of them');
  }
  const limit = options.maxQueue ?? options.max_queue;
  const maxQueue = perPad('maxQueue', limit, pads, refuse, 'A number of buffers, from 1', (value) =>
    isCount(value) ? value : undefined,
  );
  const drop = options.dropPolicy ?? options.drop_policy;
  if (drop !== undefined && !DROP_POLICIES.includes(drop)) {
    refuse('dropPolicy', `${describeValue(drop)} is no drop policy`, `One of ${DROP_POLICIES.join(', ')}`);
  } else if (drop !== undefined && limit === undefined) {
    refuse('dropPolicy', 'nothing is ever dropped for want of room without maxQueue', 'Give maxQueue as well');
  }
  const aboveZero = 'Nanoseconds above zero, as a bigint or an integer';
  const timeouts = perPad(
    'timeout',
    options.timeout,
    pads,
    refuse,
    aboveZero,
    (value) => nanoseconds(value) || undefined,
  );
  if (options.pending !== undefined && options.timeout === undefined) {
    refuse('pending', 'no pad is ever silent without timeout', 'Give timeout as well');
  }
  for (const name of ['pending', 'clone', 'release', 'trace'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      refuse(name, `${describeValue(options[name])} is no function`, 'Give a function');
    }
  }
  if (problems.length > 0 || mode === undefined) throw new ConfigError('The synchroniser cannot be made', problems);
  return {
    mode,
    pads,
    ...base,
    endsWithAny: end !== 'all',
    timeouts: timeouts.some((timeout) => timeout !== undefined) ? timeouts : undefined,
    pending: options.pending,
    maxQueue,
    dropPolicy: drop ?? 'fail',
    clone: options.clone,
    release: options.release,
    trace: options.trace,
  };
}

type Refuse = (path: string, message: string, hint: string) => void;

function readOption(option: SynchronizerOptions<unknown>['option'], refuse: Refuse): BasePadOption {
  const read: BasePadOption = { basePad: 0, duration: 0n };
  if (option === undefined) return read;
  if (typeof option === 'string') {
    const parsed = parseSyncOption(option);
    if (parsed) return parsed;
    refuse('option', `${describeValue(option)} names no base pad and duration`, OPTION_FORM);
    return read;
  }
  if (typeof option !== 'object' || option === null) {
    refuse(
      'option',
      `${describeValue(option)} names no base pad and duration`,
      `${OPTION_FORM}; or { basePad, duration }`,
    );
    return read;
  }
  for (const key of Object.keys(option)) {
    if (key !== 'basePad' && key !== 'duration') {
      refuse(`option.${key}`, 'no such option', 'The options are basePad, duration');
    }
  }
  const { basePad = 0, duration = 0n } = option;
  if (Number.isSafeInteger(basePad) && basePad >= 0) read.basePad = basePad;
  else refuse('option.basePad', `${describeValue(basePad)} is no pad`, 'The index of a pad, from 0');
  const ns = nanoseconds(duration);
  if (ns === undefined) refuse('option.duration', `${describeValue(duration)} is no duration`, 'Nanoseconds from 0');
  else read.duration = ns;
  return read;
}

function isEmpty(option: NonNullable<SynchronizerOptions<unknown>['option']>): boolean {
  return typeof option === 'object' && Object.values(option).every((value) => value === undefined);
}

/** Spreads an option over the pads. `read` returns what to use, undefined if the value is wrong. */
function perPad<V, R>(
  path: string,
  given: PerPad<V> | undefined,
  pads: number,
  refuse: Refuse,
  hint: string,
  read: (value: V) => R | undefined,
): (R | undefined)[] {
  const accept = (value: V, place: string): R | undefined => {
    const result = read(value);
    if (result === undefined) refuse(place, `${describeValue(value)} cannot be used`, hint);
    return result;
  };
  if (given === undefined) return [];
  if (!isList(given)) return new Array<R | undefined>(isCount(pads) ? pads : 1).fill(accept(given, path));
  if (given.length !== pads) {
    refuse(
      path,
      `${given.length} values for ${describeValue(pads)} pads`,
      'Give one value, or one per pad, null for none',
    );
  }
  return given.map((value, pad) => (value === null ? undefined : accept(value, `${path}[${pad}]`)));
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function isList<V>(given: PerPad<V>): given is readonly (V | null)[] {
  return Array.isArray(given);
}

/** Undefined for what is no whole, non-negative number of nanoseconds. */
function nanoseconds(value: bigint | number | string): bigint | undefined {
  if (typeof value === 'bigint') return value >= 0n ? value : undefined;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return typeof value === 'string' && /^\s*\d+\s*$/.test(value) ? BigInt(value.trim()) : undefined;
}
