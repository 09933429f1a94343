/** Pixels as a program has them (typed arrays, of libraries for pictures too), checked and made one packed picture. */
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { pixelFormat } from '../ffmpeg.js';
import { type PlaneShape, pictureLayout } from './plane-layout.js';

type Bytes = Uint8Array | Uint8ClampedArray;
export type Pixels = Bytes | readonly Bytes[];

interface Shape {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** Bytes from one row to the next, of each plane; of one plane a number does. Undefined: rows without padding. */
  readonly strides: number | readonly number[] | undefined;
}

/**
 * @returns the picture in one piece, rows without padding: what was given itself, if it is that.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD for what are no pixels, and if they do not fit.
 */
export function packedPixels(pixels: Pixels, shape: Shape): Uint8Array {
  const given: readonly unknown[] = isArray(pixels) ? pixels : [pixels];
  const other = given.find((part) => !(part instanceof Uint8Array || part instanceof Uint8ClampedArray));
  if (given.length === 0 || given.some((part) => part === other)) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `Pixels cannot be ${describeValue(other)}`, {
      hint: 'They are a Uint8Array of the whole picture, or a list with one per plane',
    });
  }
  const { planes, packedBytes } = pictureLayout(pixelFormat(shape.format), shape.width, shape.height);
  const parts = given.map((part) => asBytes(part as Bytes));
  const strides = stridesOf(shape, planes);
  const sizes = planes.map(({ rowBytes, rows }, plane) => (strides?.[plane] ?? rowBytes) * (rows - 1) + rowBytes);
  const inOnePiece = !isArray(pixels) && planes.length > 1;
  if (strides !== undefined && inOnePiece) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', 'strides are of the planes of a picture', {
      hint: `Give the ${planes.length} planes of ${shape.format} one by one`,
    });
  }
  // Behind the last row there may be padding as well; without strides every byte counts.
  const fitsIn = (bytes: number, size: number, plane: number): boolean =>
    strides === undefined ? bytes === size : bytes >= size && bytes <= strides[plane]! * planes[plane]!.rows;
  const fits = inOnePiece
    ? parts[0]!.length === packedBytes
    : parts.length === planes.length && parts.every(({ length }, plane) => fitsIn(length, sizes[plane]!, plane));
  if (!fits) {
    const size = `${shape.width}x${shape.height}`;
    const sum = (numbers: readonly number[]): string => numbers.join(' + ');
    const given = sum(parts.map(({ length }) => length));
    throw new MillraceError(
      'ERR_MILLRACE_PAYLOAD',
      `A ${shape.format} picture of ${size} takes ${sum(sizes)} bytes, ${given} were given`,
      {
        hint:
          strides === undefined
            ? 'Rows are expected without padding between them; say how far apart they are by strides'
            : `Rows were said to be ${sum(strides)} bytes apart`,
      },
    );
  }
  if (strides === undefined) return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return withoutPadding(parts, planes, strides);
}

function stridesOf({ strides, format }: Shape, planes: readonly PlaneShape[]): readonly number[] | undefined {
  if (strides === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(strides) ? strides : [strides];
  const isRight = (stride: unknown, plane: number): boolean =>
    Number.isInteger(stride) && Number(stride) >= planes[plane]!.rowBytes;
  if (list.length === planes.length && list.every(isRight)) return list as readonly number[];
  const least = planes.map(({ rowBytes }) => rowBytes).join(', ');
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `strides of ${format} cannot be ${describeValue(strides)}`, {
    hint: `One for each plane, in bytes: at least ${least}`,
  });
}

function withoutPadding(
  parts: readonly Uint8Array[],
  planes: readonly PlaneShape[],
  strides: readonly number[],
): Uint8Array {
  const packed = new Uint8Array(planes.reduce((sum, { rowBytes, rows }) => sum + rowBytes * rows, 0));
  let end = 0;
  planes.forEach(({ rowBytes, rows }, plane) => {
    for (let row = 0; row < rows; row++) {
      const from = row * strides[plane]!;
      packed.set(parts[plane]!.subarray(from, from + rowBytes), end);
      end += rowBytes;
    }
  });
  return packed;
}

function asBytes(view: Bytes): Uint8Array {
  return view instanceof Uint8Array ? view : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function isArray<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
