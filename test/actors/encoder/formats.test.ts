/** Containers, default codecs, muxer options, what the node publishes, and files of graphs that stop early. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import FFmpegEncoder from '../../../actors/encoder/index.js';
import { type EncoderOptions, encoderOptions } from '../../../actors/encoder/options.js';
import { ledger, Packet, VideoFrame } from '../../../src/media/index.js';
import type { ModuleContext } from '../../../src/module/contract.js';
import { validated } from '../../kit/drive.js';
import { encode, type Feed, frames, inspect, media, out, pictures, scratch, tone } from './kit.js';

const formats = suite('encoder: containers');
const x264 = { codec: 'h264', threads: 1, preset: 'ultrafast' };
const both = (): Feed => [...pictures(), ...tone()];

const cases: [file: string, feed: () => Feed, options: object, streams: string[]][] = [
  ['f.mp4', both, { video_params: x264 }, ['h264', 'aac']],
  ['f.mkv', both, { video_params: x264 }, ['h264', 'aac']],
  ['f.mov', both, { video_params: x264 }, ['h264', 'aac']],
  ['f.ts', both, { video_params: x264 }, ['h264', 'aac']],
  ['f.flv', both, { video_params: x264 }, ['h264', 'aac']],
  ['f.webm', both, { video_params: { deadline: 'realtime', 'cpu-used': 8 } }, ['vp9', 'opus']],
  ['f.avi', both, {}, ['mpeg4', 'mp3']],
  ['f.wmv', both, {}, ['msmpeg4v3', 'wmav2']],
  ['f.swf', pictures, {}, ['flv1']],
  ['f.gif', pictures, {}, ['gif']],
  ['f.mjpeg', pictures, {}, ['mjpeg']],
  ['f.wav', tone, {}, ['pcm_s16le']],
  ['f.flac', tone, {}, ['flac']],
  ['f.mp3', tone, {}, ['mp3']],
  ['f.m4a', tone, {}, ['aac']],
  ['f.opus', tone, {}, ['opus']],
  ['without-suffix', both, { video_params: x264 }, ['h264', 'aac']],
  [
    'hevc.mp4',
    pictures,
    { video_params: { codec: 'hevc', preset: 'ultrafast', vtag: 'hvc1', 'x265-params': 'log-level=none' } },
    ['hevc'],
  ],
];
for (const [file, feed, options, streams] of cases) {
  formats(`${file} holds ${streams.join(' and ')}`, async () => {
    const { meter } = await encode({ output_path: out(file), ...options }, feed());
    const summary = inspect(out(file));
    assert.equal(
      summary.streams.map((stream) => stream.codec),
      streams,
    );
    assert.is(meter.bytes, statSync(out(file)).size);
    const pictured = summary.streams.find((stream) => stream.kind === 'video');
    assert.is(meter.frames, pictured ? 25 : 0);
    if (pictured) assert.is(pictured.packets, 25);
    assert.ok(meter.position > 900_000 && meter.position <= 1_100_000, `position ${meter.position}`);
  });
}

formats('a pattern makes one picture file per frame, in the codec of the suffix', async () => {
  await encode({ output_path: out('p%03d.png'), vframes: 5, video_params: { width: 80 } }, pictures());
  const files = readdirSync(scratch).filter((name) => /^p\d+\.png$/.test(name));
  assert.equal(files.sort(), ['p001.png', 'p002.png', 'p003.png', 'p004.png', 'p005.png']);
  assert.is(readFileSync(out('p001.png')).toString('latin1', 1, 4), 'PNG');
  await encode({ output_path: out('single.jpg'), vframes: 1 }, pictures());
  assert.equal([...readFileSync(out('single.jpg')).subarray(0, 2)], [0xff, 0xd8]);
});

formats('one picture file can be updated by every frame', async () => {
  await encode({ output_path: out('latest.jpg'), mux_params: { update: 1 } }, pictures());
  assert.equal([...readFileSync(out('latest.jpg')).subarray(0, 2)], [0xff, 0xd8]);
});

formats('the first picture’s late start is not filled where the container has no times', async () => {
  const feed = pictures('testsrc2=size=64x48:rate=25:duration=0.2');
  for (const [, { payload }] of feed) if (payload instanceof VideoFrame) payload.pts = payload.pts! + 125n;
  const { meter } = await encode({ output_path: out('l%02d.jpg') }, feed);
  assert.equal([meter.frames, meter.duplicated], [5, 0]);
});

formats('hls writes playlist and segments as mux_params ask', async () => {
  const mux_params = { hls_time: 0.2, hls_list_size: '0', hls_segment_filename: out('seg%02d.ts') };
  await encode({ output_path: out('list.m3u8'), video_params: { ...x264, g: 5 }, mux_params }, both());
  assert.is(readdirSync(scratch).filter((name) => /^seg\d+\.ts$/.test(name)).length, 5);
  assert.match(readFileSync(out('list.m3u8'), 'utf8'), /#EXT-X-ENDLIST/);
  assert.is(inspect(out('list.m3u8')).streams[0]!.packets, 25);
});

formats('the name of a playlist may have per cent in it', async () => {
  await encode({ output_path: out('at 50%.m3u8'), video_params: x264, mux_params: { hls_list_size: 0 } }, both());
  assert.match(readFileSync(out('at 50%.m3u8'), 'utf8'), /^at 50_0\.ts$/m);
  assert.is(inspect(out('at 50%.m3u8')).streams[0]!.packets, 25);
});

formats('movflags moves the index to the front', async () => {
  await encode(
    { output_path: out('fast.mp4'), video_params: x264, mux_params: { movflags: '+faststart' } },
    pictures(),
  );
  const bytes = readFileSync(out('fast.mp4')).toString('latin1');
  assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'));
});

formats('metadata and tags are written', async () => {
  const options = { metadata: { title: 'a title', comment: 7 }, video_params: { ...x264, vtag: 'avc3' } };
  await encode({ output_path: out('meta.mov'), ...options }, pictures());
  const { metadata, streams } = inspect(out('meta.mov'));
  assert.equal([metadata.title, metadata.comment, streams[0]!.tag], ['a title', '7', 'avc3']);
});

formats('null_output encodes and writes nothing', async () => {
  const { meter } = await encode({ null_output: 1, output_path: out('nothing.mp4'), video_params: x264 }, both());
  assert.is(meter.frames, 25);
  assert.ok(meter.bytes > 1000);
  assert.not.ok(existsSync(out('nothing.mp4')));
});

formats('a stream that ends before its first frame is left out', async () => {
  await encode({ output_path: out('video-only.mp4'), video_params: x264 }, pictures(), [0, 1]);
  assert.equal(
    inspect(out('video-only.mp4')).streams.map((stream) => stream.kind),
    ['video'],
  );
  await encode({ output_path: out('audio-only.mp4'), video_params: x264 }, tone(), [0, 1]);
  assert.equal(
    inspect(out('audio-only.mp4')).streams.map((stream) => stream.kind),
    ['audio'],
  );
});

formats('an older file is replaced', async () => {
  await encode({ output_path: out('twice.mp4'), video_params: x264 }, both());
  await encode({ output_path: out('twice.mp4'), video_params: x264 }, pictures());
  assert.is(inspect(out('twice.mp4')).streams.length, 1);
});
formats.run();

const life = suite('encoder: life of a file');

/** The module under the hand of the test, with what it logged. */
function module(options: Record<string, unknown>, inputs: readonly number[]) {
  const messages: string[] = [];
  const note = (message: string): void => void messages.push(message);
  const meter = { duration: 0, position: 0, frames: 0, bytes: 0, dropped: 0, duplicated: 0, corrupt: 0 };
  const encoder = new FFmpegEncoder();
  const context: ModuleContext<EncoderOptions> = {
    options: validated<EncoderOptions>(encoderOptions, options),
    id: 0,
    alias: 'encoder',
    inputs,
    outputs: [],
    log: { debug: note, info: note, warn: note, error: note },
    meter,
    callback: () => Promise.resolve(undefined),
    hasCallback: () => false,
    signal: new AbortController().signal,
    stopping: false,
    elapsed: () => 0,
    sleep: () => Promise.resolve(),
    job: 0,
    trace() {},
    wrote() {},
    tell() {},
  };
  encoder.init(context);
  let done = false;
  const process = (input: number, ...packets: Packet[]): void => {
    try {
      encoder.process({
        inputs: new Map([[input, packets]]),
        output: () => {
          throw new Error('the encoder has no outputs');
        },
        closeInput: () => {},
        done: () => {
          done = true;
        },
      });
    } finally {
      for (const packet of packets) packet.close();
    }
  };
  return { encoder, process, meter, messages, isDone: () => done };
}

