import {
  AV_FRAME_FLAG_KEY,
  AVCOL_PRI_BT2020,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_SMPTE2084,
} from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ledger, VideoFrame } from '../../../src/media/index.js';
import { frames, picture } from '../kit.js';

const test = suite('video frame');
const closed = (error: { code?: string }) => error.code === 'ERR_MILLRACE_CLOSED';

test('time properties write through to the AVFrame', () => {
  const frame = VideoFrame.alloc({ width: 4, height: 4, format: 'yuv420p' });
  assert.is(frame.pts, undefined);
  assert.is(frame.timestamp, undefined);
  assert.is(frame.duration, 0n);
  assert.equal(frame.timeBase, { num: 0, den: 1 });
  frame.pts = -2n;
  frame.duration = 1n;
  frame.timeBase = { num: 1, den: 50 };
  assert.is(frame.av.pts, -2n);
  assert.is(frame.av.duration, 1n);
  assert.is(frame.av.timeBase.den, 50);
  assert.is(frame.timestamp, -40_000);
  frame.pts = undefined;
  assert.is(frame.av.pts, -(2n ** 63n));
  frame.close();
});

test('a picture type that is none is refused by name', () => {
  const frame = VideoFrame.alloc({ width: 4, height: 4, format: 'yuv420p' });
  frame.pictureType = 'I';
  assert.throws(
    () => {
      frame.pictureType = 'key' as 'I';
    },
    (error: Error) => /pictureType cannot be "key"\. It is one of I, P, B/.test(error.message),
  );
  assert.is(frame.pictureType, 'I');
  frame.close();
});

test('a fresh frame has no properties but its shape', () => {
  const frame = VideoFrame.alloc({ width: 6, height: 4, format: 'yuv422p10le', frameRate: { num: 25, den: 1 } });
  assert.equal([frame.width, frame.height, frame.format], [6, 4, 'yuv422p10le']);
  assert.equal(frame.sampleAspectRatio, { num: 0, den: 1 });
  assert.equal([frame.colorSpace, frame.colorRange], ['unknown', 'unknown']);
  assert.equal([frame.colorPrimaries, frame.colorTransfer], ['unknown', 'unknown']);
  assert.equal([frame.keyFrame, frame.interlaced, frame.corrupt, frame.hardware], [false, false, false, false]);
  assert.equal(frame.metadata, {});
  assert.equal(frame.frameRate, { num: 25, den: 1 });
  assert.ok(frame.av.isWritable);
  frame.close();
});

test('colour properties have FFmpeg’s names', () => {
  const frame = VideoFrame.alloc({ width: 2, height: 2, format: 'yuv420p' });
  frame.av.colorSpace = AVCOL_SPC_BT709;
  frame.av.colorPrimaries = AVCOL_PRI_BT2020;
  frame.av.colorTrc = AVCOL_TRC_SMPTE2084;
  frame.av.colorRange = AVCOL_RANGE_MPEG;
  frame.av.flags = AV_FRAME_FLAG_KEY;
  assert.equal(
    [frame.colorSpace, frame.colorPrimaries, frame.colorTransfer, frame.colorRange, frame.keyFrame],
    ['bt709', 'bt2020', 'smpte2084', 'tv', true],
  );
  frame.close();
});

test('closing twice frees once, and use after close names the mistake', () => {
  const frame = VideoFrame.alloc({ width: 4, height: 4, format: 'gray' });
  frame.planes();
  frame.close();
  frame.close();
  assert.ok(frame.closed);
  for (const use of [
    () => frame.av,
    () => frame.width,
    () => frame.pts,
    () => frame.planes(),
    () => frame.clone(),
    () => frame.writable(),
    () => frame.toBuffer(),
  ]) {
    assert.throws(use, closed);
  }
});

test('views end with their frame where buffers can be detached', () => {
  const frame = VideoFrame.from(new Uint8Array(16), { width: 4, height: 4, format: 'gray' });
  const view = frame.planes()[0]!.data;
  assert.is(view.length > 0, true);
  frame.close();
  if ('transfer' in ArrayBuffer.prototype) assert.is(view.length, 0);
});

test('planes are views: what is written is in the frame', () => {
  const frame = VideoFrame.from(new Uint8Array(16), { width: 4, height: 4, format: 'gray' });
  const [plane] = frame.planes();
  plane!.data[plane!.stride + 1] = 77;
  assert.is(frame.toBuffer()[5], 77);
  assert.is(frame.planes()[0]!.data, plane!.data);
  frame.close();
});

