/**
 * Arguments of an FFmpeg filter as the one string its `para` option holds: positional values, then `key=value`, joined
 * by ':' (BMF's get_filter_para). Values are escaped for FFmpeg's option parser (av_get_token, one level), so that any
 * text comes through as it is, unless it begins with `name=` of an option of that filter: that is FFmpeg's own syntax, as
 * BMF's programs have it; or is all that the filter is given and several numbers in one ('320:240'). Whoever wants FFmpeg's own syntax gives `para` to `module('c_ffmpeg_filter', …)`.
 */
import { MillraceError } from '../../../errors/errors.js';
import { describeValue } from '../../../errors/naming.js';
import { isOwnOption, isSeveralValues } from './own-option.js';

export type FilterScalar = string | number | bigint | boolean;
/** A value of a filter argument. An array is FFmpeg's list form: its items are joined by '|'. */
export type FilterValue = FilterScalar | readonly FilterScalar[];
/** Named arguments; `undefined` leaves one out. */
export type FilterArguments = { readonly [name: string]: FilterValue | undefined };

function scalar(value: unknown, where: string): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))) return String(value);
  if (typeof value === 'string') return value;
  throw new MillraceError(
    'ERR_MILLRACE_CONFIG',
    `${where} cannot be ${typeof value === 'number' ? value : describeValue(value)}`,
    {
      hint: 'Arguments of filters are strings, finite numbers, booleans and arrays of them',
    },
  );
}

// The parser ends a value at ':', takes '\' and "'" for quoting, drops blanks at both ends, and reads `word=` at the
// beginning of a positional value as a name.
function escapeValue(text: string, positional: boolean): string {
  const escaped = text.replace(/[\\':]/g, '\\$&').replace(/^\s|(?<=[\s\S])\s$/g, '\\$&');
  return positional ? escaped.replace(/^([\w./-]*\s*)=/, '$1\\=') : escaped;
}

function format(value: unknown, where: string, positional: boolean): string {
  if (!Array.isArray(value)) return escapeValue(scalar(value, where), positional);
  return escapeValue(value.map((item) => scalar(item, where)).join('|'), positional);
}

/**
 * The `para` of a filter.
 * @param filter Name of the filter, for errors.
 * @throws MillraceError ERR_MILLRACE_CONFIG for a value that has no text form, or a name that is none.
 */
export function filterPara(
  filter: string,
  positional: readonly unknown[],
  named: Readonly<Record<string, unknown>>,
): string {
  const parts = positional.map((value, index) => {
    // FFmpeg's own syntax, where it can be nothing else.
    if (typeof value === 'string' && isOwnOption(filter, value)) return value;
    if (typeof value === 'string' && positional.length === 1 && isSeveralValues(filter, value)) return value;
    return format(value, `argument ${index + 1} of filter '${filter}'`, true);
  });
  for (const [name, value] of Object.entries(named)) {
    if (value === undefined) continue;
    if (!/^[\w./-]+$/.test(name)) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `'${name}' cannot be an argument of filter '${filter}'`, {
        hint: "Names of arguments are made of letters, digits and _ such as 'flags'",
      });
    }
    parts.push(`${name}=${format(value, `argument '${name}' of filter '${filter}'`, false)}`);
  }
  return parts.join(':');
}
