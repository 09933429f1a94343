/** Where the elements of an array of several dimensions are: strides, axes, and what a view of it shows. */
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';

type Numbers = { readonly length: number; [index: number]: number | bigint };

/** What is looked at: element (i, j, …) is at `offset + i * strides[0] + j * strides[1] + …`. */
export interface View {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export const elementsOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Of an array whose rows lie one behind the other. */
export function viewOf(shape: readonly number[]): View {
  const strides = shape.map((_, axis) => elementsOf(shape.slice(axis + 1)));
  return { shape, strides, offset: 0 };
}

/** Copies what a view of `from` shows to the elements of `to`, in order. */
export function gather(from: Numbers, { shape, strides, offset }: View, to: Numbers): void {
  const at = shape.map(() => 0);
  let place = offset;
  for (let element = 0; element < to.length; element++) {
    to[element] = from[place]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += strides[axis]!;
      if (++at[axis]! < shape[axis]!) break;
      place -= strides[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for no axis of so many dimensions; negative ones count from the last. */
export function axisOf(axis: unknown, dimensions: number): number {
  const n = Number(axis);
  if (typeof axis === 'number' && Number.isInteger(n) && n >= -dimensions && n < dimensions)
    return n < 0 ? n + dimensions : n;
  throw refusal(
    `A tensor of ${dimensions} dimensions has no axis ${describeValue(axis)}`,
    'The outermost is 0, the last -1',
  );
}

/** The lengths that are asked for, of which one may be -1: what is left. @throws MillraceError ERR_MILLRACE_PAYLOAD if they do not fit. */
export function shapeFor(asked: readonly number[], elements: number): number[] {
  const rest = Array.isArray(asked) ? asked.filter((length) => length === -1).length : 2;
  const given = rest > 1 ? 0 : elementsOf(asked.filter((length) => length !== -1));
  const shape = rest > 1 ? [] : asked.map((length) => (length === -1 ? elements / given : length));
  if (rest <= 1 && shape.every((length) => Number.isInteger(length) && length >= 0) && elementsOf(shape) === elements) {
    return shape;
  }
  throw refusal(
    `A tensor of ${elements} elements cannot have the shape ${describeValue(asked)}`,
    'The lengths multiply to the number of elements; one of them may be -1',
  );
}

/** All axes, each once. @throws MillraceError ERR_MILLRACE_PAYLOAD */
export function axesOf(axes: readonly number[], dimensions: number): number[] {
  const order = axes.map((axis) => axisOf(axis, dimensions));
  if (order.length === dimensions && new Set(order).size === dimensions) return order;
  throw refusal(
    `A tensor of ${dimensions} dimensions cannot be put in the order [${axes.join(', ')}]`,
    'Every axis stands there once',
  );
}

/** Of one axis: from where, how many, and in which steps, as `Array.prototype.slice` counts. */
export function rangeOf(length: number, from: number, to: number, step: number): { from: number; count: number } {
  if (![from, to, step].every(Number.isInteger) || step < 1) {
    throw refusal(
      `A slice cannot go from ${from} to ${to} in steps of ${step}`,
      'They are whole numbers, steps from 1 on',
    );
  }
  const clamp = (end: number): number => Math.min(length, Math.max(0, end < 0 ? end + length : end));
  return { from: clamp(from), count: Math.max(0, Math.ceil((clamp(to) - clamp(from)) / step)) };
}

export function refusal(message: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_PAYLOAD', message, { hint });
}
