/** An open decoder: packets in, frames out, damaged ones counted. */
import {
  AV_CHANNEL_ORDER_UNSPEC,
  AV_OPT_FLAG_DECODING_PARAM,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AVERROR_EOF,
} from 'node-av/constants';
import {
  avChannelLayoutDefault,
  avGetCodecName,
  Codec,
  CodecContext,
  Frame,
  Rational as NativeRational,
  type Packet,
} from 'node-av/lib';
import { type FFmpegError, MillraceError } from '../../../src/errors/errors.js';
import {
  alone,
  check,
  failure,
  isAgain,
  isEof,
  ledger,
  markLog,
  nameContext,
  type Rational,
} from '../../../src/media/index.js';
import { type AVOptionValues, didYouMean } from '../../../src/schema/schema.js';
import { findOption, optionNames, setAVOptions } from '../../shared/avoptions.js';
import type { DecodingDevice } from '../decoding-device.js';
import type { Kind } from '../input/input.js';
import type { SourceStream } from '../input/source-stream.js';

/** A stream of which more than this share of frames fails is an error (-max_error_rate of the ffmpeg command). */
const MAX_ERROR_RATE = 2 / 3;

/** Decoders that show pictures as they come with AV_CODEC_FLAG_LOW_DELAY (mpeg12dec.c, mpeg4videodec.c, vc1dec.c). */
const ORDERED_BY_FLAG = /^(mpeg[124]|mpegvideo|msmpeg4|h263|flv|vc1|wmv)/;

export interface CodecOptions {
  readonly kind: Kind;
  readonly stream: SourceStream;
  /** Of the packets. */
  readonly timeBase: Rational;
  /** Name of the decoder; undefined: FFmpeg's first choice for the stream. */
  readonly decoder: string | undefined;
  /** Options for every decoder, of which each takes those it knows. */
  readonly shared: AVOptionValues;
  /** Whether an option of `shared` is meant for the input: then it is no mistake that no decoder takes it. */
  forInput(option: string): boolean;
  /** Options for this one, all of which it must know. */
  readonly own: AVOptionValues;
  readonly skipFrame: number | undefined;
  /** Where it decodes; absent: on the processor. */
  readonly hardware?: DecodingDevice | undefined;
  /** Pictures are cropped as their bitstream says, unless `shared` or `own` say otherwise. */
  readonly crop: boolean;
  /** Name of the input, for errors. */
  readonly input: string;
  /** No picture waits for another one that is not needed for it. */
  readonly live: boolean;
}

/**
 * The decoder for a stream.
 * @throws MillraceError ERR_MILLRACE_OPTION if there is none of the given name for this kind; ERR_MILLRACE_INPUT if
 * FFmpeg cannot decode the stream.
 */
export function findDecoder(kind: Kind, stream: SourceStream, name: string | undefined, input: string): Codec {
  if (name === undefined) {
    const codec = Codec.findDecoder(stream.codecpar.codecId);
    if (codec) return codec;
    const id = avGetCodecName(stream.codecpar.codecId) ?? 'unknown';
    throw new MillraceError('ERR_MILLRACE_INPUT', `${input}: FFmpeg has no decoder for its ${kind} stream (${id})`, {
      hint: `Leave that output unconnected, or copy the stream with ${kind}_codec: 'copy'`,
    });
  }
  const decoders = Codec.getCodecList().filter((codec) => codec.isDecoder());
  const found = decoders.find((codec) => codec.name === name);
  const option = `${kind}_codec`;
  if (!found) {
    const names = decoders.map((codec) => codec.name ?? '').concat('copy');
    throw new MillraceError('ERR_MILLRACE_OPTION', `${option}: this FFmpeg has no decoder '${name}'`, {
      hint: didYouMean(name, names, "Leave it out to have the stream's own taken"),
    });
  }
  if (found.type !== stream.codecpar.codecType) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `${option}: '${name}' is no ${kind} decoder`);
  }
  return found;
}

export class StreamCodec {
  readonly codec: Codec;
  /** What the decoder takes the frame rate to be; undefined if it does not know. */
  readonly frameRate: Rational | undefined;
  /** Packets and frames that failed. */
  errors = 0;
  /** Frames that came out. */
  frames = 0;
  readonly #context = new CodecContext();
  readonly #what: string;
  /** The frame that the next picture is received into; kept while none comes. */
  #spare: Frame | undefined;
  #lastError = 0;
  readonly #hardware: DecodingDevice | undefined;
  /** In FFmpeg's log, and the mark where it begins there. */
  #log = 0;
  readonly #began = markLog();
  #closed = false;

