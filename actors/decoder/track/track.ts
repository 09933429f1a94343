/** One output of the decoder: what happens to the packets of its stream until they leave as frames or as they are. */
import { type Frame, type Packet as NativePacket, Rational as NativeRational } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  AudioFrame,
  EncodedPacket,
  fromNativeTimestamp,
  isAspect,
  MICROSECONDS,
  Packet,
  type Rational,
  rescale,
  StreamInfo,
  toNativeTimestamp,
  VideoFrame,
} from '../../../src/media/index.js';
import type { Kind } from '../input/input.js';
import type { SourceStream } from '../input/source-stream.js';
import { type Played, StreamClock, type StreamTiming, type Timeline } from '../time/timeline.js';
import type { AutoRotate } from './autorotate.js';
import type { StreamCodec } from './codec.js';
import type { FrameExtractor } from './frame-extractor.js';
import type { FrameTimes } from './frame-times.js';
import { type Range, Trim } from './trim.js';

export interface TrackOptions {
  /** Output id. */
  readonly output: number;
  readonly kind: Kind;
  readonly stream: SourceStream;
  readonly timing: StreamTiming;
  /** In which the packets' ticks are taken to count. */
  readonly timeBase: Rational;
  readonly frameRate: Rational | undefined;
  /** The stream ends after so many frames or packets. */
  readonly limit: number | undefined;
}

export abstract class Track {
  readonly output: number;
  readonly kind: Kind;
  readonly stream: SourceStream;
  /** Of the stream in the container. */
  readonly index: number;
  readonly clock: StreamClock;
  /** Nothing more of this range is wanted. */
  rangeEnded = false;
  protected readonly timeBase: Rational;
  protected readonly frameRate: Rational | undefined;
  #left: number;
  #taken = 0;
  #delivered = false;

  constructor(options: TrackOptions) {
    this.output = options.output;
    this.kind = options.kind;
    this.stream = options.stream;
    this.index = options.stream.index;
    this.clock = new StreamClock(options.timing);
    this.timeBase = options.timeBase;
    this.frameRate = options.frameRate;
    this.#left = options.limit ?? Number.POSITIVE_INFINITY;
  }

  /** The limit of frames is reached. */
  get full(): boolean {
    return this.#left <= 0;
  }