life('a graph that stops early leaves a playable file with what was encoded', () => {
  const { encoder, process, isDone } = module(
    { output_path: out('stopped.mp4'), video_params: { ...x264, preset: 'medium' } },
    [0],
  );
  const feed = frames(media('clip-4s.mp4'), [0]);
  for (const [input, packet] of feed.slice(0, 60)) process(input, packet);
  encoder.close();
  encoder.close();
  for (const [, packet] of feed) packet.close();
  assert.not.ok(isDone());
  assert.is(inspect(out('stopped.mp4')).streams[0]!.packets, 60);
  assert.equal(ledger.snapshot(), {});
});

life('the file is not touched before every stream has shown itself', () => {
  const output_path = out('waiting.mp4');
  const { encoder, process, isDone } = module({ output_path, video_params: x264 }, [0, 1]);
  for (const [input, packet] of pictures()) process(input, packet);
  assert.not.ok(existsSync(output_path));
  const sound = tone();
  process(1, sound[0]![1]);
  assert.ok(existsSync(output_path));
  for (const [input, packet] of sound.slice(1)) process(input, packet);
  process(1, Packet.eof());
  assert.not.ok(isDone());
  process(0, Packet.eof());
  assert.ok(isDone());
  encoder.close();
  assert.equal(
    inspect(output_path).streams.map((stream) => stream.packets),
    [25, 45],
  );
  assert.equal(ledger.snapshot(), {});
});

life('a graph that stops before anything was written leaves no file', () => {
  const output_path = out('never.mp4');
  const { encoder, process } = module({ output_path, video_params: x264 }, [0, 1]);
  for (const [input, packet] of pictures()) process(input, packet);
  encoder.close();
  assert.not.ok(existsSync(output_path));
  assert.equal(ledger.snapshot(), {});
});

life('psnr is reported once at the end', () => {
  const { encoder, process, messages } = module(
    { output_path: out('psnr.mp4'), video_params: { ...x264, psnr: true } },
    [0],
  );
  for (const [input, packet] of pictures()) process(input, packet);
  process(0, Packet.eof());
  encoder.close();
  const reports = messages.filter((message) => message.startsWith('PSNR'));
  assert.is(reports.length, 1);
  const [, y] = /PSNR over 25 frames: Y ([\d.]+) dB, U [\d.]+ dB, V [\d.]+ dB, all [\d.]+ dB/.exec(reports[0]!) ?? [];
  assert.ok(Number(y) > 25 && Number(y) < 60, reports[0]);
  assert.equal(ledger.snapshot(), {});
});
life.run();
