/**
 * An n-dimensional array of numbers, row-major. What is made of one lies in one piece again, because it goes to other threads and
 * to libraries: `reshape` and its kin look at the same memory, everything else is a copy.
 */

import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { axesOf, axisOf, elementsOf, gather, rangeOf, refusal, shapeFor, type View, viewOf } from './tensor-shape.js';

const constructors = {
  int8: Int8Array,
  uint8: Uint8Array,
  uint8clamped: Uint8ClampedArray,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

export type TensorType = keyof typeof constructors;
export type TensorData = InstanceType<(typeof constructors)[TensorType]>;

export class Tensor {
  readonly dtype: TensorType;
  /** Length of each dimension, outermost first; an empty shape is a single number. */
  readonly shape: readonly number[];
  readonly data: TensorData;

  private constructor(dtype: TensorType, shape: readonly number[], data: TensorData) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /**
   * The tensor uses `data` itself, without a copy.
   * @param shape Default: one dimension of all elements.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if the shape does not hold exactly the elements of `data`.
   */
  static from(data: TensorData, shape: readonly number[] = [data?.length]): Tensor {
    const dtype = (Object.keys(constructors) as TensorType[]).find((name) => data instanceof constructors[name]);
    if (dtype === undefined) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `A tensor cannot hold ${Object.prototype.toString.call(data)}`, {
        hint: 'Its data is a typed array of integers or floats of 8 to 64 bits',
      });
    }
    if (!Array.isArray(shape)) {
      throw new MillraceError('ERR_MILLRACE_PAYLOAD', `The shape of a tensor cannot be ${describeValue(shape)}`);
    }
    const elements = elementsOf(shape);
    if (!shape.every((length) => Number.isInteger(length) && length >= 0) || elements !== data.length) {
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `A tensor of shape [${shape.join(', ')}] holds ${elements} elements, its data has ${data.length}`,
      );
    }
    return new Tensor(dtype, Object.freeze([...shape]), data);
  }

  /** A tensor over a copy of `bytes`, which need not be aligned. */
  static fromBytes(dtype: TensorType, shape: readonly number[], bytes: Uint8Array): Tensor {
    if (!Object.hasOwn(constructors, dtype) || !(bytes instanceof Uint8Array)) {
      throw new MillraceError(
        'ERR_MILLRACE_PAYLOAD',
        `A tensor cannot be made of ${describeValue(bytes)} as ${describeValue(dtype)}`,
        { hint: `Give a Uint8Array, and one of ${Object.keys(constructors).join(', ')}` },
      );
    }
    const size = constructors[dtype].BYTES_PER_ELEMENT;
    if (bytes.byteLength % size !== 0) {
      throw refusal(`A tensor of ${dtype} cannot be made of ${bytes.byteLength} bytes`, `An element has ${size}`);
    }
    const buffer = new ArrayBuffer(bytes.byteLength);
    new Uint8Array(buffer).set(bytes);
    return Tensor.from(new constructors[dtype](buffer), shape);
  }

  /**
   * Tensors one behind the other along an axis, as a copy. They are alike in their type and all other lengths.
   * @param axis Default 0; negative: from the last.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if they do not fit.
   */
  static concat(tensors: readonly Tensor[], axis = 0): Tensor {
    const [first] = requireTensors(tensors);
    const { dtype, shape } = first;
    const at = axisOf(axis, shape.length);
    const rest = (other: Tensor): string =>
      `${other.dtype} ${other.shape.map((n, i) => (i === at ? '*' : n)).join(', ')}`;
    const strange = tensors.find((other) => rest(other) !== rest(first));
    if (strange !== undefined) {
      const [one, two] = [first, strange].map((each) => `${each.dtype} [${each.shape.join(', ')}]`);
      throw refusal(
        `${one} and ${two} cannot be joined along axis ${at}`,
        'All other lengths, and the types, are the same',
      );
    }
    const length = tensors.reduce((sum, other) => sum + other.shape[at]!, 0);
    const data = new constructors[dtype](elementsOf(shape.with(at, length)));
    let end = 0;
    for (let outer = 0; outer < elementsOf(shape.slice(0, at)); outer++) {
      for (const other of tensors) {
        const part = elementsOf(other.shape.slice(at));
        (data as Uint8Array).set(other.data.subarray(outer * part, (outer + 1) * part) as Uint8Array, end);
        end += part;
      }
    }
    return new Tensor(dtype, Object.freeze(shape.with(at, length)), data);
  }

  /** Tensors of one type and shape as one with a further dimension, as a copy. @param axis of that; default 0. @throws as `concat` */
  static stack(tensors: readonly Tensor[], axis = 0): Tensor {
    return Tensor.concat(
      requireTensors(tensors).map((tensor) => tensor.unsqueeze(axis)),
      axis,
    );
  }

  /**
   * The same memory in another shape: what is written into one is seen in the other.
   * @param shape One length may be -1: what is left.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if it does not hold exactly the elements.
   */
  reshape(shape: readonly number[]): Tensor {
    return new Tensor(this.dtype, Object.freeze(shapeFor(shape, this.data.length)), this.data);
  }

  /** The same memory in one dimension. */
  flatten(): Tensor {
    return this.reshape([this.data.length]);
  }

  /** The same memory without dimensions of length 1. @param axis only this one. @throws MillraceError ERR_MILLRACE_PAYLOAD if its length is another. */
  squeeze(axis?: number): Tensor {
    const { shape } = this;
    if (axis === undefined) return this.reshape(shape.filter((length) => length !== 1));
    const at = axisOf(axis, shape.length);
    if (shape[at] !== 1)
      throw refusal(
        `Axis ${at} of a tensor of [${shape.join(', ')}] is no dimension of length 1`,
        'select() takes one of its places',
      );
    return this.reshape(shape.toSpliced(at, 1));
  }

  /** The same memory with a further dimension of length 1. @param axis its place; -1: the last. */
  unsqueeze(axis: number): Tensor {
    const { shape } = this;
    return this.reshape(shape.toSpliced(axisOf(axis, shape.length + 1), 0, 1));
  }

  /**
   * A copy with its dimensions in another order: `image.permute(2, 0, 1)` makes height x width x channels channels x height x width.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD if not every axis stands there once.
   */
  permute(...axes: number[]): Tensor {
    const { shape, strides } = viewOf(this.shape);
    const order = axesOf(axes, shape.length);
    return this.seen({
      shape: order.map((axis) => shape[axis]!),
      strides: order.map((axis) => strides[axis]!),
      offset: 0,
    });
  }

  /**
   * A copy of a part along one axis.
   * @param from `to`: as `Array.prototype.slice` has them. @param step every second one with 2; default 1.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for no axis of it, and for numbers that are not whole.
   */
  slice(axis: number, from = 0, to = Number.MAX_SAFE_INTEGER, step = 1): Tensor {
    const { shape, strides } = viewOf(this.shape);
    const at = axisOf(axis, shape.length);
    const range = rangeOf(shape[at]!, from, to, step);
    return this.seen({
      shape: shape.with(at, range.count),
      strides: strides.with(at, strides[at]! * step),
      offset: range.from * strides[at]!,
    });
  }

  /** A copy of one place of an axis, without that dimension. @throws as `slice`, and for a place that it does not have. */
  select(axis: number, index: number): Tensor {
    const at = axisOf(axis, this.shape.length);
    const length = this.shape[at]!;
    const place = index < 0 ? index + length : index;
    if (!Number.isInteger(place) || place < 0 || place >= length) {
      throw refusal(
        `Axis ${at} of a tensor of [${this.shape.join(', ')}] has no place ${describeValue(index)}`,
        'The first is 0, the last -1',
      );
    }
    return this.slice(at, place, place + 1).squeeze(at);
  }

  /** A copy as other numbers, which are cut to fit as typed arrays do it (`uint8clamped` rounds and clamps). */
  to(dtype: TensorType): Tensor {
    const isBig = dtype === 'int64' || dtype === 'uint64';
    if (isBig === (typeof this.data[0] === 'bigint')) return this.map((value) => value, dtype);
    // As other integers have them: what is no number, or endless, is 0.
    const whole = (value: number): bigint => (Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n);
    return this.map((value) => (isBig ? whole(Number(value)) : Number(value)), dtype);
  }

  /**
   * A copy of which every element is what `change` makes of it.
   * @param change Gets the element and its place in `data`.
   * @param dtype What the copy holds; default: the same.
   * @throws MillraceError ERR_MILLRACE_PAYLOAD for what is no function, or gives no number of that type.
   * @example
   * const input = image.map((value, place) => (Number(value) / 255 - MEAN[place % 3]) / DEVIATION[place % 3], 'float32').permute(2, 0, 1);
   */
  map(change: (value: number | bigint, place: number) => number | bigint, dtype: TensorType = this.dtype): Tensor {
    requireType(dtype);
    if (typeof change !== 'function') {
      throw refusal(`A tensor cannot be mapped by ${describeValue(change)}`, 'Give (value, place) => the new value');
    }
    const { data, shape } = this;
    const made = new constructors[dtype](data.length) as { [place: number]: number | bigint };
    const kind = made instanceof BigInt64Array || made instanceof BigUint64Array ? 'bigint' : 'number';
    for (let place = 0; place < data.length; place++) {
      const value = change(data[place]!, place);
      if (typeof value !== kind) {
        throw refusal(`Element ${place} of a tensor of ${dtype} cannot be ${describeValue(value)}`, `It is a ${kind}`);
      }
      made[place] = value;
    }
    return new Tensor(dtype, shape, made as TensorData);
  }

  /** A copy. */
  clone(): Tensor {
    return new Tensor(this.dtype, this.shape, this.data.slice());
  }

  private seen(view: View): Tensor {
    const data = new constructors[this.dtype](elementsOf(view.shape));
    gather(this.data, view, data);
    return new Tensor(this.dtype, Object.freeze(view.shape), data);
  }
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD for anything but a list of tensors with one at least. */
function requireTensors(tensors: readonly Tensor[]): readonly [Tensor, ...Tensor[]] {
  if (Array.isArray(tensors) && tensors.length > 0 && tensors.every((each) => each instanceof Tensor)) {
    return tensors as unknown as [Tensor, ...Tensor[]];
  }
  throw refusal(`No tensor can be made of ${describeValue(tensors)}`, 'Give a list of tensors, one at least');
}

function requireType(dtype: unknown): void {
  if (typeof dtype === 'string' && Object.hasOwn(constructors, dtype)) return;
  throw refusal(
    `A tensor cannot be made of ${describeValue(dtype)}`,
    `Types are ${Object.keys(constructors).join(', ')}`,
  );
}
