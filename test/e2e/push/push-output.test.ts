/** What an encoder puts on its outputs: the bytes of the file, packets, frames. */
import { readFileSync, writeFileSync } from 'node:fs';
import { AudioFrame, EncodedPacket, encode, type NodeHandle, StreamInfo, VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOfFile, essence, hashes, pieces, sourceOf } from '../../kit/bytes.js';
import { crossed } from '../../kit/long.js';
import { contentsOf, failureOf, media, quickAac, run, scratch, sinkOn } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const scratchFile = scratch();
const test = suite('push_output');
const graphOn = await sharedThreads(2);

const video_params = { codec: 'mpeg4', threads: 1 };
/** The first second of the clip. */
const second = { input_path: media('clip-4s.mp4'), vframes: 25, aframes: 47 };

/** Writes a file from what comes on an output, as a program does that sends or stores it. */
function collect(node: NodeHandle): { file(): Buffer; sizes: number[]; timestamps: (number | undefined)[] } {
  let file = Buffer.alloc(0);
  const sizes: number[] = [];
  const timestamps: (number | undefined)[] = [];
  node.output(0).module({
    process(task) {
      for (const { payload, timestamp } of task.inputs.get(0) ?? []) {
        if (!(payload instanceof EncodedPacket)) continue;
        assert.is(payload.whence, 0);
        const at = payload.offset!;
        if (at + payload.size > file.length)
          file = Buffer.concat([file, Buffer.alloc(at + payload.size - file.length)]);
        file.set(payload.data, at);
        sizes.push(payload.size);
        timestamps.push(timestamp);
      }
    },
  });
  return { file: () => file, sizes, timestamps };
}

for (const [format, places] of crossed(['mp4', 'mpegts', 'flv', 'matroska'], [2, 0], 1)) {
  for (const threads of places) {
    test(`the bytes are those of the file: ${format}, threads ${threads}`, async () => {
      const path = scratchFile(`whole-${threads}.${format}`);
      const graph = graphOn({ threads });
      const input = graph.decode(second);
      // Matroska draws a number for each file unless it is told not to.
      const codec = format === 'flv' ? 'flv' : 'mpeg4';
      const options = { format, video_params: { codec, threads: 1 }, mux_params: { fflags: '+bitexact' } };
      input.video.encode(input.audio, { ...options, output_path: path });
      const { file, sizes, timestamps } = collect(
        input.video.encode(input.audio, { ...options, push_output: 1, avio_buffer_size: 500 }),
      );
      await run(graph);
      assert.ok(file().equals(readFileSync(path)), `${file().length} bytes, the file has ${readFileSync(path).length}`);
      assert.ok(sizes.length > 10 && Math.max(...sizes) <= 500, `${sizes}`);
      assert.equal(
        timestamps,
        [...timestamps].sort((a, b) => a! - b!),
      );
    });
  }
}

test('bytes go through two graphs: encoded, pushed and decoded', async () => {
  const graph = graphOn();
  const { video } = graph.decode(second);
  const params = { codec: 'mpeg2video', threads: 1 };
  const encoded = video.encode(null, { push_output: 1, format: 'mpegts', video_params: params });
  const sink = sinkOn(encoded.output(0).module('c_ffmpeg_decoder', {}).output(0));
  await run(graph);
  assert.is(sink.packets.length, 25);
});

test('encoded packets behind their StreamInfo, each stream on its own output', async () => {
  const graph = graphOn({ threads: 2 });
  const input = graph.decode(second);
  const packets = input.video.encode(input.audio, { push_output: 2, video_params, audio_params: quickAac });
  const seen: string[] = [];
  packets.output(0).module({
    process(task) {
      for (const { payload } of task.inputs.get(0) ?? []) {
        if (payload instanceof StreamInfo) seen.push(`${payload.codec} ${payload.width}x${payload.height}`);
        else if (payload instanceof EncodedPacket) seen.push(payload.isKey ? 'key' : 'packet');
      }
    },
  });
  const path = scratchFile('from-packets.mp4');
  packets.output(0).encode(packets.output(1), { output_path: path });
  const direct = scratchFile('direct.mp4');
  input.video.encode(input.audio, { output_path: direct, video_params, audio_params: quickAac });
  await run(graph);
  assert.equal(seen.slice(0, 3), ['mpeg4 320x180', 'key', 'packet']);
  assert.is(seen.length, 26);
  const [found, expected] = [await contentsOf(path), await contentsOf(direct)];
  assert.equal(essence(found.video), essence(expected.video));
  assert.equal(hashes(found.audio), hashes(expected.audio));
});

