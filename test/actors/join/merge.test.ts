import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { arrange } from '../../../actors/join/merge-pictures.js';
import { joinChannels } from '../../../actors/join/merge-samples.js';
import { concatTensors } from '../../../actors/join/merge-tensors.js';
import { AudioFrame, ledger, Tensor, VideoFrame } from '../../../src/media/index.js';

const merge = suite('merge');
const tensor = (values: number[], shape: number[]): Tensor => Tensor.from(Float32Array.from(values), shape);
const refuses = (work: () => unknown, message: RegExp): void => {
  assert.throws(work, (error: Error & { code: string }) => {
    assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
    assert.match(error.message, message);
    return true;
  });
};

merge('tensors are joined along any axis, negative ones counted from the innermost', () => {
  const a = tensor([1, 2, 3, 4], [2, 2]);
  const b = tensor([5, 6, 7, 8, 9, 10], [2, 3]);
  const inner = concatTensors([a, b], 1);
  assert.equal(inner.shape, [2, 5]);
  assert.equal([...inner.data], [1, 2, 5, 6, 7, 3, 4, 8, 9, 10]);
  assert.equal([...concatTensors([a, b], -1).data], [...inner.data]);
  const outer = concatTensors([a, tensor([5, 6], [1, 2]), a], 0);
  assert.equal(outer.shape, [5, 2]);
  assert.equal([...outer.data], [1, 2, 3, 4, 5, 6, 1, 2, 3, 4]);
});

merge('tensors of 64-bit integers keep every bit', () => {
  const big = Tensor.from(BigInt64Array.from([2n ** 62n, -1n]), [2]);
  const joined = concatTensors([big, big], 0);
  assert.is(joined.dtype, 'int64');
  assert.equal([...joined.data], [2n ** 62n, -1n, 2n ** 62n, -1n]);
});

merge('tensors that do not fit are refused, and both are named', () => {
  refuses(
    () => concatTensors([tensor([1], [1]), tensor([1, 2], [1, 2])], 0),
    /float32 \[1\].*float32 \[1, 2\] \(input 1\)/,
  );
  refuses(() => concatTensors([tensor([1, 2], [2]), Tensor.from(new Uint8Array(2))], 0), /float32 \[2\].*uint8 \[2\]/);
  refuses(() => concatTensors([tensor([1, 2], [2])], 1), /axis 1 is outside/);
});

const grey = (width: number, height: number, value: number, format = 'gray'): VideoFrame => {
  const frame = VideoFrame.alloc({ width, height, format });
  for (const plane of frame.planes()) plane.data.fill(value);
  return frame;
};
const rows = (frame: VideoFrame): number[][] => {
  const plane = frame.copyPlanes()[0]!;
  return Array.from({ length: plane.height }, (_, y) => [
    ...plane.data.subarray(y * plane.width, (y + 1) * plane.width),
  ]);
};

/** The result is closed, and so are the inputs. */
function arranged(frames: VideoFrame[], ...rest: [Parameters<typeof arrange>[1], Parameters<typeof arrange>[2]?]) {
  try {
    const result = arrange(frames, ...rest);
    const seen = { width: result.width, height: result.height, rows: rows(result), format: result.format };
    result.close();
    return seen;
  } finally {
    for (const frame of frames) frame.close();
  }
}

merge('pictures stand beside each other, above each other, and in a grid whose rest is black', () => {
  const before = ledger.snapshot();
  assert.equal(arranged([grey(1, 2, 10), grey(2, 2, 20)], 'hstack').rows, [
    [10, 20, 20],
    [10, 20, 20],
  ]);
  assert.equal(arranged([grey(2, 1, 10), grey(2, 2, 20)], 'vstack').rows, [
    [10, 10],
    [20, 20],
    [20, 20],
  ]);
  const three = () => [grey(1, 1, 10), grey(1, 1, 20), grey(1, 1, 30)];
  assert.equal(arranged(three(), 'grid').rows, [
    [10, 20],
    [30, 0],
  ]);
  assert.equal(arranged(three(), 'grid', { columns: 3 }).rows, [[10, 20, 30]]);
  assert.equal(ledger.snapshot(), before);
});

merge('pictures with subsampled colour are placed in every plane', () => {
  const result = arrange([grey(2, 2, 10, 'yuv420p'), grey(4, 2, 20, 'yuv420p')], 'hstack');
  assert.equal(
    result.copyPlanes().map((plane) => [...plane.data]),
    [
      [10, 10, 20, 20, 20, 20, 10, 10, 20, 20, 20, 20],
      [10, 20, 20],
      [10, 20, 20],
    ],
  );
  result.close();
});

merge('an odd picture in front of another is refused where colour is subsampled', () => {
  const frames = [grey(3, 2, 10, 'yuv420p'), grey(3, 2, 20, 'yuv420p')];
  refuses(() => arranged(frames, 'hstack'), /3x2 in yuv420p.*even sizes/);
});

merge('pictures of other sizes are refused, and both are named, or converted on request', () => {
  const before = ledger.snapshot();
  const pair = () => [grey(2, 2, 10), grey(2, 4, 20)];
  refuses(() => arranged(pair(), 'hstack'), /2x2 gray \(input 0\) and 2x4 gray \(input 1\)/);
  refuses(() => arranged([grey(2, 2, 1), grey(2, 2, 1, 'rgb24')], 'vstack'), /gray.*rgb24/);
  assert.equal(arranged(pair(), 'hstack', { scale: true }).rows, [
    [10, 10, 20, 20],
    [10, 10, 20, 20],
  ]);
  assert.equal(ledger.snapshot(), before);
});

merge('sound is joined channel by channel, planar or interleaved', () => {
  const before = ledger.snapshot();
  const mono = AudioFrame.from([Int16Array.of(1, 2)], { sampleRate: 8000 });
  const stereo = AudioFrame.from([Int16Array.of(3, 4), Int16Array.of(5, 6)], { sampleRate: 8000 });
  const packed = AudioFrame.from([Int16Array.of(3, 4), Int16Array.of(5, 6)], { sampleRate: 8000, format: 's16' });
  const samples = (frame: AudioFrame) =>
    frame.planes().map(({ data }) => [...new Int16Array(data.buffer as ArrayBuffer, data.byteOffset, frame.samples)]);
  const joined = joinChannels([mono, stereo]);
  assert.is(joined.channels, 3);
  assert.equal(samples(joined), [
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const unpacked = joinChannels([packed, packed]);
  assert.is(unpacked.format, 's16p');
  assert.equal(samples(unpacked), [
    [3, 4],
    [5, 6],
    [3, 4],
    [5, 6],
  ]);
  refuses(() => joinChannels([mono, packed]), /s16p at 8000 Hz \(input 0\).*s16 at 8000 Hz \(input 1\)/);
  for (const frame of [mono, stereo, packed, joined, unpacked]) frame.close();
  assert.equal(ledger.snapshot(), before);
});

merge.run();
