/** Subtitles of DVDs (VobSub): four colours of a palette that stands in the extradata. */
import { Bits, type Color, type Display, MAX_PIXELS, type Picture, type PictureDecoder, painted } from './display.js';

/** A unit of its times in microseconds: 1024 ticks of 90 kHz. */
const UNIT = (1024 / 90) * 1000;

interface Control {
  start: number | undefined;
  end: number | undefined;
  colors: readonly number[];
  /** 0 to 15. */
  alphas: readonly number[];
  area: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number } | undefined;
  /** Of the rows 0, 2, 4, … and of the others. */
  fields: readonly [number, number] | undefined;
}

export class DvdDecoder implements PictureDecoder {
  readonly isSquare = false;
  readonly #screen: Display['screen'];
  /** 0xRRGGBB; undefined: it is not known. */
  readonly #palette: readonly number[] | undefined;
  /** What came of a unit that goes on in the next packet. */
  #begun = Buffer.alloc(0);

  constructor(extradata: Uint8Array) {
    const text = Buffer.from(extradata).toString('latin1');
    const [, width, height] = /^size:\s*(\d+)\s*x\s*(\d+)/m.exec(text) ?? [];
    this.#screen = width === undefined ? undefined : { width: Number(width), height: Number(height) };
    const colors = /^palette:\s*([\da-f,\s]+?)$/im.exec(text)?.[1]?.match(/[\da-f]+/gi);
    this.#palette = colors?.map((color) => Number.parseInt(color, 16));
  }

  decode(bytes: Uint8Array, start: number): Display | undefined {
    const data = Buffer.concat([this.#begun, bytes]);
    const size = data.length < 4 ? 0 : data.readUInt16BE(0);
    const isWhole = size <= data.length;
    this.#begun = isWhole || data.length > 0xffff ? Buffer.alloc(0) : data;
    if (!isWhole || size < 4) return undefined;
    const control = readControl(data);
    const picture = this.#picture(data, control);
    const at = (units: number): number => start + Math.round(units * UNIT);
    return {
      start: at(control.start ?? 0),
      end: control.end === undefined ? undefined : at(control.end),
      screen: this.#screen,
      pictures: picture ? [picture] : [],
    };
  }

  #picture(data: Buffer, { area, fields, colors, alphas }: Control): Picture | undefined {
    if (!area || !fields) return undefined;
    const [width, height] = [area.right - area.left + 1, area.bottom - area.top + 1];
    if (width < 1 || height < 2 || width * height > MAX_PIXELS) return undefined;
    const pixels = new Uint8Array(width * height);
    for (const [field, offset] of fields.entries()) {
      if (!readField(data.subarray(offset), pixels, width, field, height)) return undefined;
    }
    const known = colors.map((color, i): Color => {
      // Without a palette: bright where it is seen, by its number.
      const rgb = this.#palette ? (this.#palette[color] ?? 0) : [0, 0xffffff, 0x808080, 0xc0c0c0][i]!;
      return [rgb >> 16, (rgb >> 8) & 0xff, rgb & 0xff, (alphas[i] ?? 0) * 17];
    });
    return { x: area.left, y: area.top, width, height, rgba: painted(pixels, known) };
  }
}

/** Every command of every sequence, up to one that is not known or not whole. */
function readControl(data: Buffer): Control {
  const control: Control = {
    ...{ start: undefined, end: undefined, area: undefined, fields: undefined },
    ...{ colors: [0, 1, 2, 3], alphas: [0, 15, 15, 15] },
  };
  const seen = new Set<number>();
  for (let at = data.readUInt16BE(2); at + 4 <= data.length && !seen.has(at); ) {
    seen.add(at);
    const date = data.readUInt16BE(at);
    readSequence(data.subarray(at + 4), date, control);
    at = data.readUInt16BE(at + 2);
  }
  return control;
}

const LENGTHS: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 0, 3: 2, 4: 2, 5: 6, 6: 4 };

function readSequence(data: Buffer, date: number, control: Control): void {
  for (let at = 0; at < data.length; ) {
    const command = data[at]!;
    const length = LENGTHS[command];
    if (length === undefined || at + 1 + length > data.length) return;
    const value = data.subarray(at + 1, at + 1 + length);
    if (command === 1) control.start = date;
    else if (command === 2) control.end = date;
    else if (command === 3) control.colors = nibbles(value).reverse();
    else if (command === 4) control.alphas = nibbles(value).reverse();
    else if (command === 5) {
      const bits = new Bits(value);
      const [left, right, top, bottom] = [12, 12, 12, 12].map((count) => bits.read(count)) as number[];
      control.area = { left: left!, right: right!, top: top!, bottom: bottom! };
    } else if (command === 6) control.fields = [value.readUInt16BE(0), value.readUInt16BE(2)];
    at += 1 + length;
  }
}

function nibbles(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}

/** Every second row, from `first` on. @returns whether it is whole. */
function readField(data: Uint8Array, pixels: Uint8Array, width: number, first: number, height: number): boolean {
  const bits = new Bits(data);
  for (let row = first; row < height; row += 2) {
    for (let x = 0; x < width; ) {
      if (bits.ended) return false;
      // Longer runs have more zeros in front.
      let value = bits.read(4);
      for (let limit = 4; value < limit && limit <= 0x40; limit *= 4) value = value * 16 + bits.read(4);
      const run = value < 4 ? width - x : Math.min(value >> 2, width - x);
      pixels.fill(value & 3, row * width + x, row * width + x + run);
      x += run;
    }
    bits.align();
  }
  return true;
}
