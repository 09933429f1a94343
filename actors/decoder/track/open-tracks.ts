/** Which streams are read for which outputs, and with what. */

import type { Rational } from '../../../src/media/index.js';
import type { Log, ModuleContext } from '../../../src/module/contract.js';
import { fromDecimal } from '../../../src/schema/schema.js';
import { type Charset, charsetCalled, textFormatOf } from '../../subtitles/index.js';
import { decodingDevice } from '../decoding-device.js';
import type { Input, Kind } from '../input/input.js';
import type { SourceStream } from '../input/source-stream.js';
import { guessFrameRate, timingOf } from '../input/stream-timing.js';
import type { DecoderOptions } from '../options.js';
import { FrameNotes } from '../time/frame-notes.js';
import { AutoRotate } from './autorotate.js';
import { findDecoder, StreamCodec } from './codec.js';
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

/** Frames per second of what tells none, as FFmpeg's demuxers assume. */
const ASSUMED_RATE = { num: 25, den: 1 };

/** What the tracks need to know of the container. */
export type TrackInput = Pick<Input, 'path' | 'withoutTimestamps' | 'knows' | 'optionNames'>;

/**
 * A track for every output that is planned and whose stream exists.
 * @param chosen The stream of an output, also of one that nobody takes.
 * @param isTaken Whether somebody takes an output.
 * @param ctx Of the decoder: it hears what is decoded elsewhere than was wished.
 * @param live Decoders hold nothing back that they need not.
 * @throws MillraceError ERR_MILLRACE_INPUT, ERR_MILLRACE_OPTION, with all tracks closed.
 */
export function openTracks(
  input: TrackInput,
  plans: readonly TrackPlan[],
  chosen: ReadonlyMap<number, SourceStream | undefined>,
  ctx: Pick<ModuleContext<DecoderOptions>, 'options' | 'log' | 'sources'>,
  isTaken: (output: number) => boolean,
  live = false,
): Track[] {
  const { options, log, sources } = ctx;
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
        const format = textFormatOf(stream.codecpar);
        const charset = format && charsetFor(format.name, options);
        const isRead = format !== undefined && name !== 'copy' && !sources?.forEncoders.includes(output);
        tracks.push(isRead ? new SubtitleTrack(common, format, charset) : new CopiedTrack(common, charset));
        continue;
      }
      const codec = openCodec(input, kind, common, name, options, { log, live });
      codecs.push(codec);
      tracks.push(kind === 'video' ? videoTrack(input, common, codec, options) : audioTrack(input, common, codec));
      if (kind === 'video') tellUnusedRate(input.path, guessFrameRate(stream), options.fps, log);
    }
    const { f: _demuxer, ...params } = options.dec_params;
    checkDecParams(params, input, codecs, unused);
    return tracks;
  } catch (error) {
    for (const codec of codecs) codec.close();
    throw error;
  }
}

/** `fps` stands in for what is not known, and changes nothing that is. */
function tellUnusedRate(path: string, known: Rational | undefined, fps: Rational | undefined, log: Log): void {
  if (!known || !fps || Math.abs(known.num / known.den - fps.num / fps.den) < 0.01) return;
  const [own, wished] = [known, fps].map(({ num, den }) => String(Math.round((num / den) * 100) / 100));
  log.warn(
    `${path}: fps ${wished} has no effect, since the input tells ${own} frames per second. For another number of frames use ` +
      'the filter `fps`, for another speed `setpts`',
  );
}

/** The text of MP4 says itself what it is. */
function charsetFor(format: string, { dec_params }: DecoderOptions): Charset | undefined {
  const { sub_charenc: name } = dec_params;
  return name === undefined || format === 'mov_text' ? undefined : charsetCalled(String(name));
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
    frameRate: video ? (guessFrameRate(stream) ?? options.fps ?? ASSUMED_RATE) : undefined,
    limit,
  };
}

function openCodec(
  input: TrackInput,
  kind: Kind,
  track: TrackOptions,
  decoder: string | undefined,
  options: DecoderOptions,
  { log, live }: { readonly log: Log; readonly live: boolean },
): StreamCodec {
  const { f: _demuxer, ...shared } = options.dec_params;
  const video = kind === 'video';
  const wish = options.hwaccel === undefined ? options.video_params : options;
  const hardware =
    video && wish?.hwaccel !== undefined
      ? decodingDevice(wish, findDecoder(kind, track.stream, decoder, input.path), (text) => log.warn(text))
      : undefined;
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
    hardware,
    input: input.path,
    live,
  });
}

function videoTrack(input: TrackInput, common: TrackOptions, codec: StreamCodec, options: DecoderOptions): Track {
  const sourceRate = common.frameRate ?? options.fps ?? ASSUMED_RATE;
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
    notes:
      options.orig_pts_time || options.io_frm_match
        ? new FrameNotes({ times: options.orig_pts_time, numbers: options.io_frm_match })
        : undefined,
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
