/**
 * The ways to a place in an input, one call of FFmpeg after the other. Who makes the calls decides whether they block.
 */
import {
  AVFMT_NO_BYTE_SEEK,
  AVFMT_SEEK_TO_PTS,
  AVSEEK_FLAG_BACKWARD,
  AVSEEK_FLAG_BYTE,
  type AVSeekFlag,
} from 'node-av/constants';
import type { FormatContext, Stream } from 'node-av/lib';

/** Of a seek: the first key frame at or after the time. */
const NEXT = 0 as AVSeekFlag;

/** Where an input stands after a seek: at a key frame before the time, at its beginning; 'nowhere': it cannot seek. */
export type Place = 'before' | 'beginning' | 'nowhere';

/** Seeks that are to be made one after the other, each with its result. */
export type Seeking = Generator<Parameters<FormatContext['seekFrameSync']>, Place, number>;

/** What there is to know of an input that is sought in. */
export interface Seekable {
  /** Microseconds on the container's clock; undefined if unknown. */
  readonly startTime: bigint | undefined;
  /** Bytes read so far. */
  readonly bytes: number;
  readonly discontinuous: boolean;
  readonly withoutTimestamps: boolean;
  readonly streams: readonly Pick<Stream, 'codecpar'>[];
  /** A flag of its demuxer. */
  has(flag: number): boolean;
}

/** To the last key frame at or before a time, microseconds on the container's clock; or to the beginning. */
export function* seeking(input: Seekable, time: bigint): Seeking {
  const begin = input.startTime ?? 0n;
  // Without timestamps only from the beginning on can frames be counted.
  if (input.withoutTimestamps) return yield* rewinding(input, begin);
  // Where the index holds decoding times, the frame wanted may have been stored up to a few frames earlier.
  const reordered = !input.has(AVFMT_SEEK_TO_PTS) && input.streams.some((stream) => stream.codecpar.videoDelay > 0);
  const target = reordered ? time - 3_000_000n / 23n : time;
  // No index has an entry before the beginning. What is searched by its timestamps has decoding times before it.
  const known = target < begin && !input.discontinuous ? begin : target;
  if ((yield [-1, known, AVSEEK_FLAG_BACKWARD]) >= 0) return 'before';
  return yield* rewinding(input, begin);
}

/** A failed seek leaves the input anywhere, so each way back is tried in turn. */
export function* rewinding(input: Seekable, begin: bigint): Seeking {
  // What has no headers but those in the stream can be entered by bytes. FFmpeg does not tell whether that worked.
  if ((input.withoutTimestamps || input.discontinuous) && !input.has(AVFMT_NO_BYTE_SEEK)) {
    const before = input.bytes;
    if ((yield [-1, 0n, AVSEEK_FLAG_BYTE]) >= 0 && input.bytes < before) return 'beginning';
  }
  if ((yield [-1, begin, AVSEEK_FLAG_BACKWARD]) >= 0) return 'beginning';
  // The first entry of the index may lie behind the beginning.
  return (yield [-1, begin, NEXT]) >= 0 ? 'beginning' : 'nowhere';
}
