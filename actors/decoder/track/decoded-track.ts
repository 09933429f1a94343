/** A stream that is decoded. */
import { type Frame, type Packet as NativePacket, Rational as NativeRational } from 'node-av/lib';
import {
  AudioFrame,
  fromNativeTimestamp,
  isAspect,
  MICROSECONDS,
  Packet,
  rescale,
  toNativeTimestamp,
  VideoFrame,
} from '../../../src/media/index.js';
import type { FrameNotes } from '../time/frame-notes.js';
import type { Played } from '../time/timeline.js';
import type { AutoRotate } from './autorotate.js';
import type { StreamCodec } from './codec.js';
import type { FrameExtractor } from './frame-extractor.js';
import type { FrameTimes } from './frame-times.js';
import type { SizeLimit } from './size-limit.js';
import { Track, type TrackOptions } from './track.js';
import { type Range, Trim } from './trim.js';

export interface DecodedTrackOptions extends TrackOptions {
  readonly codec: StreamCodec;
  readonly times: FrameTimes;
  /** The container has no timestamps of its own. */
  readonly unreliable: boolean;
  readonly upright?: AutoRotate | undefined;
  readonly extractor?: FrameExtractor | undefined;
  readonly sizeLimit?: SizeLimit | undefined;
  /** Written on the pictures. */
  readonly notes?: FrameNotes | undefined;
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
    this.#options.notes?.came(fromNativeTimestamp(packet.pts), this.original, this.clock.timing.timeBase);
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
    const { times, upright, extractor, sizeLimit, notes } = this.#options;
    const number = notes?.decoded() ?? 0;
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
        notes?.write(picture, number);
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
    if (start === undefined || this.#entry === 'key') return;
    const time = fromNativeTimestamp(frame.pts);
    if (time === undefined) return;
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
