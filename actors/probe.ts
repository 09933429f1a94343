/** What a media file holds, without decoding it. */

import { AV_DISPOSITION_ATTACHED_PIC, AV_DISPOSITION_DEFAULT, AV_PKT_DATA_DISPLAYMATRIX } from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { clearInterval, setInterval } from '../ringbuffer/clock.js';
import { fromNativeTimestamp, MICROSECONDS, type Rational, StreamInfo, toMicroseconds } from '../src/media/index.js';
import { Input } from './decoder/input/input.js';
import { isNetwork, NetworkInput } from './decoder/network/input.js';
import { rotation } from './decoder/track/autorotate.js';
import type { MediaInfo, MediaStream } from './shared/media-info.js';

export interface ProbeOptions {
  /** Ends it: it rejects with ERR_MILLRACE_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** As the decoder's option of that name. */
  readonly timeout_ms?: number | undefined;
}

/**
 * Opens a file or URL and reads as much as its streams need to be recognised. A file blocks the thread meanwhile.
 * @throws MillraceError ERR_MILLRACE_INPUT if it cannot be read or is no media, or does not answer in time.
 */
export async function probe(path: string, { signal, timeout_ms: timeout }: ProbeOptions = {}): Promise<MediaInfo> {
  const options = { path, format: undefined, options: {}, required: {} };
  if (timeout === undefined && !isNetwork(path, undefined, {})) {
    const input = new Input(options);
    try {
      return describeInput(input);
    } finally {
      input.close();
    }
  }
  const data = { input: options, timeout, video: undefined, audio: undefined, loglevel: undefined, probes: true };
  const input = new NetworkInput(data, () => {});
  // Nothing else would keep the process alive.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    for (;;) {
      const { info } = input;
      if (info) return info;
      await input.more(signal ?? new AbortController().signal);
    }
  } finally {
    clearInterval(alive);
    await input.close();
  }
}

/** What an open input holds. */
export function describeInput(input: Input): MediaInfo {
  return defined({
    path: input.path,
    format: input.format,
    duration: seconds(input.duration, MICROSECONDS),
    start: seconds(input.startTime, MICROSECONDS),
    streams: input.streams.map(describe),
  });
}

function describe(stream: Stream): MediaStream {
  const info = StreamInfo.fromCodecParameters(stream.codecpar, {
    timeBase: stream.timeBase,
    frameRate: stream.avgFrameRate,
    sampleAspectRatio: stream.sampleAspectRatio,
    disposition: stream.disposition,
    metadata: stream.metadata?.getAll(),
  });
  const { kind, codec, timeBase, frameRate, sampleAspectRatio, disposition, metadata } = info;
  const { num, den } = timeBase;
  const common = {
    index: stream.index,
    kind,
    codec,
    bitRate: known(info.bitRate),
    duration: seconds(fromNativeTimestamp(stream.duration), timeBase),
    frames: known(Number(stream.nbFrames)),
    language: metadata.language,
    default: (disposition & AV_DISPOSITION_DEFAULT) !== 0,
    cover: (disposition & AV_DISPOSITION_ATTACHED_PIC) !== 0,
    timeBase: { num, den },
  };
  switch (kind) {
    case 'video':
      return defined({
        ...common,
        width: known(info.width),
        height: known(info.height),
        pixelFormat: named(info.format),
        frameRate: fraction(frameRate),
        sampleAspectRatio: fraction(sampleAspectRatio),
        rotation: known(rotationOf(stream)),
      });
    case 'audio':
      return defined({
        ...common,
        sampleRate: known(info.sampleRate),
        channels: known(info.channels),
        channelLayout: info.channelLayout || undefined,
        sampleFormat: named(info.format),
      });
    default:
      return defined(common);
  }
}

function rotationOf(stream: Stream): number {
  const side = stream.codecpar.getAllCodedSideData().find(({ type }) => type === AV_PKT_DATA_DISPLAYMATRIX);
  if (side === undefined) return 0;
  return rotation(Int32Array.from({ length: 9 }, (_, i) => side.data.readInt32LE(4 * i)));
}

function seconds(value: bigint | undefined, unit: Rational): number | undefined {
  return value === undefined ? undefined : toMicroseconds(value, unit) / 1e6;
}

/** FFmpeg's 0 for numbers it does not know. */
function known(value: number): number | undefined {
  return value > 0 ? value : undefined;
}

function named(format: string): string | undefined {
  return format === 'none' ? undefined : format;
}

function fraction(value: Rational | undefined): Rational | undefined {
  return value && value.num > 0 && value.den > 0 ? value : undefined;
}

/** Without the keys that are undefined. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined } & object): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
