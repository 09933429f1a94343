/** Which streams of an output make up which of its variants, told to FFmpeg's muxer once it is known which there are. */
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import type { Variants } from './options.js';

/** A stream that is in the output. */
export interface VariantStream {
  readonly kind: StreamKind;
  /** Among those of its kind that the options speak of, also of those that are not there. */
  readonly number: number;
  readonly language: string | undefined;
}

const AUDIO_GROUP = 'audio';
const SUBTITLE_GROUP = 'subtitles';

/**
 * @param streams In the order in which they stand in the output.
 * @returns the muxer's option.
 */
export function variantMap(
  muxer: string,
  streams: readonly VariantStream[],
  variants: Variants,
): { readonly name: string; readonly value: string } {
  return muxer === 'dash'
    ? { name: 'adaptation_sets', value: adaptationSets(streams) }
    : { name: 'var_stream_map', value: streamMap(streams, variants) };
}

/** One set of the pictures, and one of each sound: players choose within a set by bandwidth. */
function adaptationSets(streams: readonly VariantStream[]): string {
  const sets: number[][] = [];
  const videos = streams.flatMap(({ kind }, index) => (kind === 'video' ? [index] : []));
  if (videos.length > 0) sets.push(videos);
  streams.forEach(({ kind }, index) => {
    if (kind !== 'video') sets.push([index]);
  });
  return sets.map((indices, id) => `id=${id},streams=${indices.join(',')}`).join(' ');
}

/** FFmpeg has a list of subtitles in the variants of pictures only, one in each: so they go with one after the other. */
function streamMap(streams: readonly VariantStream[], { video, audio, default_audio: standard = 0 }: Variants): string {
  const of = (kind: StreamKind): VariantStream[] => streams.filter((stream) => stream.kind === kind);
  const [videos, audios, subtitles] = [of('video'), of('audio'), of('subtitle')];
  const first = audios.find(({ number }) => number === standard) ?? audios[0];
  return [
    ...videos.map(({ number }, i) => [
      `v:${i}`,
      `name:${video?.[number] ?? `video${number}`}`,
      ...(audios.length > 0 ? [`agroup:${AUDIO_GROUP}`] : []),
      ...(subtitles[i] ? [`s:${i}`, `sgroup:${SUBTITLE_GROUP}`, ...language(subtitles[i])] : []),
    ]),
    ...audios.map((stream, i) => [
      `a:${i}`,
      `name:${audio?.[stream.number] ?? `audio${stream.number}`}`,
      ...(videos.length > 0 ? [`agroup:${AUDIO_GROUP}`, `default:${stream === first ? 'yes' : 'no'}`] : []),
      ...language(stream),
    ]),
  ]
    .map((parts) => parts.join(','))
    .join(' ');
}

function language(stream: VariantStream): string[] {
  return stream.language && /^[\w-]+$/.test(stream.language) ? [`language:${stream.language}`] : [];
}
