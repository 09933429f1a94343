/**
 * Timed text of MP4 and MOV (3GPP TS 26.245): a text behind its length, and boxes that say which characters look how. The
 * sample description, which is the extradata, has the look of all others and the names of fonts.
 */
import { AV_CODEC_ID_MOV_TEXT } from 'node-av/constants';
import { escapeText, eventOf } from '../../../src/media/index.js';
import { type Feature, partsOf, type Run } from '../runs.js';
import { parseScript } from '../script.js';
import { type TextFormat, without } from './format.js';

const BOLD = 1;
const ITALIC = 2;
const UNDERLINE = 4;

/** Bytes of the description before its table of fonts. */
const DESCRIPTION = 30;
const STYLE_RECORD = 12;
const MAX_TEXT = 0xffff;

interface Look {
  readonly flags: number;
  readonly size: number;
  readonly font: number;
  /** 0xRRGGBBAA. */
  readonly color: number;
}

interface Styled extends Look {
  readonly start: number;
  readonly end: number;
}

export const movText: TextFormat = {
  name: 'mov_text',
  id: AV_CODEC_ID_MOV_TEXT,
  decoder(extradata) {
    const { base, fonts } = readDescription(Buffer.from(extradata));
    return {
      // Most players ignore the description, and many files have a wrong one.
      header: undefined,
      decode(bytes) {
        const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const length = data.byteLength < 2 ? 0 : Math.min(data.readUInt16BE(0), data.byteLength - 2);
        if (length === 0) return undefined;
        const text = textIn(data.subarray(2, 2 + length));
        return eventOf(toAss(text, stylesIn(data.subarray(2 + length)), base, fonts));
      },
    };
  },
  encoder(header) {
    const script = parseScript(header);
    const fonts = [...new Set([script.base, ...script.styles.values()].map(({ font }) => font))].slice(0, 255);
    const base = lookOf(script.base, fonts);
    return {
      extradata: writeDescription(base, fonts),
      encode(event) {
        const { runs, alignment, beside } = partsOf(event, script);
        const lost: Set<Feature> = without(beside);
        if (alignment !== 2) lost.add('alignments');
        if (runs.some(({ look }) => look.strike)) lost.add('strike-outs');
        if (runs.some(({ look }) => !fonts.includes(look.font))) lost.add('fonts');
        return { bytes: writeSample(runs, base, fonts), sideData: [], lost };
      },
    };
  },
};

function readDescription(data: Buffer): { base: Look; fonts: ReadonlyMap<number, string> } {
  const fonts = new Map<number, string>();
  if (data.byteLength < DESCRIPTION) return { base: { flags: 0, size: 18, font: 1, color: 0xffffffff }, fonts };
  const base = readLook(data, 22);
  let at = DESCRIPTION + 8;
  const count = data.byteLength >= at + 2 ? data.readUInt16BE(at) : 0;
  at += 2;
  for (let i = 0; i < count && at + 3 <= data.byteLength; i++) {
    const length = data.readUInt8(at + 2);
    fonts.set(data.readUInt16BE(at), data.toString('utf8', at + 3, at + 3 + length));
    at += 3 + length;
  }
  return { base, fonts };
}

function readLook(data: Buffer, at: number): Look {
  return {
    font: data.readUInt16BE(at),
    flags: data.readUInt8(at + 2),
    size: data.readUInt8(at + 3),
    color: data.readUInt32BE(at + 4),
  };
}

function textIn(bytes: Buffer): string {
  const isWide = bytes.byteLength >= 2 && bytes.readUInt16BE(0) === 0xfeff;
  const text = isWide ? Buffer.from(bytes.subarray(2)).swap16().toString('utf16le') : bytes.toString('utf8');
  return text.replace(/\r\n?/g, '\n').replace(/\0+$/, '');
}

/** Those of the boxes behind the text; what is no whole box ends them. */
function stylesIn(boxes: Buffer): Styled[] {
  for (let at = 0; at + 8 <= boxes.byteLength; ) {
    const size = boxes.readUInt32BE(at);
    if (size < 8 || at + size > boxes.byteLength) return [];
    if (boxes.toString('latin1', at + 4, at + 8) === 'styl' && size >= 10) {
      const count = Math.min(boxes.readUInt16BE(at + 8), Math.floor((size - 10) / STYLE_RECORD));
      const records = Array.from({ length: count }, (_, i): Styled => {
        const from = at + 10 + i * STYLE_RECORD;
        return { start: boxes.readUInt16BE(from), end: boxes.readUInt16BE(from + 2), ...readLook(boxes, from + 4) };
      });
      return records.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start);
    }
    at += size;
  }
  return [];
}

