/**
 * Which stream of a container an output of the decoder has. What is wanted is known before the input is open, so that it is
 * described, by kind, place, language and use, and found when the input is.
 */
import { AV_DISPOSITION_ATTACHED_PIC, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { avGetCodecName, type FormatContext } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { kindOf, type StreamKind } from '../../../src/media/packet/stream-info.js';
import { dispositionBit } from '../../shared/dispositions.js';
import type { SourceStream } from './source-stream.js';

export interface StreamChoice {
  readonly output: number;
  /** The option that it comes from, for messages. */
  readonly option: string;
  readonly kind: StreamKind;
  /** 'best': FFmpeg's choice of the kind; a number: the index in the container. */
  readonly index?: number | 'best' | undefined;
  /** Otherwise it is the one with this number, from 0 on, among those of its kind that fit the rest. */
  readonly number: number;
  readonly language?: string | undefined;
  /** FFmpeg's names of uses that it has, all of them. */
  readonly disposition?: readonly string[] | undefined;
  /** Without it the output just ends. */
  readonly optional: boolean;
}

/** What is asked of an input. */
export interface StreamsOfInput<S extends SourceStream> {
  readonly path: string;
  readonly streams: readonly S[];
  findBest(type: Parameters<FormatContext['findBestStream']>[0]): number;
}

/** @throws MillraceError ERR_MILLRACE_INPUT, with what the input has, for a stream that is not there and not optional. */
export function chooseStream<S extends SourceStream>(input: StreamsOfInput<S>, choice: StreamChoice): S | undefined {
  const { kind, index } = choice;
  if (index === 'best') {
    // av_find_best_stream takes a cover picture only where there is no other video.
    const best = input.findBest(kind === 'video' ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO);
    return best < 0 ? undefined : input.streams[best];
  }
  const found =
    index === undefined
      ? input.streams.filter((stream) => fits(stream, choice))[choice.number]
      : ofKind(input.streams[index], kind);
  if (found || choice.optional) return found;
  throw missing(input, choice);
}

function ofKind<S extends SourceStream>(stream: S | undefined, kind: StreamKind): S | undefined {
  return stream && kindOf(stream.codecpar.codecType) === kind ? stream : undefined;
}

function fits(stream: SourceStream, { kind, language, disposition }: StreamChoice): boolean {
  if (kindOf(stream.codecpar.codecType) !== kind) return false;
  if (language !== undefined && languageOf(stream) !== language.toLowerCase()) return false;
  // A cover is no picture that moves: whoever counts pictures does not mean it.
  const isCover = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) !== 0;
  if (isCover && !disposition?.includes('attached_pic')) return false;
  return (disposition ?? []).every((name) => (stream.disposition & dispositionBit(name)) !== 0);
}

function languageOf(stream: SourceStream): string | undefined {
  return stream.metadata?.getAll().language?.toLowerCase();
}

function missing({ path, streams }: StreamsOfInput<SourceStream>, choice: StreamChoice): MillraceError {
  const { option, kind, index, number, language, disposition } = choice;
  const what = [language, disposition?.join('+'), kind].filter((word) => word !== undefined).join(' ');
  const stream = typeof index === 'number' ? streams[index] : undefined;
  const why =
    typeof index === 'number'
      ? `stream ${index} of ${path} ${stream ? `is ${kindOf(stream.codecpar.codecType)}` : 'does not exist'}`
      : `${path} has no ${what} stream${number > 0 ? ` number ${number} (the first is 0)` : ''}`;
  const own = streams.map((each, i) => `${i}: ${describe(each)}`).join(', ');
  const without = option.startsWith('streams') ? '; optional: true does without it' : '';
  return new MillraceError('ERR_MILLRACE_INPUT', `${option}: ${why}`, { hint: `It has ${own}${without}` });
}

function describe(stream: SourceStream): string {
  const { codecType, codecId } = stream.codecpar;
  const isCover = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) !== 0;
  const words = [avGetCodecName(codecId), languageOf(stream), isCover ? 'cover' : undefined];
  return `${kindOf(codecType)} (${words.filter((word) => word !== undefined && word !== null).join(', ')})`;
}
