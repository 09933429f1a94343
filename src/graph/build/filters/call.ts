/** How filter methods are called: positional values, then optionally one plain object of named arguments. */
import { MillraceError } from '../../../errors/errors.js';
import type { OnError } from '../../../module/contract.js';
import type { NodeParameters } from '../node.js';
import type { NodeHandle, Stream } from '../stream.js';
import { type FilterArguments, type FilterValue, filterPara } from './args.js';

/**
 * Named arguments of a filter (any option FFmpeg gives it), and of its node `alias`, its name, and `on_error`, what ends
 * when it fails.
 */
export type Named<Known = unknown> = Known &
  FilterArguments & { readonly alias?: string | undefined; readonly on_error?: OnError | undefined };

/** `f(named)`, `f(...positional)` or `f(...positional, named)`. */
export type Call<Positional extends readonly unknown[], Known = unknown> =
  | readonly [named: Named<Known>]
  | readonly [...Positional]
  | readonly [...Positional, named: Named<Known>];

/** What may stand in a call of `filter`: further input streams, values, and at the end the named arguments. */
export type FilterInput = Stream | FilterValue | Named;

/** A number of pixels, or an expression such as 'iw/2'. */
export type Size = number | string;
/** Seconds, or FFmpeg's form of a time such as '00:01:30.5' or '1500ms'. */
export type Time = number | string;
/** Frames per second: 25, 29.97, '30000/1001', 'ntsc'. */
export type Rate = number | string;

/** Base of the filter methods. Every method makes one `c_ffmpeg_filter` node and returns its handle. */
export abstract class FilterMethods {
  /**
   * Any FFmpeg filter. `this` is input 0; streams among the arguments are inputs 1, 2, …; other arguments are the
   * filter's positional values, and a plain object at the end holds named ones (`alias` names the node).
   *
   * Values are escaped, so text comes through as it is: write expressions as FFmpeg sees them in the end, e.g.
   * `select('eq(pict_type,I)')` without backslashes. A text that begins with the name of one of the filter's options and
   * `=` is that option in FFmpeg's own syntax: `trim('start=0:end=5')`. For more of it give the raw string:
   * `stream.module('c_ffmpeg_filter', { name: 'scale', para: 'w=320:h=-2' })`.
   * @throws MillraceError ERR_MILLRACE_CONFIG for a value without a text form.
   */
  abstract filter(name: string, ...args: readonly FilterInput[]): NodeHandle;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export interface FilterCall<S> {
  readonly streams: readonly S[];
  readonly options: { readonly name: string; readonly para?: string };
  /** Of the node. */
  readonly parameters: Pick<NodeParameters, 'alias' | 'on_error'>;
}

/** Sorts the arguments of a filter call into streams, values and names. */
export function readFilterCall<S>(
  name: string,
  args: readonly unknown[],
  isStream: (value: unknown) => value is S,
): FilterCall<S> {
  if (!/^\w+$/.test(name)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `'${name}' cannot be the name of a filter`, {
      hint: "One filter by its FFmpeg name, such as 'scale'; whole graphs are the `graph` option of c_ffmpeg_filter",
    });
  }
  const last = args.at(-1);
  const hasNamed = isPlainObject(last);
  const { alias, on_error, ...named } = hasNamed ? last : {};
  if (alias !== undefined && typeof alias !== 'string') {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `the alias of filter '${name}' must be a string`);
  }
  const streams: S[] = [];
  const positional: unknown[] = [];
  for (const arg of hasNamed ? args.slice(0, -1) : args) {
    if (isStream(arg)) streams.push(arg);
    else positional.push(arg);
  }
  const para = filterPara(name, positional, named);
  // The node's parameters are checked with the node.
  const parameters = { alias, on_error: on_error as OnError | undefined };
  return { streams, options: para === '' ? { name } : { name, para }, parameters };
}
