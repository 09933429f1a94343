/** What can be made of a tensor: the same numbers in other shapes, parts, orders and types. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor, type TensorData } from '../../../src/media/index.js';

const parts = suite('parts of tensors');
const counted = (...shape: number[]): Tensor => {
  const length = shape.reduce((a, b) => a * b, 1);
  return Tensor.from(
    Float32Array.from({ length }, (_, i) => i),
    shape,
  );
};
const list = ({ data, shape }: Tensor): unknown => [[...shape], Array.from(data as Float32Array)];
const range = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

parts('another shape is the same memory; a copy is not', () => {
  const a = counted(12);
  const b = a.reshape([3, -1]);
  assert.equal(b.shape, [3, 4]);
  assert.is(b.data, a.data);
  (b.reshape([4, 3]).data as Float32Array).fill(16, 0, 3);
  assert.equal(Array.from(a.data as Float32Array), [16, 16, 16, ...range(3, 12)]);
  const copy = b.clone();
  (copy.data as Float32Array).fill(0);
  assert.is(a.data[3], 3);
  assert.equal(counted(2, 3, 4).flatten().shape, [24]);
  const one = counted(2, 1, 3, 1);
  assert.equal(one.squeeze().shape, [2, 3]);
  assert.equal(one.squeeze(1).shape, [2, 3, 1]);
  assert.equal(one.squeeze(-1).shape, [2, 1, 3]);
  assert.equal(counted(2, 3).unsqueeze(0).shape, [1, 2, 3]);
  assert.equal(counted(2, 3).unsqueeze(-1).shape, [2, 3, 1]);
  assert.is(one.squeeze().data, one.data);
  assert.equal(counted(1).reshape([]).shape, []);
  assert.equal(counted(0, 3).reshape([3, 0]).shape, [3, 0]);
});

parts('a slice and a place of an axis', () => {
  const a = counted(3, 4);
  assert.equal(list(a.slice(0, 0, 3, 2)), [
    [2, 4],
    [0, 1, 2, 3, 8, 9, 10, 11],
  ]);
  assert.equal(list(a.slice(1, 1, -1)), [
    [3, 2],
    [1, 2, 5, 6, 9, 10],
  ]);
  assert.equal(list(a.slice(-1, -1)), [
    [3, 1],
    [3, 7, 11],
  ]);
  assert.equal(list(a.slice(0, 5)), [[0, 4], []]);
  assert.equal(list(a.select(0, 1)), [[4], [4, 5, 6, 7]]);
  assert.equal(list(a.select(1, -1)), [[3], [3, 7, 11]]);
  // Of four dimensions: [1, ::2, ::2, ::5].
  const b = counted(2, 4, 5, 25);
  const c = b.select(0, 1).slice(0, 0, 4, 2).slice(1, 0, 5, 2).slice(2, 0, 25, 5);
  const expected = [0, 2].flatMap((i) =>
    [0, 2, 4].flatMap((j) => range(0, 25, 5).map((k) => 500 + i * 125 + j * 25 + k)),
  );
  assert.equal(list(c), [[2, 3, 5], expected]);
  assert.is.not(a.slice(0).data, a.data);
});

parts('dimensions in another order: pictures by their pixels, and by their planes', () => {
  assert.equal(list(counted(2, 3).permute(1, 0)), [
    [3, 2],
    [0, 3, 1, 4, 2, 5],
  ]);
  const hwc = counted(2, 3, 4);
  const chw = hwc.permute(2, 0, 1);
  assert.equal(chw.shape, [4, 2, 3]);
  for (const [y, x, c] of [
    [0, 0, 0],
    [1, 2, 3],
    [0, 2, 1],
  ] as const)
    assert.is(chw.data[(c * 2 + y) * 3 + x], hwc.data[(y * 3 + x) * 4 + c]);
  assert.equal(list(chw.permute(1, 2, 0)), list(hwc));
  const nhwc = counted(2, 3, 4, 5);
  assert.equal(list(nhwc.permute(0, 3, 1, 2).permute(0, 2, 3, 1)), list(nhwc));
  const planes = Tensor.stack(range(0, 4).map((c) => hwc.select(2, c)));
  assert.equal(list(chw), list(planes));
});

parts('tensors one behind the other, along any axis, and as a further dimension', () => {
  const [a, b] = [counted(2, 3), counted(2, 3).map((value) => Number(value) + 10)];
  assert.equal(list(Tensor.concat([a, b])), [
    [4, 3],
    [...range(0, 6), ...range(10, 16)],
  ]);
  assert.equal(list(Tensor.concat([a, b], 1)), [
    [2, 6],
    [0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15],
  ]);
  assert.equal(Tensor.concat([a, counted(2, 1)], -1).shape, [2, 4]);
  assert.equal(list(Tensor.stack([a, b])), [
    [2, 2, 3],
    [...range(0, 6), ...range(10, 16)],
  ]);
  assert.equal(list(Tensor.stack([a, b], 1)), [
    [2, 2, 3],
    [0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15],
  ]);
  assert.equal(Tensor.stack([a, b], -1).shape, [2, 3, 2]);
});

parts('numbers of other types, and what a function makes of them', () => {
  const a = Tensor.from(Float32Array.from([-1.5, -0.5, 0.4, 1.5, 300]), [5]);
  const of = (tensor: Tensor): unknown[] => Array.from(tensor.data as Float32Array);
  assert.equal(of(a.to('uint8')), [255, 0, 0, 1, 44]);
  assert.equal(of(a.to('uint8clamped')), [0, 0, 0, 2, 255]);
  assert.equal(of(a.to('int64')), [-1n, -0n, 0n, 1n, 300n]);
  assert.equal(of(a.to('int64').to('float64')), [-1, 0, 0, 1, 300]);
  assert.equal(of(a.to('int64').to('uint64')), [2n ** 64n - 1n, 0n, 0n, 1n, 300n]);
  for (const [change, expected] of [
    [Math.ceil, [-1, -0, 1, 2, 300]],
    [Math.floor, [-2, -1, 0, 1, 300]],
    [Math.abs, [1.5, 0.5, Math.fround(0.4), 1.5, 300]],
    [(value: number) => Math.min(1, Math.max(-1, value)), [-1, -0.5, Math.fround(0.4), 1, 1]],
  ] as const)
    assert.equal(of(a.map((value) => change(Number(value)))), expected);
  const mean = [1, 2, 3];
  const pixels = Tensor.from(Uint8Array.from([1, 2, 3, 11, 12, 13]), [1, 2, 3]);
  const even = pixels.map((value, place) => (Number(value) - mean[place % 3]!) / 2, 'float32');
  assert.equal([even.dtype, ...of(even)], ['float32', 0, 0, 0, 5, 5, 5]);
  const product = a.map((value, place) => Number(value) * Number(a.data[place]));
  assert.equal(
    of(product),
    of(a).map((value) => Math.fround(Number(value) ** 2)),
  );
});

parts('what does not fit is refused with what would be right', () => {
  const a = counted(3, 4);
  for (const [work, message] of [
    [() => a.reshape([5, -1]), /12 elements cannot have the shape \[5,-1\]/],
    [() => a.reshape([-1, -1]), /one of them may be -1/],
    [() => a.reshape('12' as never), /cannot have the shape/],
    [() => a.slice(2), /2 dimensions has no axis 2/],
    [() => a.slice('0' as never), /no axis/],
    [() => a.slice(0, 0, 2, 0), /steps of 0/],
    [() => a.slice(0, 0.5), /from 0.5/],
    [() => a.select(0, 3), /has no place 3/],
    [() => a.squeeze(0), /no dimension of length 1/],
    [() => a.permute(0), /order \[0\]/],
    [() => a.permute(0, 0), /Every axis stands there once/],
    [() => Tensor.fromBytes('float32', [1], new Uint8Array(5)), /float32 cannot be made of 5 bytes/],
    [() => Tensor.concat([]), /Give a list of tensors, one at least/],
    [() => Tensor.stack([a, 5 as never]), /Give a list of tensors, one at least/],
    [() => a.map(undefined as never), /cannot be mapped by undefined/],
    [() => a.map(() => 1n), /Element 0 of a tensor of float32 cannot be .*It is a number/],
    [() => Tensor.concat([a, null as unknown as Tensor]), /Give a list of tensors, one at least/],
    [() => Tensor.concat([a, counted(3, 5)]), /\[3, 4\] and float32 \[3, 5\] cannot be joined along axis 0/],
    [() => Tensor.concat([a, Tensor.from(new Uint8Array(12) as TensorData, [3, 4])]), /and uint8 \[3, 4\]/],
    [() => a.to('float16' as never), /Types are int8, /],
  ] as const)
    assert.throws(work, message);
});

parts('what is no finite number becomes 0 in integers of 64 bits too', () => {
  const strange = Tensor.from(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, -2.5));
  assert.equal([...strange.to('int64').data], [0n, 0n, -2n]);
  assert.equal([...strange.to('int32').data], [0, 0, -2]);
});

parts.run();
