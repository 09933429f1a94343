/** The picture of our files equals, frame for frame, that of the files the ffmpeg command makes with the same settings. */
import { fileURLToPath } from 'node:url';
import { AV_NOPTS_VALUE } from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VideoFrame } from '../../../src/media/index.js';
import { long } from '../../kit/long.js';
import {
  clipFrames,
  encode,
  type Feed,
  feedOf,
  fixture,
  frames,
  inspect,
  media,
  out,
  pictures,
  videoLines,
} from './kit.js';

const equal = suite('encoder: video as the ffmpeg command');

const clip = clipFrames(media('clip-4s.mp4'));
const tenBit = clipFrames(media('ten-bit.mp4'));
const irregularFile = clipFrames(fileURLToPath(new URL('../../fixtures/cli/encode-irregular.mp4', import.meta.url)));

/** What the expressions of encode-make.sh do to the clip: 6 of 10 frames from the eleventh on, some of them late. */
function irregular(late = true): Feed {
  let kept = 0;
  return clip().filter(([, packet], n) => {
    if (!(packet.payload instanceof VideoFrame)) return true;
    if (n < 10 || (n * 7) % 10 >= 6) {
      packet.close();
      return false;
    }
    packet.payload.pts = packet.payload.pts! + BigInt(late ? (kept % 3) * 170 : 0);
    kept++;
    asFiltered(packet.payload);
    return true;
  });
}

/** Filters leave no decoding time on a frame. */
function asFiltered(frame: VideoFrame): void {
  frame.av.pktDts = AV_NOPTS_VALUE;
}

function filteredClip(): Feed {
  const feed = clip();
  for (const [, { payload }] of feed) if (payload instanceof VideoFrame) asFiltered(payload);
  return feed;
}

// What mbtree decides depends on the processor.
const x264 = { codec: 'h264', threads: 1, preset: 'veryfast', mbtree: 0 };
const mpeg4 = { codec: 'mpeg4', threads: 1, qscale: 5 };

/** Further rates below and above those of the clips. */
const MORE_RATES = ['rate-15', 'rate-50', 'irregular-rate-15', 'irregular-rate-50', 'vfr-rate-15'];

