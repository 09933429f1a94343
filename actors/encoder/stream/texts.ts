/** What a file says of a stream beside its codec: tags and uses, the source's unless the options say otherwise. */
import { AV_DISPOSITION_ATTACHED_PIC, AV_DISPOSITION_DEFAULT } from 'node-av/constants';
import { avGetCodecName, Dictionary, type Stream } from 'node-av/lib';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import { dispositionBits } from '../../shared/dispositions.js';
import type { SourceStreamTexts } from '../../shared/source-facts.js';
import type { EncoderOptions, StreamOptions } from '../options.js';

/** What is known of the stream that it comes from. */
export interface SourceTexts {
  readonly tags: Readonly<Record<string, string>>;
  /** AV_DISPOSITION_* bits. */
  readonly disposition: number;
  /** Of text subtitles. */
  readonly text?: SourceStreamTexts['text'];
}

interface Place {
  readonly kind: StreamKind;
  /** Among those of its kind. */
  readonly number: number;
  readonly options: StreamOptions;
}

/** @param source undefined: nothing is known of it, or it has none. */
export function presentTexts(stream: Stream, { kind, number, options }: Place, source: SourceTexts | undefined): void {
  const { language, title, disposition, metadata } = options.streams?.[kind]?.[number] ?? {};
  const bits = disposition ? dispositionBits(disposition) : usesOf(stream, source);
  stream.disposition = bits as typeof stream.disposition;
  const kept = options.metadata === false ? {} : source?.tags;
  const tags = withoutEmpty({
    ...kept,
    ...(language !== undefined && { language }),
    ...(title !== undefined && { title }),
    ...metadata,
  });
  if (Object.keys(tags).length > 0) stream.metadata = Dictionary.fromObject(tags);
}

const PICTURES = /^(mjpeg|png|gif|bmp|tiff|webp)$/;

/** A cover that was encoded as a film is none any more. */
function usesOf({ codecpar }: Stream, source: SourceTexts | undefined): number {
  const bits = source?.disposition ?? 0;
  return PICTURES.test(avGetCodecName(codecpar.codecId) ?? '') ? bits : bits & ~AV_DISPOSITION_ATTACHED_PIC;
}

/** A tag with an empty text is one that is taken away, as by the ffmpeg command's -metadata. */
export function withoutEmpty(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([, text]) => text !== ''));
}

/**
 * As the ffmpeg command: of several streams of a kind the first one is for whoever does not choose, unless one is already, or
 * the options say what streams are for.
 */
export function markDefaults(
  streams: readonly { readonly kind: StreamKind; readonly stream: Stream }[],
  options: EncoderOptions,
): void {
  const said = Object.values(options.streams ?? {}).flat();
  if (said.some((texts) => texts?.disposition !== undefined)) return;
  for (const kind of new Set(streams.map((each) => each.kind))) {
    const own = streams.filter((each) => each.kind === kind).map(({ stream }) => stream);
    if (own.length < 2 || own.some(({ disposition }) => (disposition & AV_DISPOSITION_DEFAULT) !== 0)) continue;
    const first = own.find(({ disposition }) => (disposition & AV_DISPOSITION_ATTACHED_PIC) === 0);
    if (first) first.disposition = (first.disposition | AV_DISPOSITION_DEFAULT) as typeof first.disposition;
  }
}
