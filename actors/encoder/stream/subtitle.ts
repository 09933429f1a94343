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
import {
  type Feature,
  readableFormat,
  SubtitleDecoder,
  SubtitleEncoder,
  type TextFormat,
  textFormat,
} from '../../subtitles/index.js';
import { OneAtATime } from '../../subtitles/one-at-a-time.js';
import { subtitleCodecFor } from '../output/subtitle-codecs.js';
import { OF_THE_PACKETS } from '../sources.js';
import { CopyStream } from './copy.js';
import { type StreamContext, write } from './stream.js';
import { presentTexts, type SourceTexts } from './texts.js';

/** The stream of an output for packets that are announced: copied where the format holds them, else converted. */
export function announcedSubtitles(ctx: StreamContext, info: StreamInfo): CopyStream | SubtitleStream {
  const { options, format, input } = ctx;
  const { codec: wanted, header } = options.subtitle_params ?? {};
  const source = readableFormat(info.codec)?.name ?? info.codec;
  const codec = subtitleCodecFor(format, { wanted, source, input });
  if (codec === source && header === undefined) return new CopyStream(ctx, info);
  return new SubtitleStream(ctx, { info });
}

/** All times are in microseconds. */
export class SubtitleStream {
  readonly #ctx: StreamContext;
  readonly #codec: TextFormat;
  readonly #header: string | undefined;
  readonly #encoder: SubtitleEncoder;
  /** Of packets that come. */
  #decoder: SubtitleDecoder | undefined;
  #unit: Rational = MICROSECONDS;
  readonly #packet = new Packet();
  #count = 0;
  /** How many of them say less than before, and what is missing, by how many. */
  #poorer = 0;
  readonly #lost = new Map<Feature, number>();
  /** Those whose styles are in another header than that of the stream. */
  #strangers = 0;
  /** Where the last one begins. */
  #last = Number.NEGATIVE_INFINITY;
  /** Those that came behind a later one. */
  #late = 0;
  #shift = 0n;
  /** The file shows one at a time. */
  readonly #single: OneAtATime | undefined;
  #closed = false;

  /**
   * @param from `info` of packets that will come, or the first subtitle; neither: nothing has come yet.
   * @throws MillraceError ERR_MILLRACE_OPTION for a format without such subtitles.
   */
  constructor(ctx: StreamContext, { info, first }: { info?: StreamInfo; first?: Subtitle }) {
    this.#ctx = ctx;
    ctx.shortest?.copies(true);
    const { options, format, input } = ctx;
    const { codec: wanted, header } = options.subtitle_params ?? {};
    const known = ctx.source();
    if (info) this.announce(info);
    const source = info?.codec ?? (first && originOf(first)?.codec) ?? known?.text?.codec;
    // What is read and not written is like any other text.
    const like = source !== undefined && readableFormat(source) && !textFormat(source) ? undefined : source;
    const codec = subtitleCodecFor(format, { wanted: wanted === 'copy' ? undefined : wanted, source: like, input });
    this.#codec = textFormat(codec)!;
    this.#header = header ?? this.#decoder?.header ?? first?.header ?? known?.text?.header;
    this.#encoder = new SubtitleEncoder(this.#codec, this.#header);
    this.#single = this.#codec.name === 'mov_text' ? new OneAtATime() : undefined;
    this.#packet.alloc();
    ledger.opened('scratch-packet');
    ctx.shortest?.copies(true);
    if (wanted === 'copy' && !info) {
      ctx.log.warn(
        `subtitle_params.codec 'copy' has no effect: input ${input} delivers Subtitles, which become ${codec}`,
      );
    }
    try {
      this.#present(info ? ofNewPackets({ tags: info.metadata, disposition: info.disposition }) : ofSource(known));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A shorter stream has ended. */
  get full(): boolean {
    return this.#ctx.shortest?.isFinished || false;
  }

  /** The packets that follow are of this kind. @throws MillraceError ERR_MILLRACE_PAYLOAD if they are no text. */
  announce(info: StreamInfo): void {
    const format = readableFormat(info.codec);
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
    if (this.full) return;
    this.#shift = shift;
    const subtitle = payload instanceof Subtitle ? payload : this.#decoded(payload);
    if (!subtitle) return;
    const isDrawn = draws(subtitle);
    if (subtitle.text.trim() === '' && !(isDrawn && isScript(this.#codec))) {
      // Nobody would see it.
      if (isDrawn) this.#note(new Set(['drawings']));
      return;
    }
    const { header, start } = subtitle;
    if (header !== undefined && header !== this.#header) this.#strangers++;
    if (start < this.#last) this.#late++;
    this.#last = Math.max(this.#last, start);
    for (const each of this.#single?.push(subtitle) ?? [subtitle]) this.#write(each);
  }

  #write(subtitle: Subtitle): void {
    const { bytes, sideData, lost } = this.#encoder.encode(subtitle);
    this.#note(lost);
    const start = BigInt(Math.round(subtitle.start)) - this.#shift;
    const out = this.#packet;
    // Before everything else: setting the data resets all other fields (av_new_packet).
    out.data = Buffer.from(bytes);
    try {
      out.pts = start;
      out.dts = start;
      out.duration = BigInt(Math.round(subtitle.end)) - this.#shift - start;
      out.flags = AV_PKT_FLAG_KEY;
      for (const { type, data } of sideData) {
        check(out.addSideData(type as AVPacketSideDataType, Buffer.from(data)), 'Cannot add to a subtitle');
      }
      write(this.#ctx, out, MICROSECONDS);
    } finally {
      out.unref();
    }
  }

  #note(lost: ReadonlySet<Feature>): void {
    this.#count++;
    if (lost.size > 0) this.#poorer++;
    for (const feature of lost) this.#lost.set(feature, (this.#lost.get(feature) ?? 0) + 1);
  }

  #decoded(packet: EncodedPacket): Subtitle | undefined {
    return this.#decoder?.decode(packet.av, isTimeBase(packet.timeBase) ? packet.timeBase : this.#unit);
  }

  finish(): void {
    const { log, name, shortest } = this.#ctx;
    for (const each of this.#single?.finish() ?? []) this.#write(each);
    shortest?.packetsEnd();
    if (this.#poorer > 0) {
      const parts = [...this.#lost].map(([feature, count]) => `${feature} (${count})`).join(', ');
      const what = `${this.#poorer} of ${this.#count} subtitles`;
      log.warn(`${name}: ${what} lost what ${this.#codec.name} has no words for: ${parts}`);
    }
    const unreadable = this.#decoder?.unreadable ?? 0;
    if (unreadable > 0) {
      const where = "dec_params: { sub_charenc: 'windows-1252' } of the decoder says which it is";
      log.warn(`${name}: ${unreadable} subtitles are not in UTF-8, and letters of them are lost (${where})`);
    }
    if (this.#late > 0) {
      log.warn(
        `${name}: ${this.#late} subtitles came behind one that begins later, and are moved to where that begins`,
      );
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

/** Of what was no text before, such as sound, the language is the same and nothing else. */
function ofSource(source: SourceTexts | undefined): SourceTexts | undefined {
  if (!source || source.text) return source;
  const { language } = source.tags;
  return { tags: language === undefined ? {} : { language }, disposition: 0 };
}

function ofNewPackets({ tags, disposition }: SourceTexts): SourceTexts {
  return { tags: Object.fromEntries(Object.entries(tags).filter(([name]) => !OF_THE_PACKETS.test(name))), disposition };
}
