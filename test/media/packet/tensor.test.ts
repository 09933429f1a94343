import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor, type TensorData } from '../../../src/media/index.js';

const test = suite('tensor');

test('the element type follows the array', () => {
  const types = [
    [new Int8Array(2), 'int8'],
    [new Uint8Array(2), 'uint8'],
    [Buffer.alloc(2), 'uint8'],
    [new Uint8ClampedArray(2), 'uint8clamped'],
    [new Int16Array(2), 'int16'],
    [new Uint16Array(2), 'uint16'],
    [new Int32Array(2), 'int32'],
    [new Uint32Array(2), 'uint32'],
    [new Float32Array(2), 'float32'],
    [new Float64Array(2), 'float64'],
    [new BigInt64Array(2), 'int64'],
    [new BigUint64Array(2), 'uint64'],
  ] satisfies [TensorData, string][];
  for (const [data, type] of types) assert.is(Tensor.from(data).dtype, type);
});

test('data is not copied, the shape is', () => {
  const data = new Float32Array(6);
  const shape = [2, 3];
  const tensor = Tensor.from(data, shape);
  shape[0] = 9;
  assert.is(tensor.data, data);
  assert.equal(tensor.shape, [2, 3]);
  assert.equal(Tensor.from(data).shape, [6]);
  assert.equal(Tensor.from(new Float32Array(1), []).shape, []);
});

test('a shape that does not fit is refused with both numbers', () => {
  assert.throws(() => Tensor.from(new Float32Array(6), [2, 2]), /shape \[2, 2\] holds 4 elements, its data has 6/);
  assert.throws(() => Tensor.from(new Float32Array(2), [-1, -2]), /holds 2 elements/);
  assert.throws(() => Tensor.from(new Float32Array(1), [0.5, 2]), /0.5, 2/);
  assert.throws(() => Tensor.from([1, 2] as unknown as TensorData), /cannot hold \[object Array\]/);
});

test.run();
