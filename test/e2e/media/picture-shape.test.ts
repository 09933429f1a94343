/** The shape of a picture as the container has it: aspect of the pixels, cropping, and their way into the next file. */
import { readFileSync } from 'node:fs';
import {
  type DecoderOptions,
  Packet,
  type Rational,
  StreamInfo,
  type StreamInfoData,
  syncModule,
  VideoFrame,
} from 'millrace';
import { AV_PKT_DATA_DISPLAYMATRIX, AV_PKT_DATA_FRAME_CROPPING } from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run, scratch } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const path = scratch();
const WIDE = { num: 64, den: 45 };

/** Five pictures, of pixels that are wider than high. */
async function make(name: string, codec: string, pixels: string, frame = '160x128'): Promise<string> {
  const graph = graphOn({ threads: 0 });
  graph
    .filter('testsrc2', { size: frame, rate: 25, duration: 0.2 })
    .filter('setsar', { sar: '64/45' })
    .filter('format', { pix_fmts: pixels })
    .encode(null, { output_path: path(name), video_params: { codec } });
  await run(graph);
  return path(name);
}

/** Copies the stream of a file into another one, as a container that says something else of it. */
async function rewrap(input: string, output: string, change: Partial<StreamInfoData>): Promise<string> {
  const source = graphOn({ threads: 0 });
  const target = graphOn({ threads: 0 });
  const stream = target.inputStream('copied');
  stream.encode(null, { output_path: output });
  await target.start({ mode: 'push' });
  for await (const packet of source.decode({ input_path: input, video_codec: 'copy' }).video.packets()) {
    const { payload } = packet;
    const info = payload instanceof StreamInfo ? StreamInfo.fromJSON({ ...payload.toJSON(), ...change }) : undefined;
    await stream.push(info ? new Packet(info) : packet);
  }
  await stream.end();
  await target.close();
  return output;
}

interface Shape {
  readonly size: string;
  readonly aspect: string;
}

function shapeOf(frame: VideoFrame): Shape {
  const { num, den } = frame.sampleAspectRatio;
  return { size: `${frame.width}x${frame.height}`, aspect: `${num}/${den}` };
}

async function shape(input: string, options: DecoderOptions = {}, threads = 0): Promise<Shape> {
  const graph = graphOn({ threads });
  for await (const packet of graph
    .decode({ input_path: input, ...options })
    .video.packets()
    .closing()) {
    assert.instance(packet.payload, VideoFrame);
    return shapeOf(packet.payload as VideoFrame);
  }
  throw new Error(`${input} has no picture`);
}

/** Of all pictures of a file that is pushed in as bytes. */
async function shapesOfBytes(input: string): Promise<Shape[]> {
  const graph = graphOn({ threads: 1 });
  const bytes = graph.inputStream('bytes');
  const reader = bytes.decode().video.packets().closing();
  await graph.start();
  const shapes: Shape[] = [];
  await Promise.all([
    bytes.push(new Packet(readFileSync(input))).then(() => bytes.end()),
    (async () => {
      for await (const { payload } of reader) shapes.push(shapeOf(payload as VideoFrame));
    })(),
  ]);
  await graph.close();
  return shapes;
}

const containers: readonly (readonly [name: string, codec: string, pixels: string])[] = [
  ['pixels.mkv', 'ffv1', 'yuv420p'],
  ['pixels.mov', 'prores_ks', 'yuv422p10le'],
  ['pixels.avi', 'huffyuv', 'yuv422p'],
  ['pixels.nut', 'rawvideo', 'yuv420p'],
  ['pixels.webm', 'libvpx', 'yuv420p'],
  ['pixels-av1.mp4', 'libsvtav1', 'yuv420p'],
];

const test = suite('shape of pictures');
const graphOn = await sharedThreads(2);

for (const [name, codec, pixels] of containers) {
  test(`the pixel aspect of ${name} (${codec}) is on the frames and in the file made from them`, async () => {
    // WebM holds the width to show as a whole number of pixels.
    const input = await make(name, codec, pixels, '180x128');
    assert.is((await shape(input)).aspect, '64/45');
    const graph = graphOn({ threads: 1 });
    graph.decode({ input_path: input }).video.encode(null, { output_path: path(`${name}.mp4`) });
    await run(graph);
    assert.is((await shape(path(`${name}.mp4`))).aspect, '64/45');
  });
}

test('a container that says something else than the bitstream is right', async () => {
  const input = await rewrap(await make('bitstream.mp4', 'h264', 'yuv420p'), path('container.mp4'), {
    sampleAspectRatio: { num: 16, den: 15 },
  });
  assert.equal(await shape(input), { size: '160x128', aspect: '16/15' });
});

test('the pixel aspect comes through sync calls, pushed bytes, threads and a copy', async () => {
  const input = await make('everywhere.mkv', 'ffv1', 'yuv420p');
  const expected = { size: '160x128', aspect: '64/45' };

  const decoder = syncModule('c_ffmpeg_decoder', { input_path: input }, [], [0]);
  const [packet] = decoder.process().outputs[0];
  assert.equal(shapeOf(packet!.payload as VideoFrame), expected);
  packet!.close();
  decoder.close();

  assert.equal(await shapesOfBytes(input), new Array(5).fill(expected));

  assert.equal(await shape(input, {}, 2), expected);

  const copied = await rewrap(input, path('everywhere.nut'), {});
  assert.equal(await shape(copied), expected);
});

