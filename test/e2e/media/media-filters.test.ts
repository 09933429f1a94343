/** Every filter method of a stream, in a graph that runs. */
import { readFileSync } from 'node:fs';
import { Graph, type Stream } from 'millrace';
import type { SeenPacket } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { media, run, sinkOn } from '../../kit/media.js';
import { lackingFont, testUnless } from '../../kit/skip.js';

/** What must arrive of one second of 25 pictures of 64x36, and of one second of 48 kHz mono, if nothing is said. */
interface Expected {
  frames?: number;
  width?: number;
  height?: number;
  /** Per second; from the timestamps. */
  rate?: number;
  /** First timestamp, microseconds. */
  start?: number;
  samples?: number;
  sampleRate?: number;
  channels?: number;
  format?: string;
  /** The content is that of the input, or another one. */
  content?: 'same' | 'other';
}

interface Streams {
  /** Two of the same. */
  video: Stream;
  other: Stream;
  audio: Stream;
  sound: Stream;
}

interface Case extends Expected {
  make(streams: Streams): Stream;
}

const VIDEO: Record<string, Case> = {
  scale: { make: ({ video }) => video.scale(32, -2), width: 32, height: 18 },
  fps: { make: ({ video }) => video.fps(50), frames: 50, rate: 50 },
  vflip: { make: ({ video }) => video.vflip(), content: 'other' },
  hflip: { make: ({ video }) => video.hflip(), content: 'other' },
  trim: { make: ({ video }) => video.trim(0.2, 0.6), frames: 10, start: 200_000 },
  setpts: { make: ({ video }) => video.setpts('2*PTS'), rate: 12.5, content: 'same' },
  pad: { make: ({ video }) => video.pad(80, 60, 8, 12, { color: 'red' }), width: 80, height: 60 },
  crop: { make: ({ video }) => video.crop(32, 20), width: 32, height: 20 },
  overlay: { make: ({ video, other }) => video.overlay(other.hflip(), { x: 'W/2', y: 0 }), content: 'other' },
  split: { make: ({ video }) => video.split(2)[1], content: 'same' },
  loop: { make: ({ video }) => video.loop(1, 25), frames: 50 },
  fade: { make: ({ video }) => video.fade('in', 0, 10), content: 'other' },
  drawtext: {
    make: ({ video }) =>
      video.drawtext({ text: "it's 10:30, 50%", expansion: 'none', fontsize: 12, fontcolor: 'white' }),
    content: 'other',
  },
  drawbox: {
    make: ({ video }) => video.drawbox({ x: 4, y: 4, w: 20, h: 10, color: 'blue', t: 'fill' }),
    content: 'other',
  },
  rotate: { make: ({ video }) => video.rotate('PI/4'), content: 'other' },
  transpose: { make: ({ video }) => video.transpose('clock'), width: 36, height: 64 },
  format: { make: ({ video }) => video.format('rgb24'), format: 'rgb24' },
  setsar: { make: ({ video }) => video.setsar('2/1'), content: 'same' },
  setdar: { make: ({ video }) => video.setdar('4/3'), content: 'same' },
  hstack: { make: ({ video, other }) => video.hstack(other), width: 128 },
  vstack: { make: ({ video, other }) => video.vstack([other, video]), height: 108 },
  select: { make: ({ video }) => video.select('not(mod(n,5))'), frames: 5, rate: 5 },
  tpad: { make: ({ video }) => video.tpad({ stop: 5, stop_mode: 'clone' }), frames: 30 },
  yadif: { make: ({ video }) => video.yadif({ mode: 'send_field' }), frames: 50, rate: 50 },
  eq: { make: ({ video }) => video.eq({ brightness: 0.2, contrast: 1.1 }), content: 'other' },
  concat: { make: ({ video, other }) => video.concat(other), frames: 50 },
};

const AUDIO: Record<string, Case> = {
  volume: { make: ({ audio }) => audio.volume('-6dB'), content: 'other' },
  atrim: { make: ({ audio }) => audio.atrim(0.25, 0.75), samples: 24_000, start: 250_000 },
  asetpts: { make: ({ audio }) => audio.asetpts('PTS+1/TB'), start: 1_000_000, content: 'same' },
  adelay: { make: ({ audio }) => audio.adelay(500, { all: true }), samples: 72_000 },
  afade: { make: ({ audio }) => audio.afade('in', { duration: 0.5 }), content: 'other' },
  amix: { make: ({ audio, sound }) => audio.amix(sound, { duration: 'shortest' }) },
  amerge: { make: ({ audio, sound }) => audio.amerge(sound), channels: 2 },
  asplit: { make: ({ audio }) => audio.asplit()[1], content: 'same' },
  aloop: { make: ({ audio }) => audio.aloop(1, 48_000), samples: 96_000 },
  aresample: { make: ({ audio }) => audio.aresample(24_000), samples: 24_000, sampleRate: 24_000 },
  aformat: {
    make: ({ audio }) => audio.aformat({ sample_fmts: 'u8', channel_layouts: 'stereo' }),
    format: 'u8',
    channels: 2,
  },
  atempo: { make: ({ audio }) => audio.atempo(2), samples: 24_000 },
  apad: { make: ({ audio }) => audio.apad({ whole_dur: 1.5 }), samples: 72_000 },
  pan: { make: ({ audio }) => audio.pan('stereo|c0=c0|c1=-1*c0'), channels: 2 },
  loudnorm: { make: ({ audio }) => audio.loudnorm({ I: -20 }), samples: 192_000, sampleRate: 192_000 },
};

