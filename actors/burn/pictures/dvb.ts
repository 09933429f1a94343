/** Subtitles of digital television (ETSI EN 300 743): regions of a page, painted by objects. */
import {
  Bits,
  type Color,
  type Display,
  fromYCbCr,
  MAX_PIXELS,
  type PictureDecoder,
  painted,
  TRANSPARENT,
} from './display.js';
import { readString } from './dvb-strings.js';

const PAGE = 0x10;
const REGION = 0x11;
const CLUT = 0x12;
const OBJECT = 0x13;
const DEFINITION = 0x14;
const END = 0x80;

interface Region {
  readonly width: number;
  readonly height: number;
  /** Bits of a pixel: 2, 4 or 8. */
  readonly depth: number;
  readonly clut: number;
  readonly pixels: Uint8Array;
  readonly objects: readonly { readonly id: number; readonly x: number; readonly y: number }[];
}

/** Colours by depth. */
type Table = Record<number, Color[]>;

export class DvbDecoder implements PictureDecoder {
  readonly isSquare = false;
  /** Of what belongs to these subtitles; empty: all. */
  readonly #pages: readonly number[];
  readonly #regions = new Map<number, Region>();
  readonly #tables = new Map<number, Table>();
  #screen: Display['screen'] = { width: 720, height: 576 };
  #window = { x: 0, y: 0 };
  #timeout = 0;
  #placed: readonly { readonly region: number; readonly x: number; readonly y: number }[] = [];

  constructor(extradata: Uint8Array) {
    const data = Buffer.from(extradata);
    this.#pages = data.length < 4 ? [] : [data.readUInt16BE(0), data.readUInt16BE(2)];
  }

  decode(bytes: Uint8Array, start: number): Display | undefined {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const seen = new Set<number>();
    // Some leave the head of the stream in front.
    const head = data.length > 2 && data.readUInt16BE(0) === 0x2000 ? 2 : 0;
    for (let at = head; at + 6 <= data.length && data.readUInt8(at) === 0x0f; ) {
      const type = data.readUInt8(at + 1);
      const page = data.readUInt16BE(at + 2);
      const length = data.readUInt16BE(at + 4);
      const segment = data.subarray(at + 6, at + 6 + length);
      at += 6 + length;
      if (segment.length < length) break;
      if (this.#pages.length > 0 && !this.#pages.includes(page)) continue;
      seen.add(type);
      if (type === PAGE) this.#learnPage(segment);
      else if (type === REGION) this.#learnRegion(segment);
      else if (type === CLUT) this.#learnColors(segment);
      else if (type === OBJECT) this.#paint(segment);
      else if (type === DEFINITION) this.#learnScreen(segment);
    }
    // Some never say that a page is complete.
    if (!seen.has(END) && !seen.has(PAGE)) return undefined;
    return this.#shown(start);
  }

  #learnPage(data: Buffer): void {
    if (data.length < 2) return;
    this.#timeout = data.readUInt8(0);
    // Anew, or a point from which on one can begin.
    if (((data.readUInt8(1) >> 2) & 3) !== 0) {
      this.#regions.clear();
      this.#tables.clear();
    }
    this.#placed = Array.from({ length: Math.floor((data.length - 2) / 6) }, (_, i) => {
      const at = 2 + i * 6;
      return { region: data.readUInt8(at), x: data.readUInt16BE(at + 2), y: data.readUInt16BE(at + 4) };
    });
  }

  #learnScreen(data: Buffer): void {
    if (data.length < 5) return;
    this.#screen = { width: data.readUInt16BE(1) + 1, height: data.readUInt16BE(3) + 1 };
    const hasWindow = (data.readUInt8(0) & 8) !== 0 && data.length >= 13;
    this.#window = hasWindow ? { x: data.readUInt16BE(5), y: data.readUInt16BE(9) } : { x: 0, y: 0 };
  }

  #learnRegion(data: Buffer): void {
    if (data.length < 10) return;
    const [id, flags, depths] = [data.readUInt8(0), data.readUInt8(1), data.readUInt8(6)];
    const [width, height] = [data.readUInt16BE(2), data.readUInt16BE(4)];
    if (width * height === 0 || width * height > MAX_PIXELS) return;
    const depth = 1 << ((depths >> 2) & 7);
    if (depth !== 2 && depth !== 4 && depth !== 8) return;
    const before = this.#regions.get(id);
    const isSame = before?.width === width && before.height === height;
    const pixels = isSame ? before.pixels : new Uint8Array(width * height);
    const background = depth === 8 ? data.readUInt8(8) : data.readUInt8(9) >> (depth === 4 ? 4 : 2);
    if (!isSame || (flags & 8) !== 0) pixels.fill(background & ((1 << depth) - 1));
    const objects: Region['objects'][number][] = [];
    for (let at = 10; at + 6 <= data.length; ) {
      const type = data.readUInt8(at + 2) >> 6;
      const [x, y] = [data.readUInt16BE(at + 2) & 0xfff, data.readUInt16BE(at + 4) & 0xfff];
      objects.push({ id: data.readUInt16BE(at), x, y });
      // Characters have two colours more.
      at += type === 1 || type === 2 ? 8 : 6;
    }
    this.#regions.set(id, { width, height, depth, clut: data.readUInt8(7), pixels, objects });
  }

  #learnColors(data: Buffer): void {
    if (data.length < 2) return;
    const table = this.#tables.get(data.readUInt8(0)) ?? defaultTable();
    this.#tables.set(data.readUInt8(0), table);
    for (let at = 2; at + 4 <= data.length; ) {
      const [entry, flags] = [data.readUInt8(at), data.readUInt8(at + 1)];
      const isFull = (flags & 1) !== 0;
      if (isFull && at + 6 > data.length) return;
      const bits = new Bits(data.subarray(at + 2));
      const [y, cr, cb, t] = isFull
        ? [bits.read(8), bits.read(8), bits.read(8), bits.read(8)]
        : [bits.read(6) << 2, bits.read(4) << 4, bits.read(4) << 4, bits.read(2) << 6];
      const color = y === 0 ? TRANSPARENT : fromYCbCr(y!, cb!, cr!, 255 - t!, false);
      for (const [flag, depth] of [
        [0x80, 2],
        [0x40, 4],
        [0x20, 8],
      ] as const) {
        if ((flags & flag) !== 0 && entry < 1 << depth) table[depth]![entry] = color;
      }
      at += isFull ? 6 : 4;
    }
  }

  #paint(data: Buffer): void {
    if (data.length < 7 || ((data.readUInt8(2) >> 2) & 3) !== 0) return;
    const id = data.readUInt16BE(0);
    const keeps = (data.readUInt8(2) & 2) !== 0;
    const [top, bottom] = [data.readUInt16BE(3), data.readUInt16BE(5)];
    const first = data.subarray(7, 7 + top);
    const second = bottom === 0 ? first : data.subarray(7 + top, 7 + top + bottom);
    for (const region of this.#regions.values()) {
      for (const place of region.objects) {
        if (place.id !== id) continue;
        paintField(first, region, place.x, place.y, keeps);
        paintField(second, region, place.x, place.y + 1, keeps);
      }
    }
  }

  #shown(start: number): Display {
    const pictures = this.#placed.flatMap(({ region: id, x, y }) => {
      const region = this.#regions.get(id);
      if (!region) return [];
      const { width, height, depth, pixels } = region;
      const colors = (this.#tables.get(region.clut) ?? defaultTable())[depth]!;
      return [{ x: x + this.#window.x, y: y + this.#window.y, width, height, rgba: painted(pixels, colors) }];
    });
    const end = this.#timeout > 0 ? start + this.#timeout * 1_000_000 : undefined;
    return { start, end, screen: this.#screen, pictures };
  }
}

