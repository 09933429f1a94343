/** Subtitles of Blu-ray discs (Presentation Graphic Stream): https://patents.google.com/patent/US20090185789A1 */
import {
  type Color,
  type Display,
  fromYCbCr,
  MAX_PIXELS,
  type Picture,
  type PictureDecoder,
  painted,
} from './display.js';

const PALETTE = 0x14;
const OBJECT = 0x15;
const PRESENTATION = 0x16;
const END = 0x80;

interface PgsObject {
  readonly width: number;
  readonly height: number;
  readonly parts: Buffer[];
}

interface Placed {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly crop:
    | { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
    | undefined;
}

export class PgsDecoder implements PictureDecoder {
  readonly isSquare = true;
  readonly #palettes = new Map<number, Map<number, readonly [y: number, cr: number, cb: number, alpha: number]>>();
  readonly #objects = new Map<number, PgsObject>();
  #screen: Display['screen'];
  #palette = 0;
  #placed: readonly Placed[] = [];
  /** Of the presentation, which may be in a packet before its end. */
  #start = 0;

  decode(bytes: Uint8Array, start: number): Display | undefined {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let display: Display | undefined;
    for (let at = 0; at + 3 <= data.length; ) {
      const type = data.readUInt8(at);
      const length = data.readUInt16BE(at + 1);
      const segment = data.subarray(at + 3, at + 3 + length);
      if (segment.length < length) break;
      if (type === PRESENTATION) this.#present(segment, start);
      else if (type === PALETTE) this.#learnPalette(segment);
      else if (type === OBJECT) this.#learnObject(segment);
      else if (type === END) display = this.#shown();
      at += 3 + length;
    }
    return display;
  }

  #present(data: Buffer, start: number): void {
    if (data.length < 11) return;
    this.#screen = { width: data.readUInt16BE(0), height: data.readUInt16BE(2) };
    this.#start = start;
    // Anything but a continuation stands for itself.
    if (data.readUInt8(7) >> 6 !== 0) {
      this.#palettes.clear();
      this.#objects.clear();
    }
    this.#palette = data.readUInt8(9);
    const placed: Placed[] = [];
    for (let at = 11; placed.length < data.readUInt8(10) && at + 8 <= data.length; ) {
      const isCropped = (data.readUInt8(at + 3) & 0x80) !== 0 && at + 16 <= data.length;
      const [id, x, y] = [0, 4, 6].map((offset) => data.readUInt16BE(at + offset)) as [number, number, number];
      const [left, top, width, height] = [8, 10, 12, 14].map((offset) =>
        isCropped ? data.readUInt16BE(at + offset) : 0,
      ) as [number, number, number, number];
      placed.push({ id, x, y, crop: isCropped ? { x: left, y: top, width, height } : undefined });
      at += isCropped ? 16 : 8;
    }
    this.#placed = placed;
  }

  #learnPalette(data: Buffer): void {
    if (data.length < 2) return;
    const id = data.readUInt8(0);
    const palette = this.#palettes.get(id) ?? new Map();
    this.#palettes.set(id, palette);
    for (let at = 2; at + 5 <= data.length; at += 5) {
      palette.set(
        data.readUInt8(at),
        [1, 2, 3, 4].map((offset) => data.readUInt8(at + offset)),
      );
    }
  }

  #learnObject(data: Buffer): void {
    if (data.length < 4) return;
    const id = data.readUInt16BE(0);
    const isFirst = (data.readUInt8(3) & 0x80) !== 0;
    if (!isFirst) this.#objects.get(id)?.parts.push(data.subarray(4));
    else if (data.length > 11) {
      const [width, height] = [data.readUInt16BE(7), data.readUInt16BE(9)];
      this.#objects.set(id, { width, height, parts: [data.subarray(11)] });
    }
  }

  #shown(): Display {
    const colors: (Color | undefined)[] = [];
    const isHd = (this.#screen?.height ?? 0) > 576;
    for (const [index, [y, cr, cb, alpha]] of this.#palettes.get(this.#palette) ?? []) {
      colors[index] = fromYCbCr(y, cb, cr, alpha, isHd);
    }
    const pictures = this.#placed.flatMap(({ id, x, y, crop }): Picture[] => {
      const object = this.#objects.get(id);
      const indices = object && unpacked(object);
      if (!object || !indices) return [];
      const whole = { x, y, width: object.width, height: object.height, rgba: painted(indices, colors) };
      return [crop ? cropped(whole, crop) : whole];
    });
    return { start: this.#start, end: undefined, screen: this.#screen, pictures };
  }
}

/** @returns undefined if there are less pixels than it says. */
function unpacked({ width, height, parts }: PgsObject): Uint8Array | undefined {
  if (width * height === 0 || width * height > MAX_PIXELS) return undefined;
  const data = Buffer.concat(parts);
  const pixels = new Uint8Array(width * height);
  let at = 0;
  let done = 0;
  for (let lines = 0; at < data.length && lines < height; ) {
    const first = data[at++]!;
    if (first !== 0) {
      pixels[done++] = first;
      continue;
    }
    const flags = data[at++] ?? 0;
    let run = flags & 0x3f;
    if ((flags & 0x40) !== 0) run = run * 256 + (data[at++] ?? 0);
    const index = (flags & 0x80) === 0 ? 0 : (data[at++] ?? 0);
    if (run === 0) lines++;
    else {
      pixels.fill(index, done, done + run);
      done += run;
    }
  }
  return done >= pixels.length ? pixels : undefined;
}

function cropped(picture: Picture, crop: NonNullable<Placed['crop']>): Picture {
  const left = Math.min(crop.x, picture.width);
  const top = Math.min(crop.y, picture.height);
  const width = Math.min(crop.width, picture.width - left);
  const height = Math.min(crop.height, picture.height - top);
  const rgba = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * picture.width + left) * 4;
    rgba.set(picture.rgba.subarray(from, from + width * 4), row * width * 4);
  }
  return { x: picture.x, y: picture.y, width, height, rgba };
}
