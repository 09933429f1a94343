/** Media pushed from outside and read back: the cases of BMF's suites for its push and generator modes. */
import { readdirSync, readFileSync } from 'node:fs';
import { AudioFrame, EncodedPacket, encode, Graph, type GraphError, Packet, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOfFile, END_OF_FILE, hashes, pieces, rawPackets } from '../../kit/bytes.js';
import { contentsOf, media, quickAac, scratch, sinkOn } from '../../kit/media.js';
import { rejection } from '../../kit/rejection.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const file = scratch();
const test = suite('pushed media');
const graphOn = await sharedThreads(2);
const audio_params = quickAac;

/** Starts, pushes bytes or packets, closes; nothing may be left. */
async function feed(graph: Graph, name: string, payloads: Iterable<unknown>) {
  const leaks = new LeakWatch();
  await graph.start({ mode: 'push' });
  await graph.inputStream(name).pushFrom(payloads);
  const report = await graph.close();
  leaks.check(report);
  return report;
}

test('slices of AAC become one mp4', async () => {
  const graph = graphOn();
  const source = graph.inputStream('outside_raw_audio');
  const out = file('aac.mp4');
  encode(null, source.decode().audio, { output_path: out, audio_params });
  const slices = readdirSync(media('aac_slice')).map((name) => readFileSync(`${media('aac_slice')}/${name}`));
  await feed(graph, 'outside_raw_audio', slices);
  const { audio } = await contentsOf(out);
  const samples = audio.reduce((sum, frame) => sum + (frame.samples ?? 0), 0);
  assert.ok(Math.abs(samples / (audio[0]?.sampleRate ?? 1) - slices.length) < 0.2, `${samples} samples`);
});

test('fifty frames become H.264', async () => {
  const graph = graphOn();
  const source = graph.inputStream('outside_raw_video');
  const out = file('fifty.mp4');
  encode(source, null, {
    output_path: out,
    video_params: { codec: 'h264', preset: 'ultrafast', threads: 1, width: 64, height: 48 },
  });
  const frames = function* (): Generator<VideoFrame> {
    for (let n = 0; n < 50; n++) {
      const rgba = new Uint8Array(64 * 48 * 4).fill(n * 5);
      yield VideoFrame.from(rgba, {
        width: 64,
        height: 48,
        format: 'rgba',
        pts: BigInt(n),
        timeBase: { num: 1, den: 25 },
      });
    }
  };
  const report = await feed(graph, 'outside_raw_video', frames());
  assert.is(report.frames, 50);
  const { video } = await contentsOf(out);
  assert.equal([video.length, video[0]?.width, video[49]?.timestamp], [50, 64, 49 * 40_000]);
});

test('H.264 packets of known sizes become as many frames', async () => {
  const graph = graphOn();
  const source = graph.inputStream('outside_raw_video');
  const options = { push_raw_stream: 1, video_codec: 'h264', video_time_base: '1,30000' } as const;
  const out = file('raw.mp4');
  source.decode(options).video.encode(null, { output_path: out, video_params: { preset: 'ultrafast', threads: 1 } });
  await feed(
    graph,
    'outside_raw_video',
    rawPackets('raw.h264', (n) => ({ pts: BigInt(n) * 1001n })),
  );
  const { video } = await contentsOf(out);
  assert.equal([video.length, video[0]?.width, video[0]?.height], [60, 640, 480]);
});

test('two inputs of FLV: one remuxed, one in three sizes', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn({ threads: 2 });
  const [copied, decoded] = [graph.inputStream('copied'), graph.inputStream('decoded')];
  const tracks = copied.decode({ video_codec: 'copy', audio_codec: 'copy' });
  tracks.video.encode(tracks.audio, { output_path: file('copy.flv') });
  const { video, audio } = decoded.decode();
  const widths = [160, 96, 64];
  for (const width of widths) {
    // As BMF's own graphs have it: the rate is the clock's, and nothing is repeated.
    const video_params = { preset: 'ultrafast', threads: 1, vsync: 'vfr', r: '30.0' } as const;
    video.scale(width, -2).encode(audio, { output_path: file(`${width}.mp4`), video_params, audio_params });
  }
  await graph.start({ mode: 'push' });
  for (const chunk of pieces(bytesOfFile('part0.flv'), 1000)) {
    const packet = new Packet(EncodedPacket.from(chunk));
    await Promise.all([copied.push(packet.clone()), decoded.push(packet)]);
  }
  leaks.check(await graph.close());
  const expected = await contentsOf(media('part0.flv'));
  assert.equal(hashes((await contentsOf(file('copy.flv'))).video), hashes(expected.video));
  for (const width of widths) {
    const rendition = await contentsOf(file(`${width}.mp4`));
    assert.equal([rendition.video[0]?.width, rendition.video.length], [width, expected.video.length]);
    assert.ok(rendition.audio.length > 0);
  }
});

