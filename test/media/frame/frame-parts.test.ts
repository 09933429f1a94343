/** Parts of pictures, properties of other frames, descriptions. */
import { AVCOL_RANGE_MPEG, AVCOL_SPC_BT709, AVCOL_SPC_SMPTE170M } from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioFrame, ledger, VideoFrame } from '../../../src/media/index.js';

const test = suite('parts and properties of frames');
const TIME = { pts: 7n, duration: 2n, timeBase: { num: 1, den: 25 } };

/** Every sample is different from its neighbours. */
function picture(format: string, width = 16, height = 12): VideoFrame {
  const frame = VideoFrame.alloc({ width, height, format, ...TIME, frameRate: { num: 25, den: 1 } });
  for (const { data, stride, width: used, height: rows } of frame.planes()) {
    for (let y = 0; y < rows; y++) for (let x = 0; x < used; x++) data[y * stride + x] = (x * 7 + y * 31) & 255;
  }
  return frame;
}

test('a crop shows its part of every plane, in the same memory', () => {
  for (const [format, steps] of [
    [
      'yuv420p',
      [
        [1, 1],
        [2, 2],
        [2, 2],
      ],
    ],
    ['rgba', [[1, 1]]],
    [
      'gbrp',
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
    ],
    [
      'nv12',
      [
        [1, 1],
        [2, 2],
      ],
    ],
    ['gray', [[1, 1]]],
  ] as const) {
    using frame = picture(format);
    for (const [x, y, width, height] of [
      [4, 2, 8, 6],
      [3, 5, 5, 1],
      [15, 11, 1, 1],
      [0, 0, 16, 12],
    ] as const) {
      if (format === 'nv12' && x % 2 === 1) {
        assert.throws(() => frame.crop(x, y, width, height), /nv12 picture cannot begin at x/);
        continue;
      }
      using part = frame.crop({ x, y, width, height });
      assert.equal([part.width, part.height, part.format], [width, height, format]);
      assert.equal([part.pts, part.duration, part.timeBase, part.frameRate], [7n, 2n, TIME.timeBase, frame.frameRate]);
      for (const [n, plane] of part.planes().entries()) {
        const whole = frame.planes()[n]!;
        const [across, down] = steps[n]!;
        const bytes = whole.width / (16 / across); // of a sample, or a pair of them
        const at = Math.floor(y / down) * whole.stride + Math.floor(x / across) * bytes;
        assert.is(plane.height, Math.ceil(height / down));
        assert.equal(plane.data.subarray(0, plane.width), whole.data.subarray(at, at + plane.width), `${format} ${n}`);
      }
    }
  }
  using frame = picture('gray');
  using part = frame.crop(2, 3, 4, 4);
  part.planes()[0]!.data[0] = 255;
  assert.is(frame.planes()[0]!.data[3 * frame.planes()[0]!.stride + 2], 255, 'a view');
  part.writable().planes()[0]!.data[0] = 1;
  assert.is(frame.planes()[0]!.data[3 * frame.planes()[0]!.stride + 2], 255, 'until it has memory of its own');
  frame.close();
  assert.is(part.planes()[0]!.data[0], 1);
});

test('a crop outlives its frame, can be cropped and reformatted, and keeps metadata', () => {
  const frame = picture('yuv420p', 64, 48);
  frame.metadata.a = 'b';
  frame.data = [1];
  const expected = frame
    .planes()[0]!
    .data.subarray(20 * frame.planes()[0]!.stride + 18, 20 * frame.planes()[0]!.stride + 22)
    .slice();
  const part = frame.crop(16, 16, 32, 24);
  frame.close();
  using inner = part.crop(2, 4, 4, 4);
  assert.equal([inner.metadata.a, inner.data], ['b', [1]]);
  part.close();
  assert.equal(inner.planes()[0]!.data.slice(0, 4), expected);
  using small = inner.reformat({ format: 'rgb24' });
  assert.equal([small.width, small.height], [4, 4]);
});

test('what is no part of the picture, or cannot be shown without a copy, is refused', () => {
  using frame = picture('gray');
  for (const part of [
    [0, 0, 17, 1],
    [-1, 0, 4, 4],
    [0, 0, 0, 4],
    [1.5, 0, 2, 2],
    [0, 9, 2, 4],
  ] as [number, number, number, number][]) {
    assert.throws(() => frame.crop(...part), /are no part of a picture of 16x12/);
  }
  assert.throws(() => frame.crop('left' as never), /part/);
  using bits = VideoFrame.alloc({ width: 16, height: 12, format: 'monob' });
  assert.throws(() => bits.crop(0, 0, 8, 8), /part of a monob picture: its pixels share bytes.*reformat/);
});

