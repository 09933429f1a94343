/** `--subtitles` and `--burn-subtitles`: files with subtitles beside the inputs. */
import { existsSync } from 'node:fs';
import { localPath, type MediaInfo, type MediaStream, takesSubtitle } from '../../catalog/ffmpeg.js';
import type { EncoderOptions } from '../../graph/build/module-options.js';
import { UsageError } from '../errors.js';
import { isStandard, openInput } from '../look.js';

/** Streams of subtitles of a file. */
export interface SubtitleFile {
  readonly path: string;
  readonly info: MediaInfo;
  readonly streams: readonly MediaStream[];
  /** What the command line says of them that the file does not. */
  readonly language: string | undefined;
}

/** `film.srt:deu`, `film.srt:pt-BR`; a drive or a port is none. */
const LANGUAGE = /^(.+):([A-Za-z]{2,3}(?:-[A-Za-z\d]{2,8})*)$/s;

/**
 * @param given FILE or FILE:language.
 * @param flag That they are given with.
 * @throws UsageError for a file without subtitles, or without those; as `probe` for one that cannot be read.
 */
export async function openSubtitles(given: readonly string[], flag: string): Promise<SubtitleFile[]> {
  const files: SubtitleFile[] = [];
  for (const text of given) {
    const [path, language] = splitLanguage(text);
    if (isStandard(path)) throw new UsageError(`${flag} ${text}: the standard input cannot be it; name a file`);
    const { info } = await openInput(path);
    files.push({ path, info, ...choose(info, language, `${flag} ${text}`) });
  }
  return files;
}

function splitLanguage(text: string): readonly [path: string, language?: string] {
  const [, path, language] = LANGUAGE.exec(text) ?? [];
  // A file may be called like that.
  return path === undefined || existsSync(localPath(text) ?? text) ? [text] : [path, language!];
}

/** Those of the language; the only one there is has it if the file says of none. */
function choose(
  info: MediaInfo,
  language: string | undefined,
  what: string,
): Pick<SubtitleFile, 'streams' | 'language'> {
  const all = info.streams.filter(({ kind }) => kind === 'subtitle');
  if (all.length === 0) throw new UsageError(`${what}: ${info.path} has no subtitles`);
  if (language === undefined) return { streams: all, language };
  const found = all.filter((stream) => stream.language === language);
  if (found.length > 0) return { streams: found, language };
  if (all.length === 1 && all[0]!.language === undefined) return { streams: all, language };
  const known = all.map((stream) => stream.language ?? 'one without a language').join(', ');
  throw new UsageError(`${what}: ${info.path} has no subtitles in '${language}', but ${known}`);
}

/** @throws UsageError for those that the format cannot hold: they were asked for. */
export function refuseUnheld(files: readonly SubtitleFile[], format: string): void {
  for (const { path, streams } of files) {
    const unheld = streams.find(({ codec }) => !takesSubtitle(format, codec));
    if (unheld === undefined) continue;
    throw new UsageError(
      `--subtitles ${path}: '${format}' does not hold subtitles of this codec (${unheld.codec}). ` +
        `Draw them with --burn-subtitles ${path}, or write a format that holds them, such as mkv`,
    );
  }
}

/**
 * Languages of the streams of these files, beside what is said of the streams already.
 * @param before Streams of subtitles that stand before them in the output.
 */
export function withLanguages(
  streams: EncoderOptions['streams'],
  files: readonly SubtitleFile[],
  before: number,
): EncoderOptions['streams'] {
  const languages = files.flatMap(({ streams: own, language }) => own.map(() => language));
  if (languages.every((language) => language === undefined)) return streams;
  const subtitle = [...(streams?.subtitle ?? [])];
  for (const [n, language] of languages.entries()) {
    const at = before + n;
    while (subtitle.length <= at) subtitle.push({});
    if (language !== undefined) subtitle[at] = { language, ...subtitle[at] };
  }
  return { ...streams, subtitle };
}