test('planes have the shape of the format, odd sizes included', () => {
  const shapes: [string, [number, number][]][] = [
    [
      'yuv420p',
      [
        [7, 5],
        [4, 3],
        [4, 3],
      ],
    ],
    [
      'nv12',
      [
        [7, 5],
        [8, 3],
      ],
    ],
    [
      'yuva420p10le',
      [
        [14, 5],
        [8, 3],
        [8, 3],
        [14, 5],
      ],
    ],
    [
      'p010le',
      [
        [14, 5],
        [16, 3],
      ],
    ],
    ['rgba', [[28, 5]]],
    [
      'gbrp',
      [
        [7, 5],
        [7, 5],
        [7, 5],
      ],
    ],
    ['monob', [[1, 5]]],
    [
      'pal8',
      [
        [7, 5],
        [1024, 1],
      ],
    ],
  ];
  for (const [format, expected] of shapes) {
    const frame = VideoFrame.alloc({ width: 7, height: 5, format });
    assert.equal(
      frame.planes().map((plane) => [plane.width, plane.height]),
      expected,
      format,
    );
    for (const { data, stride, width, height } of frame.planes()) {
      assert.is(data.length, stride * (height - 1) + width, format);
    }
    frame.close();
  }
});

test('bytes go in and come out the same, in one piece and plane by plane', () => {
  for (const [format, size] of [
    ['rgba', 4 * 15],
    ['yuv420p', 15 + 2 * 6],
    ['pal8', 15 + 1024],
    ['yuv420p10le', 30 + 24],
  ] as const) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37) & 0xff);
    const one = VideoFrame.from(bytes, { width: 5, height: 3, format });
    assert.equal(new Uint8Array(one.toBuffer()), bytes, format);
    const copies = one.copyPlanes();
    one.close();
    const two = VideoFrame.from(
      copies.map((plane) => plane.data),
      { width: 5, height: 3, format },
    );
    assert.equal(new Uint8Array(two.toBuffer()), bytes, `${format} by planes`);
    two.close();
  }
});

test('rgba is the default format, from an array of bytes of any kind', () => {
  const frame = VideoFrame.from(new Uint8ClampedArray(4 * 2 * 4).fill(200), { width: 4, height: 2 });
  assert.is(frame.format, 'rgba');
  assert.equal(frame.toImageData(), { data: new Uint8ClampedArray(32).fill(200), width: 4, height: 2 });
  frame.close();
});

test('a wrong number of bytes is refused with both numbers', () => {
  const options = { width: 4, height: 2, format: 'yuv420p' };
  assert.throws(() => VideoFrame.from(new Uint8Array(11), options), /takes 8 \+ 2 \+ 2 bytes, 11 were given/);
  assert.throws(() => VideoFrame.from([new Uint8Array(8), new Uint8Array(4)], options), /8 \+ 4 were given/);
  assert.throws(() => VideoFrame.alloc({ ...options, format: 'yuv421p' }), /no pixel format 'yuv421p'/);
  assert.throws(() => VideoFrame.alloc({ ...options, width: 0 }), /0x2: Invalid argument/);
});

test('a clone shares the pixels until one of both is made writable', () => {
  const frame = VideoFrame.from(new Uint8Array(16).fill(1), { width: 4, height: 4, format: 'gray', pts: 9n });
  frame.frameRate = { num: 24, den: 1 };
  const clone = frame.clone();
  assert.equal([clone.pts, clone.frameRate], [9n, { num: 24, den: 1 }]);
  frame.planes()[0]!.data[0] = 2;
  assert.is(clone.planes()[0]!.data[0], 2);
  const before = clone.planes()[0]!.data;
  assert.is(clone.writable(), clone);
  const after = clone.planes()[0]!.data;
  assert.is.not(after, before);
  after[0] = 3;
  assert.is(frame.planes()[0]!.data[0], 2);
  assert.is(clone.pts, 9n);
  frame.close();
  const av = clone.av;
  assert.is(clone.writable().av, av, 'alone it is writable as it is');
  clone.close();
});

test('a picture that is stored bottom-up is read top-down', () => {
  const upright = picture('yuv420p', '64x36');
  const original = VideoFrame.wrap(upright.clone()!);
  const rows = original.copyPlanes();
  original.close();
  const [flipped] = frames(
    [['buffer', 'video_size=64x36:pix_fmt=yuv420p:time_base=1/25'], ['vflip'], ['buffersink']],
    1,
    upright,
  );
  upright.free();
  assert.ok(flipped!.linesize[0]! < 0, 'FFmpeg gave a negative stride');
  const frame = VideoFrame.wrap(flipped!);
  frame.av.pts = 11n;
  const planes = frame.copyPlanes();
  for (const [i, plane] of planes.entries()) {
    const { data, width, height } = rows[i]!;
    for (let row = 0; row < height; row++) {
      const opposite = data.subarray((height - 1 - row) * width, (height - row) * width);
      assert.equal(plane.data.subarray(row * width, (row + 1) * width), opposite);
    }
  }
  assert.is(frame.pts, 11n);
  assert.ok(frame.planes()[0]!.stride > 0);
  frame.close();
});

