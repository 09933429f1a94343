/** How the command looks into its inputs, and which of their streams go into an output: all that its format can hold, as by `ffmpeg -map 0`. */
import { localPath, type MediaInfo, type MediaStream, takesSubtitle } from '../catalog/ffmpeg.js';
import { probe, probeSync } from '../graph/probe.js';

/** The command has nothing else to do meanwhile: a thread for a file would only cost its start. */
export async function lookInto(input: string): Promise<MediaInfo> {
  return localPath(input) === undefined ? probe(input) : probeSync(input);
}

export function isCover({ disposition }: MediaStream): boolean {
  return disposition.includes('attached_pic');
}

export interface Mapping {
  readonly video: readonly MediaStream[];
  readonly audio: readonly MediaStream[];
  /** These are copied. */
  readonly covers: readonly MediaStream[];
  /** So are these, or they become the text that the format has. */
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

function coversOf(format: string): RegExp | undefined {
  return COVERS.find(([name]) => name.test(format))?.[1];
}

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
  const taken = (streams: readonly MediaStream[], isTaken: (stream: MediaStream) => boolean, what: string) =>
    streams.filter((stream) => {
      if (isTaken(stream)) return true;
      tell(stream, `'${format}' does not hold ${what} of this codec`);
      return false;
    });
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
    covers: taken(covers, ({ codec }) => coversOf(format)?.test(codec) === true, 'covers'),
    subtitles: taken(of('subtitle'), ({ codec }) => takesSubtitle(format, codec), 'subtitles'),
    attachments: format === 'matroska' ? attachments : [],
    left,
  };
}
