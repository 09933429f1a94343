/** Bytes that end, break off, follow one another or are none. */
import { readFileSync } from 'node:fs';
import { type NodeHandle, Packet } from 'millrace';
import type { TestSink } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { beginningOf, bytesOfFile, decode, END_OF_FILE, essence, hashes, pieces, sourceOf } from '../../kit/bytes.js';
import { contentsOf, failureOf, media, run, scratch, sinkOn } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const test = suite('ends of bytes');
const graphOn = await sharedThreads(2);
const at = scratch();

test('an mp4 with its index at the end is an error that says so and what would help', async () => {
  const graph = graphOn();
  decode(sourceOf(graph, pieces(bytesOfFile('clip-4s.mp4'), 1000)));
  const { code, message } = await failureOf(graph);
  assert.is(code, 'ERR_MILLRACE_INPUT');
  assert.match(message, 'index (moov) stands behind');
  assert.match(message, 'faststart');
});

test('bytes that are no media file are an error', async () => {
  for (const size of [333, 20_000]) {
    const graph = graphOn({ threads: 1 });
    decode(sourceOf(graph, pieces(bytesOfFile('garbage.mp4'), size)));
    const { code, message } = await failureOf(graph);
    assert.is(code, 'ERR_MILLRACE_INPUT');
    assert.match(message, 'the bytes on input 0');
    assert.match(message, 'Invalid data');
  }
});

test('what came before the bytes break off is decoded', async () => {
  const path = await beginningOf('part0.flv', at('broken.flv'));
  const bytes = readFileSync(path);
  const graph = graphOn();
  const { video } = decode(sourceOf(graph, pieces(bytes.subarray(0, bytes.length * 0.7), 1000)));
  await run(graph);
  const whole = await contentsOf(path);
  assert.ok(video.packets.length > 8 && video.packets.length < whole.video.length, `${video.packets.length}`);
  assert.equal(essence(video.packets.slice(0, -1)), essence(whole.video.slice(0, video.packets.length - 1)));
});

test('a payload that is no bytes is an error that names what came', async () => {
  for (const [payload, words] of [
    [{ n: 1 }, 'an Object'],
    ['text', 'a string'],
    [undefined, 'without payload'],
  ] as const) {
    const graph = graphOn({ threads: 1 });
    decode(sourceOf(graph, [payload]));
    const { code, message } = await failureOf(graph);
    assert.is(code, 'ERR_MILLRACE_PAYLOAD');
    assert.match(message, words);
  }
});

test('no bytes at all end every output without a packet', async () => {
  for (const payloads of [[], [END_OF_FILE, END_OF_FILE]]) {
    const graph = graphOn();
    const { video, audio } = decode(sourceOf(graph, payloads));
    await run(graph);
    assert.is(video.packets.length + audio.packets.length, 0);
    assert.equal([video.ends, audio.ends], [[0], [0]]);
  }
});

test('the timestamps of a file that follows another one go on', async () => {
  const [one, two] = [
    await beginningOf('part0.flv', at('0.flv')),
    await beginningOf('part1-other-size.flv', at('1.flv')),
  ];
  const [first, second] = [await contentsOf(one), await contentsOf(two)];
  const graph = graphOn();
  const payloads = [...pieces(readFileSync(one), 1000), END_OF_FILE, ...pieces(readFileSync(two), 1000)];
  const { video, audio } = decode(sourceOf(graph, payloads));
  await run(graph);
  assert.is(video.packets.length, first.video.length + second.video.length);
  assert.equal(video.packets[0]!.width, 320);
  assert.equal(video.packets.at(-1)!.width, 480);
  assert.equal(
    hashes(video.packets),
    [...first.video, ...second.video].map(({ hash }) => hash),
  );
  // 1/30 s behind the last frame of both outputs, as far as the container counts (milliseconds).
  const last = Math.max(first.video.at(-1)!.timestamp!, first.audio.at(-1)!.timestamp!);
  const shift = last + 33_333;
  for (const [sink, before, after] of [
    [video, first.video, second.video],
    [audio, first.audio, second.audio],
  ] as const) {
    for (const [i, { timestamp }] of after.entries()) {
      const found = sink.packets[before.length + i]!.timestamp!;
      assert.ok(Math.abs(found - (timestamp! + shift)) <= 1000, `${found}, expected about ${timestamp! + shift}`);
    }
  }
});

test('a file that goes on with the clock of the one before keeps its times', async () => {
  // The same stream twice: from its beginning, and as if it had been reconnected to.
  const path = await beginningOf('clip.mpegts', at('live.ts'));
  const live = readFileSync(path);
  const packet = 188;
  const half = Math.floor(live.length / packet / 2) * packet;
  const whole = await contentsOf(path);
  const graph = graphOn();
  const { video } = decode(sourceOf(graph, [live, END_OF_FILE, live.subarray(half)]));
  await run(graph);
  // What the second piece repeats is left out, and what it has besides there is none.
  assert.equal(essence(video.packets), essence(whole.video));
});

test('a limit of frames counts over all files and ends the source', async () => {
  const graph = graphOn({ threads: 2 });
  const bytes = readFileSync(await beginningOf('part0.flv', at('again.flv')));
  const endless = (function* () {
    for (;;) yield* [...pieces(bytes, 5000), END_OF_FILE];
  })();
  const decoder = sourceOf(graph, endless).module('c_ffmpeg_decoder', { vframes: 40 });
  const video = sinkOn(decoder.output(0));
  await run(graph);
  assert.is(video.packets.length, 40);
});

test('options that need a file are refused', async () => {
  for (const options of [{ durations: [0, 1] }, { loop: 1 }]) {
    const graph = graphOn();
    decode(sourceOf(graph, []), options);
    assert.match((await failureOf(graph)).message, 'needs input_path');
  }
});

test('an input together with input_path is refused, and so is neither', async () => {
  const both = graphOn();
  decode(sourceOf(both, []), { input_path: media('clip-4s.mp4') });
  assert.match((await failureOf(both)).message, 'contradicts the input');
  const neither = graphOn();
  sinkOn(neither.decode({}).video);
  assert.match((await failureOf(neither)).message, /option\.input_path: is required/);
});

test('more decoders than the pool of libuv has threads wait for bytes at the same time', async () => {
  const graph = graphOn({ threads: 2 });
  const count = 8;
  const sinks: TestSink[] = [];
  const decoders: NodeHandle[] = [];
  // One source feeds all of them in turns, a piece each: none may hold up another one.
  const parts = [...pieces(bytesOfFile('part0.flv').subarray(0, 26_000), 3000)];
  const source = graph.module({
    process(task) {
      const part = parts.shift();
      if (!part) return task.done();
      for (let id = 0; id < count; id++) task.output(id).push(new Packet(part));
    },
  });
  for (let id = 0; id < count; id++) {
    const decoder = source.output(id).module('c_ffmpeg_decoder', { dec_params: { threads: 1 } });
    decoders.push(decoder);
    sinks.push(sinkOn(decoder.output(0)));
  }
  await run(graph);
  const hashes = sinks.map((sink) => essence(sink.packets).join());
  assert.ok(sinks[0]!.packets.length > 10);
  assert.is(new Set(hashes).size, 1);
});

test.run();