function toAss(text: string, styles: readonly Styled[], base: Look, fonts: ReadonlyMap<number, string>): string {
  const characters = [...text];
  let out = '';
  let at = 0;
  for (const style of styles) {
    const start = Math.max(style.start, at);
    const end = Math.min(style.end, characters.length);
    const overrides = overridesOf(style, base, fonts);
    if (end <= start || overrides === '') continue;
    out += escapeText(characters.slice(at, start).join(''));
    out += `{${overrides}}${escapeText(characters.slice(start, end).join(''))}${end < characters.length ? '{\\r}' : ''}`;
    at = end;
  }
  return out + escapeText(characters.slice(at).join(''));
}

function overridesOf(look: Look, base: Look, fonts: ReadonlyMap<number, string>): string {
  const flag = (name: string, bit: number): string =>
    ((look.flags ^ base.flags) & bit) === 0 ? '' : `\\${name}${(look.flags & bit) === 0 ? 0 : 1}`;
  const hex = (value: number): string => value.toString(16).toUpperCase();
  const rgb = look.color >>> 8;
  const bgr = ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16);
  const font = fonts.get(look.font)?.replace(/[{}\\]/g, '');
  return [
    ...[flag('b', BOLD), flag('i', ITALIC), flag('u', UNDERLINE)],
    look.size === base.size ? '' : `\\fs${look.size}`,
    look.font === base.font || font === undefined ? '' : `\\fn${font}`,
    rgb === base.color >>> 8 ? '' : `\\c&H${hex(bgr)}&`,
    (look.color & 0xff) === (base.color & 0xff) ? '' : `\\1a&H${hex(255 - (look.color & 0xff)).padStart(2, '0')}&`,
  ].join('');
}

function lookOf(look: Omit<Run['look'], 'strike'>, fonts: readonly string[]): Look {
  const { color } = look;
  const rgb = ((color & 0xff) << 16) | (color & 0xff00) | (color >> 16);
  return {
    flags: (look.bold ? BOLD : 0) | (look.italic ? ITALIC : 0) | (look.underline ? UNDERLINE : 0),
    size: Math.min(255, Math.max(1, Math.round(look.size))),
    font: Math.max(0, fonts.indexOf(look.font)) + 1,
    color: rgb * 0x100 + (255 - look.transparency),
  };
}

function lookBytes({ font, flags, size, color }: Look): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16BE(font, 0);
  bytes.writeUInt8(flags, 2);
  bytes.writeUInt8(size, 3);
  bytes.writeUInt32BE(color, 4);
  return bytes;
}

/** Text below in the middle, without a background, in the whole picture. */
function writeDescription(base: Look, fonts: readonly string[]): Uint8Array {
  const head = Buffer.alloc(DESCRIPTION);
  head.writeInt8(1, 4);
  head.writeInt8(-1, 5);
  lookBytes(base).copy(head, 22);
  const records = fonts.map((font, i) => {
    const name = Buffer.from(font).subarray(0, 255);
    const record = Buffer.alloc(3);
    record.writeUInt16BE(i + 1, 0);
    record.writeUInt8(name.byteLength, 2);
    return Buffer.concat([record, name]);
  });
  const count = Buffer.alloc(2);
  count.writeUInt16BE(fonts.length);
  return Buffer.concat([head, box('ftab', Buffer.concat([count, ...records]))]);
}

function box(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + content.byteLength, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}

function writeSample(runs: readonly Run[], base: Look, fonts: readonly string[]): Uint8Array {
  const texts: Buffer[] = [];
  const records: Buffer[] = [];
  let bytes = 0;
  let at = 0;
  for (const { text, look } of runs) {
    const all = Buffer.from(text);
    // A whole character is left out rather than a part of it written.
    const fits = bytes + all.byteLength <= MAX_TEXT;
    const written = fits ? all : Buffer.from(shortened(text, MAX_TEXT - bytes));
    texts.push(written);
    bytes += written.byteLength;
    const end = at + [...written.toString()].length;
    const own = lookOf(look, fonts);
    if (end > at && !isSame(own, base)) {
      const range = Buffer.alloc(4);
      range.writeUInt16BE(at, 0);
      range.writeUInt16BE(end, 2);
      records.push(Buffer.concat([range, lookBytes(own)]));
    }
    at = end;
    if (!fits) break;
  }
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes);
  const count = Buffer.alloc(2);
  count.writeUInt16BE(records.length);
  return Buffer.concat([
    length,
    ...texts,
    ...(records.length > 0 ? [box('styl', Buffer.concat([count, ...records]))] : []),
  ]);
}

function shortened(text: string, bytes: number): string {
  let out = '';
  let left = bytes;
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    out += character;
  }
  return out;
}

function isSame(a: Look, b: Look): boolean {
  return a.flags === b.flags && a.size === b.size && a.font === b.font && a.color === b.color;
}
