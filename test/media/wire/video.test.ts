import {
  AV_FRAME_DATA_A53_CC,
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
  AV_FRAME_FLAG_INTERLACED,
  AV_FRAME_FLAG_KEY,
  AV_FRAME_FLAG_TOP_FIELD_FIRST,
} from 'node-av/constants';
import { Filter } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ledger, VideoFrame } from '../../../src/media/index.js';
import { describe, PAYLOAD_KIND } from '../../../src/media/wire/payload.js';
import { frames, markProperties, picture, pixelFormats, properties, takeAllPools, travel } from '../kit.js';

const test = suite('wire: pictures');
const finalised = ledger.finalised;

function samePixels(format: string, size: string): void {
  const sent = VideoFrame.wrap(picture(format, size, 2));
  const received = travel(sent);
  assert.ok(received.av.isWritable, 'it owns its memory alone');
  assert.equal([received.format, received.width, received.height], [sent.format, sent.width, sent.height]);
  assert.equal(received.toBuffer(), sent.toBuffer(), `${format} ${size}`);
  sent.close();
  received.close();
}

for (const format of [
  'yuv420p',
  'nv12',
  'yuv422p10le',
  'p010le',
  'yuva420p',
  'yuva444p16le',
  'rgba',
  'rgb24',
  'gbrp',
  'gray',
  'gray16le',
  'gbrpf32le',
]) {
  test(`${format} arrives bit for bit, odd sizes included`, () => {
    for (const size of ['320x180', '101x77', '16x16', '1x1']) samePixels(format, size);
  });
}

test('palette and bit-packed pictures arrive with their palette', () => {
  for (const [format, size] of [
    ['pal8', 7 * 5 + 1024],
    ['monob', 5],
    ['monow', 5],
  ] as const) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) & 0xff);
    const sent = VideoFrame.from(bytes, { width: 7, height: 5, format });
    const received = travel(sent);
    assert.equal(new Uint8Array(received.toBuffer()), bytes, format);
    sent.close();
    received.close();
  }
});

test('every pixel format that has memory of its own can travel', () => {
  for (const name of pixelFormats()) {
    const sent = VideoFrame.alloc({ width: 34, height: 18, format: name });
    const { byteLength } = describe(sent).blobs[0]!;
    sent.close();
    const bytes = Uint8Array.from({ length: byteLength }, (_, i) => (i * 73) & 0xff);
    const filled = VideoFrame.from(bytes, { width: 34, height: 18, format: name });
    const received = travel(filled);
    assert.equal(received.toBuffer(), filled.toBuffer(), name);
    filled.close();
    received.close();
  }
});

test('all properties arrive', () => {
  const sent = VideoFrame.wrap(picture('yuv420p10le', '32x18'), { frameRate: { num: 30000, den: 1001 } });
  markProperties(sent.av, AV_FRAME_FLAG_KEY | AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST);
  const received = travel(sent);
  assert.equal(properties(received), properties(sent));
  assert.equal([received.pts, received.keyFrame, received.interlaced], [-(2n ** 40n) - 3n, true, true]);
  sent.close();
  received.close();
});

test('a frame without properties arrives without properties', () => {
  const sent = VideoFrame.alloc({ width: 16, height: 16, format: 'yuv420p' });
  const received = travel(sent);
  assert.equal(properties(received), properties(sent));
  assert.is(received.pts, undefined);
  assert.is(received.frameRate, undefined);
  sent.close();
  received.close();
});

test('metadata arrives, odd characters included', () => {
  const chain = [
    ['testsrc2', 'size=32x18'],
    ['metadata', "mode=add:key=a.b:value='x=y;ü'"],
    ['cropdetect'],
    ['buffersink'],
  ];
  const all = frames(chain as [string, string?][], 4).map((av) => VideoFrame.wrap(av));
  const sent = all.at(-1)!;
  sent.pts = 3n;
  sent.av.quality = 5;
  const received = travel(sent);
  assert.is(received.metadata['a.b'], 'x=y;ü');
  assert.ok('lavfi.cropdetect.w' in received.metadata);
  assert.equal(properties(received), properties(sent));
  assert.equal(received.toBuffer(), sent.toBuffer());
  for (const frame of [...all, received]) frame.close();
});

test('side data arrives', () => {
  const sent = VideoFrame.alloc({ width: 16, height: 16, format: 'gray' });
  const kinds = [
    [AV_FRAME_DATA_A53_CC, 7],
    [AV_FRAME_DATA_DISPLAYMATRIX, 36],
    [AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, 88],
  ] as const;
  for (const [type, size] of kinds) sent.av.newSideData(type, size).fill(type + 1);
  const received = travel(sent);
  for (const [type, size] of kinds) assert.equal(received.av.getSideData(type), Buffer.alloc(size, type + 1));
  assert.is(received.av.getSideData((AV_FRAME_DATA_A53_CC + 1) as typeof AV_FRAME_DATA_A53_CC), null);
  sent.close();
  received.close();
});

test('bottom-up and cropped pictures arrive as they look', () => {
  const upright = picture('yuv420p', '64x36');
  const args = 'video_size=64x36:pix_fmt=yuv420p:time_base=1/25';
  const [flipped] = frames([['buffer', args], ['vflip'], ['crop', '30:20:10:6'], ['buffersink']], 1, upright);
  upright.free();
  assert.ok(flipped!.linesize[0]! < 0, 'FFmpeg gave a negative stride');
  const sent = VideoFrame.wrap(flipped!);
  const received = travel(sent);
  assert.equal(received.toBuffer(), sent.toBuffer());
  assert.ok(received.av.linesize[0]! > 0);
  sent.close();
  received.close();
});

test('a received picture does not depend on the sender or on other pictures', () => {
  const sent = VideoFrame.from(new Uint8Array(256).fill(1), { width: 16, height: 16, format: 'gray' });
  const first = travel(sent);
  sent.planes()[0]!.data.fill(2);
  const second = travel(sent);
  sent.close();
  takeAllPools();
  first.planes()[0]!.data[0] = 9;
  assert.is(second.toBuffer()[0], 2);
  assert.is(first.toBuffer()[1], 1);
  first.close();
  second.close();
});

test('a frame that was closed before it was written is refused', () => {
  const frame = VideoFrame.alloc({ width: 4, height: 4, format: 'gray' });
  const { kind, blobs } = describe(frame);
  assert.is(kind, PAYLOAD_KIND.video);
  frame.close();
  const closed = (error: { code?: string }) => error.code === 'ERR_MILLRACE_CLOSED';
  assert.throws(() => blobs[0]!.copyTo(new Uint8Array(16)), closed);
  assert.throws(() => describe(frame), closed);
});

test('the filters the picture pools are made of are in this FFmpeg', () => {
  for (const name of ['nullsrc', 'format', 'buffersink', 'abuffer', 'abuffersink'])
    assert.ok(Filter.getByName(name), name);
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
  assert.is(ledger.finalised, finalised);
});

test.run();
