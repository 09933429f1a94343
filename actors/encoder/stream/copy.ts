/** A stream that goes into the output as it is: packets instead of frames, nothing decoded or encoded. */
import { AV_CODEC_ID_VP9, AV_NOPTS_VALUE, AV_PKT_FLAG_KEY } from 'node-av/constants';
import {
  avGetAudioFrameDuration2,
  avRescaleDelta,
  type CodecParameters,
  Rational as NativeRational,
  Packet,
} from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  check,
  type EncodedPacket,
  isTimeBase,
  ledger,
  MICROSECONDS,
  type Rational,
  rescale,
  type StreamInfo,
} from '../../../src/media/index.js';
import { unwrittenSideData } from '../codec/hdr.js';
import { pixelAspect } from './aspect.js';
import { attachmentOf, isCover } from './cover.js';
import { type StreamContext, write } from './stream.js';
import { presentTexts } from './texts.js';

/** Tags that MOV and MP4 give a choice of: the source's stays. Any other container, and any other tag: the muxer's own. */
const keptTags = new Set([
  'hev1',
  'hvc1',
  'dvh1',
  'dvhe',
  'avc1',
  'avc3',
  'apch',
  'apcn',
  'apcs',
  'apco',
  'ap4h',
  'ap4x',
]);
const movFamily = new Set(['mp4', 'mov', 'ipod', 'ismv', 'f4v', '3gp', '3g2', 'psp']);

/** Muxers that write no aspect of their own. */
const WITHOUT_ASPECT = /^(mpegts|rtp_mpegts|hls|mpeg|vob|svcd|dvd|flv|h264|hevc)$/;

export class CopyStream {
  readonly #ctx: StreamContext;
  readonly #parameters: CodecParameters;
  readonly #source: Rational;
  readonly #timeBase: Rational;
  readonly #isAudio: boolean;
  readonly #isVideo: boolean;
  readonly #isCover: boolean;
  #limit: number;
  readonly #rescaled = { value: AV_NOPTS_VALUE };
  readonly #packet = new Packet();
  /** To be attached when its picture has come. */
  #cover: StreamInfo | undefined;
  #started = false;
  #count = 0;
  #closed = false;

