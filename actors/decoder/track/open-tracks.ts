/** Which streams are read for which outputs, and with what. */
import { fromDecimal } from '../../../src/schema/schema.js';
import { textFormatOf } from '../../subtitles/index.js';
import type { Input, Kind } from '../input/input.js';
import type { SourceStream } from '../input/source-stream.js';
import { guessFrameRate, timingOf } from '../input/stream-timing.js';
import type { DecoderOptions } from '../options.js';
import { AutoRotate } from './autorotate.js';
import { StreamCodec } from './codec.js';
import { CopiedTrack } from './copied-track.js';
import { containerCropping, croppedByCodec } from './cropping.js';
import { checkDecParams } from './dec-params.js';
import { DecodedTrack } from './decoded-track.js';
import { FrameExtractor } from './frame-extractor.js';
import { AudioTimes, VideoTimes } from './frame-times.js';
import { SizeLimit } from './size-limit.js';
import { SubtitleTrack } from './subtitle-track.js';
import type { Track, TrackOptions } from './track.js';
import type { TrackPlan } from './track-plan.js';

/** What the tracks need to know of the container. */
export type TrackInput = Pick<Input, 'path' | 'withoutTimestamps' | 'knows' | 'optionNames'>;

/**
 * A track for every output that is planned and whose stream exists.
 * @param chosen The stream of an output, also of one that nobody takes.
 * @param isTaken Whether somebody takes an output.
 * @param isForEncoders Whether nobody but encoders does.
 * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION, with all tracks closed.
 */
export function openTracks(
  input: TrackInput,
  plans: readonly TrackPlan[],
  chosen: ReadonlyMap<number, SourceStream | undefined>,
  options: DecoderOptions,
  isTaken: (output: number) => boolean,
  isForEncoders: (output: number) => boolean = () => false,
): Track[] {
  const tracks: Track[] = [];
  const codecs: StreamCodec[] = [];
  const unused: SourceStream[] = [];
  try {
    for (const plan of plans) {
      const { output, kind, codec: name } = plan;
      const stream = chosen.get(output);
      if (!stream) continue;
      const isCopied = name === 'copy' || (kind !== 'video' && kind !== 'audio');
      if (!isTaken(output) || isCopied) unused.push(stream);
      if (!isTaken(output)) continue;
      const common = trackOptions(plan, stream, options);
      if (isCopied) {
        const format = name === 'copy' || isForEncoders(output) ? undefined : textFormatOf(stream.codecpar);
        tracks.push(format ? new SubtitleTrack(common, format) : new CopiedTrack(common));
        continue;
      }
      const codec = openCodec(input, kind, common, name, options);
      codecs.push(codec);
      tracks.push(kind === 'video' ? videoTrack(input, common, codec, options) : audioTrack(input, common, codec));
    }
    const { f: _demuxer, ...params } = options.dec_params;
    checkDecParams(params, input, codecs, unused);
    return tracks;
  } catch (error) {
    for (const codec of codecs) codec.close();
    throw error;
  }
}

function trackOptions({ output, kind, limit }: TrackPlan, stream: SourceStream, options: DecoderOptions): TrackOptions {
  const timing = timingOf(stream, kind);
  const video = kind === 'video';
  return {
    output,
    kind,
    stream,
    timing,
    // The time base is that of BMF's one video stream.
    timeBase: (output === 0 ? options.video_time_base : undefined) ?? timing.timeBase,
    frameRate: video ? (guessFrameRate(stream) ?? options.fps) : undefined,
    limit,
  };
}

function openCodec(
  input: TrackInput,
  kind: Kind,
  track: TrackOptions,
  decoder: string | undefined,
  options: DecoderOptions,
): StreamCodec {
  const { f: _demuxer, ...shared } = options.dec_params;
  const video = kind === 'video';
  return new StreamCodec({
    kind,
    stream: track.stream,
    timeBase: track.timeBase,
    decoder,
    shared,
    forInput: (option) => input.knows(option),
    own: (video ? options.video_params?.av : undefined) ?? {},
    crop: croppedByCodec(options.apply_cropping),
    skipFrame: video ? options.skip_frame : undefined,
    input: input.path,
  });
}

function videoTrack(input: TrackInput, common: TrackOptions, codec: StreamCodec, options: DecoderOptions): Track {
  const sourceRate = common.frameRate ?? options.fps;
  const extracted = options.video_params?.extract_frames;
  const rate = extracted ? fromDecimal(extracted.fps) : undefined;
  const { max_width_height: side, max_limit_hits: hits } = options;
  const crop = containerCropping(common.stream, options.apply_cropping);
  return new DecodedTrack({
    ...common,
    frameRate: rate ?? sourceRate,
    codec,
    times: new VideoTimes({
      timeBase: common.timeBase,
      codecRate: codec.frameRate,
      streamRate: guessFrameRate(common.stream),
      unreliable: input.withoutTimestamps,
    }),
    unreliable: input.withoutTimestamps,
    upright:
      crop || options.autorotate ? new AutoRotate({ name: input.path, crop, rotate: options.autorotate }) : undefined,
    extractor: rate ? new FrameExtractor(rate, sourceRate) : undefined,
    sizeLimit: side === undefined ? undefined : new SizeLimit(side, hits, input.path),
  });
}

function audioTrack(input: TrackInput, common: TrackOptions, codec: StreamCodec): Track {
  return new DecodedTrack({
    ...common,
    codec,
    times: new AudioTimes(common.timeBase),
    unreliable: input.withoutTimestamps,
  });
}
