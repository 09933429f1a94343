/**
 * Options of an output with any number of streams: what comes on the inputs beyond BMF's video and audio, and what is said
 * of each stream by kind and number.
 */
import * as v from 'valibot';
import type { StreamKind } from '../../src/media/packet/stream-info.js';
import { choice, number, type Schema, strictOptions, text, textRecord } from '../../src/schema/schema.js';
import { dispositionList } from '../shared/dispositions.js';
import type { Chapter } from '../shared/media-info.js';

/** In the order in which streams stand in a file. */
const STREAM_KINDS = ['video', 'audio', 'subtitle', 'data', 'attachment'] as const satisfies readonly StreamKind[];

const kind = choice('video', 'audio', 'subtitle', 'data', 'attachment');

const dispositions = dispositionList('one or a list, or [] for none');

const streamTexts = v.array(
  strictOptions({
    /** Three letters as a rule (ISO 639-2). */
    language: v.optional(text('a language such as "deu"')),
    title: v.optional(text('a title')),
    /** In place of the source's. */
    disposition: v.optional(dispositions),
    /** Beside the source's tags; an empty text takes one away. */
    metadata: v.optional(textRecord()),
  }),
);

/** Seconds and a title, from one point to the next if there is no end. */
const chapter = v.pipe(
  strictOptions({
    start: number({ min: 0 }),
    end: v.optional(number({ min: 0 })),
    title: v.optional(text('a title')),
    tags: v.optional(textRecord()),
  }),
  v.check(({ start, end }) => end === undefined || end > start, 'must end later than it starts'),
);

/** Chapters by their starts, each with an end. */
const chapters: Schema<Chapter[] | false> = v.lazy((value) =>
  value === false
    ? v.literal(false)
    : v.pipe(
        v.array(chapter),
        v.check(
          (list) => !list.some((one) => one.end === undefined && list.every(({ start }) => start <= one.start)),
          'needs an end of the last chapter',
        ),
        v.transform((list): Chapter[] => {
          const sorted = [...list].sort((a, b) => a.start - b.start);
          return sorted.map(({ start, end, title, tags }, i) => ({
            start,
            end: end ?? sorted[i + 1]?.start ?? start,
            tags: { ...tags, ...(title !== undefined && { title }) },
          }));
        }),
      ),
) as Schema<Chapter[] | false>;

export const streamEntries = {
  /** Chapters of the file in place of its source's; false: none. */
  chapters: v.optional(chapters),
  /** Alias of the decoder from which the tags and the chapters are. Default: that of the first stream, and of the first that has some. */
  map_metadata: v.optional(text("a decoder's alias")),
  map_chapters: v.optional(text("a decoder's alias")),
  /** What comes on the inputs 2, 3, …: BMF has video on input 0 and audio on input 1. */
  input_kinds: v.optional(v.array(kind)),
  /** Said of streams, by kind and number. */
  streams: v.optional(
    strictOptions({
      video: v.optional(streamTexts),
      audio: v.optional(streamTexts),
      subtitle: v.optional(streamTexts),
      data: v.optional(streamTexts),
      attachment: v.optional(streamTexts),
    }),
  ),
};

/** One for all streams of a kind, or a list with one for each. */
export function eachOrAll<S extends Schema<unknown>>(schema: S): Schema<v.InferOutput<S> | v.InferOutput<S>[]> {
  return v.lazy((value) => (Array.isArray(value) ? v.array(schema) : schema)) as Schema<
    v.InferOutput<S> | v.InferOutput<S>[]
  >;
}

interface Inputs {
  readonly input_kinds?: readonly StreamKind[] | undefined;
}

/** Undefined for an input that the options say nothing of. */
export function kindOfInput({ input_kinds = [] }: Inputs, input: number): StreamKind | undefined {
  return input === 0 ? 'video' : input === 1 ? 'audio' : input_kinds[input - 2];
}

/** A stream of an output, before anything has come. */
export interface StreamPlace {
  readonly input: number;
  readonly kind: StreamKind;
  /** Among those of its kind, from 0 on. */
  readonly number: number;
  /** The only one of its kind. */
  readonly isOnly: boolean;
}

/** The streams of an output in the order in which they stand in the file: by kind, then by input. */
export function streamPlaces(options: Inputs, inputs: readonly number[]): StreamPlace[] {
  return STREAM_KINDS.flatMap((kind) => {
    const own = inputs.filter((input) => kindOfInput(options, input) === kind);
    return own.map((input, number) => ({ input, kind, number, isOnly: own.length === 1 }));
  });
}
