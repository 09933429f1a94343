/** What a container tells of the timing of its streams. */
import { AV_CODEC_PROP_FIELDS } from 'node-av/constants';
import { fromNativeTimestamp, type Rational } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import type { StreamTiming } from '../time/timeline.js';
import type { SourceStream } from './source-stream.js';

export function timingOf(stream: SourceStream, kind: StreamKind): StreamTiming {
  const parameters = stream.codecpar;
  const { num, den } = stream.timeBase;
  return {
    kind,
    timeBase: { num, den },
    wrapBits: stream.ptsWrapBits,
    startTime: fromNativeTimestamp(stream.startTime),
    averageFrameRate: positive(stream.avgFrameRate),
    frameRate: positive(parameters.frameRate),
    videoDelay: parameters.videoDelay,
    sampleRate: parameters.sampleRate,
    frameSize: parameters.frameSize,
  };
}

/** The frame rate of a video stream; undefined if nothing tells it (av_guess_frame_rate). */
export function guessFrameRate(stream: SourceStream): Rational | undefined {
  let rate = positive(stream.rFrameRate);
  const average = positive(stream.avgFrameRate);
  const codec = positive(stream.codecpar.frameRate);
  if (rate && average && value(average) < 70 && value(rate) > 210) rate = average;
  // Of a codec with fields the container may have counted these instead of frames.
  if (codec && stream.codecpar.hasProperties(AV_CODEC_PROP_FIELDS)) {
    if (!rate) return codec;
    const ratio = average ? value(average) / value(rate) : 0;
    if (value(codec) < value(rate) * 0.7 && Math.abs(1 - ratio) > 0.1) return codec;
  }
  return rate;
}

function positive({ num, den }: Rational): Rational | undefined {
  return num > 0 && den > 0 ? { num, den } : undefined;
}

function value({ num, den }: Rational): number {
  return num / den;
}