test('an empty packet between two files: one output with times that go on', async () => {
  const graph = graphOn();
  const { video } = graph.inputStream('flv').decode();
  const reader = video.packets<VideoFrame>();
  await graph.start();
  const bytes = [bytesOfFile('part0.flv'), END_OF_FILE, bytesOfFile('part1-other-size.flv')];
  const pushed = graph.inputStream('flv').pushFrom(bytes);
  const seen: { width: number; timestamp: number }[] = [];
  for await (const { payload, timestamp = -1 } of reader.closing()) seen.push({ width: payload.width, timestamp });
  await pushed;
  const report = await graph.close();
  assert.equal(new Set(seen.map(({ width }) => width)), new Set([320, 480]));
  assert.ok(
    seen.every(({ timestamp }, n) => n === 0 || timestamp > seen[n - 1]!.timestamp),
    JSON.stringify(report.warnings),
  );
});

test('sound of its own, without times, becomes AAC', async () => {
  const graph = graphOn();
  const source = graph.inputStream('sound');
  const out = file('tone.m4a');
  encode(null, source, { output_path: out });
  const frames = Array.from({ length: 48 }, () =>
    AudioFrame.from([new Float32Array(1000).fill(0.5)], { sampleRate: 48_000, format: 'fltp' }),
  );
  await feed(graph, 'sound', frames);
  const samples = (await contentsOf(out)).audio.reduce((sum, frame) => sum + (frame.samples ?? 0), 0);
  assert.ok(Math.abs(samples - 48_000) <= 2048, `${samples} samples`);
});

test('the pictures and the sound of a file, read at once', async () => {
  const leaks = new LeakWatch();
  const graph = graphOn();
  const { video, audio } = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 25, aframes: 94 });
  const readers = [video.scale(299, 299).packets<VideoFrame>(), audio.packets<AudioFrame>()] as const;
  const pictures = (async () => {
    let n = 0;
    for await (const { payload } of readers[0].closing()) n += payload.width === 299 ? 1 : 0;
    return n;
  })();
  let samples = 0;
  for await (const { payload } of readers[1].closing()) samples += payload.samples;
  assert.is(await pictures, 25);
  assert.is(samples, 94 * 1024);
  leaks.check(await graph.close());
});

test('what is no media fails by name; so does what no encoder takes', async () => {
  const graph = graphOn();
  sinkOn(graph.inputStream('garbage').decode({}, { alias: 'decoder' }).video);
  await graph.start();
  await rejection(
    graph
      .inputStream('garbage')
      .pushFrom(pieces(bytesOfFile('garbage.mp4'), 1000))
      .then(() => graph.close()),
  );
  const error = (await rejection(graph.close())) as GraphError;
  assert.equal([error.code, error.alias], ['ERR_MILLRACE_INPUT', 'decoder']);
  assert.match(error.message, '"decoder" (c_ffmpeg_decoder), fed by input_stream "garbage", failed in process: ');

  const other = graphOn();
  other.inputStream('video').encode(null, { output_path: file('wrong.mp4') }, { alias: 'encoder' });
  await other.start();
  // The push may hear of the failure first.
  const pushed = other.inputStream('video').push(new Packet({ no: 'frame' }));
  await rejection(pushed.then(() => other.close()));
  const refused = (await rejection(other.close())) as GraphError;
  assert.equal([refused.code, refused.alias], ['ERR_MILLRACE_PAYLOAD', 'encoder']);
  assert.match(refused.message, 'fed by input_stream "video"');
});

test('a graph file of mode Pushdata with an output to read', async () => {
  const graph = Graph.fromConfig({
    mode: 'Pushdata',
    input_streams: [{ identifier: 'outside', stream_alias: '' }],
    output_streams: [{ identifier: 'c_ffmpeg_filter_1_0', stream_alias: 'small' }],
    nodes: [
      {
        id: 0,
        module_info: { name: 'c_ffmpeg_decoder' },
        input_streams: [{ identifier: 'outside' }],
        output_streams: [{ identifier: 'video:c_ffmpeg_decoder_0_0' }],
      },
      {
        id: 1,
        module_info: { name: 'c_ffmpeg_filter' },
        option: { name: 'scale', para: '64:36' },
        input_streams: [{ identifier: 'c_ffmpeg_decoder_0_0' }],
        output_streams: [{ identifier: 'c_ffmpeg_filter_1_0' }],
      },
    ],
  });
  const reader = graph.outputs[0]!.packets<VideoFrame>();
  await graph.start({ mode: 'push' });
  const pushed = graph.inputStream('outside').pushFrom(pieces(bytesOfFile('clip.mpegts'), 4096));
  let frames = 0;
  for await (const { payload } of reader.closing()) frames += payload.width === 64 ? 1 : 0;
  await pushed;
  await graph.close();
  assert.is(frames, 100);
});

test.run();
