/** Grey pictures are the luma of what they are made of, and colour tags tell what the pixels are. */

import { Graph, Packet, type Stream, VideoFrame } from 'millrace';
import {
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_RANGE_UNSPECIFIED,
  type AVColorRange,
  type AVColorSpace,
} from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crossed } from '../../kit/long.js';
import { scratch } from '../../kit/media.js';

const path = scratch();
const SIDE = 64;
const [BT709, UNKNOWN, BT601, BT2020] = [1, 2, 6, 9] as AVColorSpace[];
const LIMITED = AVCOL_RANGE_MPEG;
const FULL = AVCOL_RANGE_JPEG;

/** A ramp of luma under strong colours, 8 bits. */
function colours(space: AVColorSpace, range: AVColorRange, format = 'yuv420p'): VideoFrame {
  const frame = VideoFrame.alloc({ width: SIDE, height: SIDE, format, pts: 0n, timeBase: { num: 1, den: 25 } });
  const [low, high] = range === FULL ? [0, 255] : [16, 235];
  frame.planes().forEach(({ data, stride, width, height }, plane) => {
    for (let row = 0; row < height; row++) {
      for (let x = 0; x < width; x++) {
        const ramp = low + Math.floor((x * (high - low)) / (width - 1));
        const shade = Math.floor((row * 128) / height);
        data[row * stride + x] = plane === 0 ? ramp : plane === 1 ? 64 + shade : 190 - shade;
      }
    }
  });
  frame.av.colorSpace = space;
  frame.av.colorRange = range;
  return frame;
}

/** The first plane, 0 to 1, of samples that are of full range if the frame says so. */
function lumaOf(frame: VideoFrame): number[] {
  const bits = Number(
    /^(?:gray|yuva?4\d\dp)(\d*)/.exec(frame.format)?.[1] || (frame.format.startsWith('ya16') ? 16 : 8),
  );
  const channels = frame.format.startsWith('ya') ? 2 : 1;
  const bytes = bits > 8 ? 2 : 1;
  const [plane] = frame.planes();
  const { data, stride } = plane!;
  const full = frame.colorRange === 'pc' || frame.format.startsWith('yuvj');
  const scale = 2 ** (bits - 8);
  const values: number[] = [];
  for (let row = 0; row < frame.height; row++) {
    for (let x = 0; x < frame.width; x++) {
      const at = row * stride + x * channels * bytes;
      const value = bytes === 2 ? data[at]! | (data[at + 1]! << 8) : data[at]!;
      values.push(full ? value / (2 ** bits - 1) : (value / scale - 16) / 219);
    }
  }
  return values;
}

/** The largest difference, in steps of 8 bits. */
function distance(a: readonly number[], b: readonly number[]): number {
  assert.is(a.length, b.length);
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!) * 255));
}

/** What a chain of filters makes of a picture. */
async function filtered(frame: VideoFrame, build: (stream: Stream) => Stream, optimize = true): Promise<VideoFrame> {
  const graph = new Graph({ threads: 0, optimize_graph: optimize });
  const source = graph.inputStream('pictures');
  const reader = build(source).packets();
  await graph.start();
  // As many as it takes until neighbouring filters are joined.
  const pushed = (async () => {
    for (let i = 0; i < 8; i++) {
      const copy = frame.clone();
      copy.pts = BigInt(i);
      await source.push(new Packet(copy));
    }
    await source.end();
  })();
  const made: VideoFrame[] = [];
  for await (const packet of reader) made.push(packet.payload as VideoFrame);
  await pushed;
  await graph.close();
  assert.is(made.length, 8);
  const last = made.pop()!;
  for (const other of made) {
    assert.equal(other.toBuffer(), last.toBuffer(), 'every picture is treated alike');
    other.close();
  }
  return last;
}

const kinds: readonly (readonly [name: string, space: AVColorSpace, range: AVColorRange, format?: string])[] = [
  ['BT.709', BT709!, LIMITED],
  ['BT.709 of full range', BT709!, FULL],
  ['BT.2020', BT2020!, LIMITED],
  ['BT.601', BT601!, LIMITED],
  ['untagged pictures', UNKNOWN!, AVCOL_RANGE_UNSPECIFIED],
  ['JPEG pictures', BT709!, FULL, 'yuvj420p'],
  ['4:4:4', BT709!, LIMITED, 'yuv444p'],
];

const test = suite('grey');