  /** So many frames or packets are wanted yet; undefined without a limit. */
  get left(): number | undefined {
    return Number.isFinite(this.#left) ? this.#left : undefined;
  }

  protected count(): void {
    this.#left--;
    this.#delivered = true;
  }

  /** Packets that came, if nothing has come of them. */
  get barren(): number {
    return this.#delivered ? 0 : this.#taken;
  }

  /** Corrects the packet's times and puts what comes of it into `out`. */
  take(packet: NativePacket, timeline: Timeline, out: Packet[]): void {
    const times = {
      pts: fromNativeTimestamp(packet.pts),
      dts: fromNativeTimestamp(packet.dts),
      duration: packet.duration,
    };
    timeline.apply(this.clock, times);
    packet.pts = toNativeTimestamp(times.pts);
    packet.dts = toNativeTimestamp(times.dts);
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

export interface DecodedTrackOptions extends TrackOptions {
  readonly codec: StreamCodec;
  readonly times: FrameTimes;
  /** The container has no timestamps of its own. */
  readonly unreliable: boolean;
  readonly upright?: AutoRotate | undefined;
  readonly extractor?: FrameExtractor | undefined;
  readonly sizeLimit?: SizeLimit | undefined;
}

export class DecodedTrack extends Track {
  readonly #codec: StreamCodec;
  readonly #options: DecodedTrackOptions;
  /** Width to height of a pixel, if the container says it: that goes before what the codec says. */
  readonly #aspect: NativeRational | undefined;
  #trim = new Trim({ start: undefined });
  #missing = 0n;
  /** Where the range begins, as long as nothing of it could be decoded; microseconds. */
  #awaited: bigint | undefined;
  #entry: 'unknown' | 'key' | 'within' = 'unknown';

  constructor(options: DecodedTrackOptions) {
    super(options);
    this.#options = options;
    this.#codec = options.codec;
    const { num, den } = options.stream.sampleAspectRatio;
    this.#aspect = isAspect({ num, den }) ? new NativeRational(num, den) : undefined;
  }

  protected override accept(packet: NativePacket, out: Packet[]): void {
    // An empty packet would read as the end of the stream.
    if (packet.size === 0) return;
    if (this.#entry === 'unknown') this.#entry = packet.isKeyframe ? 'key' : 'within';
    if (this.#options.sizeLimit?.refuses(this.stream.codecpar)) return;
    if (this.#options.unreliable) {
      packet.pts = toNativeTimestamp(undefined);
      packet.dts = toNativeTimestamp(undefined);
    }
    this.#codec.send(packet);
    while (this.drain(out)) if (this.rangeEnded || this.full) return;
  }

  override begin(range: Range, beginning: bigint): void {
    this.rangeEnded = false;
    this.#trim = new Trim(range);
    this.#awaited = this.kind === 'video' ? range.start : undefined;
    this.#entry = 'unknown';
    this.#codec.flush();
    this.#options.times.restart(this.#options.unreliable ? beginning : 0n);
  }

  override end(): void {
    if (!this.rangeEnded && !this.full) this.#codec.send(undefined);
  }

  override drain(out: Packet[]): boolean {
    if (this.rangeEnded || this.full) return false;
    const frame = this.#codec.receive();
    if (typeof frame === 'string') return false;
    this.#finish(frame, out);
    return true;
  }

  #finish(frame: Frame, out: Packet[]): void {
    const { times, upright, extractor, sizeLimit } = this.#options;
    let owned: Frame | undefined = frame;
    try {
      times.stamp(owned);
      if (sizeLimit?.refuses(owned)) return;
      if (this.kind === 'video') {
        const cut = this.#trim.video(owned);
        this.rangeEnded = cut === 'after';
        if (cut !== 'before') this.#noteMissing(owned);
        if (cut !== 'inside' || (extractor && !extractor.keep(owned))) return;
        if (this.#aspect) owned.sampleAspectRatio = this.#aspect;
        upright?.apply(owned);
        const picture = VideoFrame.wrap(owned, { frameRate: this.frameRate });
        owned = undefined;
        out.push(new Packet(picture));
      } else {
        const uncut: Frame = owned;
        owned = undefined;
        const cut = this.#cut(uncut);
        if (!cut) return;
        out.push(new Packet(AudioFrame.wrap(cut)));
      }
      this.count();
    } finally {
      owned?.free();
    }
  }

  /** The first picture of a range that was entered between key frames. */
  #noteMissing(frame: Frame): void {
    const start = this.#awaited;
    this.#awaited = undefined;
    const time = fromNativeTimestamp(frame.pts);
    if (start === undefined || time === undefined || this.#entry === 'key') return;
    const late = rescale(time - frame.duration, frame.timeBase, MICROSECONDS) - start;
    if (late > 0n) this.#missing += rescale(time, frame.timeBase, MICROSECONDS) - start;
  }

  #cut(frame: Frame): Frame | undefined {
    const cut = this.#trim.audio(frame);
    if (typeof cut !== 'string') return cut;
    this.rangeEnded = cut === 'after';
    frame.free();
    return undefined;
  }

  override repeat(): void {
    this.#codec.flush();
  }

  override get played(): Played | undefined {
    return this.#options.times.played;
  }

  override get corrupt(): number {
    return this.#codec.errors;
  }

  override get refused(): number {
    return this.#options.sizeLimit?.hits ?? 0;
  }

  override get missing(): bigint {
    return this.#missing;
  }

  override checkErrorRate(): void {
    this.#codec.checkErrorRate();
  }

  override close(): void {
    this.#codec.close();
    this.#options.upright?.close();
  }
}

/** Packets as they are, behind a StreamInfo. A cut begins at the key frame before it. */
export class CopiedTrack extends Track {
  #announced = false;
  #keySeen = false;
  #end: bigint | undefined;

  protected override accept(packet: NativePacket, out: Packet[]): void {
    if (this.#end !== undefined && this.clock.dts >= this.#end) {
      this.rangeEnded = true;
      return;
    }
    if (!this.#keySeen && !packet.isKeyframe) return;
    this.#keySeen = true;
    if (!this.#announced) {
      this.#announced = true;
      const info = StreamInfo.fromCodecParameters(this.stream.codecpar, {
        timeBase: this.timeBase,
        frameRate: this.frameRate,
        sampleAspectRatio: this.stream.sampleAspectRatio,
        disposition: this.stream.disposition,
        metadata: this.stream.metadata?.getAll(),
      });
      out.push(new Packet(info));
    }
    const dts = fromNativeTimestamp(packet.dts) ?? rescale(this.clock.dts, MICROSECONDS, this.timeBase);
    packet.dts = dts;
    // As streamcopy of the ffmpeg command: audio is presented when it is decoded.
    if (this.kind === 'audio') packet.pts = dts;
    const copy = packet.clone();
    if (copy === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot reference a packet: out of memory');
    out.push(new Packet(EncodedPacket.wrap(copy)));
    this.count();
  }

  override begin(range: Range): void {
    this.rangeEnded = false;
    this.#keySeen = false;
    this.#end = range.end;
  }

  override end(): void {}

  override drain(): boolean {
    return false;
  }

  override repeat(): void {}

  override get played(): undefined {
    return undefined;
  }

  override get corrupt(): number {
    return 0;
  }

  override get refused(): number {
    return 0;
  }

  override get missing(): bigint {
    return 0n;
  }

  override checkErrorRate(): void {}

  override close(): void {}
}

/** Keeps out pictures that are larger than the application wants to handle. */
export class SizeLimit {
  hits = 0;
  readonly #side: number;
  readonly #maxHits: number | undefined;
  readonly #input: string;

  /** @param side Pixels. */
  constructor(side: number, maxHits: number | undefined, input: string) {
    this.#side = side;
    this.#maxHits = maxHits;
    this.#input = input;
  }

  /** @throws MillraceError ERR_MILLRACE_INPUT after more than the permitted number of larger pictures. */
  refuses({ width, height }: { readonly width: number; readonly height: number }): boolean {
    if (Math.max(width, height) <= this.#side) return false;
    this.hits++;
    if (this.#maxHits === undefined || this.hits <= this.#maxHits) return true;
    throw new MillraceError(
      'ERR_MILLRACE_INPUT',
      `${this.#input}: ${this.hits} pictures of ${width}x${height} exceed max_width_height ${this.#side}`,
      { hint: 'Raise max_width_height or max_limit_hits, or scale the input down beforehand' },
    );
  }
}
