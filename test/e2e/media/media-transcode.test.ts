/** Files made by whole graphs hold, picture for picture, what the ffmpeg command writes with the same settings. */
import { createHash } from 'node:crypto';
import { concat, type EncoderOptions, encode, type Graph, overlay, type Stream } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long } from '../../kit/long.js';
import {
  assertSame,
  contentsOf,
  expectedPictures,
  expectedSound,
  media,
  pictures,
  quickAac,
  run,
  scratch,
  signalToNoise,
  soundOf,
} from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const at = scratch();
const clip = media('clip-4s.mp4');
const wav = media('mono-16k.wav');
// mbtree is not deterministic on AVX-512 machines; see the README of the fixtures.
const x264 = { codec: 'h264', threads: 1, preset: 'veryfast', mbtree: 0 } as const;
const mpeg4 = { codec: 'mpeg4', threads: 1, qscale: 5 } as const;
const ffv1 = { codec: 'ffv1', threads: 1 } as const;

interface Case {
  extension: string;
  /** The node before the encoder's video input, and its audio input. */
  streams(graph: Graph): [video: Stream, audio: Stream | null];
  options: Omit<EncoderOptions, 'output_path'>;
  /** Sound by hash (lossless from PCM), or by its length, to less than an AAC frame: versions cut the padding differently. */
  sound?: 'exact' | 'length' | undefined;
  /** Name of the fixture if it is not `e2e-<name>`. */
  fixture?: string;
  /** The short form takes a part of the clip, and nothing that follows changes these pictures of it. */
  first?: number;
  /** Of what other tests have one by one. */
  combined?: true;
}

const open = (graph: Graph, path = clip, options = {}) => graph.decode({ input_path: path, ...options });
const part = long ? {} : { vframes: 40 };

const CASES: Record<string, Case> = {
  crf: {
    combined: true,
    extension: 'mp4',
    streams: (graph) => {
      const source = open(graph);
      return [source.video.scale(160, 90), source.audio];
    },
    options: { video_params: { ...x264, crf: 23 }, audio_params: quickAac },
    sound: 'length',
  },
  bitrate: {
    extension: 'mkv',
    streams: (graph) => [open(graph).video.crop(240, 136, 40, 20).hflip(), open(graph, wav).audio],
    options: { video_params: { ...x264, bit_rate: '250k', g: 20, bf: 2 }, audio_params: { codec: 'flac' } },
    sound: 'exact',
  },
  double: {
    extension: 'ts',
    streams: (graph) => {
      const source = open(graph);
      return [source.video.fps(50).scale(160, -2), source.audio];
    },
    options: { video_params: { ...x264, crf: 28 }, audio_params: { ...quickAac, bit_rate: 64_000 } },
    sound: 'length',
  },
  slow: {
    extension: 'avi',
    streams: (graph) => [open(graph).video.fps(10), open(graph, wav).audio],
    options: { video_params: mpeg4, audio_params: { codec: 'pcm_s16le' } },
    sound: 'exact',
  },
  'from-ts': {
    combined: true,
    extension: 'mp4',
    streams: (graph) => {
      const source = open(graph, media('clip.mpegts'));
      return [source.video.vflip(), source.audio];
    },
    options: { video_params: { ...x264, crf: 30, vsync: 'cfr' }, audio_params: quickAac },
    sound: 'length',
  },
  range: {
    extension: 'mp4',
    streams: (graph) => {
      const source = open(graph, clip, { start_time: 1, end_time: 3 });
      return [source.video.scale(160, 90), source.audio];
    },
    options: { video_params: { ...x264, crf: 26 }, audio_params: quickAac },
    sound: 'length',
  },
  trim: {
    extension: 'mkv',
    streams: (graph) => [open(graph).video.trim(1, 3).setpts('PTS-STARTPTS').fps(12).transpose('clock'), null],
    options: { video_params: ffv1 },
  },
  overlay: {
    combined: true,
    extension: 'mkv',
    streams: (graph) => {
      const source = open(graph);
      return [overlay(source.video, open(graph, media('logo-alpha.png')).video, { x: 20, y: 10 }), source.audio];
    },
    options: { video_params: ffv1, audio_params: { codec: 'flac' } },
    sound: 'length',
  },
  concat: {
    combined: true,
    extension: 'mkv',
    streams: (graph) => {
      const half = (path: string) => open(graph, path).video.scale(160, 90).setsar(1);
      const joined = concat([
        [half(clip), open(graph, wav).audio],
        [half(media('fragmented.mp4')), open(graph, wav).audio],
      ]);
      return [joined.video, joined.audio];
    },
    options: { video_params: ffv1, audio_params: { codec: 'flac' } },
    sound: 'exact',
  },
  ranges: {
    combined: true,
    extension: 'mkv',
    streams: (graph) => {
      const [p, q] = open(graph).video.split(2);
      const first = p.trim(0, 1).setpts('PTS-STARTPTS');
      const last = q.trim(3, 4).setpts('PTS-STARTPTS');
      return [last.concat(first), null];
    },
    options: { video_params: ffv1 },
  },
  side: {
    combined: true,
    extension: 'mkv',
    streams: (graph) => {
      const small = (path: string) => open(graph, path).video.scale(160, 90);
      return [small(clip).hstack(small(media('fragmented.mp4')).vflip()), null];
    },
    options: { video_params: ffv1 },
  },
  sources: {
    extension: 'mkv',
    streams: (graph) => [
      graph.filter('testsrc2', { size: '160x90', rate: 25, duration: 2 }),
      graph.filter('sine', { frequency: 500, sample_rate: 44100, duration: 2 }),
    ],
    // The sine source rounds otherwise since FFmpeg 7.
    options: { video_params: ffv1, audio_params: { codec: 'pcm_s16le' } },
    sound: 'length',
  },
  // Rates above the input's: frames are repeated, of a decoder's in another way than of a filter's.
  'rate-60': {
    extension: 'mp4',
    streams: (graph) => [open(graph, clip, part).video, null],
    options: { video_params: { ...mpeg4, r: 60 } },
    fixture: 'encode-rate-60',
    first: 90,
  },
  'rate-60-scaled': {
    extension: 'mp4',
    streams: (graph) => [open(graph, clip, part).video.scale(160, 90), null],
    options: { video_params: { ...mpeg4, r: 60 } },
    fixture: 'encode-rate-60-scaled',
    first: 90,
  },
};

