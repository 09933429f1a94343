/** An open encoder: frames in, packets out. */
import {
  AV_CODEC_FLAG_FRAME_DURATION,
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AV_CODEC_FLAG_PSNR,
  AV_CODEC_FLAG_QSCALE,
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AVMEDIA_TYPE_VIDEO,
  FF_QP2LAMBDA,
} from 'node-av/constants';
import { avGetPixFmtName, Codec, CodecContext, type Frame, Packet, type Stream } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { alone, check, failure, isAgain, isEof, ledger, nameContext } from '../../../src/media/index.js';
import { type AVOptionValues, didYouMean } from '../../../src/schema/schema.js';
import { optionText, setAVOptions } from '../../shared/avoptions.js';
import { deviceHint } from './device.js';
import type { Pass } from './passes.js';
import { adviceFor } from './quality-advice.js';
import { type Wishes, wishesOf } from './wishes.js';
import { checkX264Names } from './x264-names.js';

/** BMF's and everyday names beside those of FFmpeg's encoders. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  h264: ['libx264'],
  avc: ['libx264'],
  hevc: ['libx265'],
  h265: ['libx265'],
  jpg: ['mjpeg'],
  jpeg: ['mjpeg'],
  av1: ['libsvtav1', 'libaom-av1', 'librav1e'],
  vp8: ['libvpx'],
  vp9: ['libvpx-vp9'],
  mp3: ['libmp3lame'],
  opus: ['libopus'],
  vorbis: ['libvorbis'],
  theora: ['libtheora'],
  webp: ['libwebp'],
  jxl: ['libjxl'],
};

/** FFmpeg's names that a name may stand for, best first. */
export function encoderNames(name: string): readonly string[] {
  return [...(aliases[name] ?? []), name];
}

/**
 * An encoder by FFmpeg's name or one of the aliases.
 * @throws MillraceError ERR_MILLRACE_OPTION if this FFmpeg has none of that name, or it is for the other medium.
 */
export function findEncoder(name: string, kind: 'video' | 'audio'): Codec {
  for (const candidate of encoderNames(name)) {
    const codec = Codec.findEncoderByName(candidate as Parameters<typeof Codec.findEncoderByName>[0]);
    if (codec === null) continue;
    if ((codec.type === AVMEDIA_TYPE_VIDEO) === (kind === 'video')) return codec;
    throw new MillraceError('ERR_MILLRACE_OPTION', `${kind}_params.codec: '${name}' is no ${kind} encoder`);
  }
  const all = Codec.getCodecList().filter((codec) => codec.isEncoder());
  const known = all.filter((codec) => (codec.type === AVMEDIA_TYPE_VIDEO) === (kind === 'video'));
  const names = [...Object.keys(aliases), ...known.map((codec) => codec.name ?? '')];
  throw new MillraceError('ERR_MILLRACE_OPTION', `${kind}_params.codec: this FFmpeg has no encoder '${name}'`, {
    hint: didYouMean(
      name,
      names,
      `Common ones: ${kind === 'video' ? 'h264, hevc, vp9, mjpeg, png' : 'aac, libopus, flac, pcm_s16le'}`,
    ),
  });
}

export interface EncoderSettings {
  readonly codec: Codec;
  readonly globalHeader: boolean;
  readonly threads?: string | undefined;
  readonly bitRate?: string | undefined;
  readonly qscale?: number | undefined;
  readonly tag?: string | number | undefined;
  readonly psnr?: boolean | undefined;
  readonly pass?: Pass | undefined;
  readonly av: AVOptionValues;
  /** Hears of options that the encoder does not know, which are errors without it. */
  readonly skip?: ((message: string) => void) | undefined;
  readonly wishes: Wishes;
  /** Where these settings stand in the node's options, for errors: `video_params` or `audio_params`. */
  readonly path: string;
}

/**
 * A context with the user's settings, not yet opened.
 * @throws MillraceError ERR_MILLRACE_OPTION for an option the encoder does not know or a value it refuses.
 */
function prepareContext(settings: Omit<EncoderSettings, 'wishes'>, unknown?: Set<string>): CodecContext {
  const { codec, path } = settings;
  const context = new CodecContext();
  context.allocContext3(codec);
  ledger.opened('codec');
  try {
    if (codec.name?.startsWith('libx264')) checkX264Names(settings.av, path);
    // Without a number the ffmpeg command lets the encoder choose its threads; libavcodec alone would take one.
    const own = {
      threads: settings.threads ?? 'auto',
      ...(settings.bitRate !== undefined && { b: settings.bitRate }),
      ...(settings.pass && { [settings.pass.option]: settings.pass.file }),
    };
    setAVOptions(context, { ...own, ...settings.av }, `${path} (encoder ${codec.name})`, {
      use: 'encoding',
      codec,
      media: codec.type === AVMEDIA_TYPE_VIDEO ? 'video' : 'audio',
      advice: (name) => adviceFor(codec, name),
      ...(settings.skip && {
        skip(name, message) {
          unknown?.add(name);
          settings.skip?.(message);
        },
      }),
    });
    if (settings.qscale !== undefined) {
      context.setFlags(AV_CODEC_FLAG_QSCALE);
      context.globalQuality = Math.round(FF_QP2LAMBDA * settings.qscale);
    }
    if (settings.pass) context.setFlags(settings.pass.flag);
    if (settings.psnr) context.setFlags(AV_CODEC_FLAG_PSNR);
    if (settings.globalHeader) context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    if (codec.type === AVMEDIA_TYPE_VIDEO) context.setFlags(AV_CODEC_FLAG_FRAME_DURATION);
    if (settings.tag !== undefined) context.codecTag = settings.tag;
    return context;
  } catch (error) {
    freeContext(context);
    throw error;
  }
}