kinds.forEach(([name, space, range, format], kind) => {
  test(`grey of ${name} is the luma, of full range, and says so`, async () => {
    using frame = colours(space, range, format);
    const luma = lumaOf(frame);
    for (const gray of ['gray', 'gray10le', 'gray16le', 'ya8', 'ya16le']) {
      using made = frame.reformat({ format: gray });
      assert.is(made.colorRange, 'pc', gray);
      assert.ok(distance(lumaOf(made), luma) <= 1, `${gray}: off by ${distance(lumaOf(made), luma)}`);
    }
    assert.equal([frame.av.colorSpace, frame.av.colorRange], [space, range], 'the frame itself is as it was');
    const bytes = [...frame.toBuffer('gray')].map((value) => value / 255);
    assert.ok(distance(bytes, luma) <= 1, 'toBuffer');
    const chains: Record<string, (stream: Stream) => Stream> = {
      format: (stream) => stream.filter('format', { pix_fmts: 'gray' }),
      'deep format': (stream) => stream.filter('format', { pix_fmts: 'gray10le' }),
      scale: (stream) => stream.filter('scale', { w: SIDE, h: SIDE }).filter('format', { pix_fmts: 'gray' }),
      'one node': (stream) => stream.module('c_ffmpeg_filter', { graph: '[0]scale=64:64,format=gray[0]' }),
      'other filters between': (stream) =>
        stream.filter('hflip').filter('format', { pix_fmts: 'gray' }).filter('hflip'),
    };
    // One after the other in turn, beginning with another one for each kind.
    const ways = kind % 2 === 0 ? [true, false] : [false, true];
    for (const [[chain, build], some] of crossed(Object.entries(chains), ways, 1)) {
      for (const optimize of some) {
        using made = await filtered(frame, build, optimize);
        assert.match(made.format, /^gray/, chain);
        assert.is(made.colorRange, 'pc', chain);
        assert.ok(distance(lumaOf(made), luma) <= 1, `${chain}: off by ${distance(lumaOf(made), luma)}`);
      }
    }
  });
});

test('grey that goes on as colour is still the luma', async () => {
  using frame = colours(BT709!, LIMITED);
  const luma = lumaOf(frame);
  using made = await filtered(frame, (stream) =>
    stream.filter('format', { pix_fmts: 'gray' }).filter('format', { pix_fmts: 'yuv420p' }),
  );
  assert.ok(distance(lumaOf(made), luma) <= 1.2, `off by ${distance(lumaOf(made), luma)}`);
});

test('RGB beside grey in one node keeps its own matrix', async () => {
  using frame = colours(BT709!, LIMITED);
  using alone = await filtered(frame, (stream) => stream.filter('format', { pix_fmts: 'rgb24' }));
  using direct = frame.reformat({ format: 'rgb24' });
  assert.equal(alone.toBuffer(), direct.toBuffer());
});

test('an encoder of grey pictures writes the luma', async () => {
  using frame = colours(BT709!, LIMITED);
  const graph = new Graph({ threads: 0 });
  const source = graph.inputStream('pictures');
  source.encode(null, { output_path: path('gray.mkv'), video_params: { codec: 'ffv1', pix_fmt: 'gray' } });
  await graph.start({ mode: 'push' });
  await source.push(new Packet(frame.clone()));
  await source.end();
  await graph.close();
  const decoded = new Graph({ threads: 0 });
  for await (const { payload } of decoded
    .decode({ input_path: path('gray.mkv') })
    .video.packets()
    .closing()) {
    const made = payload as VideoFrame;
    assert.equal([made.format, made.colorRange], ['gray', 'pc']);
    assert.ok(distance(lumaOf(made), lumaOf(frame)) <= 1);
  }
});

test('the tags of a reformatted frame are those of its pixels', () => {
  using frame = colours(BT709!, LIMITED);
  const tags = (made: VideoFrame) => [made.colorSpace, made.colorRange];
  using rgb = frame.reformat({ format: 'rgb24' });
  assert.equal(tags(rgb), ['gbr', 'pc']);
  // Made by BT.601 in limited range, and back again by what the tags say.
  using yuv = rgb.reformat({ format: 'yuv444p' });
  assert.equal(tags(yuv), ['smpte170m', 'tv']);
  using back = yuv.reformat({ format: 'rgb24' });
  const [before, after] = [rgb.toBuffer(), back.toBuffer()];
  assert.ok(before.every((value, i) => Math.abs(value - after[i]!) <= 4));

  using full = frame.reformat({ format: 'yuvj420p' });
  assert.equal(tags(full), ['bt709', 'pc']);
  assert.ok(distance(lumaOf(full), lumaOf(frame)) <= 1);
  full.av.colorRange = AVCOL_RANGE_UNSPECIFIED;
  using plain = full.reformat({ format: 'yuv420p' });
  assert.equal(tags(plain), ['bt709', 'pc']);
  assert.ok(distance(lumaOf(plain), lumaOf(frame)) <= 1);
});

test('grey becomes colour of the range its tag says', () => {
  for (const [range, tag] of [
    [LIMITED, 'tv'],
    [FULL, 'pc'],
  ] as const) {
    using frame = VideoFrame.from(
      Uint8Array.from({ length: 256 }, (_, i) => i),
      { width: 256, height: 1, format: 'gray' },
    );
    frame.av.colorRange = range;
    for (const format of ['yuv420p', 'yuv444p']) {
      using made = frame.reformat({ format });
      assert.equal([format, made.colorRange], [format, tag]);
      assert.equal([...made.toBuffer().subarray(0, 256)], [...frame.toBuffer()]);
    }
    using rgb = frame.reformat({ format: 'rgb24' });
    const bytes = rgb.toBuffer();
    const at = (x: number) => bytes[3 * x]!;
    const [black, white] = range === LIMITED ? [16, 235] : [0, 255];
    assert.ok(at(black) <= 1 && at(white) >= 254, `${tag}: ${at(black)} to ${at(white)}`);
  }
  using untagged = VideoFrame.from(new Uint8Array(256).fill(255), { width: 16, height: 16, format: 'gray' });
  using yuv = untagged.reformat({ format: 'yuv420p' });
  assert.is(yuv.colorRange, 'tv');
  assert.is(yuv.toBuffer()[0], 235);
});

test.run();
