/** Which streams of one input or several go into an output: all that its format can hold, as by `ffmpeg -map 0`. */
import { type MediaInfo, type MediaStream, takesSubtitle } from '../../catalog/ffmpeg.js';

/** A stream of an input. */
export interface MappedStream {
  /** Number of the input. */
  readonly input: number;
  readonly stream: MediaStream;
}

export function isCover({ disposition }: MediaStream): boolean {
  return disposition.includes('attached_pic');
}

export interface Mapping {
  readonly video: readonly MappedStream[];
  readonly audio: readonly MappedStream[];
  /** These are copied. */
  readonly covers: readonly MappedStream[];
  /** So are these, or they become the text that the format has. */
  readonly subtitles: readonly MappedStream[];
  readonly attachments: readonly MappedStream[];
  /** What stays behind and why. */
  readonly left: readonly (MappedStream & { readonly why: string })[];
}

/** Formats with room for more than one stream of a kind. */
const MANY = /^(matroska|webm|mp4|mov|ipod|mpegts|nut|avi|asf|ogg|mxf)$/;

/** Codecs of pictures that a format takes as covers. */
const COVERS: readonly (readonly [format: RegExp, codecs: RegExp])[] = [
  [/^(mp4|ipod)$/, /^(mjpeg|png|bmp)$/],
  [/^(matroska)$/, /./],
  [/^(mp3|aiff|flac)$/, /^(mjpeg|png|gif|bmp|tiff|webp)$/],
];

/** A cover that a format has a place for. */
export function takesCover(format: string, { codec }: MediaStream): boolean {
  return coversOf(format)?.test(codec) === true;
}

function coversOf(format: string): RegExp | undefined {
  return COVERS.find(([name]) => name.test(format))?.[1];
}

/** What the ffmpeg command takes of several: the one that is for whoever does not choose, then the largest. */
function bestOf(streams: readonly MappedStream[]): MappedStream {
  const score = ({ stream: { disposition, width = 0, height = 0, channels = 0 } }: MappedStream): number =>
    width * height + channels + (disposition.includes('default') ? 1e9 : 0);
  return streams.reduce((best, one) => (score(one) > score(best) ? one : best));
}

export function streamsOf(inputs: readonly MediaInfo[]): MappedStream[] {
  return inputs.flatMap(({ streams }, input) => streams.map((stream) => ({ input, stream })));
}

/**
 * @param streams Those to choose from, in their order.
 * @param wanted Kinds that are to be in it at all.
 */
export function mapStreams(
  streams: readonly MappedStream[],
  format: string,
  wanted: { readonly video: boolean; readonly audio: boolean },
  leaveOut: { readonly video: boolean },
): Mapping {
  const left: (MappedStream & { why: string })[] = [];
  const leave = (one: MappedStream, why: string): void => {
    left.push({ ...one, why });
  };
  const kept = (among: readonly MappedStream[], isKept: boolean): readonly MappedStream[] => {
    if (!isKept) return [];
    if (MANY.test(format) || among.length < 2) return among;
    const best = bestOf(among);
    for (const one of among) if (one !== best) leave(one, `'${format}' holds one stream of ${one.stream.kind}`);
    return [best];
  };
  const taken = (
    among: readonly MappedStream[],
    isTaken: (stream: MediaStream) => boolean,
    what: string,
  ): readonly MappedStream[] =>
    among.filter((one) => {
      if (isTaken(one.stream)) return true;
      leave(one, `'${format}' does not hold ${what} of this codec`);
      return false;
    });
  const of = (kind: MediaStream['kind']): MappedStream[] => streams.filter(({ stream }) => stream.kind === kind);
  const covers = leaveOut.video ? [] : of('video').filter(({ stream }) => isCover(stream));
  const attachments = of('attachment');
  if (format !== 'matroska') for (const one of attachments) leave(one, `'${format}' holds no attachments`);
  // FFmpeg makes a track of time codes itself, by the tag of the picture.
  for (const one of of('data')) if (one.stream.tags.timecode === undefined) leave(one, 'data is not copied');
  return {
    video: kept(
      of('video').filter(({ stream }) => !isCover(stream)),
      wanted.video,
    ),
    audio: kept(of('audio'), wanted.audio),
    covers: taken(covers, (stream) => takesCover(format, stream), 'covers'),
    subtitles: kept(
      taken(of('subtitle'), ({ codec }) => takesSubtitle(format, codec), 'subtitles'),
      true,
    ),
    attachments: format === 'matroska' ? attachments : [],
    left,
  };
}

/** @returns a line for each stream that stays behind. */
export function toldLeft({ left }: Pick<Mapping, 'left'>, infos: readonly MediaInfo[]): string[] {
  return left.map(({ input, stream: { index, kind, codec }, why }) => {
    return `stream ${index} of ${infos[input]!.path} (${kind}, ${codec}) is left out: ${why}`;
  });
}

/** What an input may have more of than goes into an output. */
export type Rest = 'video' | 'audio' | 'cover' | 'subtitle' | 'attachment' | 'data';

/**
 * What an output does not have of an input of which it takes the streams that are the best of their kind.
 * @param taken How many there are of each kind; a kind that is not named is not told of.
 * @param why Why the rest stays behind, and what would keep it.
 * @returns one line, or none.
 */
export function toldRest(
  { streams, path }: MediaInfo,
  taken: Readonly<Partial<Record<Rest, number>>>,
  why: string,
): string[] {
  const parts = Object.entries(taken).flatMap(([kind, count]) => {
    const all = streams.filter((stream) => restOf(stream) === kind).length;
    const name = kind === 'video' || kind === 'audio' ? `${kind} stream` : kind;
    if (all <= count) return [];
    return count === 0 ? `${all} ${name}${all > 1 ? 's' : ''}` : `${all - count} of ${all} ${name}s`;
  });
  return parts.length === 0 ? [] : [`${parts.join(', ')} of ${path} left out: ${why}`];
}

/** FFmpeg makes a track of time codes itself, which is none of the rest. */
function restOf(stream: MediaStream): Rest | undefined {
  if (stream.kind === 'video') return isCover(stream) ? 'cover' : 'video';
  return stream.kind === 'data' && stream.tags.timecode !== undefined ? undefined : stream.kind;
}