test('a cropped picture is cut at its own edges', () => {
  const chain: [string, string?][] = [
    ['testsrc2', 'size=128x72'],
    ['format', 'pix_fmts=gray'],
  ];
  const [whole] = frames([...chain, ['buffersink']], 1);
  const [part] = frames([...chain, ['crop', '20:10:108:62'], ['buffersink']], 1);
  const big = VideoFrame.wrap(whole!);
  const crop = VideoFrame.wrap(part!);
  assert.equal([crop.width, crop.height], [20, 10]);
  const [plane] = crop.copyPlanes();
  const source = big.toBuffer();
  for (let row = 0; row < 10; row++) {
    const at = (62 + row) * 128 + 108;
    assert.equal(Buffer.from(plane!.data.subarray(row * 20, row * 20 + 20)), source.subarray(at, at + 20));
  }
  big.close();
  crop.close();
});

test('a pixel aspect of large numbers stays a fraction of 32 bits and keeps its value', () => {
  const frame = VideoFrame.wrap(picture('yuv420p', '62x34'));
  const aspect = { num: 1_999_999_973, den: 1_999_999_943 };
  frame.sampleAspectRatio = aspect;
  const other = frame.reformat({ width: 46, height: 58 });
  const { num, den } = other.sampleAspectRatio;
  assert.ok(num > 0 && den > 0 && num < 2 ** 31 && den < 2 ** 31, `${num}/${den}`);
  const expected = ((aspect.num / aspect.den) * 58 * 62) / (46 * 34);
  assert.ok(Math.abs(num / den / expected - 1) < 1e-8, `${num}/${den}`);
  for (const each of [frame, other]) each.close();
});

test('reformat changes size and format and keeps the rest', () => {
  const frame = VideoFrame.wrap(picture('yuv420p', '64x36'), { frameRate: { num: 25, den: 1 } });
  frame.pts = 5n;
  frame.timeBase = { num: 1, den: 25 };
  frame.sampleAspectRatio = { num: 1, den: 1 };
  frame.av.colorSpace = AVCOL_SPC_BT709;
  const small = frame.reformat({ width: 32 });
  assert.equal([small.width, small.height, small.format, small.pts], [32, 36, 'yuv420p', 5n]);
  assert.equal(small.sampleAspectRatio, { num: 2, den: 1 });
  assert.is(small.colorSpace, 'bt709');
  assert.equal(small.frameRate, { num: 25, den: 1 });
  const rgb = frame.reformat({ format: 'rgb24' });
  assert.equal([rgb.colorSpace, rgb.colorRange, rgb.toBuffer().length], ['gbr', 'pc', 64 * 36 * 3]);
  const yuv = rgb.reformat({ format: 'yuv420p' });
  assert.equal([yuv.colorSpace, yuv.colorRange], ['smpte170m', 'tv']);
  const same = frame.reformat({});
  assert.equal(same.toBuffer(), frame.toBuffer());
  for (const each of [frame, small, rgb, yuv, same]) each.close();
});

test('conversion to RGB follows the colour matrix of the frame', () => {
  const pixel = (space: number) => {
    const frame = VideoFrame.from(Uint8Array.from([81, 81, 81, 81, 90, 240]), {
      width: 2,
      height: 2,
      format: 'yuv420p',
    });
    frame.av.colorSpace = space as typeof AVCOL_SPC_BT709;
    const { data } = frame.toImageData();
    frame.close();
    return [...data.subarray(0, 4)];
  };
  const [r6 = 0, g6 = 0, b6 = 0, alpha] = pixel(6);
  assert.ok(r6 > 250 && g6 < 5 && b6 < 5, `BT.601 red is ${[r6, g6, b6]}`);
  assert.is(alpha, 255);
  assert.not.equal(pixel(1), pixel(6));
});

test('metadata of filters can be read', () => {
  const [av] = frames([['testsrc2', 'size=32x32'], ['metadata', 'mode=add:key=a.b:value=c'], ['buffersink']], 1);
  const frame = VideoFrame.wrap(av!);
  assert.equal(frame.metadata, { 'a.b': 'c' });
  frame.close();
});

test('the memory of closed pictures is used again, that of open ones never', () => {
  const options = { width: 64, height: 64, format: 'gray' };
  const open = Array.from({ length: 6 }, (_, i) => VideoFrame.from(new Uint8Array(4096).fill(i), options));
  const others = Array.from({ length: 6 }, () => VideoFrame.from(new Uint8Array(4096).fill(99), options));
  open.forEach((frame, i) => {
    assert.is(frame.toBuffer()[100], i);
    frame.close();
  });
  for (const frame of others) frame.close();
});

test('pictures of many sizes outlive the pools they came from', () => {
  const all = Array.from({ length: 20 }, (_, i) =>
    VideoFrame.from(new Uint8Array((i + 1) * 8).fill(i), { width: i + 1, height: 8, format: 'gray' }),
  );
  all.forEach((frame, i) => {
    assert.equal(new Uint8Array(frame.toBuffer()), new Uint8Array((i + 1) * 8).fill(i));
    frame.close();
  });
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
});

test.run();