test('copyProps takes over what is not the picture', () => {
  using from = picture('yuv420p');
  from.metadata.a = 'new';
  from.data = { n: 1 };
  from.sampleAspectRatio = { num: 4, den: 3 };
  from.av.colorSpace = AVCOL_SPC_BT709;
  from.av.colorRange = AVCOL_RANGE_MPEG;
  using same = VideoFrame.alloc({ width: 16, height: 12, format: 'yuv444p' });
  same.metadata.a = 'old';
  same.metadata.own = 'x';
  assert.is(same.copyProps(from), same);
  assert.equal([same.pts, same.duration, same.timeBase, same.frameRate], [7n, 2n, TIME.timeBase, from.frameRate]);
  assert.equal([same.metadata.a, same.metadata.own, same.data], ['new', 'x', { n: 1 }]);
  assert.equal(
    [same.format, same.colorSpace, same.colorRange, same.sampleAspectRatio],
    ['yuv444p', 'bt709', 'tv', { num: 4, den: 3 }],
  );
  using rgb = VideoFrame.alloc({ width: 8, height: 8, format: 'rgb24' });
  rgb.copyProps(from);
  assert.equal([rgb.pts, rgb.colorSpace, rgb.sampleAspectRatio.num], [7n, 'unknown', 0], 'of another kind and size');
  using tagged = VideoFrame.alloc({ width: 16, height: 12, format: 'yuv420p' });
  tagged.av.colorSpace = AVCOL_SPC_SMPTE170M;
  tagged.copyProps(from);
  assert.equal([tagged.colorSpace, tagged.colorRange], ['smpte170m', 'unknown'], 'tags of its own');
  from.copyProps(from);
  assert.is(from.pts, 7n);
});

test('copyProps of sound leaves the sound alone, and kinds are not mixed', () => {
  using from = AudioFrame.alloc({ sampleRate: 48000, format: 'fltp', samples: 10, channels: 1, ...TIME });
  from.metadata.a = 'b';
  using to = AudioFrame.alloc({ sampleRate: 8000, format: 's16', samples: 5, channels: 2 });
  to.copyProps(from);
  assert.equal([to.sampleRate, to.samples, to.channels, to.pts, to.metadata.a], [8000, 5, 2, 7n, 'b']);
  using video = picture('gray');
  assert.throws(
    () => to.copyProps(video as never),
    /AudioFrame takes over the properties of another one, not of a VideoFrame/,
  );
  assert.throws(() => video.copyProps(undefined as never), /VideoFrame takes over/);
});

test('a description of one frame is what another becomes', () => {
  using from = picture('yuv420p', 32, 32);
  for (const [n, value] of [100, 120, 140].entries()) from.planes()[n]!.data.fill(value);
  from.av.colorSpace = AVCOL_SPC_BT709;
  from.av.colorRange = AVCOL_RANGE_MPEG;
  assert.equal(from.description, { width: 32, height: 32, format: 'yuv420p', colorSpace: 'bt709', colorRange: 'tv' });
  using other = picture('rgb24', 16, 16);
  using became = other.reformat(from.description);
  assert.equal(became.description, from.description);
  using matrix = from.reformat({ colorSpace: 'smpte170m', colorRange: 'pc' });
  assert.equal([matrix.colorSpace, matrix.colorRange, matrix.pts], ['smpte170m', 'pc', 7n]);
  using back = matrix.reformat(from.description);
  const [before, after] = [from.planes()[1]!.data[5]!, back.planes()[1]!.data[5]!];
  assert.ok(Math.abs(before - after) <= 2, `there and back is the same picture: ${before} ${after}`);
  using clone = from.reformat({ colorSpace: 'unknown', colorRange: 'unknown' });
  assert.equal(clone.description, from.description);
  assert.throws(() => from.reformat({ colorSpace: 'purple' }), /cannot become .*purple/);
  assert.throws(() => from.reformat({ colorRange: 'wide' }), /cannot become .*wide/);
});

test('a matrix that is asked for changes the numbers as the filter scale does', () => {
  using red = VideoFrame.alloc({ width: 16, height: 16, format: 'yuv444p' });
  red.av.colorSpace = AVCOL_SPC_BT709;
  red.av.colorRange = AVCOL_RANGE_MPEG;
  for (const [n, value] of [63, 102, 240].entries()) red.planes()[n]!.data.fill(value); // red in bt709
  using as601 = red.reformat({ colorSpace: 'smpte170m' });
  const [y, u, v] = as601.planes().map(({ data }) => data[0]!) as [number, number, number];
  assert.ok(Math.abs(y - 81) <= 2 && Math.abs(u - 90) <= 2 && Math.abs(v - 240) <= 2, `${y} ${u} ${v}`);
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
});

test.run();
