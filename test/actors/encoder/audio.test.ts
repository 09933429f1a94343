/** Sound: sample formats, rates, channels, frame sizes. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioFrame, Packet } from '../../../src/media/index.js';
import {
  encode,
  type Feed,
  feedOf,
  fixture,
  frames,
  inspect,
  md5,
  media,
  out,
  packetLines,
  samples,
  tone,
} from './kit.js';

const test = suite('encoder: audio');

function cliHash(name: string): string {
  return readFileSync(new URL(`../../fixtures/cli/encode-${name}.md5`, import.meta.url), 'utf8')
    .trim()
    .replace('MD5=', '');
}

test('pcm has the samples the ffmpeg command writes', async () => {
  await encode({ output_path: out('a.wav') }, frames(media('mono-16k.wav'), [1]));
  assert.is(md5(samples(out('a.wav'))), cliHash('wav'));
});

test('resampled and upmixed pcm has the samples the ffmpeg command writes, to the last bit but one', async () => {
  const options = {
    output_path: out('r.wav'),
    audio_params: { codec: 'pcm_s16le', sample_rate: '44100', channels: 2 },
  };
  await encode(options, frames(media('mono-16k.wav'), [1]));
  const ours = samples(out('r.wav'));
  const theirs = readFileSync(new URL('../../fixtures/cli/encode-resample.s16', import.meta.url));
  // One second of two channels.
  assert.is(ours.length, 176400);
  for (let i = 0; i < theirs.length; i += 2) {
    const difference = Math.abs(ours.readInt16LE(i) - theirs.readInt16LE(i));
    assert.ok(difference <= 1, `sample ${i / 2}: ${difference}`);
  }
});

test('flac has the packets the ffmpeg command writes', async () => {
  await encode({ output_path: out('a.flac') }, frames(media('mono-16k.wav'), [1]));
  assert.equal(packetLines(out('a.flac')), fixture('flac').lines);
});

/** Samples of channel 0 as numbers from -1 to 1. */
function wave(packets: readonly Packet[]): number[] {
  return packets.flatMap(({ payload }) => {
    if (!(payload instanceof AudioFrame)) return [];
    const { data } = payload.planes()[0]!;
    const [bytes, scale, step] =
      payload.format === 'fltp' ? [4, 1, 1] : [2, 32768, payload.format === 's16p' ? 1 : payload.channels];
    const view = new DataView(data.buffer, data.byteOffset, payload.samples * bytes * step);
    return Array.from({ length: payload.samples }, (_, i) =>
      bytes === 4 ? view.getFloat32(i * 4, true) : view.getInt16(i * 2 * step, true) / scale,
    );
  });
}

function signalToNoise(clean: readonly number[], noisy: readonly number[]): number {
  let signal = 0;
  let noise = 0;
  clean.forEach((value, i) => {
    signal += value * value;
    noise += (value - (noisy[i] ?? 0)) ** 2;
  });
  return 10 * Math.log10(signal / noise);
}

test('aac keeps length and wave of the sound', async () => {
  const source = tone();
  const clean = wave(source.map(([, packet]) => packet));
  await encode({ output_path: out('a.m4a'), audio_params: { codec: 'aac', bit_rate: '128k' } }, source);
  const decoded = frames(out('a.m4a'), [1]);
  const noisy = wave(decoded.map(([, packet]) => packet));
  for (const [, packet] of decoded) packet.close();
  // The encoder's delay of one frame is in the decoder's output; the swing-in at both ends is not measured.
  const middle = [4096, 40960] as const;
  const best = Math.max(
    ...[0, 1024, 2048].map((delay) =>
      signalToNoise(clean.slice(...middle), noisy.slice(middle[0] + delay, middle[1] + delay)),
    ),
  );
  assert.ok(best > 40, `signal to noise ${best} dB`);
  const { streams, duration } = inspect(out('a.m4a'));
  assert.is(streams[0]!.codec, 'aac');
  assert.ok(Math.abs(duration - 1) < 0.03, `${duration} s`);
});

test('frames of any length are cut into the encoder’s, the last one short', async () => {
  const lengths = [1, 700, 1024, 3000, 17, 2048, 333];
  let pts = 0n;
  const feed: Feed = lengths.map((length) => {
    const data = Float32Array.from({ length }, (_, i) => Math.sin((Number(pts) + i) / 20));
    const frame = AudioFrame.from([data], { sampleRate: 48000, pts });
    pts += BigInt(length);
    return [1, new Packet(frame)];
  });
  await encode({ output_path: out('cut.flac') }, feed);
  const parts = frames(out('cut.flac'), [1], false);
  const counts = parts.flatMap(([, { payload }]) => (payload instanceof AudioFrame ? [payload.samples] : []));
  for (const [, packet] of parts) packet.close();
  assert.is(
    counts.reduce((sum, count) => sum + count, 0),
    Number(pts),
  );
  assert.ok(
    counts.slice(0, -1).every((count) => count === counts[0]),
    String(counts),
  );
});

test('frames of the encoder’s length stay in order with those that are cut', async () => {
  const size = 4608;
  const lengths = [size, size, 700, size, size - 700, size, 33, size, size - 33, 5];
  const all: number[] = [];
  const feed: Feed = lengths.map((length) => {
    const pts = BigInt(all.length);
    const data = Int16Array.from({ length }, (_, i) => Math.round(9000 * Math.sin((all.length + i) / 20)));
    for (const value of data) all.push(value / 32768);
    return [1, new Packet(AudioFrame.from([data], { sampleRate: 48000, pts }))];
  });
  await encode({ output_path: out('mixed.flac') }, feed);
  const parts = frames(out('mixed.flac'), [1], false);
  const decoded = parts.map(([, packet]) => packet);
  const counts = decoded.flatMap(({ payload }) => (payload instanceof AudioFrame ? [payload.samples] : []));
  const heard = wave(decoded);
  for (const packet of decoded) packet.close();
  assert.equal(counts, [...Array(7).fill(size), 5], 'the encoder’s length');
  assert.equal(heard, all);
});

test('a format that changes in the middle is brought to that of the beginning', async () => {
  const one = feedOf([...tone('sine=frequency=440:sample_rate=44100:duration=0.5').map(([, p]) => p)], 1);
  const two = tone('sine=frequency=440:sample_rate=22050:duration=0.5');
  for (const [, { payload }] of two) if (payload instanceof AudioFrame) payload.pts = payload.pts! + 11025n;
  await encode({ output_path: out('change.wav') }, [...one, ...two]);
  const { streams } = inspect(out('change.wav'));
  assert.is(streams[0]!.timeBase.den, 44100);
  assert.ok(Math.abs(samples(out('change.wav')).length / 2 - 44100) < 50, String(samples(out('change.wav')).length));
});

test('channels without names get the usual ones for their number', async () => {
  const data = new Int16Array(4800).fill(1000);
  const frame = AudioFrame.from([data, data], { sampleRate: 48000, channelLayout: '2 channels', pts: 0n });
  await encode({ output_path: out('unnamed.m4a') }, [[1, new Packet(frame)]]);
  assert.is(inspect(out('unnamed.m4a')).streams[0]!.codec, 'aac');
});

test('sound without times is counted by its samples', async () => {
  const feed = tone();
  for (const [, { payload }] of feed) if (payload instanceof AudioFrame) payload.pts = undefined;
  await encode({ output_path: out('untimed.wav') }, feed);
  assert.is(samples(out('untimed.wav')).length, 2 * 44100);
});
test.run();
