/** Which streams of a file go into another one: all that its format can hold, as by `ffmpeg -map 0`. */
import type { MediaInfo, MediaStream } from '../catalog/ffmpeg.js';
import { isCover } from './look.js';

export interface Mapping {
  readonly video: readonly MediaStream[];
  readonly audio: readonly MediaStream[];
  /** These are copied. */
  readonly covers: readonly MediaStream[];
  readonly subtitles: readonly MediaStream[];
  readonly attachments: readonly MediaStream[];
  /** What stays behind and why, a line for each. */
  readonly left: readonly string[];
}

/** Formats with room for more than one stream of a kind. */
const MANY = /^(matroska|webm|mp4|mov|ipod|mpegts|nut|avi|asf|ogg|mxf)$/;

/** Codecs of pictures that a format takes as covers. */
const COVERS: readonly (readonly [format: RegExp, codecs: RegExp])[] = [
  [/^(mp4|ipod)$/, /^(mjpeg|png|bmp)$/],
  [/^(matroska)$/, /./],
  [/^(mp3|aiff|flac)$/, /^(mjpeg|png|gif|bmp|tiff|webp)$/],
];

/** Codecs of subtitles that a format takes as they are. */
const SUBTITLES: readonly (readonly [format: RegExp, codecs: RegExp])[] = [
  [/^matroska$/, /^(subrip|srt|ass|ssa|webvtt|text|hdmv_pgs_subtitle|dvd_subtitle|dvb_subtitle|hdmv_text_subtitle)$/],
  [/^webm$/, /^webvtt$/],
  [/^(mp4|mov|ipod)$/, /^(mov_text|dvd_subtitle)$/],
  [/^mpegts$/, /^(dvb_subtitle|dvb_teletext)$/],
  [/^nut$/, /./],
];

/** What the ffmpeg command takes of several: the one that is for whoever does not choose, then the largest. */
function bestOf(streams: readonly MediaStream[]): MediaStream {
  const score = ({ disposition, width = 0, height = 0, channels = 0 }: MediaStream): number =>
    width * height + channels + (disposition.includes('default') ? 1e9 : 0);
  return streams.reduce((best, stream) => (score(stream) > score(best) ? stream : best));
}

/** @param wanted Kinds that are to be in it at all. */
export function mapStreams(
  info: MediaInfo,
  format: string,
  wanted: { readonly video: boolean; readonly audio: boolean },
  leaveOut: { readonly video: boolean },
): Mapping {
  const left: string[] = [];
  const tell = (stream: MediaStream, why: string): void => {
    left.push(`stream ${stream.index} of ${info.path} (${stream.kind}, ${stream.codec}) is left out: ${why}`);
  };
  const kept = (streams: readonly MediaStream[], isKept: boolean): readonly MediaStream[] => {
    if (!isKept) return [];
    if (MANY.test(format) || streams.length < 2) return streams;
    const best = bestOf(streams);
    for (const stream of streams) if (stream !== best) tell(stream, `'${format}' holds one stream of ${stream.kind}`);
    return [best];
  };
  const copied = (streams: readonly MediaStream[], held: typeof COVERS, what: string): readonly MediaStream[] => {
    const codecs = held.find(([name]) => name.test(format))?.[1];
    return streams.filter((stream) => {
      if (codecs?.test(stream.codec)) return true;
      tell(stream, `'${format}' holds ${codecs ? `${what} of other codecs only` : `no ${what}`}`);
      return false;
    });
  };
  const of = (kind: MediaStream['kind']): MediaStream[] => info.streams.filter((stream) => stream.kind === kind);
  const covers = leaveOut.video ? [] : of('video').filter(isCover);
  const attachments = of('attachment');
  if (format !== 'matroska') for (const stream of attachments) tell(stream, `'${format}' holds no attachments`);
  // FFmpeg makes a track of time codes itself, by the tag of the picture.
  for (const stream of of('data')) if (stream.tags.timecode === undefined) tell(stream, 'data is not copied');
  return {
    video: kept(
      of('video').filter((stream) => !isCover(stream)),
      wanted.video,
    ),
    audio: kept(of('audio'), wanted.audio),
    covers: copied(covers, COVERS, 'covers'),
    subtitles: copied(of('subtitle'), SUBTITLES, 'subtitles'),
    attachments: format === 'matroska' ? attachments : [],
    left,
  };
}