test('frames as they are, up to a limit', async () => {
  const graph = graphOn();
  const input = graph.decode(second);
  const frames = input.video.encode(input.audio, { push_output: 3, vframes: 10 });
  const [video, audio] = [sinkOn(frames.output(0)), sinkOn(frames.output(1))];
  await run(graph);
  const expected = await contentsOf(second.input_path, second);
  assert.equal(essence(video.packets), essence(expected.video.slice(0, 10)));
  assert.equal(essence(audio.packets), essence(expected.audio));
});

test('outputs that push_output does not give, and options that it leaves no use for, are refused', async () => {
  for (const [options, output, words] of [
    [{ output_path: scratchFile('never.mp4') }, 0, 'push_output: is 0, which has no output 0'],
    [{ push_output: 1 }, 1, 'push_output: is 1, which has no output 1'],
    [{ push_output: 1, mux_params: { movflags: 'faststart' } }, 0, 'faststart'],
    [{ push_output: 1, format: 'hls' }, 0, 'writes files of its own'],
    [{ push_output: 2, mux_params: { movflags: 'faststart' } }, 0, 'mux_params: has no effect with push_output 2'],
    [{ push_output: 3, video_params }, 0, 'video_params: has no effect with push_output 3'],
    [{ push_output: 1, null_output: true }, 0, 'null_output: has no effect'],
  ] as const) {
    const graph = graphOn({ threads: 1 });
    const input = graph.decode({ input_path: media('clip-4s.mp4') });
    sinkOn(input.video.encode(input.audio, options).output(output));
    assert.match((await failureOf(graph)).message, words);
  }
});

test('consecutive pieces of a stream without a container become one file', async () => {
  const path = scratchFile('slices.mp4');
  const slices = ['100', '101', '102'].map((n) => bytesOfFile(`aac_slice/${n}.aac`));
  const graph = graphOn();
  encode(null, sourceOf(graph, slices).module('c_ffmpeg_decoder', {}).output(1), {
    output_path: path,
    audio_params: quickAac,
  });
  await run(graph);
  const { samples } = await contentsOf(path);
  assert.ok(samples >= 3 * 47 * 1024 && samples <= 3 * 48_500, `${samples}`);
});

test("frames of one's own: without timestamps, and with a time base of their own", async () => {
  const picture = (n: number, extra: object) =>
    VideoFrame.from(new Uint8Array(32 * 32 * 3).fill(n * 4), { width: 32, height: 32, format: 'rgb24', ...extra });
  for (const [extra, times] of [
    [() => ({}), (n: number) => n * 40_000],
    [(n: number) => ({ pts: BigInt(n * 3), timeBase: { num: 1, den: 30 } }), (n: number) => n * 100_000],
  ] as const) {
    const path = scratchFile(`own-${times(1)}.mkv`);
    const graph = graphOn({ threads: 1 });
    const frames = Array.from({ length: 50 }, (_, n) => picture(n, extra(n)));
    const rate = times(1) === 40_000 ? {} : { r: 10 };
    sourceOf(graph, frames).encode(null, { output_path: path, video_params: { ...video_params, ...rate } });
    await run(graph);
    const { video } = await contentsOf(path);
    assert.equal(
      video.map(({ timestamp }) => timestamp),
      Array.from({ length: 50 }, (_, n) => times(n)),
    );
  }
});

test("sound of one's own without timestamps follows itself", async () => {
  const path = scratchFile('own.wav');
  const graph = graphOn({ threads: 1 });
  const frames = Array.from({ length: 20 }, (_, n) =>
    AudioFrame.from([Float32Array.from({ length: 700 }, (_, i) => Math.sin((n * 700 + i) / 20))], {
      sampleRate: 48_000,
      format: 'fltp',
    }),
  );
  encode(null, sourceOf(graph, frames), { output_path: path });
  await run(graph);
  assert.is((await contentsOf(path)).samples, 14_000);
});

test('a piece that is written to a socket is complete when the graph ends', async () => {
  const graph = graphOn();
  const input = graph.decode(second);
  const params = { movflags: 'frag_keyframe+empty_moov' };
  const options = { push_output: 1, video_params, audio_params: quickAac, mux_params: params } as const;
  const { file } = collect(input.video.encode(input.audio, options));
  await run(graph);
  const path = scratchFile('fragments.mp4');
  writeFileSync(path, file());
  assert.is((await contentsOf(path)).video.length, 25);
  // And such bytes can be decoded while they arrive.
  const again = graphOn();
  const sink = sinkOn(sourceOf(again, pieces(file(), 1000)).module('c_ffmpeg_decoder', {}).output(0));
  await run(again);
  assert.is(sink.packets.length, 25);
});

test.run();
