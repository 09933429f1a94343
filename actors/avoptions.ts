/**
 * AVOptions by name on a codec, format or filter context, before it is opened. Always through setOption: a Dictionary
 * given to `open2Sync` is freed by node-av while the JavaScript object still owns it, which crashes later.
 */
import {
  AV_OPT_FLAG_DECODING_PARAM,
  AV_OPT_FLAG_ENCODING_PARAM,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_CONST,
  AV_OPT_TYPE_STRING,
  AVERROR_OPTION_NOT_FOUND,
} from 'node-av/constants';
import type { Codec, CodecContext, FilterContext, FilterGraph, FormatContext } from 'node-av/lib';
import { Option, type OptionInfo } from 'node-av/lib';
import { MillraceError } from '../src/errors.js';
import { errorText } from '../src/media/index.js';
import { type AVOptionValue, type AVOptionValues, didYouMean, show } from './options.js';

export type OptionContext = CodecContext | FormatContext | FilterContext | FilterGraph;

export interface OptionTarget {
  /** Direction: an option that FFmpeg knows only for the other one is refused, because it would do nothing. */
  use?: 'encoding' | 'decoding';
  /** The codec of the context: its own options take part in the suggestion for an unknown name. */
  codec?: Codec;
  /** More names for the suggestion. */
  names?: Iterable<string>;
}

/** A value as FFmpeg's parser takes it; 1/0 for booleans suits its bool and its int options alike. */
export function optionText(value: AVOptionValue): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
}

/** The option of this name of the context or of what it contains (private codec, demuxer and protocol options). */
export function findOption(context: OptionContext, name: string): OptionInfo | undefined {
  const native = context.getNative() as unknown as Parameters<typeof Option.find>[0];
  return Option.find(native, name, AV_OPT_SEARCH_CHILDREN) ?? undefined;
}

/** Names of the options of the context itself, and of `codec`, that are meant for `use`. */
export function optionNames(context: OptionContext, { use, codec, names = [] }: OptionTarget = {}): string[] {
  const wanted = flagOf(use);
  const known = [...context.listOptions(), ...(codec?.getOptions() ?? [])];
  return [
    ...known.filter((option) => option.type !== AV_OPT_TYPE_CONST && hasFlag(option.flags, wanted)).map(nameOf),
    ...names,
  ];
}

/**
 * Sets options on a context that is not open yet.
 * @param what Where the options stand and what they are for: `video_params (encoder libx264)`.
 * @throws MillraceError ERR_MILLRACE_OPTION naming the option, `what`, and the nearest known option or FFmpeg's text.
 */
export function setAVOptions(
  context: OptionContext,
  values: AVOptionValues,
  what: string,
  target: OptionTarget = {},
): void {
  for (const [name, value] of Object.entries(values)) {
    const option = findOption(context, name);
    if (option === undefined || !hasFlag(option.flags, flagOf(target.use))) {
      throw unknownOption(name, what, optionNames(context, target), option !== undefined);
    }
    const ret = context.setOption(name, optionText(value), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
    if (ret === AVERROR_OPTION_NOT_FOUND) throw unknownOption(name, what, optionNames(context, target), false);
    if (ret < 0) throw refusedValue(name, value, what, ret, option);
  }
}

/** @param elsewhere FFmpeg knows the option, but not for this use. */
export function unknownOption(name: string, what: string, known: Iterable<string>, elsewhere: boolean): MillraceError {
  const message = elsewhere ? `FFmpeg's option '${name}' has no effect here` : `FFmpeg has no option '${name}' here`;
  return new MillraceError('ERR_MILLRACE_OPTION', `${what}: ${message}`, {
    hint: elsewhere ? 'It is for the other direction of coding' : didYouMean(name, known),
  });
}

export function refusedValue(
  name: string,
  value: AVOptionValue,
  what: string,
  averror: number,
  option: OptionInfo | undefined,
): MillraceError {
  const help = option?.help ? ` ("${option.help}")` : '';
  return new MillraceError(
    'ERR_MILLRACE_OPTION',
    `${what}: FFmpeg refuses ${show(value)} for its option '${name}'${help}: ${errorText(averror)}`,
  );
}

function flagOf(use: OptionTarget['use']): number {
  if (use === undefined) return 0;
  return use === 'encoding' ? AV_OPT_FLAG_ENCODING_PARAM : AV_OPT_FLAG_DECODING_PARAM;
}

function hasFlag(flags: number, wanted: number): boolean {
  return (flags & wanted) === wanted;
}

function nameOf(option: { readonly name: string | null }): string {
  return option.name ?? '';
}
