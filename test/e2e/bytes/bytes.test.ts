/** Decoding the bytes that come on input 0: the same frames as from the file, whatever the pieces. */
import { readFileSync } from 'node:fs';
import { MessagePort } from 'node:worker_threads';
import { Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { beginningOf, bytesOfFile, decode, essence, hashes, pieces, sourceOf } from '../../kit/bytes.js';
import { type Contents, contentsOf, media, run, scratch } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const scratchFile = scratch();
const test = suite('decoding bytes');
const graphOn = await sharedThreads(2);

interface Media {
  readonly path: string;
  readonly bytes: Buffer;
  readonly expected: Contents;
}
/** Of the files that were decoded before. */
const known = new Map<string, Promise<Media>>();

/** A fixture, of those that are longer its beginning, and what is in it. */
function contentOf(name: string): Promise<Media> {
  const make = async (): Promise<Media> => {
    const short = /^(mono-16k\.wav|still\.jpg|logo-alpha\.png|aac_slice.*)$/.test(name);
    const path = short ? media(name) : await beginningOf(name, scratchFile(name));
    return { path, bytes: readFileSync(path), expected: await contentsOf(path) };
  };
  const contents = known.get(name) ?? make();
  known.set(name, contents);
  return contents;
}

/** 1000 small ones: the headers lie there, and thousands of pieces more show nothing more. */
function* smallFirst(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  const until = 1000 * size;
  yield* pieces(bytes.subarray(0, until), size);
  yield* pieces(bytes.subarray(until), Math.max(size, 1000));
}

async function assertLikeFile(name: string, size: number, threads: number): Promise<void> {
  const { bytes, expected } = await contentOf(name);
  assert.ok(expected.video.length + expected.audio.length > 0);
  const graph = graphOn({ threads });
  const { video, audio } = decode(sourceOf(graph, smallFirst(bytes, size)));
  await run(graph);
  assert.equal(essence(video.packets), essence(expected.video), `${name}: pictures, pieces of ${size}`);
  assert.equal(essence(audio.packets), essence(expected.audio), `${name}: sound, pieces of ${size}`);
}

for (const size of [7, 1000, 65_536, Number.MAX_SAFE_INTEGER]) {
  test(`pieces of ${size} bytes give the frames of the file: fragmented mp4`, () =>
    assertLikeFile('fragmented.mp4', size, 1));
}

test('pieces of one byte give the frames of the file', async () => {
  await assertLikeFile('mono-16k.wav', 1, 0);
  await assertLikeFile('aac_slice/100.aac', 1, 2);
});

for (const name of [
  'part0.flv',
  'clip.mpegts',
  'vfr.mkv',
  'raw.aac',
  'raw.h264',
  'mono-16k.wav',
  'still.jpg',
  'logo-alpha.png',
  'aac_slice/100.aac',
]) {
  test(`pieces of 1000 bytes give the frames of the file: ${name}`, () => assertLikeFile(name, 1000, 1));
}

test('a piece of a large buffer is sent to the demuxer alone', async () => {
  const { postMessage } = MessagePort.prototype;
  const sizes: [number, number][] = [];
  MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown, ...rest) {
    if (message instanceof Uint8Array) sizes.push([message.byteLength, message.buffer.byteLength]);
    return Reflect.apply(postMessage, this, [message, ...rest]);
  } as typeof postMessage;
  try {
    const graph = new Graph({ threads: 0 });
    const { audio } = decode(sourceOf(graph, pieces(bytesOfFile('mono-16k.wav'), 20_000), 1));
    await run(graph);
    assert.equal(essence(audio.packets), essence((await contentOf('mono-16k.wav')).expected.audio));
  } finally {
    MessagePort.prototype.postMessage = postMessage;
  }
  assert.ok(sizes.length > 1);
  for (const [piece, memory] of sizes) assert.is(memory, piece);
});

test('an mp4 with its index in front is decoded while it arrives', async () => {
  const path = scratchFile('faststart.mp4');
  const copy = graphOn();
  const { path: input_path } = await contentOf('fragmented.mp4');
  const input = copy.decode({ input_path, video_codec: 'copy', audio_codec: 'copy' });
  input.video.encode(input.audio, { output_path: path, mux_params: { movflags: 'faststart' } });
  await run(copy);
  const expected = await contentsOf(path);
  const graph = graphOn();
  const { video, audio } = decode(sourceOf(graph, pieces(readFileSync(path), 4096)));
  await run(graph);
  assert.equal(essence(video.packets), essence(expected.video));
  assert.equal(essence(audio.packets), essence(expected.audio));
});

test('a range of time is cut out of bytes as of a file', async () => {
  const range = { start_time: 0.4, end_time: 0.8 };
  const { path, bytes } = await contentOf('part0.flv');
  const expected = await contentsOf(path, range);
  assert.ok(expected.video.length > 5 && expected.audio.length > 5);
  const graph = graphOn();
  const { video, audio } = decode(sourceOf(graph, pieces(bytes, 3000)), range);
  await run(graph);
  assert.equal(essence(video.packets), essence(expected.video));
  assert.equal(essence(audio.packets), essence(expected.audio));
});

test('bytes are copied into another container without decoding', async () => {
  const path = scratchFile('copied.mp4');
  const { bytes, expected } = await contentOf('part0.flv');
  const graph = graphOn();
  const decoder = sourceOf(graph, pieces(bytes, 1000)).module('c_ffmpeg_decoder', {
    video_codec: 'copy',
    audio_codec: 'copy',
  });
  decoder.output(0).encode(decoder.output(1), { output_path: path });
  await run(graph);
  assert.equal(hashes((await contentsOf(path)).video), hashes(expected.video));
});

test.run();
