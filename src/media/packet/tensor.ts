/** An n-dimensional array of numbers, row-major. */

import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';

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
    const elements = shape.reduce((product, length) => product * length, 1);
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
    const buffer = new ArrayBuffer(bytes.byteLength);
    new Uint8Array(buffer).set(bytes);
    return Tensor.from(new constructors[dtype](buffer), shape);
  }
}
