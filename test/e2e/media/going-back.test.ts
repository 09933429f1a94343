/** Going to the beginning of a file, and to other places, whatever the container and with pictures stored out of order. */
import { createHash } from 'node:crypto';
import { type DecoderOptions, Graph, type VideoFrame } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { quickAac, run, scratch } from '../../kit/media.js';

const path = scratch();
const PICTURES = 50;

/** Two seconds with B-frames and a key frame each second, with sound where the container has some. */
async function make(name: string, codec: string, sound: string | undefined): Promise<string> {
  const graph = new Graph({ threads: 0 });
  const video = graph.filter('testsrc2', { size: '96x64', rate: 25, duration: 2 });
  const audio = sound === undefined ? null : graph.filter('sine', { sample_rate: 44100, duration: 2 });
  video.encode(audio, {
    output_path: path(name),
    video_params: { codec, bf: 2, g: 25, threads: 1, ...(codec === 'h264' && { preset: 'veryfast' }) },
    ...(sound === undefined
      ? {}
      : { audio_params: { ...(sound === 'aac' ? quickAac : { codec: sound }), sample_rate: 44100, channels: 1 } }),
  });
  await run(graph);
  return path(name);
}

interface Picture {
  /** Microseconds. */
  readonly time: number;
  readonly pixels: string;
}

const hashOf = (frame: VideoFrame): string => createHash('md5').update(frame.toBuffer()).digest('hex');

async function pictures(input: string, options: DecoderOptions = {}, threads = 0): Promise<Picture[]> {
  const seen: Picture[] = [];
  const graph = new Graph({ threads });
  for await (const packet of graph
    .decode({ input_path: input, ...options })
    .video.packets()
    .closing()) {
    seen.push({
      time: packet.timestamp ?? Number.NaN,
      pixels: hashOf(packet.payload as VideoFrame),
    });
  }
  return seen;
}

async function samples(input: string, options: DecoderOptions = {}): Promise<number> {
  let sum = 0;
  const graph = new Graph({ threads: 0 });
  for await (const { payload } of graph
    .decode({ input_path: input, ...options })
    .audio.packets()
    .closing())
    sum += (payload as { samples: number }).samples;
  return sum;
}

const pixelsOf = (list: readonly Picture[]) => list.map(({ pixels }) => pixels);

function assertPixels(actual: readonly Picture[], expected: readonly Picture[], what: string): void {
  assert.is(actual.length, expected.length, `${what}: number of pictures`);
  const at = expected.findIndex(({ pixels }, i) => pixels !== actual[i]?.pixels);
  assert.is(at, -1, `${what}: another picture`);
}

const containers: readonly (readonly [name: string, codec: string, sound: string | undefined])[] = [
  ['clip.flv', 'h264', 'aac'],
  ['clip.avi', 'mpeg4', 'libmp3lame'],
  ['clip-h264.avi', 'h264', 'aac'],
  ['clip.asf', 'h264', 'aac'],
  ['clip-mpeg4.asf', 'mpeg4', 'libmp3lame'],
  ['clip.ts', 'h264', 'aac'],
  ['clip.nut', 'h264', 'aac'],
  ['clip.mkv', 'h264', 'aac'],
  ['clip.mp4', 'h264', 'aac'],
  ['clip.mpg', 'mpeg2video', 'mp2'],
  ['clip.h264', 'h264', undefined],
  ['clip.m2v', 'mpeg2video', undefined],
];

const test = suite('going back in a file');