const cases: [name: string, extension: string, feed: () => Feed, videoParams: object, options?: object][] = [
  ['scale', 'mp4', clip, { ...x264, width: 160, height: -2, crf: 23 }],
  ['size', 'mp4', clip, { ...x264, width: 200, height: 120, pix_fmt: 'yuv444p', crf: '30' }],
  ['bitrate', 'mkv', clip, { ...x264, bit_rate: '300k', maxrate: '400k', bufsize: '400k', g: 12, bf: 2 }],
  ['frames', 'mp4', clip, x264, { vframes: 17 }],
  ['ten-bit', 'mp4', tenBit, x264],
  ['eight-bit', 'mp4', tenBit, { ...x264, pix_fmt: 'yuv420p' }],
  ['mpeg4', 'mp4', clip, { ...mpeg4, r: 12.5 }],
  ['mjpeg', 'mkv', () => frames(media('still.jpg'), [0]), { codec: 'jpg', qscale: 3, threads: 1 }],
  ['png', 'mkv', () => frames(media('logo-alpha.png'), [0]), { codec: 'png', threads: 1 }],
  ['rate-10', 'mp4', clip, { ...mpeg4, r: 10 }],
  ['rate-15', 'mp4', clip, { ...mpeg4, r: 15 }],
  ['rate-24', 'mp4', clip, { ...mpeg4, r: '24' }],
  ['rate-ntsc', 'mp4', clip, { ...mpeg4, r: '30000/1001' }],
  ['rate-50', 'mp4', clip, { ...mpeg4, r: 50 }],
  ['rate-60', 'mp4', clip, { ...mpeg4, r: 60 }],
  ['rate-60-scaled', 'mp4', filteredClip, { ...mpeg4, r: 60, width: 160, height: 90 }],
  ['rate-max', 'mp4', clip, { ...mpeg4, max_fr: 12 }],
  ['rate-max-idle', 'mp4', clip, { ...x264, max_fr: 60 }],
  ['vfr-vfr', 'mp4', irregular, mpeg4],
  ['vfr-auto-avi', 'avi', irregular, mpeg4],
  ['vfr-auto-mpeg', 'mpg', irregular, { codec: 'mpeg2video', threads: 1, qscale: 4 }],
  ['vfr-cfr', 'mp4', irregular, { ...mpeg4, vsync: 'cfr' }],
  ['vfr-vfr', 'mp4', irregular, { ...mpeg4, vsync: 'vfr' }],
  ['vfr-passthrough', 'mkv', irregular, { codec: 'ffv1', vsync: 'passthrough' }],
  ['vfr-drop', 'avi', () => irregular(false), { ...mpeg4, vsync: 'drop' }],
  ['vfr-rate-15', 'mp4', irregular, { ...mpeg4, r: 15 }],
  ['vfr-rate-60', 'mp4', irregular, { ...mpeg4, r: 60 }],
  ['irregular-cfr', 'mp4', irregularFile, { ...mpeg4, vsync: 'cfr' }],
  ['irregular-vfr', 'mp4', irregularFile, mpeg4],
  ['irregular-passthrough', 'mkv', irregularFile, { codec: 'ffv1', vsync: 'passthrough' }],
  ['irregular-rate-15', 'mp4', irregularFile, { ...mpeg4, r: 15 }],
  ['irregular-rate-25', 'mp4', irregularFile, { ...mpeg4, r: 25 }],
  ['irregular-rate-50', 'mp4', irregularFile, { ...mpeg4, r: 50 }],
  ['irregular-rate-60', 'mp4', irregularFile, { ...mpeg4, r: 60 }],
  ['irregular-scaled-25', 'mp4', irregularFile, { ...mpeg4, r: 25, width: 160, height: 90 }],
];
cases.forEach(([name, extension, feed, video_params, options], i) => {
  if (!long && MORE_RATES.includes(name)) return;
  equal(`${name} into ${extension}, ${JSON.stringify(video_params)}`, async () => {
    const expected = fixture(name);
    const output_path = out(`${i}-${name}.${extension}`);
    const { meter } = await encode({ output_path, video_params, ...options }, feed());
    assert.equal(videoLines(output_path, expected.timeBases[0]!), expected.lines);
    assert.is(meter.frames, expected.lines.length);
  });
});
equal.run();

const limits = suite('encoder: frames in and out');

limits('min_frames repeats the last frame until there are enough', async () => {
  const output_path = out('least.mkv');
  const { meter } = await encode({ output_path, min_frames: 40, video_params: { codec: 'ffv1' } }, pictures());
  const lines = videoLines(output_path, { num: 1, den: 25 });
  assert.is(lines.length, 40);
  assert.is(meter.duplicated, 15);
  const hash = (line: string): string => line.split(' ')[2]!;
  assert.is(new Set(lines.slice(24).map(hash)).size, 1);
  assert.is(new Set(lines.slice(0, 25).map(hash)).size, 25);
});

limits('vframes ends the picture while the sound goes on, and aframes the other way round', async () => {
  const sound = frames(media('clip-4s.mp4'), [1]);
  await encode({ output_path: out('v5.mp4'), vframes: 5, video_params: x264 }, [...pictures(), ...sound]);
  assert.equal(
    inspect(out('v5.mp4')).streams.map((stream) => stream.packets),
    [5, sound.length],
  );
  const again = frames(media('clip-4s.mp4'), [1]);
  await encode({ output_path: out('a7.mp4'), aframes: 7, video_params: x264 }, [...pictures(), ...again]);
  assert.equal(
    inspect(out('a7.mp4')).streams.map((stream) => stream.packets),
    [25, 7],
  );
});

