/** What the options say of the outputs of a decoder: which stream each of them has, and what becomes of it. */
import type { StreamChoice } from '../input/stream-choice.js';
import type { DecoderOptions } from '../options.js';

export interface TrackPlan extends StreamChoice {
  /** 'copy', or a decoder's name; undefined: FFmpeg's choice, and of subtitles by who takes them. */
  readonly codec: string | undefined;
  /** The output ends after so many frames or packets. */
  readonly limit: number | undefined;
}

/** The first output that `streams` describes; those before are BMF's: video and audio. */
const FIRST_FURTHER = 2;

export function trackPlans(options: DecoderOptions): TrackPlan[] {
  const { map_v, map_a, video_codec, audio_codec, vframes, aframes, streams = [] } = options;
  const common = { number: 0, optional: false };
  return [
    {
      ...common,
      ...{ output: 0, option: 'map_v', kind: 'video', index: best(map_v) },
      codec: video_codec,
      limit: vframes,
    },
    {
      ...common,
      ...{ output: 1, option: 'map_a', kind: 'audio', index: best(map_a) },
      codec: audio_codec,
      limit: aframes,
    },
    ...streams.map(({ kind, codec, ...choice }, i): TrackPlan => {
      // Text of subtitles is decoded for those who are no encoders.
      const always = kind === 'data' || kind === 'attachment';
      const copies = kind === 'video' ? video_codec === 'copy' : kind === 'audio' ? audio_codec === 'copy' : always;
      return {
        ...{ output: FIRST_FURTHER + i, option: `streams[${i}]`, kind, ...choice },
        codec: codec ?? (copies ? 'copy' : undefined),
        limit: kind === 'video' ? vframes : kind === 'audio' ? aframes : undefined,
      };
    }),
  ];
}

function best(index: number): number | 'best' {
  return index < 0 ? 'best' : index;
}
