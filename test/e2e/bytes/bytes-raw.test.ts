/** Packets that are decoded one by one, without a container. */
import { EncodedPacket, Packet, StreamInfo } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { beginningOf, decode, hashes, RAW_BEGINNING, rawPackets, sourceOf } from '../../kit/bytes.js';
import { contentsOf, failureOf, makeSmallClip, media, run, scratch, sinkOn } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const scratchFile = scratch();
const test = suite('raw packets');
const graphOn = await sharedThreads(2);

test('raw packets of H.264: a frame for each, at the rate of their timestamps', async () => {
  const graph = graphOn();
  const options = { push_raw_stream: 1, video_codec: 'h264', video_time_base: '1,30000' } as const;
  const source = sourceOf(
    graph,
    rawPackets('raw.h264', (n) => ({ pts: BigInt(n) * 1001n }), RAW_BEGINNING),
  );
  const decoder = source.module('c_ffmpeg_decoder', options);
  const path = scratchFile('raw.mp4');
  const video = sinkOn(decoder.output(0));
  decoder.output(0).encode(null, { output_path: path, video_params: { codec: 'mpeg4', vsync: 'cfr' } });
  await run(graph);
  const expected = await contentsOf(await beginningOf('raw.h264', scratchFile('raw.h264')));
  assert.equal(hashes(video.packets), hashes(expected.video));
  assert.is(video.packets.length, RAW_BEGINNING);
  assert.equal(
    video.packets.map(({ pts }) => pts),
    Array.from({ length: RAW_BEGINNING }, (_, n) => BigInt(n) * 1001n),
  );
  assert.is((await contentsOf(path)).video.length, RAW_BEGINNING);
});

test('raw packets of AAC', async () => {
  const graph = graphOn({ threads: 1 });
  const options = { push_raw_stream: 1, audio_codec: 'aac', channels: 2, sample_rate: 44_100 };
  const { audio, video } = decode(sourceOf(graph, rawPackets('raw.aac')), options);
  await run(graph);
  const expected = await contentsOf(media('raw.aac'));
  assert.is(audio.packets.length, expected.audio.length);
  assert.equal(
    audio.packets.map(({ hash, sampleRate, channels }) => `${hash} ${sampleRate} ${channels}`),
    expected.audio.map(({ hash }) => `${hash} 44100 2`),
  );
  assert.equal(
    audio.packets.map(({ pts }) => pts),
    audio.packets.map((_, n) => BigInt(n) * 1024n),
  );
  assert.is(video.packets.length, 0);
});

test('raw sound whose timestamps overlap is as long as its samples; a gap stays', async () => {
  const options = { push_raw_stream: 1, audio_codec: 'aac', channels: 2, sample_rate: 44_100 };
  const late = 10;
  const times = (n: number): bigint => BigInt(n < late ? n * 20 : 100_000 + (n - late) * 20);
  const graph = graphOn({ threads: 1 });
  const { audio } = decode(
    sourceOf(
      graph,
      rawPackets('raw.aac', (n) => ({ pts: times(n) })),
    ),
    options,
  );
  await run(graph);
  assert.ok(audio.packets.length > 20);
  assert.equal(
    audio.packets.map(({ pts }) => pts),
    audio.packets.map((_, n) => (n < late ? BigInt(n * 1024) : 100_000n + BigInt((n - late) * 1024))),
  );
});

test('raw packets as mp4 stores them are decoded with their extradata', async () => {
  const graph = graphOn();
  const input_path = await makeSmallClip(scratchFile('clip.mp4'));
  const copied = graph.decode({ input_path, video_codec: 'copy' });
  let extradata: Uint8Array | undefined;
  let timeBase = '';
  const packets: EncodedPacket[] = [];
  copied.video.module({
    process(task) {
      for (const { payload } of task.inputs.get(0) ?? []) {
        if (payload instanceof StreamInfo) {
          extradata = payload.extradata;
          timeBase = `${payload.timeBase.num},${payload.timeBase.den}`;
        } else if (payload instanceof EncodedPacket) packets.push(payload.clone());
      }
    },
  });
  await graph.run();
  const raw = graphOn();
  const options = { push_raw_stream: 1, video_codec: 'h264', video_time_base: timeBase, extradata };
  const { video } = decode(sourceOf(raw, packets), options);
  await raw.run();
  const expected = await contentsOf(input_path);
  assert.is(expected.video.length, 25);
  assert.equal(hashes(video.packets), hashes(expected.video));
});

test('raw packets that are pictures', async () => {
  const size = (16 * 8 * 3) / 2;
  const frames = [10, 20, 30].map((value) => new Packet(new Uint8Array(size).fill(value), { timestamp: value * 1000 }));
  const graph = graphOn();
  const options = {
    push_raw_stream: 1,
    video_codec: 'rawvideo',
    video_time_base: '1,1000',
    s: '16x8',
    pix_fmt: 'yuv420p',
  };
  const { video } = decode(sourceOf(graph, frames), options);
  await run(graph);
  assert.equal(
    video.packets.map(({ width, height, format, timestamp }) => [width, height, format, timestamp]),
    [10, 20, 30].map((value) => [16, 8, 'yuv420p', value * 1000]),
  );
});

test('push_raw_stream without what a container would have told is refused', async () => {
  for (const [options, words] of [
    [{ push_raw_stream: 1 }, 'video_codec or audio_codec'],
    [{ push_raw_stream: 1, video_codec: 'h264' }, 'video_time_base'],
    [{ push_raw_stream: 1, audio_codec: 'aac' }, 'sample_rate'],
    [{ push_raw_stream: 1, video_codec: 'h265x', video_time_base: '1,25' }, "no decoder 'h265x'"],
    [{ channels: 2 }, 'push_raw_stream'],
  ] as const) {
    const graph = graphOn({ threads: 1 });
    decode(sourceOf(graph, []), options);
    assert.match((await failureOf(graph)).message, words);
  }
});

test.run();
