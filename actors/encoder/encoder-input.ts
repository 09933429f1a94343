/**
 * One input of an encoder. The first that comes says what becomes of it: a StreamInfo that packets are copied, a frame that
 * it is encoded, a Subtitle that texts are. From then on it is that, and takes nothing else.
 */
import { MillraceError } from '../../src/errors/errors.js';
import { EncodedPacket, StreamInfo, Subtitle, VideoFrame } from '../../src/media/index.js';
import type { StreamKind } from '../../src/media/packet/stream-info.js';
import { checkRates, type VideoChange } from './change.js';
import { warnOfUnused } from './codec/settings.js';
import { type Payload, unexpected } from './payloads.js';
import { AudioStream } from './stream/audio.js';
import { CopyStream, missingStreamInfo } from './stream/copy.js';
import { requireCodec, type StreamContext } from './stream/stream.js';
import { announcedSubtitles, SubtitleStream } from './stream/subtitle.js';
import { VideoStream } from './stream/video.js';

type OutputStream = VideoStream | AudioStream | CopyStream | SubtitleStream;

export class EncoderInput {
  readonly id: number;
  readonly kind: StreamKind;
  readonly context: StreamContext;
  /** Nothing more is written from this input: it has ended, or its limit is reached. */
  ended = false;
  #stream: OutputStream | undefined;
  /** No other stream is encoded by the same parameters. */
  readonly #hasOwnParams: boolean;
  /** For a stream whose first frame has not come. */
  readonly #changes: VideoChange[] = [];

  constructor(context: StreamContext, hasOwnParams: boolean) {
    this.id = context.input;
    this.kind = context.kind;
    this.context = context;
    this.#hasOwnParams = hasOwnParams;
  }

  /** Something has come. */
  get hasBegun(): boolean {
    return this.#stream !== undefined;
  }

  /** What may be written of it has been. */
  get full(): boolean {
    return this.#stream?.full ?? false;
  }

  /** @throws MillraceError ERR_MILLRACE_PAYLOAD for what does not go on with what has come. */
  push(payload: Payload, shift: bigint): void {
    if (payload instanceof StreamInfo) this.#announce(payload);
    else if (payload instanceof EncodedPacket) this.#pushPacket(payload, shift);
    else if (payload instanceof Subtitle) {
      this.#stream ??= new SubtitleStream(this.context, { first: payload });
      if (!(this.#stream instanceof SubtitleStream)) throw unexpected(this, 'a Subtitle after encoded packets');
      this.#stream.push(payload, shift);
    } else if (payload instanceof VideoFrame) {
      this.#stream ??= new VideoStream(requireCodec(this.context, this.kind));
      if (!(this.#stream instanceof VideoStream)) throw unexpected(this, 'a VideoFrame after encoded packets');
      for (const change of this.#changes.splice(0)) this.#stream.change(change);
      this.#stream.push(payload, shift);
    } else {
      this.#stream ??= new AudioStream(requireCodec(this.context, this.kind));
      if (!(this.#stream instanceof AudioStream)) throw unexpected(this, 'an AudioFrame after encoded packets');
      this.#stream.push(payload, shift);
    }
  }

  #announce(info: StreamInfo): void {
    const stream = this.#stream;
    const isLate = stream instanceof SubtitleStream && this.context.tally.written === 0;
    if (stream && !isLate) throw unexpected(this, 'a StreamInfo after frames or packets');
    if (info.kind !== this.kind) throw unexpected(this, `the StreamInfo of a ${info.kind} stream`);
    if (isLate) {
      stream.announce(info);
      return;
    }
    if (this.#hasOwnParams) warnOfUnused(this.context, this.kind);
    this.#stream =
      this.kind === 'subtitle' ? announcedSubtitles(this.context, info) : new CopyStream(this.context, info);
  }

  #pushPacket(packet: EncodedPacket, shift: bigint): void {
    const stream = this.#stream;
    if (!stream) throw missingStreamInfo(this.id);
    if (!(stream instanceof CopyStream || stream instanceof SubtitleStream)) {
      throw unexpected(this, 'an EncodedPacket after frames');
    }
    stream.push(packet, shift);
  }

  /** Subtitles of which nothing has come are a stream all the same. */
  beginText(): void {
    this.#stream = new SubtitleStream(this.context, {});
  }

  /** @throws MillraceError ERR_MILLRACE_OPTION if it cannot be changed so. */
  checkChange(change: VideoChange): void {
    const { settings, name } = this.context;
    if (settings === undefined || this.#stream instanceof CopyStream) {
      throw new MillraceError('ERR_MILLRACE_OPTION', `input ${this.id} is copied into ${name}: nothing is encoded`);
    }
    checkRates(change.rates, settings);
  }

  /** Of a stream whose first frame has not come, it is kept for then. */
  change(change: VideoChange): void {
    if (this.#stream instanceof VideoStream) this.#stream.change(change);
    else this.#changes.push(change);
  }

  /** Nothing more comes. @returns false if nothing has come. */
  finish(): boolean {
    if (this.#stream) this.#stream.finish();
    else this.context.shortest?.isAbsent();
    return this.#stream !== undefined;
  }

  close(): void {
    this.#stream?.close();
  }
}