/** Every second row from `y` on. */
function paintField(data: Uint8Array, region: Region, x: number, y: number, keeps: boolean): void {
  const maps: Record<string, readonly number[]> = {
    '2-4': [0, 7, 8, 15],
    '2-8': [0, 0x77, 0x88, 0xff],
    '4-8': Array.from({ length: 16 }, (_, i) => i * 17),
  };
  const bits = new Bits(data);
  let row = y;
  let column = x;
  while (!bits.ended) {
    const type = bits.read(8);
    const depth = { 16: 2, 17: 4, 18: 8 }[type];
    if (depth !== undefined) {
      const line =
        row < region.height ? region.pixels.subarray(row * region.width, (row + 1) * region.width) : undefined;
      column = readString(bits, depth, column, region.width, (index, from, length) => {
        if (keeps && index === 1) return;
        const mapped = depth < region.depth ? maps[`${depth}-${region.depth}`]![index]! : index;
        line?.fill(mapped, from, from + length);
      });
      bits.align();
    } else if (type === 0x20) maps['2-4'] = [4, 4, 4, 4].map((count) => bits.read(count));
    else if (type === 0x21) maps['2-8'] = [8, 8, 8, 8].map((count) => bits.read(count));
    else if (type === 0x22) maps['4-8'] = Array.from({ length: 16 }, () => bits.read(8));
    else if (type === 0xf0) {
      row += 2;
      column = x;
    }
  }
}

/** What the standard has where a stream says nothing. */
function defaultTable(): Table {
  const bit = (index: number, mask: number, value: number): number => ((index & mask) === 0 ? 0 : value);
  const color = (index: number, base: number, low: number, high: number, alpha: number): Color => [
    base + bit(index, 1, low) + bit(index, 0x10, high),
    base + bit(index, 2, low) + bit(index, 0x20, high),
    base + bit(index, 4, low) + bit(index, 0x40, high),
    alpha,
  ];
  const of256 = (i: number): Color => {
    if (i === 0) return TRANSPARENT;
    if (i < 8) return color(i, 0, 255, 0, 63);
    const [base, low, high, alpha] = { 0: [0, 85, 170, 255], 8: [0, 85, 170, 127], 128: [127, 43, 85, 255] }[
      i & 0x88
    ] ?? [...[0, 43, 85, 255]];
    return color(i, base!, low!, high!, alpha!);
  };
  return {
    2: [TRANSPARENT, [255, 255, 255, 255], [0, 0, 0, 255], [127, 127, 127, 255]],
    4: Array.from({ length: 16 }, (_, i) => (i === 0 ? TRANSPARENT : color(i, 0, i < 8 ? 255 : 127, 0, 255))),
    8: Array.from({ length: 256 }, (_, i) => of256(i)),
  };
}
