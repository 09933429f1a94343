/**
 * AVOptions by name on a codec, format or filter context, before it is opened. Always through setOption: a Dictionary
 * given to `open2Sync` is freed by node-av while the JavaScript object still owns it, which crashes later.
 */
import {
  AV_OPT_FLAG_AUDIO_PARAM,
  AV_OPT_FLAG_DECODING_PARAM,
  AV_OPT_FLAG_ENCODING_PARAM,
  AV_OPT_FLAG_SUBTITLE_PARAM,
  AV_OPT_FLAG_VIDEO_PARAM,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_CONST,
  AV_OPT_TYPE_STRING,
  AVERROR_OPTION_NOT_FOUND,
} from 'node-av/constants';
import type { Codec, CodecContext, FilterContext, FilterGraph, FormatContext } from 'node-av/lib';
import { Option, type OptionInfo } from 'node-av/lib';
import { MillraceError } from '../../src/errors/errors.js';
import { describeValue } from '../../src/errors/naming.js';
import { errorText } from '../../src/media/index.js';
import { type AVOptionValue, type AVOptionValues, didYouMean } from '../../src/schema/schema.js';

export type OptionContext = CodecContext | FormatContext | FilterContext | FilterGraph;

export interface OptionTarget {
  /** Direction: an option that FFmpeg knows only for the other one is refused, because it would do nothing. */
  use?: 'encoding' | 'decoding';
  /** The codec of the context: its own options take part in the suggestion for an unknown name. */
  codec?: Codec;
  /** Options that libavcodec has for other media only are refused as well. */
  media?: 'video' | 'audio';
  /** More names for the suggestion. */
  names?: Iterable<string>;
  /** What would be right in place of an option that is not known, where more can be said than the nearest name. */
  advice?(name: string): string | undefined;
  /** Takes an option that is not known, which is an error without it. */
  skip?(name: string, message: string): void;
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
export function optionNames(context: OptionContext, target: OptionTarget = {}): string[] {
  const { use, codec, names = [] } = target;
  const wanted = flagOf(use);
  const general = context.listOptions().filter((option) => isOfMedia(option.flags, target.media));
  return [
    ...[...general, ...(codec?.getOptions() ?? [])]
      .filter((option) => option.type !== AV_OPT_TYPE_CONST && hasFlag(option.flags, wanted))
      .map(nameOf),
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
    const own = target.codec?.getOptions().some((known) => known.name === name) ?? false;
    const suits = option && hasFlag(option.flags, flagOf(target.use)) && (own || isOfMedia(option.flags, target.media));
    const ret = suits
      ? context.setOption(name, optionText(value), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN)
      : AVERROR_OPTION_NOT_FOUND;
    if (ret === AVERROR_OPTION_NOT_FOUND) {
      const error = misplaced(name, what, option, target) ?? unknownHere(name, what, context, target);
      if (!target.skip) throw error;
      target.skip(name, error.message);
      continue;
    }
    if (ret < 0) throw refusedValue(name, value, what, ret, option);
  }
}

/** For an option that FFmpeg has, but not for this use of the context. */
function misplaced(
  name: string,
  what: string,
  option: OptionInfo | undefined,
  { use, media }: OptionTarget,
): MillraceError | undefined {
  if (option === undefined) return undefined;
  if (!hasFlag(option.flags, AV_OPT_FLAG_ENCODING_PARAM) && !hasFlag(option.flags, AV_OPT_FLAG_DECODING_PARAM)) {
    return new MillraceError('ERR_MILLRACE_OPTION', `${what}: FFmpeg's option '${name}' cannot be set from outside`, {
      hint: 'It follows from the frames',
    });
  }
  if (!hasFlag(option.flags, flagOf(use))) return unknownOption(name, what, [], true);
  const other = media === 'video' ? 'audio' : 'video';
  return new MillraceError('ERR_MILLRACE_OPTION', `${what}: FFmpeg's option '${name}' has no effect on ${media}`, {
    hint: isOfMedia(option.flags, other) ? `It belongs into ${other}_params` : '',
  });
}

function unknownHere(name: string, what: string, context: OptionContext, target: OptionTarget): MillraceError {
  const advice = target.advice?.(name);
  if (advice === undefined) return unknownOption(name, what, optionNames(context, target), false);
  return new MillraceError('ERR_MILLRACE_OPTION', `${what}: FFmpeg has no option '${name}' here`, { hint: advice });
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
    `${what}: FFmpeg refuses ${describeValue(value)} for its option '${name}'${help}: ${errorText(averror)}`,
  );
}

function flagOf(use: OptionTarget['use']): number {
  if (use === undefined) return 0;
  return use === 'encoding' ? AV_OPT_FLAG_ENCODING_PARAM : AV_OPT_FLAG_DECODING_PARAM;
}

function hasFlag(flags: number, wanted: number): boolean {
  return (flags & wanted) === wanted;
}

/** An option that names no medium is for all. */
function isOfMedia(flags: number, media: OptionTarget['media']): boolean {
  const named = flags & (AV_OPT_FLAG_VIDEO_PARAM | AV_OPT_FLAG_AUDIO_PARAM | AV_OPT_FLAG_SUBTITLE_PARAM);
  if (media === undefined || named === 0) return true;
  return hasFlag(flags, media === 'video' ? AV_OPT_FLAG_VIDEO_PARAM : AV_OPT_FLAG_AUDIO_PARAM);
}

function nameOf(option: { readonly name: string | null }): string {
  return option.name ?? '';
}
