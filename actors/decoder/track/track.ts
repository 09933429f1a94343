/** One output of the decoder: what happens to the packets of its stream until they leave as frames or as they are. */
import { AV_DISPOSITION_ATTACHED_PIC } from 'node-av/constants';
import type { Packet as NativePacket } from 'node-av/lib';
import { fromNativeTimestamp, type Packet, type Rational, toNativeTimestamp } from '../../../src/media/index.js';
import type { StreamKind } from '../../../src/media/packet/stream-info.js';
import type { SourceStreamTexts } from '../../shared/source-facts.js';
import { textFacts } from '../../subtitles/index.js';
import type { SourceStream } from '../input/source-stream.js';
import { type Played, StreamClock, type StreamTiming, type Timeline } from '../time/timeline.js';
import type { Range } from './trim.js';

export interface TrackOptions {
  /** Output id. */
  readonly output: number;
  readonly kind: StreamKind;
  readonly stream: SourceStream;
  readonly timing: StreamTiming;
  /** In which the packets' ticks are taken to count. */
  readonly timeBase: Rational;
  readonly frameRate: Rational | undefined;
  /** The stream ends after so many frames or packets. */
  readonly limit: number | undefined;
}

/** What the container says of the stream of a track. */
export function textsOf({ output, stream }: Track): SourceStreamTexts {
  const text = textFacts(stream.codecpar);
  const tags = stream.metadata?.getAll() ?? {};
  return { output, tags, disposition: stream.disposition, ...(text && { text }) };
}

/** Does work that gives packets; each is kept, also those that came before it failed. */
export function gather<T>(work: (out: Packet[]) => T, keep: (packet: Packet) => void): T {
  const out: Packet[] = [];
  try {
    return work(out);
  } finally {
    for (const packet of out) keep(packet);
  }
}

export abstract class Track {
  readonly output: number;
  readonly kind: StreamKind;
  readonly stream: SourceStream;
  /** Of the stream in the container. */
  readonly index: number;
  readonly clock: StreamClock;
  /** A picture that belongs to the whole. */
  readonly isCover: boolean;
  /** Few packets come of it, or none: nobody waits for its next one to know that a range is over. */
  readonly isSparse: boolean;
  /** Nothing more of this range is wanted. */
  rangeEnded = false;
  /** The limit of frames is reached. */
  full: boolean;
  protected readonly timeBase: Rational;
  protected readonly frameRate: Rational | undefined;
  /** Time of the packet that is being taken, as the container has it. */
  protected original: bigint | undefined;
  #left: number;
  #taken = 0;
  #delivered = false;

  constructor(options: TrackOptions) {
    this.output = options.output;
    this.kind = options.kind;
    this.stream = options.stream;
    this.index = options.stream.index;
    this.isCover = (options.stream.disposition & AV_DISPOSITION_ATTACHED_PIC) !== 0;
    this.isSparse = (options.kind !== 'video' && options.kind !== 'audio') || this.isCover;
    this.clock = new StreamClock(options.timing);
    this.timeBase = options.timeBase;
    this.frameRate = options.frameRate;
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
    this.full = this.#left <= 0;
  }

  /** What can be said before the first packet. */
  announce(_out: Packet[]): void {}

  /** So many frames or packets are wanted yet; undefined without a limit. */
  get left(): number | undefined {
    return Number.isFinite(this.#left) ? this.#left : undefined;
  }

  protected count(): void {
    this.full = --this.#left <= 0;
    this.#delivered = true;
  }

  /** Texts of which not everything could be read. */
  get unreadable(): number {
    return 0;
  }

  /** Packets that came, if nothing has come of them. */
  get barren(): number {
    return this.#delivered ? 0 : this.#taken;
  }

  /** Corrects the packet's times and puts what comes of it into `out`. */
  take(packet: NativePacket, timeline: Timeline, out: Packet[]): void {
    const pts = fromNativeTimestamp(packet.pts);
    const dts = fromNativeTimestamp(packet.dts);
    const times = { pts, dts, duration: packet.duration };
    this.original = pts;
    timeline.apply(this.clock, times);
    if (times.pts !== pts) packet.pts = toNativeTimestamp(times.pts);
    if (times.dts !== dts) packet.dts = toNativeTimestamp(times.dts);
    packet.timeBase = this.timeBase;
    if (this.rangeEnded || this.full) return;
    this.#taken++;
    this.accept(packet, out);
  }

  protected abstract accept(packet: NativePacket, out: Packet[]): void;

  /**
   * Frames of this range only, from the next packet on, which follows a seek.
   * @param beginning Where the input begins, microseconds: what has no timestamps is read from there.
   */
  abstract begin(range: Range, beginning: bigint): void;

  /** No packet follows in this range. */
  abstract end(): void;

  /** Puts the next delayed frame into `out`; false if there is none. */
  abstract drain(out: Packet[]): boolean;

  /** The input begins anew, without a gap in the timestamps. */
  abstract repeat(): void;

  /** Undefined before the first decoded frame. */
  abstract readonly played: Played | undefined;
  abstract readonly corrupt: number;
  abstract readonly refused: number;
  /** What is missing of the ranges for want of a key frame before them, microseconds. */
  abstract readonly missing: bigint;
  /** @throws FFmpegError if too much of the stream could not be decoded. */
  abstract checkErrorRate(): void;
  abstract close(): void;
}
