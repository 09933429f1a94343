/** A stream that is handed on as it is. */
import type { Packet as NativePacket } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  EncodedPacket,
  fromNativeTimestamp,
  MICROSECONDS,
  Packet,
  rescale,
  StreamInfo,
} from '../../../src/media/index.js';
import { Track } from './track.js';
import type { Range } from './trim.js';

/** Packets as they are, behind a StreamInfo. A cut begins at the key frame before it. */
export class CopiedTrack extends Track {
  #announced = false;
  #keySeen = false;
  /** Of the range, microseconds. */
  #start: bigint | undefined;
  #end: bigint | undefined;

  protected override accept(packet: NativePacket, out: Packet[]): void {
    if (this.#end !== undefined && this.clock.dts >= this.#end) {
      this.rangeEnded = true;
      return;
    }
    if (!this.#keySeen && !packet.isKeyframe) return;
    this.#keySeen = true;
    this.announceNow(out);
    if (this.#isOver(packet)) return;
    const dts = fromNativeTimestamp(packet.dts) ?? rescale(this.clock.dts, MICROSECONDS, this.timeBase);
    packet.dts = dts;
    // As streamcopy of the ffmpeg command: audio is presented when it is decoded.
    if (this.kind === 'audio') packet.pts = dts;
    const made = this.handOn(packet);
    if (made === undefined) return;
    out.push(made);
    this.count();
  }

  /** What becomes of a packet; undefined: there is nothing in it. */
  protected handOn(packet: NativePacket): Packet | undefined {
    const copy = packet.clone();
    if (copy === null) throw new MillraceError('ERR_MILLRACE_FFMPEG', 'Cannot reference a packet: out of memory');
    return new Packet(EncodedPacket.wrap(copy));
  }

  /** What is shown for a while, and has been before the range begins. */
  #isOver(packet: NativePacket): boolean {
    if (this.kind !== 'subtitle' || this.#start === undefined || packet.duration <= 0n) return false;
    return this.clock.dts + rescale(packet.duration, this.timeBase, MICROSECONDS) <= this.#start;
  }

  /** Whoever writes a file needs to know of it, and its first packet may be minutes away. */
  override announce(out: Packet[]): void {
    if (this.isSparse) this.announceNow(out);
  }

  protected announceNow(out: Packet[]): void {
    if (this.#announced) return;
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

  override begin(range: Range): void {
    this.rangeEnded = false;
    this.#keySeen = this.kind !== 'video' && this.kind !== 'audio';
    this.#start = range.start;
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
