/** Strings of pixels in three codings of runs (ETSI EN 300 743, 7.2.5.2). */
import type { Bits } from './display.js';

/** @param index of the colour. */
type Put = (index: number, from: number, length: number) => void;

/**
 * @param depth Bits of a pixel: 2, 4 or 8.
 * @param width The place where the line ends.
 * @returns the place behind the last pixel.
 */
export function readString(bits: Bits, depth: number, from: number, width: number, put: Put): number {
  let x = from;
  const run = (length: number, index: number): void => {
    put(index, x, length);
    x += length;
  };
  const next = { 2: nextOf2, 4: nextOf4, 8: nextOf8 }[depth]!;
  while (!bits.ended) {
    if (!next(bits, run)) return x;
    if (x < width) continue;
    // The end of a whole line is written in several ways, of which this is the shortest.
    bits.read(depth === 2 ? 6 : 8);
    return x;
  }
  return x;
}

type Run = (length: number, index: number) => void;

/** @returns false at the end of the string. */
function nextOf2(bits: Bits, run: Run): boolean {
  const pixel = bits.read(2);
  const isRun = pixel === 0 && bits.read(1) === 1;
  const isOne = pixel !== 0 || (!isRun && bits.read(1) === 1);
  if (isRun) run(bits.read(3) + 3, bits.read(2));
  else if (isOne) run(1, pixel);
  else {
    const kind = bits.read(2);
    if (kind === 0) return false;
    if (kind === 1) run(2, 0);
    else run(kind === 2 ? bits.read(4) + 12 : bits.read(8) + 29, bits.read(2));
  }
  return true;
}

function nextOf4(bits: Bits, run: Run): boolean {
  const pixel = bits.read(4);
  if (pixel !== 0) {
    run(1, pixel);
    return true;
  }
  if (bits.read(1) === 0) {
    const length = bits.read(3);
    if (length > 0) run(length + 2, 0);
    return length > 0;
  }
  const isLong = bits.read(1) === 1;
  const kind = isLong ? bits.read(2) : undefined;
  if (kind === undefined) run(bits.read(2) + 4, bits.read(4));
  else if (kind < 2) run(kind + 1, 0);
  else run(kind === 2 ? bits.read(4) + 9 : bits.read(8) + 25, bits.read(4));
  return true;
}

function nextOf8(bits: Bits, run: Run): boolean {
  const pixel = bits.read(8);
  if (pixel !== 0) run(1, pixel);
  else {
    const isColor = bits.read(1) === 1;
    const length = bits.read(7);
    if (!isColor && length === 0) return false;
    run(length, isColor ? bits.read(8) : 0);
  }
  return true;
}