  constructor(ctx: StreamContext, info: StreamInfo) {
    this.#ctx = ctx;
    this.#isAudio = info.kind === 'audio';
    this.#isVideo = info.kind === 'video';
    this.#isCover = isCover(info);
    ctx.shortest?.copies(!this.#isCover && info.kind !== 'attachment');
    const { aframes, vframes } = ctx.options;
    const limit = this.#isAudio ? aframes : this.#isVideo ? vframes : undefined;
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
    this.#source = info.timeBase;
    // Audio counts in samples, so that times of a coarse container become exact again.
    this.#timeBase = this.#isAudio && info.sampleRate > 0 ? { num: 1, den: info.sampleRate } : info.timeBase;
    this.#packet.alloc();
    ledger.opened('scratch-packet');
    this.#parameters = info.toCodecParameters();
    ledger.opened('codec-parameters');
    this.#retag();
    try {
      // A Matroska file has its cover among the files that are attached to it; what is attached comes with the packet.
      if (isCover(info) && ctx.format.name === 'matroska') this.#cover = info;
      else this.#present(info);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** True when the limit of packets has been reached, or a shorter stream has ended. */
  get full(): boolean {
    return this.#count >= this.#limit || this.#ctx.shortest?.isFinished || false;
  }

  /** @param shift In microseconds, taken off the packet's times. */
  push(packet: EncodedPacket, shift: bigint): void {
    if (this.full) return;
    if (this.#cover) {
      this.#attach(this.#cover, packet);
      return;
    }
    // A picture that refers to one before the first cannot be shown.
    if (!this.#started && this.#isVideo && (packet.flags & AV_PKT_FLAG_KEY) === 0) {
      this.#ctx.meter.dropped++;
      this.#ctx.tally.skipped++;
      return;
    }
    this.#started = true;
    this.#count++;
    const out = this.#packet;
    check(out.ref(packet.av), 'Cannot reference a packet');
    try {
      const source = isTimeBase(packet.timeBase) ? packet.timeBase : this.#source;
      this.#retime(out, source, rescale(shift, MICROSECONDS, this.#timeBase));
      if (this.#isVideo && !this.#isCover) this.#ctx.meter.frames++;
      write(this.#ctx, out, this.#timeBase);
    } finally {
      out.unref();
    }
  }

  finish(): void {
    if (this.#cover) this.#ctx.muxer.leaveOut(this.#ctx.input);
    this.#ctx.shortest?.packetsEnd();
  }

  #attach(info: StreamInfo, packet: EncodedPacket): void {
    this.#cover = undefined;
    this.#count = this.#limit = 1;
    this.#ctx.tally.written++;
    const { codecpar, name } = attachmentOf(info, packet);
    this.#ctx.muxer.add(this.#ctx.input, {
      kind: 'attachment',
      timeBase: this.#timeBase,
      describe: (stream) => {
        codecpar(stream.codecpar);
        presentTexts(stream, this.#ctx, { tags: { ...info.metadata, ...name }, disposition: 0 });
      },
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#packet.free();
    ledger.closed('scratch-packet');
    this.#parameters.free();
    ledger.closed('codec-parameters');
  }

  #retag(): void {
    const { video_params, audio_params } = this.#ctx.options;
    const wanted = this.#isAudio ? audio_params?.atag : this.#isVideo ? video_params?.vtag : undefined;
    const kept = keptTags.has(this.#parameters.codecTagString ?? '');
    if (wanted !== undefined) this.#parameters.codecTag = wanted;
    else if (!kept || !movFamily.has(this.#ctx.format.name ?? '')) this.#parameters.codecTag = 0;
  }

  #present(info: StreamInfo): void {
    const types = this.#parameters.getAllCodedSideData().map(({ type }) => type);
    for (const text of unwrittenSideData(types, this.#ctx.format.name ?? '', this.#ctx.options.mux_params)) {
      this.#ctx.log.warn(`${this.#ctx.name}: ${text}`);
    }
    const { format, name, log, options } = this.#ctx;
    if (this.#isVideo && options.video_params?.aspect && WITHOUT_ASPECT.test(format.name ?? '')) {
      log.warn(
        `${name}: video_params.aspect has no effect: '${format.name}' has none beside that of the copied stream`,
      );
    }
    if (isCover(info) && format.name === 'mov') log.warn(`${name} has no cover: 'mov' has no place for it`);
    this.#ctx.muxer.add(this.#ctx.input, {
      kind: info.kind,
      timeBase: this.#timeBase,
      keepTimes: this.#parameters.codecId === AV_CODEC_ID_VP9,
      describe: (stream) => {
        check(this.#parameters.copy(stream.codecpar), 'Cannot describe a copied stream');
        presentTexts(stream, this.#ctx, { tags: info.metadata, disposition: info.disposition });
        if (!this.#isVideo) return;
        const whole = this.#ctx.options.video_params?.aspect;
        const aspect = whole ? pixelAspect(whole, info.width, info.height) : info.sampleAspectRatio;
        stream.sampleAspectRatio = new NativeRational(aspect.num, Math.max(1, aspect.den));
        // As the ffmpeg command: a muxer refuses a container's aspect that is not the codec's.
        stream.codecpar.sampleAspectRatio = stream.sampleAspectRatio;
        if (info.frameRate && isTimeBase(info.frameRate)) {
          stream.avgFrameRate = new NativeRational(info.frameRate.num, info.frameRate.den);
        }
      },
    });
  }

  /** Times from the source's units to the stream's, as the ffmpeg command does for -c copy. */
  #retime(packet: Packet, source: Rational, shift: bigint): void {
    if (this.#isAudio && packet.dts !== AV_NOPTS_VALUE) {
      const samples = avGetAudioFrameDuration2(this.#parameters, packet.size) || this.#parameters.frameSize;
      packet.dts = avRescaleDelta(source, packet.dts, this.#timeBase, samples, this.#rescaled, this.#timeBase);
      packet.pts = packet.dts;
    } else {
      if (packet.pts !== AV_NOPTS_VALUE) packet.pts = rescale(packet.pts, source, this.#timeBase);
      if (packet.dts !== AV_NOPTS_VALUE) packet.dts = rescale(packet.dts, source, this.#timeBase);
    }
    packet.duration = rescale(packet.duration, source, this.#timeBase);
    if (packet.pts !== AV_NOPTS_VALUE) packet.pts -= shift;
    if (packet.dts !== AV_NOPTS_VALUE) packet.dts -= shift;
  }
}

/** A packet without the parameters of its stream cannot be written anywhere. */
export function missingStreamInfo(input: number): MillraceError {
  return new MillraceError('ERR_MILLRACE_PAYLOAD', `Input ${input} delivered an EncodedPacket before a StreamInfo`, {
    hint: "A stream that is copied begins with its StreamInfo, as a decoder with video_codec: 'copy' sends it",
  });
}