  /** @throws MillraceError ERR_MILLRACE_OPTION, ERR_MILLRACE_INPUT, with everything native released. */
  constructor(options: CodecOptions) {
    const { kind, stream, input, timeBase } = options;
    this.codec = findDecoder(kind, stream, options.decoder, input);
    this.#hardware = options.hardware;
    this.#what = `the ${kind} of ${input} with ${this.codec.name}`;
    const context = this.#context;
    context.allocContext3(this.codec);
    ledger.opened('codec');
    try {
      // A decoder chosen by name may be for another codec than the container says (as -c:v before -i).
      const parameters = stream.codecpar;
      if (options.decoder !== undefined) parameters.codecId = this.codec.id;
      check(context.parametersToContext(parameters), `Cannot set up decoding ${this.#what}`);
      const { order, nbChannels } = context.channelLayout;
      // As the ffmpeg command (-guess_layout_max): filters such as concat refuse channels of which only the number is known.
      if (kind === 'audio' && order === AV_CHANNEL_ORDER_UNSPEC && nbChannels > 0)
        context.channelLayout = avChannelLayoutDefault(nbChannels);
      context.pktTimebase = new NativeRational(timeBase.num, timeBase.den);
      this.#setOptions(options);
      options.hardware?.use(context);
      const { num, den } = context.framerate;
      this.frameRate = num > 0 && den > 0 ? { num, den } : undefined;
      this.#log = nameContext(context, 'decoder', this.codec.name ?? 'unknown');
      alone(() =>
        check(context.open2Sync(this.codec, null), `Cannot start decoding ${this.#what}`, {
          code: 'ERR_MILLRACE_INPUT',
          context: this.#log,
        }),
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #setOptions({ kind, shared, own, forInput, skipFrame, crop, live }: CodecOptions): void {
    const what = `(decoder ${this.codec.name})`;
    const target = { use: 'decoding', codec: this.codec } as const;
    // As the ffmpeg command: threads by the number of cores unless told, and exact cropping.
    setAVOptions(this.#context, { threads: 'auto' }, what);
    if (kind === 'video') {
      const flags = this.#context.setOption('flags', '+unaligned', AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
      check(flags, `Cannot set up decoding ${this.#what}`);
      setAVOptions(this.#context, { apply_cropping: crop ? 1 : 0 }, what);
    }
    if (kind === 'video' && live) setAVOptions(this.#context, this.#withoutDelay, what);
    // Some names, such as video_size, are the input's own setting and in a decoder one that follows from the frames.
    const known = Object.entries(shared).filter(([name]) => {
      const option = findOption(this.#context, name);
      return option && ((option.flags & AV_OPT_FLAG_DECODING_PARAM) !== 0 || !forInput(name));
    });
    setAVOptions(this.#context, Object.fromEntries(known), `dec_params ${what}`, target);
    setAVOptions(this.#context, own, `video_params ${what}`, target);
    if (skipFrame !== undefined) setAVOptions(this.#context, { skip_frame: skipFrame }, `skip_frame ${what}`, target);
  }

  /**
   * Threads that each decode a picture hold back as many. The flag ends that too, and what decoders hold back by themselves;
   * but some take it for a promise that pictures come in the order in which they are shown.
   */
  get #withoutDelay(): AVOptionValues {
    const reorders = ORDERED_BY_FLAG.test(this.codec.name ?? '');
    return { thread_type: 'slice', ...(!reorders && { flags: '+low_delay' }) };
  }

  optionNames(): string[] {
    return optionNames(this.#context, { use: 'decoding', codec: this.codec });
  }

  /** This decoder, or libavcodec for any, has the option. */
  knows(option: string): boolean {
    return findOption(this.#context, option) !== undefined;
  }

  /** Feeds a packet; undefined begins the end, after which `receive` gives the delayed frames. */
  send(packet: Packet | undefined): void {
    const ret = this.#context.sendPacketSync(packet ?? null);
    if (ret >= 0 || (isEof(ret) && packet === undefined)) return;
    this.#failed(ret);
  }

  /**
   * The next frame, which becomes the caller's; 'again' if the decoder wants another packet first, 'end' when
   * everything sent before the end has come out.
   */
  receive(): Frame | 'again' | 'end' {
    for (;;) {
      if (this.#spare === undefined) {
        this.#spare = new Frame();
        this.#spare.alloc();
        ledger.opened('scratch-frame');
      }
      const ret = this.#context.receiveFrameSync(this.#spare);
      if (ret >= 0) {
        this.frames++;
        return this.#taken(this.#spare);
      }
      if (isAgain(ret)) return 'again';
      if (isEof(ret)) return 'end';
      this.#failed(ret);
    }
  }

  /** Pictures of a device are brought into main memory, unless they are to stay. */
  #taken(frame: Frame): Frame {
    const brought = this.#hardware?.bring(frame);
    if (brought) {
      // It takes the next one.
      frame.unref();
      return brought;
    }
    this.#spare = undefined;
    ledger.closed('scratch-frame');
    return frame;
  }

  #failed(ret: number): void {
    this.errors++;
    this.#lastError = ret;
    // A decoder that has ended by itself would otherwise be fed for ever.
    if (ret === AVERROR_EOF) throw this.#error(`Cannot decode ${this.#what}`);
  }

  /** @throws FFmpegError ERR_MILLRACE_INPUT if too much of the stream could not be decoded. */
  checkErrorRate(): void {
    const total = this.frames + this.errors;
    if (this.errors === 0 || this.errors / total <= MAX_ERROR_RATE) return;
    throw this.#error(`Cannot decode ${this.#what}: ${this.errors} of ${total} frames failed`);
  }

  #error(what: string): FFmpegError {
    return failure(this.#lastError, what, {
      context: this.#log,
      since: this.#began,
      code: 'ERR_MILLRACE_INPUT',
      hint: 'The file is damaged, or encrypted, or no such stream',
    });
  }

  /** Forgets what was sent: for a seek, and to begin anew after the end. */
  flush(): void {
    this.#context.flushBuffers();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#spare !== undefined) {
      this.#spare.free();
      this.#spare = undefined;
      ledger.closed('scratch-frame');
    }
    this.#context.freeContext();
    ledger.closed('codec');
    this.#hardware?.release();
  }
}
