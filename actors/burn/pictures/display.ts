/** What subtitles made of pictures show, from when to when. */

export interface Picture {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Bytes in the order of their names, rows without padding; alpha is not multiplied in. */
  readonly rgba: Uint8Array;
}

/** Takes the place of the one before. */
export interface Display {
  /** Microseconds. */
  readonly start: number;
  /** Microseconds; undefined: until the next one. */
  readonly end: number | undefined;
  /** The screen that the pictures are on; undefined: that of the video. */
  readonly screen: { readonly width: number; readonly height: number } | undefined;
  /** None: nothing is shown. */
  readonly pictures: readonly Picture[];
}

/** Of the packets of one stream. What is damaged is left out. */
export interface PictureDecoder {
  /** Pixels of the screen are square; false: as those of the video. */
  readonly isSquare: boolean;
  /** @param start Microseconds. @returns undefined if the packet shows nothing new. */
  decode(bytes: Uint8Array, start: number): Display | undefined;
}

/** More pixels than any screen has: no memory is asked for what a damaged packet says. */
export const MAX_PIXELS = 8192 * 8192;

/** Bytes of one colour, RGBA. */
export type Color = readonly [red: number, green: number, blue: number, alpha: number];

export const TRANSPARENT: Color = [0, 0, 0, 0];

/** @param isHd By BT.709, else by BT.601; both of the range of video. */
export function fromYCbCr(y: number, cb: number, cr: number, alpha: number, isHd: boolean): Color {
  const luma = (255 / 219) * (y - 16);
  const [kr, kb] = isHd ? [0.2126, 0.0722] : [0.299, 0.114];
  const kg = 1 - kr - kb;
  const [blue, red] = [cb, cr].map((value) => ((value - 128) * 255) / 224) as [number, number];
  const byte = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
  const r = luma + 2 * (1 - kr) * red;
  const b = luma + 2 * (1 - kb) * blue;
  const g = luma - (2 * (1 - kb) * kb * blue + 2 * (1 - kr) * kr * red) / kg;
  return [byte(r), byte(g), byte(b), alpha];
}

/** From indices to pixels. @param colors What is not among them cannot be seen. */
export function painted(indices: Uint8Array, colors: readonly (Color | undefined)[]): Uint8Array {
  const palette = new Uint8Array(256 * 4);
  for (const [i, color] of colors.entries()) palette.set(color ?? TRANSPARENT, i * 4);
  // Four bytes at once, whatever their order.
  const words = new Uint32Array(palette.buffer);
  const pixels = new Uint32Array(indices.length);
  for (let i = 0; i < pixels.length; i++) pixels[i] = words[indices[i]!]!;
  return new Uint8Array(pixels.buffer);
}

/** Bits from the highest one of the first byte on; zeros behind the last one. */
export class Bits {
  /** The number of the next one. */
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get ended(): boolean {
    return this.at >= this.bytes.length * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.at++) {
      value = value * 2 + (((this.bytes[this.at >> 3] ?? 0) >> (7 - (this.at & 7))) & 1);
    }
    return value;
  }

  /** Goes on with a whole byte. */
  align(): void {
    this.at = Math.ceil(this.at / 8) * 8;
  }
}