limits('the node finishes by itself when its only stream has reached its limit', async () => {
  const { calls } = await encode({ output_path: out('early.mp4'), vframes: 3, video_params: x264 }, pictures());
  assert.is(calls, 3);
});

limits('one size alone keeps the proportions of the picture', async () => {
  await encode({ output_path: out('w.mp4'), video_params: { ...x264, width: 80 } }, pictures());
  await encode({ output_path: out('h.mp4'), video_params: { ...x264, height: 60 } }, pictures());
  for (const name of ['w.mp4', 'h.mp4']) {
    const { width, height } = inspect(out(name)).streams[0]!;
    assert.equal([width, height], [80, 60]);
  }
});

limits('frames that change size are brought to the size of the first', async () => {
  const feed = [
    ...pictures('testsrc2=size=160x120:rate=25:duration=0.2'),
    ...pictures('testsrc2=size=320x200:rate=25:duration=0.2'),
  ];
  feed.forEach(([, { payload }], n) => {
    if (payload instanceof VideoFrame) payload.pts = BigInt(n);
  });
  await encode({ output_path: out('sizes.mkv'), video_params: { codec: 'ffv1' } }, feed);
  const { streams } = inspect(out('sizes.mkv'));
  assert.equal([streams[0]!.packets, streams[0]!.width, streams[0]!.height], [10, 160, 120]);
});

limits('frames without a time follow each other at the frame rate', async () => {
  const feed = pictures();
  for (const [, { payload }] of feed) if (payload instanceof VideoFrame) payload.pts = undefined;
  await encode({ output_path: out('untimed.mkv'), video_params: { codec: 'ffv1' } }, feed);
  assert.equal(
    inspect(out('untimed.mkv')).times[0]!.map((time) => Math.round(time * 25)),
    Array.from({ length: 25 }, (_, i) => i),
  );
});

limits('in_time_base overrides the unit of the frames’ times', async () => {
  await encode({ output_path: out('slow.mkv'), video_params: { codec: 'ffv1', in_time_base: '1,5' } }, pictures());
  assert.is(Math.round(inspect(out('slow.mkv')).times[0]!.at(-1)! * 10), 48);
});

limits('adjust_pts shifts all streams by one amount so that the earliest starts at 0', async () => {
  const feed: Feed = [...pictures(), ...frames(media('clip-4s.mp4'), [1])];
  for (const [input, { payload }] of feed) {
    if (payload instanceof VideoFrame) payload.pts = payload.pts! + 50n;
    else if (input === 1 && payload && typeof payload === 'object' && 'pts' in payload) {
      payload.pts = (payload.pts as bigint) + 3n * 48000n;
    }
  }
  const output_path = out('adjusted.mkv');
  await encode(
    { output_path, adjust_pts: 1, video_params: { codec: 'ffv1' }, audio_params: { codec: 'pcm_s16le' } },
    feed,
  );
  const [video, audio] = inspect(output_path).times;
  assert.is(Math.round(video![0]! * 1000), 0);
  assert.is(Math.round(audio![0]! * 100), 100);
});

limits('frames other references point at stay as they were', async () => {
  const feed = pictures('testsrc2=size=160x120:rate=25:duration=0.2');
  const first = feed[0]![1].clone();
  const frame = first.payload as VideoFrame;
  const before = [frame.pts, frame.duration, frame.av.pictType, frame.av.quality];
  await encode(
    { output_path: out('shared.mp4'), video_params: { ...x264, r: 50 } },
    feedOf(feed.map(([, packet]) => packet)),
  ).catch((error: unknown) => {
    // The clone is alive on purpose; anything else is a failure.
    if (!String(error).includes('native objects left')) throw error;
  });
  assert.equal([frame.pts, frame.duration, frame.av.pictType, frame.av.quality], before);
  first.close();
});
limits.run();
