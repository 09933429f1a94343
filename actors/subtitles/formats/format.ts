/** What a form of text subtitles is, to those who decode and encode them. Between forms everything is an event of ASS. */
import type { AVCodecID } from 'node-av/constants';
import type { AssEvent, SubtitleOrigin } from '../../../src/media/index.js';
import type { Feature } from '../runs.js';

export type SideData = SubtitleOrigin['sideData'];

export interface TextDecoder {
  /** Of the ASS script that the events belong to; undefined: FFmpeg's own. */
  readonly header: string | undefined;
  /** @returns undefined if the packet shows nothing. */
  decode(bytes: Uint8Array, sideData: SideData): AssEvent | undefined;
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly sideData: SideData;
  /** What the form has no words for. */
  readonly lost: ReadonlySet<Feature>;
}

export interface TextEncoder {
  readonly extradata: Uint8Array | undefined;
  encode(event: AssEvent): Encoded;
}

export interface TextFormat {
  /** FFmpeg's name of the codec. */
  readonly name: string;
  readonly id: AVCodecID;
  decoder(extradata: Uint8Array): TextDecoder;
  /** @param header of the ASS script that the events belong to. */
  encoder(header: string | undefined): TextEncoder;
}

/** @returns what is lost of `features` where `kept` is not. */
export function without(features: Iterable<Feature>, ...kept: readonly Feature[]): Set<Feature> {
  return new Set([...features].filter((feature) => !kept.includes(feature)));
}

export function textOf(bytes: Uint8Array): string {
  // Some containers end a text with a zero.
  const end = bytes.indexOf(0);
  const { buffer, byteOffset } = bytes;
  return Buffer.from(buffer, byteOffset, end < 0 ? bytes.byteLength : end).toString('utf8');
}

/** A line without anything in it would end a subtitle in the files of this form. */
export function withoutEmptyLines(text: string): string {
  return text.replace(/\n(?=\n)/g, '\n\u00a0').replace(/^\n+|\n+$/g, '');
}
