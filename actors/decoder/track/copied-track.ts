/** A stream that is handed on as it is. */
import { AVMEDIA_TYPE_ATTACHMENT } from 'node-av/constants';
import type { Packet as NativePacket } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  EncodedPacket,
  fromNativeTimestamp,
  MICROSECONDS,
  Packet,
  type Rational,
  rescale,
  StreamInfo,
} from '../../../src/media/index.js';
import { type Charset, inUtf8 } from '../../subtitles/index.js';
import type { SourceStream } from '../input/source-stream.js';
import { Track, type TrackOptions } from './track.js';
import type { Range } from './trim.js';

/** Packets as they are, behind a StreamInfo. A cut begins at the key frame before it. */
export class CopiedTrack extends Track {
  readonly charset: Charset | undefined;
  #announced = false;
  #keySeen = false;
  /** Of the range, microseconds. */
  #start: bigint | undefined;
  #end: bigint | undefined;

  /** @param charset of text that is not UTF-8. */
  constructor(options: TrackOptions, charset?: Charset) {
    super(options);
    this.charset = charset;
  }

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
    const copy = this.charset ? inUtf8(packet, this.charset) : packet.clone();
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
    out.push(new Packet(infoOf(this.stream, this.timeBase, this.frameRate)));
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

const FONT = /font|opentype|truetype/i;
const FONT_FILE = /\.(ttf|otf|ttc|otc|woff2?)$/i;

/** The fonts that are attached to an input. */
export function fontsOf(streams: readonly SourceStream[]): StreamInfo[] {
  const attached = streams.filter(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_ATTACHMENT);
  const infos = attached.map((stream) => infoOf(stream, stream.timeBase));
  return infos.filter(
    ({ metadata: { mimetype = '', filename = '' } }) => FONT.test(mimetype) || FONT_FILE.test(filename),
  );
}

function infoOf(stream: SourceStream, timeBase: Rational, frameRate?: Rational): StreamInfo {
  const { codecpar, sampleAspectRatio, disposition } = stream;
  const metadata = stream.metadata?.getAll();
  return StreamInfo.fromCodecParameters(codecpar, { timeBase, frameRate, sampleAspectRatio, disposition, metadata });
}