for (const [name, codec, sound] of containers) {
  test(`${name} (${codec}) is played again and from its beginning, whole`, async () => {
    const input = await make(name, codec, sound);
    const once = await pictures(input);
    assert.is(once.length, PICTURES);

    const twice = await pictures(input, { loop: 1 });
    assertPixels(twice, [...once, ...once], 'loop');
    const back = twice.findIndex(({ time }, i) => i > 0 && !(time > twice[i - 1]!.time));
    assert.is(back, -1, `loop: number ${back} is at ${twice[back]?.time} µs, behind ${twice[back - 1]?.time} µs`);

    assertPixels(await pictures(input, { start_time: 0 }), once, 'start_time 0');
    const [from, to] = [1_200_000, 1_600_000];
    const range = once.filter(({ time }) => time < 400_000 || (time >= from && time < to));
    const parts = await pictures(input, { durations: [0, 0.4, 1.2, 1.6] });
    if (!['clip.ts', 'clip.mpg'].includes(name)) assertPixels(parts, range, 'durations');
    else assertPixels(parts.slice(0, 10), once.slice(0, 10), 'durations');

    if (sound !== undefined) {
      const whole = await samples(input);
      const again = await samples(input, { loop: 1 });
      assert.ok(Math.abs(again - 2 * whole) <= 32, `loop: ${again} samples, ${whole} in the file`);
      // What an encoder put before the first sample may count as before time 0.
      const sought = await samples(input, { start_time: 0 });
      assert.ok(Math.abs(sought - whole) <= 1152, `start_time 0: ${sought} samples, ${whole} in the file`);
    }
  });
}

test('a raw stream is cut where it was asked, although it has no timestamps', async () => {
  const input = await make('raw.h264', 'h264', undefined);
  const once = await pictures(input);
  const graph = new Graph({ threads: 0 });
  const seen: Picture[] = [];
  graph.decode({ input_path: input, start_time: 1.2, end_time: 1.6 }).video.module({
    process(task) {
      for (const { payload, timestamp } of task.inputs.get(0) ?? []) {
        if (payload === undefined) continue;
        seen.push({ time: timestamp ?? Number.NaN, pixels: hashOf(payload as VideoFrame) });
      }
    },
  });
  const { warnings } = await run(graph);
  assert.equal(pixelsOf(seen), pixelsOf(once.slice(30, 40)));
  assert.equal(
    seen.map(({ time }) => time),
    Array.from({ length: 10 }, (_, i) => i * 40_000),
  );
  assert.match(warnings.join(), /cannot seek to 1\.2 s; everything before is decoded and left out/);
});

/** Decodes the video from a time on, and what the run warned of. */
async function from(input: string, start: number): Promise<{ times: (number | undefined)[]; warnings: string }> {
  const times: (number | undefined)[] = [];
  const graph = new Graph({ threads: 0 });
  graph.decode({ input_path: input, start_time: start }).video.module({
    process(task) {
      for (const { payload, timestamp } of task.inputs.get(0) ?? []) if (payload) times.push(timestamp);
    },
  });
  const { warnings } = await run(graph);
  return { times, warnings: warnings.join() };
}

async function transportStream(name: string, keyInterval: number): Promise<string> {
  const graph = new Graph({ threads: 0 });
  graph.filter('testsrc2', { size: '96x64', rate: 25, duration: 4 }).encode(null, {
    output_path: path(name),
    video_params: { codec: 'h264', bf: 2, g: keyInterval, keyint_min: keyInterval, sc_threshold: 0, threads: 1 },
  });
  await run(graph);
  return path(name);
}

test('a transport stream of one key frame has pictures from any time on', async () => {
  const input = await transportStream('one-key.ts', 1000);
  const { times, warnings } = await from(input, 2);
  assert.is(times.length, 50);
  assert.is(times[0], 0);
  assert.match(warnings, /one-key\.ts cannot seek to 2 s; everything before is decoded and left out/);
});

test('what is missing for want of a key frame before it is said in seconds', async () => {
  const input = await transportStream('two-keys.ts', 75);
  const { times, warnings } = await from(input, 2);
  // As the ffmpeg command: pictures begin with the key frame at 3 s.
  assert.is(times.length, 25);
  assert.match(warnings, /two-keys\.ts: the first 1 s of video are missing: there is no key frame/);
  assert.is((await from(input, 3.2)).times.length, 20);
  assert.not.match((await from(input, 0)).warnings, /missing/);
});

test('threads change nothing of a repetition', async () => {
  const input = await make('threads.avi', 'mpeg4', undefined);
  assert.equal(await pictures(input, { loop: 1 }, 1), await pictures(input, { loop: 1 }));
});

test.run();