/** Filters that work on blocks may be off by one of them. */
const TOLERANCE: Record<string, number> = { atempo: 1200 };

function streamsOf(graph: Graph): Streams {
  const picture = () => graph.filter('testsrc2', { size: '64x36', rate: 25, duration: 1 }).format('yuv420p');
  const tone = (frequency: number) => graph.filter('sine', { frequency, sample_rate: 48_000, duration: 1 });
  return { video: picture(), other: picture(), audio: tone(440), sound: tone(880) };
}

/** Runs one method; unused streams of the four end in nothing. */
async function outcome(make: Case['make']): Promise<SeenPacket[]> {
  const graph = new Graph({ threads: 0 });
  const streams = streamsOf(graph);
  for (const stream of Object.values(streams) as Stream[]) stream.module('null_sink');
  const sink = sinkOn(make(streams));
  await run(graph);
  return sink.packets;
}

const test = suite('filter methods');

for (const [kind, cases] of [
  ['video', VIDEO],
  ['audio', AUDIO],
] as const) {
  const plain = await outcome((streams) => streams[kind]);

  for (const [name, { make, content, ...expected }] of Object.entries(cases)) {
    testUnless(test, name === 'drawtext' ? lackingFont() : undefined, name, async () => {
      const [seen, before] = [await outcome(make), plain];
      assert.ok(seen.every((packet) => packet.kind === kind));
      const first = seen[0]!;
      assert.is(first.timestamp, expected.start ?? 0);
      for (const [i, { timestamp }] of seen.entries())
        assert.ok(i === 0 || timestamp! > seen[i - 1]!.timestamp!, `time ${timestamp} of frame ${i}`);
      if (kind === 'video') {
        const { frames = 25, width = 64, height = 36, rate = 25, format = 'yuv420p' } = expected;
        assert.is(seen.length, frames);
        assert.ok(seen.every((frame) => frame.width === width && frame.height === height && frame.format === format));
        const measured = ((seen.length - 1) * 1e6) / (seen.at(-1)!.timestamp! - first.timestamp!);
        assert.ok(Math.abs(measured - rate) < 0.01, `${measured} frames per second`);
      } else {
        const { samples = 48_000, sampleRate = 48_000, channels = 1, format } = expected;
        const sum = seen.reduce((n, frame) => n + frame.samples!, 0);
        assert.ok(Math.abs(sum - samples) <= (TOLERANCE[name] ?? 0), `${sum} samples`);
        assert.ok(seen.every((frame) => frame.sampleRate === sampleRate && frame.channels === channels));
        if (format) assert.is(first.format, format);
      }
      const hashes = (packets: SeenPacket[]) => packets.map(({ hash }) => hash);
      if (content === 'same') assert.equal(hashes(seen), hashes(before));
      if (content === 'other') assert.is.not(first.hash, before[0]!.hash);
    });
  }
}

test('each filter method of a stream is in these tables', () => {
  for (const [kind, cases] of [
    ['video', VIDEO],
    ['audio', AUDIO],
  ] as const) {
    const text = readFileSync(new URL(`../../../src/graph/build/filters/${kind}.ts`, import.meta.url), 'utf8');
    const methods = [...text.matchAll(/^ {2}(?!protected|constructor|abstract)(\w+)(?:<.*>)?\(/gm)].map(
      ([, name]) => name,
    );
    const tested = Object.keys(cases).filter((name) => name !== 'concat');
    assert.equal([...methods].sort(), [...tested].sort());
  }
});

test('any other filter by its name, with further streams among its arguments', async () => {
  const seen = await outcome(({ video, other }) => video.filter('blend', other.hflip(), { all_mode: 'average' }));
  assert.is(seen.length, 25);
  const logo = new Graph({ threads: 1 });
  const sink = sinkOn(logo.decode({ input_path: media('logo-alpha.png') }).video.filter('alphaextract'));
  await run(logo);
  assert.equal(
    sink.packets.map(({ format }) => format),
    ['gray'],
  );
});

test('a filter that makes pictures without end, and whose output nobody wants, can be stopped', async () => {
  const graph = new Graph({ threads: 0 });
  graph.filter('color', { size: '16x16', duration: 0.04 }).filter('tpad', { stop_mode: 'clone', stop: -1 });
  const running = graph.run({ signal: AbortSignal.timeout(20_000) });
  setImmediate(() => graph.stop());
  assert.is((await running).frames, 0);
});

test.run();