test('a copy has the aspect of the container, or the one that is asked for, where there is room for it', async () => {
  const input = await rewrap(await make('coded.mp4', 'h264', 'yuv420p'), path('boxed.mp4'), {
    sampleAspectRatio: { num: 16, den: 15 },
  });
  const copy = async (name: string, aspect?: string): Promise<string> => {
    const graph = graphOn({ threads: 0 });
    const source = graph.decode({ input_path: input, video_codec: 'copy' });
    source.video.encode(null, { output_path: path(name), video_params: { codec: 'copy', ...(aspect && { aspect }) } });
    return (await run(graph)).warnings.join();
  };
  for (const name of ['again.mp4', 'again.mkv']) {
    assert.is(await copy(name), '');
    assert.is((await shape(path(name))).aspect, '16/15', name);
    assert.is(await copy(name, '5:3'), '');
    assert.is((await shape(path(name))).aspect, '4/3', name);
  }
  assert.match(await copy('again.ts', '5:3'), /again\.ts: video_params\.aspect has no effect: 'mpegts'/);
});

test('an aspect that only the bitstream has is copied as well', async () => {
  const raw = await make('elementary.ts', 'mpeg2video', 'yuv420p');
  const aspects: Rational[] = [];
  const graph = graphOn({ threads: 0 });
  for await (const { payload } of graph.decode({ input_path: raw, video_codec: 'copy' }).video.packets().closing()) {
    if (payload instanceof StreamInfo) aspects.push(payload.sampleAspectRatio);
  }
  assert.equal(aspects, [WIDE]);
});

/** Top, bottom, left, right. */
function croppingOf(...edges: number[]): StreamInfoData['sideData'][number] {
  const data = Buffer.alloc(16);
  for (const [i, edge] of edges.entries()) data.writeUInt32LE(edge, 4 * i);
  return { type: AV_PKT_DATA_FRAME_CROPPING, data: data.toString('base64') };
}

/** A quarter turn clockwise. */
function quarterTurn(): StreamInfoData['sideData'][number] {
  const data = Buffer.alloc(36);
  for (const [i, value] of [0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30].entries()) data.writeInt32LE(value, 4 * i);
  return { type: AV_PKT_DATA_DISPLAYMATRIX, data: data.toString('base64') };
}

test('what the container crops is cut off, in every way the file can come', async () => {
  const whole = await make('whole.mp4', 'h264', 'yuv420p');
  const input = await rewrap(whole, path('cropped.mkv'), { sideData: [croppingOf(16, 8, 32, 4)] });
  const expected = { size: '124x104', aspect: '64/45' };
  assert.equal(await shape(input), expected);
  assert.equal(await shape(input, {}, 2), expected);

  const decoder = syncModule('c_ffmpeg_decoder', { input_path: input }, [], [0], { thread: 'inline' });
  const [packet] = decoder.process().outputs[0];
  assert.equal(shapeOf(packet!.payload as VideoFrame), expected);
  packet!.close();
  decoder.close();

  assert.equal(await shapesOfBytes(input), new Array(5).fill(expected));

  const again = await rewrap(input, path('cropped-again.mkv'), {});
  assert.equal(await shape(again), expected, 'a copy keeps the cropping');
});

test('the cropped picture is the middle of the whole one', async () => {
  const whole = await make('middle.mp4', 'h264', 'yuv420p');
  const input = await rewrap(whole, path('middle.mkv'), { sideData: [croppingOf(16, 8, 32, 4)] });
  const pixels = async (source: string, crop: boolean): Promise<string[]> => {
    const graph = graphOn({ threads: 0 });
    const { video } = graph.decode({ input_path: source });
    const seen: string[] = [];
    const stream = crop ? video.filter('crop', { w: 124, h: 104, x: 32, y: 16 }) : video;
    for await (const { payload } of stream.packets().closing())
      seen.push((payload as VideoFrame).toBuffer().toString('base64'));
    return seen;
  };
  assert.equal(await pixels(input, false), await pixels(whole, true));
});

test('a picture is cropped before it is turned', async () => {
  const whole = await make('lying.mp4', 'h264', 'yuv420p');
  const sideData = [croppingOf(16, 8, 32, 4), quarterTurn()];
  const input = await rewrap(whole, path('lying.mkv'), { sideData });
  assert.equal(await shape(input), { size: '104x124', aspect: '45/64' });
  assert.equal(await shape(input, { autorotate: false }), { size: '124x104', aspect: '64/45' });
  assert.equal(await shape(input, { apply_cropping: 'none' }), { size: '128x160', aspect: '45/64' });
});

test('apply_cropping chooses whose cropping counts', async () => {
  // 1080 lines of H.264 are 1088 of which the bitstream hides eight.
  const whole = await make('hidden.mp4', 'h264', 'yuv420p', '160x120');
  const input = await rewrap(whole, path('hidden.mkv'), { sideData: [croppingOf(4, 0, 0, 0)] });
  const size = async (options: DecoderOptions) => (await shape(input, options)).size;
  assert.is(await size({}), '160x116');
  assert.is(await size({ apply_cropping: true }), '160x116');
  assert.is(await size({ apply_cropping: 'codec' }), '160x120');
  assert.is(await size({ apply_cropping: 'container' }), '160x124');
  assert.is(await size({ apply_cropping: 'none' }), '160x128');
  assert.is(await size({ apply_cropping: 0 }), '160x128');
});

test.run();