const test = suite('transcoding');
const graphOn = await sharedThreads(2);

for (const [name, { extension, streams, options, sound, fixture, first, combined }] of Object.entries(CASES)) {
  if (combined && !long) continue;
  test(`${name}: the pictures of the ffmpeg command`, async () => {
    const output = at(`${name}.${extension}`);
    const graph = graphOn({ threads: 2 });
    encode(...streams(graph), { ...options, output_path: output });
    const report = await run(graph);
    const compared = long ? undefined : first;
    const expected = expectedPictures(fixture ?? `e2e-${name}`).slice(0, compared);
    const { video, audio } = await contentsOf(output, { copyts: true });
    assertSame(pictures(video).slice(0, compared), expected);
    assert.is(report.frames, video.length);
    assert.equal(
      report.warnings.filter((text) => !text.includes('was lifted')),
      [],
    );
    if (sound === undefined) {
      assert.equal(audio, []);
      return;
    }
    const bytes = await soundOf(output);
    const { samples, md5 } = expectedSound(name);
    if (sound === 'exact') assert.is(createHash('md5').update(bytes).digest('hex'), md5);
    else assert.ok(Math.abs(bytes.length / 2 - samples) < 1024, `${bytes.length / 2} of ${samples} samples`);
  });
}

test('AAC is near to what went in', async () => {
  const output = at('near.mp4');
  const graph = graphOn({ threads: 2 });
  encode(null, open(graph).audio, { output_path: output });
  await run(graph);
  const [before, after] = [await soundOf(clip), await soundOf(output)];
  assert.ok(Math.abs(before.length - after.length) < 2048, `${after.length} of ${before.length} bytes`);
  const ratio = signalToNoise(before, after);
  assert.ok(ratio > 20, `${ratio} dB`);
});

test.run();
