/** What the function `ladder` takes, and what of it can be refused at once. */
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { didYouMean } from '../../schema/schema.js';
import type { AudioParams, EncoderOptions, VideoParams } from '../build/module-options.js';
import { type NodeHandle, Stream } from '../build/stream.js';
import type { StreamSelection } from '../build/stream-selection.js';

/** What an input is: its path or URL, a decoder's handle, a picture alone, or streams by kind. */
export type LadderInput = string | URL | NodeHandle | Stream | LadderStreams;

export interface LadderStreams {
  video: Stream;
  audio?: Stream | null | undefined;
}

/** A stream, or which of the input's of its kind: by number, or by what `select` of a decoder's handle takes. */
export type LadderSource = Stream | number | Omit<StreamSelection, 'kind' | 'codec'>;

/** One size of the picture: `video_params` of its encoder, and a name. */
export type Rendition = VideoParams & {
  /** Default: its height and a 'p', or 'video0', … Names are folders (hls), and unique. */
  name?: string | undefined;
};

/** One sound: `audio_params` of its encoder, and what players are told of it. */
export interface AudioRendition {
  /** Default: the input's best. */
  source?: LadderSource | undefined;
  /** Default: `audio`, and the language; unique. */
  name?: string | undefined;
  language?: string | undefined;
  title?: string | undefined;
  /** It plays unless another one is chosen. Default: the first does. */
  default?: boolean | undefined;
  codec?: AudioParams['codec'];
  channels?: AudioParams['channels'];
  sample_rate?: AudioParams['sample_rate'];
  bit_rate?: AudioParams['bit_rate'];
  [option: string]: AudioParams[string] | LadderSource;
}

/** Options of the encoder beside these; `video_params` and `audio_params` hold for all renditions, whose own win. */
export interface LadderOptions extends Omit<EncoderOptions, 'format' | 'video_params' | 'audio_params' | 'variants'> {
  /** The master playlist (hls, cmaf) or the manifest (dash, cmaf): all other files lie beside it and below. */
  output_path: string | URL;
  /**
   * `hls`: playlists and segments in folders by the names of the renditions. `dash`: a manifest (MPD) and segments of
   * fragmented MP4. `cmaf`: the same with playlists, so that both kinds of players use the same segments. Default hls.
   */
  format?: 'hls' | 'dash' | 'cmaf' | undefined;
  renditions: readonly Rendition[];
  /** Default: the input's best sound, if it has one. []: none. */
  audio?: readonly AudioRendition[] | undefined;
  /** Text, which becomes WebVTT; of hls with segments of fragmented MP4; as many as there are renditions, at most. Default: none. */
  subtitles?: readonly LadderSource[] | undefined;
  segment?:
    | {
        /** Seconds; every rendition has a key frame at each multiple. Default 4. */
        duration?: number | undefined;
        /** Of hls; `cmaf` and `dash` have fragmented MP4 always. Default mpegts, with subtitles fmp4. */
        type?: 'mpegts' | 'fmp4' | undefined;
        /** Live: so many segments are kept in the playlists, and older ones deleted. Default: all are kept, of a whole. */
        window?: number | undefined;
      }
    | undefined;
  video_params?: VideoParams | undefined;
  audio_params?: AudioParams | undefined;
}

const FORMATS = ['hls', 'dash', 'cmaf'];

export function wrong(what: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_CONFIG', `ladder: ${what}`, { hint });
}

/** @throws MillraceError ERR_MILLRACE_CONFIG */
export function checkLadder(options: LadderOptions): void {
  const { renditions, audio, subtitles, format = 'hls', segment, output_path, ...rest } = options;
  if (!Array.isArray(renditions) || renditions.length === 0 || renditions.some((one) => !isPlain(one))) {
    throw wrong(
      `renditions cannot be ${describeValue(renditions)}`,
      "Give a list with one object for each size: [{ height: 720, bit_rate: '3M' }, …]",
    );
  }
  if (audio !== undefined && (!Array.isArray(audio) || audio.some((one) => !isPlain(one)))) {
    throw wrong(`audio cannot be ${describeValue(audio)}`, 'Give a list with one object for each sound; [] for none');
  }
  if (subtitles !== undefined && !Array.isArray(subtitles)) {
    throw wrong(`subtitles cannot be ${describeValue(subtitles)}`, 'Give a list of streams, or of which of the input');
  }
  if (!FORMATS.includes(format)) {
    throw wrong(
      `there is no format ${describeValue(format)}`,
      didYouMean(String(format), FORMATS, 'hls, dash or cmaf'),
    );
  }
  if ((typeof output_path !== 'string' && !(output_path instanceof URL)) || output_path === '') {
    throw wrong(
      `output_path cannot be ${describeValue(output_path)}`,
      'Name the master playlist, or the manifest of DASH: "out/master.m3u8"',
    );
  }
  const idle = ['variants', 'push_output', 'output_prefix', 'vframes'].find((key) => key in rest);
  if (idle !== undefined) throw wrong(`${idle} has no place here`, 'encode() takes it');
  checkSegment(segment, format);
  checkSubtitles(options);
}

/** What FFmpeg's muxers can do with them. */
function checkSubtitles({ subtitles = [], renditions, format = 'hls', segment }: LadderOptions): void {
  if (subtitles.length === 0) return;
  if (format !== 'hls') throw wrong(`'${format}' has no subtitles here`, "FFmpeg writes them with format: 'hls' only");
  if (segment?.type === 'mpegts') {
    throw wrong(
      'subtitles go with segments of fragmented MP4',
      'FFmpeg does not write what relates the times of WebVTT to those of MPEG-TS (X-TIMESTAMP-MAP)',
    );
  }
  if (subtitles.length > renditions.length) {
    throw wrong(
      `there are ${subtitles.length} subtitles and ${renditions.length} renditions`,
      'The muxer takes one with each rendition',
    );
  }
}

function checkSegment(segment: LadderOptions['segment'], format: string): void {
  if (segment === undefined) return;
  if (!isPlain(segment)) throw wrong(`segment cannot be ${describeValue(segment)}`, 'It is { duration, type, window }');
  const known = ['duration', 'type', 'window'];
  const unknown = Object.keys(segment).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(`segment has no '${unknown}'`, didYouMean(unknown, known, known.join(', ')));
  const { duration, type, window } = segment;
  // The hls muxer of FFmpeg lists no variant whose segments are all of half a second or less.
  const least = format === 'hls' ? 0.5 : 0;
  if (duration !== undefined && !(typeof duration === 'number' && duration > least && duration < 3600)) {
    throw wrong(
      `segment.duration cannot be ${describeValue(duration)}`,
      `It is a number of seconds above ${least}, 2 to 10 as a rule`,
    );
  }
  if (type !== undefined && type !== 'mpegts' && type !== 'fmp4') {
    throw wrong(`segment.type cannot be ${describeValue(type)}`, "It is 'mpegts' or 'fmp4'");
  }
  if (type === 'mpegts' && format !== 'hls') {
    throw wrong(`segments of '${format}' are fragmented MP4`, "MPEG-TS is of format: 'hls'");
  }
  if (window !== undefined && !(Number.isInteger(window) && window > 0)) {
    throw wrong(`segment.window cannot be ${describeValue(window)}`, 'It is a number of segments');
  }
}

export function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Stream);
}
