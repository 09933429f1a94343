/** dec_params reach the demuxer also where a decoder has a setting of the same name that it does not take. */
import { writeFileSync } from 'node:fs';
import { AudioFrame, type DecoderOptions, Graph, Packet, VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, scratch } from '../../kit/media.js';

const path = scratch();
const raw = path('pictures.raw');
writeFileSync(raw, Buffer.alloc(64 * 48 * 3 * 4, 100));
const pcm = path('sound.pcm');
writeFileSync(pcm, Buffer.alloc(48_000));

async function first(options: DecoderOptions, kind: 'video' | 'audio' = 'video'): Promise<string> {
  const graph = new Graph({ threads: 0 });
  for await (const { payload } of graph.decode(options)[kind].packets().closing()) return describe(payload);
  throw new Error('nothing was decoded');
}

function describe(payload: unknown): string {
  if (payload instanceof AudioFrame) return `${payload.format} ${payload.sampleRate} Hz, ${payload.channelLayout}`;
  assert.instance(payload, VideoFrame);
  const { width, height, format, frameRate } = payload as VideoFrame;
  return `${width}x${height} ${format} ${frameRate?.num}/${frameRate?.den}`;
}

const test = suite('options of demuxers');

test('size, pixel format and rate of raw video are settings of its demuxer', async () => {
  const params = { f: 'rawvideo', video_size: '64x48', pixel_format: 'rgb24', framerate: '30000/1001' };
  assert.is(await first({ input_path: raw, dec_params: params }), '64x48 rgb24 30000/1001');
  const { pixel_format, ...others } = params;
  assert.is(await first({ input_path: raw, pix_fmt: pixel_format, dec_params: others }), '64x48 rgb24 30000/1001');
});

test('so they are of raw video that is pushed as bytes', async () => {
  const graph = new Graph({ threads: 1 });
  const bytes = graph.inputStream('bytes');
  const dec_params = { f: 'rawvideo', video_size: '64x48', pixel_format: 'rgb24', framerate: 10 };
  const reader = bytes.decode({ dec_params }).video.packets().closing();
  await graph.start();
  await bytes.push(new Packet(Buffer.alloc(64 * 48 * 3 * 2, 7)));
  await bytes.end();
  const seen: string[] = [];
  for await (const { payload } of reader) seen.push(describe(payload));
  await graph.close();
  assert.equal(seen, ['64x48 rgb24 10/1', '64x48 rgb24 10/1']);
});

test('rate and channels of raw sound, the rate of pictures, and the graph of lavfi are', async () => {
  const params = { f: 's16le', sample_rate: 22050, ch_layout: 'stereo' };
  assert.is(await first({ input_path: pcm, dec_params: params }, 'audio'), 's16 22050 Hz, stereo');
  assert.match(await first({ input_path: media('still.jpg'), dec_params: { framerate: 5 } }), / 5\/1$/);
  const graph = { f: 'lavfi', graph: 'testsrc2=s=32x16:r=7:d=1' };
  assert.match(await first({ input_path: 'unused', dec_params: graph }), /^32x16 \S+ 7\/1$/);
});

test('where the demuxer has no such setting the option is refused', async () => {
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: media('clip-4s.mp4'), dec_params: { video_size: '64x48' } }).video.module('null_sink');
  const failure = await failureOf(graph);
  assert.match(failure.message, /option 'video_size'/);
});

test.run();
