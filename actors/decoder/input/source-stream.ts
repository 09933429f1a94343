/** A stream of a container as the decoder sees it, whether the container is open in this thread or in another one. */
import type { CodecParameters, Dictionary } from 'node-av/lib';
import { ledger, type Rational, StreamInfo, type StreamInfoData } from '../../../src/media/index.js';

/** The part of node-av's Stream that is used here. */
export interface SourceStream {
  /** In the container. */
  readonly index: number;
  readonly codecpar: CodecParameters;
  readonly timeBase: Rational;
  /** Bits of the container's counter. */
  readonly ptsWrapBits: number;
  /** In ticks of `timeBase`, or AV_NOPTS_VALUE. */
  readonly startTime: bigint;
  readonly avgFrameRate: Rational;
  readonly rFrameRate: Rational;
  readonly sampleAspectRatio: Rational;
  /** AV_DISPOSITION_* bits. */
  readonly disposition: number;
  readonly metadata: Pick<Dictionary, 'getAll'> | null;
}

/** A stream taken apart for the way between threads. */
export interface StreamFacts extends Omit<SourceStream, 'codecpar' | 'metadata'> {
  readonly info: StreamInfoData;
}

export function factsOf(stream: SourceStream): StreamFacts {
  const { index, codecpar, ptsWrapBits, startTime } = stream;
  const timeBase = plain(stream.timeBase);
  const info = StreamInfo.fromCodecParameters(codecpar, {
    timeBase,
    frameRate: codecpar.frameRate.num > 0 ? codecpar.frameRate : undefined,
    sampleAspectRatio: codecpar.sampleAspectRatio,
    metadata: stream.metadata?.getAll(),
  });
  return {
    index,
    timeBase,
    ptsWrapBits,
    startTime,
    avgFrameRate: plain(stream.avgFrameRate),
    rFrameRate: plain(stream.rFrameRate),
    sampleAspectRatio: plain(stream.sampleAspectRatio),
    disposition: stream.disposition,
    info: info.toJSON(),
  };
}

/** A stream of a container that another thread has open, or of none. It owns its codec parameters. */
export interface DistantStream extends SourceStream {
  close(): void;
}

export function distantStream({ info, ...facts }: StreamFacts): DistantStream {
  const codecpar = StreamInfo.fromJSON(info).toCodecParameters();
  ledger.opened('codec-parameters');
  return {
    ...facts,
    codecpar,
    metadata: { getAll: () => ({ ...info.metadata }) },
    close() {
      codecpar.free();
      ledger.closed('codec-parameters');
    },
  };
}

function plain({ num, den }: Rational): Rational {
  return { num, den };
}
