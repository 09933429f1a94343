/** The forms of text subtitles: which there are, and from packets to subtitles and back. */
import {
  AV_PKT_DATA_SUBTITLE_POSITION,
  AV_PKT_DATA_WEBVTT_IDENTIFIER,
  AV_PKT_DATA_WEBVTT_SETTINGS,
} from 'node-av/constants';
import type { CodecParameters, Packet as NativePacket } from 'node-av/lib';
import {
  assTokens,
  DEFAULT_STYLE,
  eventOfSubtitle,
  fromNativeTimestamp,
  MICROSECONDS,
  originOf,
  plainText,
  type Rational,
  rescale,
  Subtitle,
  withOrigin,
  writeEvent,
} from '../../src/media/index.js';
import { ass, ssa } from './formats/ass.js';
import type { Encoded, SideData, TextDecoder, TextEncoder, TextFormat } from './formats/format.js';
import { movText } from './formats/mov-text.js';
import { subrip, text } from './formats/subrip.js';
import { webvtt } from './formats/webvtt.js';

export type { Encoded, TextEncoder, TextFormat } from './formats/format.js';
export type { Feature } from './runs.js';

const FORMATS: readonly TextFormat[] = [subrip, ass, ssa, webvtt, movText, text];

/** Names of those that can be read and written. */
export const TEXT_CODECS: readonly string[] = FORMATS.map(({ name }) => name);

/** @param codec FFmpeg's name of a codec, or of an encoder of it. @returns undefined for what is no text, or not known here. */
export function textFormat(codec: string): TextFormat | undefined {
  return FORMATS.find(({ name }) => name === (codec === 'srt' ? 'subrip' : codec));
}

/** Of the packets of a stream. */
export function textFormatOf({ codecId }: Pick<CodecParameters, 'codecId'>): TextFormat | undefined {
  return FORMATS.find(({ id }) => id === codecId);
}

/** What is known of a stream before its first packet; undefined for what is no text. */
export function textFacts({
  codecId,
  extradata,
}: Pick<CodecParameters, 'codecId' | 'extradata'>): { codec: string; header: string | undefined } | undefined {
  const format = textFormatOf({ codecId });
  return format && { codec: format.name, header: format.decoder(extradata ?? new Uint8Array(0)).header };
}

/** What packets of text subtitles have beside their text. */
const SIDE_DATA = [AV_PKT_DATA_SUBTITLE_POSITION, AV_PKT_DATA_WEBVTT_IDENTIFIER, AV_PKT_DATA_WEBVTT_SETTINGS] as const;

function sideDataOf(packet: NativePacket): SideData {
  return SIDE_DATA.flatMap((type) => {
    const data = packet.getSideData(type);
    return data === null ? [] : [{ type, data: Uint8Array.from(data) }];
  });
}

/** From packets of one stream to subtitles. */
export class SubtitleDecoder {
  readonly #codec: string;
  readonly #decoder: TextDecoder;
  readonly #keepsEvents: boolean;

  constructor(format: TextFormat, extradata: Uint8Array) {
    this.#codec = format.name;
    this.#decoder = format.decoder(extradata);
    this.#keepsEvents = format === ass || format === ssa;
  }

  get header(): string | undefined {
    return this.#decoder.header;
  }

  /**
   * @param packet stays the caller's.
   * @param unit of its times, seconds.
   * @returns undefined if the packet shows nothing.
   */
  decode(packet: NativePacket, unit: Rational): Subtitle | undefined {
    const start = Number(rescale(fromNativeTimestamp(packet.pts) ?? packet.dts, unit, MICROSECONDS));
    const end = start + Math.max(0, Number(rescale(packet.duration, unit, MICROSECONDS)));
    const bytes = Uint8Array.from(packet.data ?? []);
    const sideData = sideDataOf(packet);
    const event = this.#decoder.decode(bytes, sideData);
    if (!event) return undefined;
    const { header } = this.#decoder;
    const isPlain = event.style === DEFAULT_STYLE && assTokens(event.text).every(({ kind }) => kind !== 'override');
    const words =
      isPlain && !this.#keepsEvents ? { text: plainText(event.text) } : { ass: writeEvent(event), ...{ header } };
    return withOrigin(new Subtitle({ start, end, ...words }), { codec: this.#codec, bytes, sideData });
  }
}

/** From subtitles to packets of one stream; those that came from such packets and were not changed become the same again. */
export class SubtitleEncoder {
  readonly #codec: string;
  readonly #encoder: TextEncoder;

  /** @param header of the ASS script that all of them belong to. */
  constructor(format: TextFormat, header: string | undefined) {
    this.#codec = format.name;
    this.#encoder = format.encoder(header);
  }

  get extradata(): Uint8Array | undefined {
    return this.#encoder.extradata;
  }

  encode(subtitle: Subtitle): Encoded {
    const origin = originOf(subtitle);
    const isOwn = origin?.codec === this.#codec;
    // Events are numbered anew: numbers of two sources would be mistaken for each other.
    if (isOwn && origin.bytes && this.#codec !== 'ass' && this.#codec !== 'ssa') {
      return { bytes: origin.bytes, sideData: origin.sideData, lost: new Set() };
    }
    const encoded = this.#encoder.encode(eventOfSubtitle(subtitle));
    return isOwn && origin.sideData.length > 0 ? { ...encoded, sideData: origin.sideData } : encoded;
  }
}