function freeContext(context: CodecContext): void {
  context.freeContext();
  ledger.closed('codec');
}

/** Checks the settings of an encoder that is opened only when the first frame has come. */
export function checkSettings(settings: Omit<EncoderSettings, 'wishes'>): EncoderSettings {
  const unknown = new Set<string>();
  const context = prepareContext(settings, unknown);
  try {
    const av = Object.fromEntries(Object.entries(settings.av).filter(([name]) => !unknown.has(name)));
    return { ...settings, av, wishes: wishesOf(context, av) };
  } finally {
    freeContext(context);
  }
}

export class Encoder {
  readonly context: CodecContext;
  /** To be set on every frame: what `qscale` says. */
  quality = 0;
  readonly #name: string;
  /** In FFmpeg's log. */
  readonly #log: number;
  readonly #packet = new Packet();
  readonly #write: (packet: Packet) => void;
  #closed = false;

  /**
   * @param write Takes every packet, in ticks of the context's time base; it is reused afterwards.
   * @param configure Gives the context the properties of the frames to come.
   * @throws MillraceError ERR_MILLRACE_OPTION if the encoder does not open with these settings.
   */
  constructor(settings: EncoderSettings, write: (packet: Packet) => void, configure: (context: CodecContext) => void) {
    this.context = prepareContext(settings);
    this.#name = settings.codec.name ?? 'unknown';
    this.#log = nameContext(this.context, 'encoder', this.#name);
    this.#write = write;
    this.#packet.alloc();
    ledger.opened('scratch-packet');
    try {
      configure(this.context);
      alone(() =>
        check(this.context.open2Sync(settings.codec, null), `Cannot open encoder ${this.#name}`, {
          code: 'ERR_MILLRACE_OPTION',
          context: this.#log,
          hint:
            deviceHint(
              settings.codec,
              'There may be no such device here, or it takes frames from its own memory (hwupload)',
            ) ??
            sizeHint(settings.path, this.context) ??
            `Look at ${settings.path}: a value, a combination of them or the frames' size or format does not suit this encoder`,
        }),
      );
      this.quality = this.context.globalQuality;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Other values for options that the encoder looks at before every picture. */
  change(values: AVOptionValues): void {
    for (const [name, value] of Object.entries(values)) {
      const ret = this.context.setOption(name, optionText(value), AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
      check(ret, `Encoder ${this.#name} refuses ${name} ${optionText(value)}`, { code: 'ERR_MILLRACE_OPTION' });
    }
    this.quality = this.context.globalQuality;
  }

  /** Encodes one frame, which stays the caller's. */
  send(frame: Frame): void {
    const ret = this.context.sendFrameSync(frame);
    if (ret < 0) throw failure(ret, `Encoder ${this.#name} refuses a frame`, { context: this.#log });
    this.#drain();
  }

  /** Encodes what is still delayed inside. Nothing can be sent afterwards. */
  flush(): void {
    const ret = this.context.sendFrameSync(null);
    // An encoder that has been flushed already answers "end of file".
    if (!isEof(ret)) check(ret, `Cannot flush encoder ${this.#name}`, { context: this.#log });
    this.#drain();
  }

  #drain(): void {
    for (;;) {
      const ret = this.context.receivePacketSync(this.#packet);
      if (ret < 0) {
        if (isAgain(ret) || isEof(ret)) return;
        throw failure(ret, `Encoder ${this.#name} failed`, { context: this.#log });
      }
      try {
        this.#write(this.#packet);
      } finally {
        this.#packet.unref();
      }
    }
  }

  /** Describes the encoded stream to a muxer. */
  describe(stream: Stream): void {
    check(stream.codecpar.fromContext(this.context), `Cannot describe the stream of encoder ${this.#name}`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    freeContext(this.context);
    this.#packet.free();
    ledger.closed('scratch-packet');
  }
}

/** Colour of half the size has no half pixels. */
function sizeHint(path: string, { width, height, pixelFormat }: CodecContext): string | undefined {
  const name = width % 2 === 0 && height % 2 === 0 ? '' : (avGetPixFmtName(pixelFormat) ?? '');
  if (!/yuvj?4[12]|nv\d|p0\d\d/.test(name)) return undefined;
  const even = [width, height].map((side) => side + (side % 2)).join(', ');
  return (
    `Look at ${path}: the size ${width}x${height} is odd, and ${name} as a rule wants even ones: scale(${even}), or -2 for the ` +
    'side that follows from the other'
  );
}
