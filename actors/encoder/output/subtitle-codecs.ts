/** Which subtitles a format holds, and what becomes of those that it does not. */
import { AV_CODEC_ID_NONE } from 'node-av/constants';
import { avGetCodecName, OutputFormat } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { didYouMean } from '../../../src/schema/schema.js';
import { TEXT_CODECS, textFormat } from '../../subtitles/index.js';

type Format = Pick<OutputFormat, 'name' | 'subtitleCodec'>;

/** As the muxers of FFmpeg have them: node-av does not ask them. */
const HELD: readonly (readonly [format: RegExp, codecs: RegExp])[] = [
  [
    /^matroska$/,
    /^(subrip|ass|ssa|webvtt|text|hdmv_pgs_subtitle|dvd_subtitle|dvb_subtitle|hdmv_text_subtitle|arib_caption)$/,
  ],
  [/^(webm|hls|webvtt)$/, /^webvtt$/],
  [/^(mp4|ismv|f4v)$/, /^(mov_text|dvd_subtitle|ttml)$/],
  [/^(mov|ipod|3gp|3g2|psp)$/, /^(mov_text|eia_608)$/],
  [/^mpegts$/, /^(dvb_subtitle|dvb_teletext|hdmv_pgs_subtitle|arib_caption)$/],
  [/^(srt|lrc)$/, /^(subrip|text)$/],
  [/^ass$/, /^(ass|ssa)$/],
  [/^(nut|null)$/, /./],
];

/** @returns undefined where it is not known, and FFmpeg has to be tried. */
function holdsSubtitle({ name, subtitleCodec }: Format, codec: string): boolean | undefined {
  const held = HELD.find(([format]) => format.test(name ?? ''))?.[1];
  if (held) return held.test(codec);
  return subtitleCodec === AV_CODEC_ID_NONE ? undefined : avGetCodecName(subtitleCodec) === codec;
}

/** The form of text that a format has; undefined if it has none. SubRip is what players of Matroska know best. */
function defaultSubtitleCodec({ name, subtitleCodec }: Format): string | undefined {
  if (/^(matroska|null|nut)$/.test(name ?? '')) return 'subrip';
  if (/^(mp4|ismv|f4v|mov|ipod|3gp|3g2|psp)$/.test(name ?? '')) return 'mov_text';
  const codec = avGetCodecName(subtitleCodec) ?? '';
  return textFormat(codec) && codec;
}

/** Whether a format takes a stream of subtitles, as it is or as another form of text. */
export function takesSubtitle(format: string, codec: string): boolean {
  const muxer = OutputFormat.guessFormat(format, null, null);
  if (!muxer) return false;
  const isText = textFormat(codec) !== undefined;
  return holdsSubtitle(muxer, codec) === true || (isText && defaultSubtitleCodec(muxer) !== undefined);
}

/**
 * Refuses what can be refused before anything has come.
 * @param where The option, in messages.
 * @throws MillraceError ERR_MILLRACE_OPTION for a codec that is not known, or that the format does not hold.
 */
export function checkSubtitleCodec(format: Format, wanted: string | undefined, where: string): void {
  if (wanted === undefined || wanted === 'copy') return;
  const known = textFormat(wanted);
  if (!known) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `${where}.codec: subtitles cannot be encoded as '${wanted}'`, {
      hint: didYouMean(wanted, [...TEXT_CODECS, 'copy'], `It is one of ${TEXT_CODECS.join(', ')}, or 'copy'`),
    });
  }
  if (holdsSubtitle(format, known.name) !== false) return;
  const usual = defaultSubtitleCodec(format);
  throw new MillraceError('ERR_MILLRACE_OPTION', `${where}.codec: the format '${format.name}' holds no ${known.name}`, {
    hint: usual === undefined ? 'Choose another format' : `Its text is '${usual}': leave the option out`,
  });
}

/**
 * The codec of a stream of the file.
 * @param wanted The option.
 * @param source What comes, or what it was made from; undefined: it was made as text.
 * @throws MillraceError ERR_MILLRACE_OPTION where there is no such stream to be made.
 */
export function subtitleCodecFor(
  format: Format,
  { wanted, source, input }: { wanted: string | undefined; source: string | undefined; input: number },
): string {
  const isText = source === undefined || textFormat(source) !== undefined;
  if (wanted === 'copy' && source !== undefined) return source;
  if (wanted !== undefined && wanted !== 'copy' && isText) return textFormat(wanted)!.name;
  const isHeld = source !== undefined && holdsSubtitle(format, source) !== false;
  if (wanted === undefined && isHeld) return source;
  if (!isText) {
    const target = wanted ?? `what '${format.name}' holds`;
    const message = `Input ${input} delivers subtitles that are pictures (${source}), which cannot become ${target}`;
    throw new MillraceError('ERR_MILLRACE_OPTION', message, {
      hint: 'Draw them into the video with burnSubtitles, or write a format that holds them, such as mkv',
    });
  }
  const usual = defaultSubtitleCodec(format);
  if (usual !== undefined) return usual;
  throw new MillraceError('ERR_MILLRACE_OPTION', `The format '${format.name}' holds no subtitles of text`, {
    hint: `Leave input ${input} unconnected, draw them into the video with burnSubtitles, or write mp4, mkv, webm, srt, ass or vtt`,
  });
}
