/** A stream of text subtitles that is made here: of subtitles, or of packets of another codec than the file has. */
import { AV_PKT_FLAG_KEY, AVMEDIA_TYPE_SUBTITLE, type AVPacketSideDataType } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import {
  check,
  type EncodedPacket,
  isTimeBase,
  ledger,
  MICROSECONDS,
  originOf,
  type Rational,
  type StreamInfo,
  Subtitle,
} from '../../../src/media/index.js';
import { type Feature, SubtitleDecoder, SubtitleEncoder, type TextFormat, textFormat } from '../../subtitles/index.js';
import { subtitleCodecFor } from '../output/subtitle-codecs.js';
import { OF_THE_PACKETS } from '../sources.js';
import { CopyStream } from './copy.js';
import { type StreamContext, write } from './stream.js';
import { presentTexts, type SourceTexts } from './texts.js';

/** The stream of an output for packets that are announced: copied where the format holds them, else converted. */
export function announcedSubtitles(ctx: StreamContext, info: StreamInfo): CopyStream | SubtitleStream {
  const { options, format, input } = ctx;
  const { codec: wanted, header } = options.subtitle_params ?? {};
  const source = textFormat(info.codec)?.name ?? info.codec;
  const codec = subtitleCodecFor(format, { wanted, source, input });
  if (codec === source && header === undefined) return new CopyStream(ctx, info);
  return new SubtitleStream(ctx, { info });
}

/** All times are in microseconds. */
export class SubtitleStream {
  /** There is no limit of them. */
  readonly full = false;
  readonly #ctx: StreamContext;
  readonly #codec: TextFormat;
  readonly #header: string | undefined;
  readonly #encoder: SubtitleEncoder;
  /** Of packets that come. */
  #decoder: SubtitleDecoder | undefined;
  #unit: Rational = MICROSECONDS;
  readonly #packet = new Packet();
  #written = 0;
  /** How many of them say less than before, and what is missing, by how many. */
  #poorer = 0;
  readonly #lost = new Map<Feature, number>();
  /** Those whose styles are in another header than that of the stream. */
  #strangers = 0;
  #closed = false;

  /**
   * @param from `info` of packets that will come, or the first subtitle; neither: nothing has come yet.
   * @throws MillraceError ERR_MILLRACE_OPTION for a format without such subtitles.
   */
  constructor(ctx: StreamContext, { info, first }: { info?: StreamInfo; first?: Subtitle }) {
    this.#ctx = ctx;
    const { options, format, input } = ctx;
    const { codec: wanted, header } = options.subtitle_params ?? {};
    const known = ctx.source();
    if (info) this.announce(info);
    const source = info?.codec ?? (first && originOf(first)?.codec) ?? known?.text?.codec;
    const codec = subtitleCodecFor(format, { wanted: wanted === 'copy' ? undefined : wanted, source, input });
    this.#codec = textFormat(codec)!;
    this.#header = header ?? this.#decoder?.header ?? first?.header ?? known?.text?.header;
    this.#encoder = new SubtitleEncoder(this.#codec, this.#header);
    this.#packet.alloc();
    ledger.opened('scratch-packet');
    this.#present(info ? ofNewPackets({ tags: info.metadata, disposition: info.disposition }) : known);
  }

  /** The packets that follow are of this kind. @throws MillraceError ERR_MILLRACE_PAYLOAD if they are no text. */
  announce(info: StreamInfo): void {
    const format = textFormat(info.codec);
    if (!format) {
      const { input, name } = this.#ctx;
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `Input ${input} delivers ${info.codec}, and ${name} has text there`,
        {
          hint: `Text is ${TEXTS}. A stream of pictures has to begin within the first second of the others`,
        },
      );
    }
    this.#decoder = new SubtitleDecoder(format, info.extradata);
    this.#unit = info.timeBase;
  }

  /** @param shift Taken off all times. */
  push(payload: EncodedPacket | Subtitle, shift: bigint): void {
    const subtitle = payload instanceof Subtitle ? payload : this.#decoded(payload);
    if (!subtitle) return;
    const { header } = subtitle;
    if (header !== undefined && header !== this.#header) this.#strangers++;
    const { bytes, sideData, lost } = this.#encoder.encode(subtitle);
    for (const feature of lost) this.#lost.set(feature, (this.#lost.get(feature) ?? 0) + 1);
    if (lost.size > 0) this.#poorer++;
    // Nobody would see it.
    if (subtitle.text.trim() === '' && !(isScript(this.#codec) && draws(subtitle))) return;
    this.#written++;
    const start = BigInt(Math.round(subtitle.start)) - shift;
    const out = this.#packet;
    // Before everything else: setting the data resets all other fields (av_new_packet).
    out.data = Buffer.from(bytes);
    try {
      out.pts = start;
      out.dts = start;
      out.duration = BigInt(Math.round(subtitle.end)) - shift - start;
      out.flags = AV_PKT_FLAG_KEY;
      for (const { type, data } of sideData) {
        check(out.addSideData(type as AVPacketSideDataType, Buffer.from(data)), 'Cannot add to a subtitle');
      }
      write(this.#ctx, out, MICROSECONDS);
    } finally {
      out.unref();
    }
  }

  #decoded(packet: EncodedPacket): Subtitle | undefined {
    return this.#decoder?.decode(packet.av, isTimeBase(packet.timeBase) ? packet.timeBase : this.#unit);
  }

  finish(): void {
    const { log, name } = this.#ctx;
    if (this.#poorer > 0) {
      const parts = [...this.#lost].map(([feature, count]) => `${feature} (${count})`).join(', ');
      const what = `${this.#poorer} of ${this.#written} subtitles`;
      log.warn(`${name}: ${what} lost what ${this.#codec.name} has no words for: ${parts}`);
    }
    if (this.#strangers > 0) {
      log.warn(
        `${name}: the styles of ${this.#strangers} subtitles are lost: they belong to another header than the stream`,
      );
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#packet.free();
    ledger.closed('scratch-packet');
  }

  #present(source: SourceTexts | undefined): void {
    const { extradata } = this.#encoder;
    this.#ctx.muxer.add(this.#ctx.input, {
      kind: 'subtitle',
      timeBase: MICROSECONDS,
      describe: (stream) => {
        const { codecpar } = stream;
        codecpar.codecType = AVMEDIA_TYPE_SUBTITLE;
        codecpar.codecId = this.#codec.id;
        if (extradata) codecpar.extradata = Buffer.from(extradata);
        presentTexts(stream, this.#ctx, source);
      },
    });
  }
}

function isScript({ name }: TextFormat): boolean {
  return name === 'ass' || name === 'ssa';
}

function draws({ ass = '' }: Subtitle): boolean {
  return /\\p[1-9]/.test(ass);
}

const TEXTS = 'subrip, ass, webvtt or mov_text';

function ofNewPackets({ tags, disposition }: SourceTexts): SourceTexts {
  return { tags: Object.fromEntries(Object.entries(tags).filter(([name]) => !OF_THE_PACKETS.test(name))), disposition };
}
