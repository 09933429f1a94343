/**
 * The streams of a file, by the inputs they come from: which of them are known, which will not come, and the times of their
 * packets, which are those of the stream as the muxer chose it and rise within each.
 */
import { AV_CODEC_ID_VP8, AV_CODEC_ID_VP9, AV_NOPTS_VALUE } from 'node-av/constants';
import {
  avGetCodecName,
  type FormatContext,
  Rational as NativeRational,
  type OutputFormat,
  type Packet,
  type Stream,
} from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { isSameUnit, type Rational } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import { has } from '../output/format.js';
import type { StreamDescription } from '../output/output.js';
import { straighten } from './mux-times.js';

interface Track {
  /** undefined until known. */
  description?: StreamDescription;
  absent: boolean;
  stream?: Stream;
  /** Of the stream among those of the file. */
  index: number;
  /** Of the stream in the file, as the muxer chose it. */
  streamTimeBase: Rational;
  lastDts: bigint | undefined;
}

/** One that is in the file. */
export interface Present {
  readonly input: number;
  readonly kind: StreamKind;
  readonly stream: Stream;
}

/** What is known of a packet that has its place in the file. */
export interface Placed {
  readonly kind: StreamKind;
  readonly dts: bigint | undefined;
  readonly timeBase: Rational;
}

/** av_interleave_packet_per_dts does not give up waiting for streams of these. */
const WAITED_FOR = new Set<number>([AV_CODEC_ID_VP8, AV_CODEC_ID_VP9]);

export class Tracks {
  readonly #all = new Map<number, Track>();
  readonly #hasTimes: boolean;
  readonly #isStrict: boolean;

  constructor(inputs: readonly number[], muxer: OutputFormat) {
    for (const input of inputs) {
      this.#all.set(input, { absent: false, index: -1, streamTimeBase: { num: 1, den: 1 }, lastDts: undefined });
    }
    this.#hasTimes = !has(muxer, 'no-timestamps');
    this.#isStrict = !has(muxer, 'non-strict');
  }

  get inputs(): number[] {
    return [...this.#all.keys()];
  }

  /** A stream is known. */
  describe(input: number, description: StreamDescription): void {
    this.#of(input).description = description;
  }

  /** An input ended before a stream came. */
  leaveOut(input: number): void {
    this.#of(input).absent = true;
  }

  /** Inputs of which nothing is known. */
  get missing(): number[] {
    return [...this.#all].filter(([, { description, absent }]) => !description && !absent).map(([input]) => input);
  }

  /** There will be no stream. */
  get areAbsent(): boolean {
    return [...this.#all.values()].every(({ absent }) => absent);
  }

  /** Makes the streams. */
  make(context: FormatContext): void {
    for (const track of this.#all.values()) {
      if (!track.description) continue;
      const { timeBase, describe } = track.description;
      track.stream = context.newStream(null);
      // A wish that many muxers follow; what became of it is read after the header.
      track.stream.timeBase = new NativeRational(timeBase.num, timeBase.den);
      describe(track.stream);
    }
  }

  /** Those that have been made. */
  get present(): Present[] {
    return [...this.#all].flatMap(([input, { stream, description }]) =>
      stream && description ? [{ input, kind: description.kind, stream }] : [],
    );
  }

  /** Names of their codecs. */
  get codecs(): string[] {
    return this.present.map(({ stream }) => avGetCodecName(stream.codecpar.codecId) ?? 'unknown');
  }

  /** The header is written: the muxer has chosen its time bases. */
  begin(): void {
    for (const track of this.#all.values()) {
      if (!track.stream) continue;
      const { num, den } = track.stream.timeBase;
      track.streamTimeBase = { num, den };
      track.index = track.stream.index;
    }
  }

  /** Inputs whose packets the muxer puts in the order of their times, and whether it waits for one of them without end. */
  get interleaved(): { inputs: number[]; isEndless: boolean } {
    const streams = this.present.filter(({ kind }) => kind !== 'attachment');
    return {
      inputs: streams.map(({ input }) => input),
      isEndless: streams.some(({ stream }) => WAITED_FOR.has(stream.codecpar.codecId)),
    };
  }

  /**
   * Makes a packet one of the file: its times, its stream.
   * @param changed is told of times that had to be others.
   * @returns the kind of its stream, its decoding time, if it has one, and what its times count in.
   */
  place(input: number, packet: Packet, changed: (what: string) => void): Placed {
    const track = this.#of(input);
    const { description, stream, streamTimeBase, lastDts } = track;
    if (!stream || !description) {
      throw new MillraceError('ERR_MILLRACE_STATE', `A packet of input ${input} came for a stream that was left out`);
    }
    if (!isSameUnit(description.timeBase, streamTimeBase)) packet.rescaleTs(description.timeBase, streamTimeBase);
    const isOrdered = this.#hasTimes && !description.keepTimes;
    const ticks = isOrdered ? straighten(packet, { last: lastDts, isStrict: this.#isStrict, changed }) : packet.dts;
    const dts = ticks === AV_NOPTS_VALUE ? undefined : ticks;
    track.lastDts = dts;
    packet.streamIndex = track.index;
    return { kind: description.kind, dts, timeBase: streamTimeBase };
  }

  #of(input: number): Track {
    const track = this.#all.get(input);
    if (!track) throw new MillraceError('ERR_MILLRACE_STATE', `The output has no stream for input ${input}`);
    return track;
  }
}
