/** What the files that are read say of themselves, for the one that is written. */
import type { ModuleContext } from '../../src/module/contract.js';
import type { SourceFacts, SourceListener } from '../shared/source-facts.js';
import type { EncoderOptions } from './options.js';
import { type FileTexts, fileTexts, lostTags, NO_TEXTS } from './output/file-texts.js';
import type { SourceTexts } from './stream/texts.js';
import { streamPlaces } from './stream-options.js';

/** True of the packets that were read, and not of those that are written. */
export const OF_THE_PACKETS = /^(encoder|duration|bps|number_of_(frames|bytes)|_statistics_\w+)(-\w+)?$/i;

/** Chapters that a warning names. */
const TOLD = 5;

export class EncoderSources {
  readonly #ctx: ModuleContext<EncoderOptions>;
  readonly #listener: SourceListener | undefined;
  #texts: FileTexts = NO_TEXTS;

  constructor(ctx: ModuleContext<EncoderOptions>, listener: SourceListener | undefined) {
    this.#ctx = ctx;
    this.#listener = listener;
  }

  /** Of a stream that is encoded; as the ffmpeg command has it, what comes of several streams is like none of them. */
  of(input: number): SourceTexts | undefined {
    const origins = this.#origins(input);
    const [origin] = origins;
    if (origin === undefined || origins.length > 1) return undefined;
    const { streams } = this.#listener?.known.get(origin.node) ?? {};
    const texts = streams?.find(({ output }) => output === origin.output);
    if (!texts) return undefined;
    const tags = Object.entries(texts.tags).filter(([name]) => !OF_THE_PACKETS.test(name));
    return { tags: Object.fromEntries(tags), disposition: texts.disposition, text: texts.text };
  }

  /** What comes there is announced as soon as its decoder has opened its input. */
  isDirect(input: number): boolean {
    return this.#ctx.sources?.inputs.find((each) => each.input === input)?.direct === true;
  }

  /** Where it is noted when the packets of an input came, if that is live. */
  arrivals(input: number): SharedArrayBuffer | undefined {
    return this.#origins(input)
      .map(({ node }) => this.#listener?.known.get(node)?.arrivals)
      .find((buffer) => buffer !== undefined);
  }

  /** Of the file, as far as it is known. @param shift Taken off all times, microseconds. */
  texts(shift: bigint): FileTexts {
    const { options } = this.#ctx;
    const { tags, chapters } = fileTexts(options, this.#sources());
    // Chapters that the options have are on the clock of the file.
    const by = options.chapters === undefined ? Number(shift) / 1e6 : 0;
    const moved = chapters.map((chapter) => ({ ...chapter, start: chapter.start - by, end: chapter.end - by }));
    this.#texts = { tags, chapters: moved.filter(({ end }) => end > 0) };
    return this.#texts;
  }

  /** What a format has no place for, in words; undefined if there is nothing. */
  lost(format: string, chaptersLost: boolean, { mux_params }: EncoderOptions): string | undefined {
    const { tags, chapters } = this.#texts;
    const names = lostTags(format, tags, String(mux_params?.movflags ?? ''));
    const parts = [
      ...(names.length > 0 ? [`the tags ${names.join(', ')}`] : []),
      ...(chapters.length > 0 && chaptersLost ? [`${chapters.length} chapters`] : []),
    ];
    return parts.length > 0 ? parts.join(' and ') : undefined;
  }

  /** Which texts of chapters the source did not tell to their ends, in words; undefined if there are none. */
  get cut(): string | undefined {
    const cut = this.#texts.chapters.flatMap(({ cut }, n) => (cut ? [`${n + 1} (${cut.join(', ')})`] : []));
    if (cut.length === 0) return undefined;
    const [more, shown] = [cut.length - TOLD, cut.slice(0, TOLD).join(', ')];
    return `255 bytes of a line are all that FFmpeg tells of chapter ${shown}${more > 0 ? ` and ${more} more` : ''}`;
  }

  /** Names in the options that no decoder upstream has, each in words. */
  get strangers(): string[] {
    const { options } = this.#ctx;
    const names = this.#sources().map(({ alias }) => alias);
    return (['map_metadata', 'map_chapters'] as const).flatMap((key) => {
      const alias = options[key];
      if (alias === undefined || names.includes(alias)) return [];
      return [
        `${key} has no effect: no stream comes from a decoder '${alias}', but from ${names.join(', ') || 'none'}`,
      ];
    });
  }

  /** In the order of the streams that come from them. */
  #sources(): SourceFacts[] {
    const { options, inputs } = this.#ctx;
    const nodes = streamPlaces(options, inputs).flatMap(({ input }) => this.#origins(input).map(({ node }) => node));
    const known = this.#listener?.known;
    return [...new Set(nodes)].flatMap((node) => known?.get(node) ?? []);
  }

  #origins(input: number): readonly { readonly node: number; readonly output: number }[] {
    return this.#ctx.sources?.inputs.find((each) => each.input === input)?.from ?? [];
  }
}
