/** Pixels of a program's own: typed arrays as libraries for pictures have them, with and without padding, and back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ledger, Tensor, VideoFrame } from '../../../src/media/index.js';

const pixels = suite('pixels of a program');
const noise = (length: number, seed = 37): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * seed + (i >> 3)) & 0xff);

pixels('an array of height x width x channels is a frame, and the frame is that array again', () => {
  const [width, height] = [6, 4];
  for (const [format, channels] of [
    ['rgb24', 3],
    ['rgba', 4],
    ['gray', 1],
  ] as const) {
    const image = Tensor.from(noise(height * width * channels), [height, width, channels]);
    using frame = VideoFrame.from(image.data as Uint8Array, { width, height, format });
    const [{ data, stride, width: bytes, height: rows }] = frame.planes() as [ReturnType<typeof frame.planes>[0]];
    assert.equal([bytes, rows], [width * channels, height]);
    // Row y, column x, channel c: as numpy has it by its strides.
    for (const [y, x, c] of [
      [0, 0, 0],
      [3, 5, channels - 1],
      [2, 1, 0],
    ] as const)
      assert.is(data[y * stride + x * channels + c], (image.data as Uint8Array)[(y * width + x) * channels + c]);
    const back = Tensor.from(new Uint8Array(frame.toBuffer()), [height, width, channels]);
    assert.equal(back.data, image.data);
  }
});

pixels('three arrays are the planes of a frame, and its planes are those arrays again', () => {
  const planes = [noise(8 * 6), noise(4 * 3, 11), noise(4 * 3, 13)];
  using frame = VideoFrame.from(planes, { width: 8, height: 6, format: 'yuv420p' });
  assert.equal(
    frame.copyPlanes().map(({ data }) => new Uint8Array(data)),
    planes,
  );
});

pixels('rows that are padded are taken by their strides: planes of a frame, and a part of a larger picture', () => {
  for (const format of ['yuv420p', 'rgb24', 'nv12', 'yuv420p10le', 'gray']) {
    using frame = VideoFrame.alloc({ width: 30, height: 10, format });
    for (const { data } of frame.planes()) data.set(noise(data.length));
    const views = frame.planes();
    using same = VideoFrame.from(
      views.map(({ data }) => data),
      { width: 30, height: 10, format, strides: views.map(({ stride }) => stride) },
    );
    assert.equal(same.toBuffer(), frame.toBuffer(), format);
  }
  // A part of 5x3 at (2, 1) of a picture of 9x6.
  const whole = noise(9 * 6 * 3);
  using picture = VideoFrame.from(whole, { width: 9, height: 6, format: 'rgb24' });
  const first = (9 + 2) * 3;
  const shown = whole.subarray(first, first + 2 * 27 + 15);
  using part = VideoFrame.from(shown, { width: 5, height: 3, format: 'rgb24', strides: 27 });
  using expected = picture.crop(2, 1, 5, 3);
  assert.equal(part.toBuffer(), expected.toBuffer());
});

pixels('a picture of one size and format becomes one of another, there and back', () => {
  using frame = VideoFrame.alloc({ width: 64, height: 36, format: 'yuv420p' });
  for (const { data } of frame.planes()) data.fill(128);
  using large = frame.reformat({ width: 192, height: 108, format: 'rgb24' });
  const array = Tensor.from(new Uint8Array(large.toBuffer()), [108, 192, 3]);
  assert.equal(array.shape, [108, 192, 3]);
  using from = VideoFrame.from(array.data as Uint8Array, { width: 192, height: 108, format: 'rgb24' });
  using small = from.reformat({ width: 32, height: 18, format: 'yuv420p' });
  assert.equal([small.width, small.height, small.format], [32, 18, 'yuv420p']);
  assert.ok(small.planes().every(({ data, width }) => data.subarray(0, width).every((v) => Math.abs(v - 128) <= 2)));
});

pixels('strides and bytes that do not fit are refused with what would be right', () => {
  const yuv = { width: 8, height: 4, format: 'yuv420p' };
  const planes = (luma: number): Uint8Array[] => [new Uint8Array(luma), new Uint8Array(8), new Uint8Array(8)];
  const from = (given: Parameters<typeof VideoFrame.from>[0], strides: unknown): (() => void) => {
    return () => VideoFrame.from(given, { ...yuv, strides: strides as number[] }).close();
  };
  assert.throws(from(planes(32), [8, 4]), /strides of yuv420p cannot be/);
  assert.throws(from(planes(32), [7, 4, 4]), /at least 8, 4, 4/);
  assert.throws(from(planes(32), [8, 4, Number.NaN]), /strides of yuv420p cannot be/);
  assert.throws(from(new Uint8Array(48), [8, 4, 4]), /the 3 planes of yuv420p one by one/);
  assert.throws(from(planes(3 * 10 + 7), [10, 4, 4]), /takes 38 \+ 8 \+ 8 bytes, 37 \+ 8 \+ 8 were given/);
  assert.throws(from(planes(41), [10, 4, 4]), /41 \+ 8 \+ 8 were given/);
  for (const length of [38, 40]) from(planes(length), [10, 4, 4])();
});

pixels('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
});

pixels.run();
