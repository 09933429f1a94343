/** Decoded frames and times equal those of the ffmpeg command, stored in fixtures/cli. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import Decoder from '../../../actors/decoder/index.js';
import type { AudioFrame } from '../../../src/media/index.js';
import { closeAll, drive } from '../../kit/drive.js';
import { hashFrames, readFrameMd5 } from '../../kit/framemd5.js';

const media = (name: string) => new URL(`../../fixtures/media/${name}`, import.meta.url).pathname;
const cli = (name: string) => new URL(`../../fixtures/cli/decode-${name}`, import.meta.url);
const key = '76a6c65c5ea762046bd749a2e632ccbb';

async function decoded(options: object, output: number) {
  const driven = await drive(Decoder, { options, outputs: [output] });
  try {
    return hashFrames(driven.outputs[output]!);
  } finally {
    closeAll(driven);
  }
}

const pictures: readonly (readonly [fixture: string, file: string, options: object])[] = [
  ['mp4', 'clip-4s.mp4', {}],
  ['ts', 'clip.mpegts', {}],
  ['ts-copyts', 'clip.mpegts', { copyts: 1 }],
  ['ts', 'clip.mpegts', { copyts: 1, start_at_zero: 1 }],
  ['fragmented', 'fragmented.mp4', {}],
  ['vfr', 'vfr.mkv', {}],
  ['ten-bit', 'ten-bit.mp4', {}],
  ['rotated', 'rotated.mp4', {}],
  ['rotated-raw', 'rotated.mp4', { autorotate: 0 }],
  ['one-frame', 'one-frame.mp4', {}],
  ['still', 'still.jpg', {}],
  ['cenc', 'encrypted-cenc.mp4', { decryption_key: key }],
  ['start', 'clip-4s.mp4', { start_time: 1.01 }],
  ['start-end', 'clip-4s.mp4', { start_time: 1.01, end_time: 2.5 }],
  ['start-end-ts', 'clip.mpegts', { start_time: 1.01, end_time: 2.5 }],
  ['start-end-copyts', 'clip.mpegts', { start_time: 1.01, end_time: 2.5, copyts: true }],
  ['end', 'clip-4s.mp4', { end_time: 2.5 }],
  ['loop', 'clip-4s.mp4', { loop: 2 }],
  ['loop-silent', 'rotated.mp4', { loop: 2 }],
  ['nokey', 'clip-4s.mp4', { skip_frame: 32 }],
];

const video = suite('decoder: pictures as the ffmpeg command decodes them');
for (const [fixture, file, options] of pictures) {
  video(`${file} ${JSON.stringify(options)}`, async () => {
    const expected = readFrameMd5(cli(`${fixture}.framemd5`));
    assert.ok(expected.length > 0);
    assert.equal(await decoded({ input_path: media(file), ...options }, 0), expected);
  });
}

video('one decoder thread gives the same pictures as many', async () => {
  const expected = readFrameMd5(cli('mp4.framemd5'));
  for (const threads of [1, 2, 5]) {
    assert.equal(await decoded({ input_path: media('clip-4s.mp4'), dec_params: { threads } }, 0), expected);
  }
});

video('timestamps that jump back inside a transport stream are continued', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  try {
    const path = join(folder, 'twice.mpegts');
    const once = readFileSync(media('clip.mpegts'));
    writeFileSync(path, Buffer.concat([once, once]));
    assert.equal(await decoded({ input_path: path }, 0), readFrameMd5(cli('ts-twice.framemd5')));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
video.run();

const audio = suite('decoder: sound as the ffmpeg command decodes it');

async function samplesOf(options: object): Promise<Buffer> {
  const driven = await drive(Decoder, { options, outputs: [1] });
  try {
    return Buffer.concat(driven.outputs[1]!.map(({ payload }) => (payload as AudioFrame).toBuffer()));
  } finally {
    closeAll(driven);
  }
}

for (const [fixture, options] of [
  ['wav.md5', {}],
  ['wav-start-end.md5', { start_time: 0.1234, end_time: 0.777 }],
] as const) {
  audio(`every sample of a lossless file ${JSON.stringify(options)}`, async () => {
    const bytes = await samplesOf({ input_path: media('mono-16k.wav'), ...options });
    const md5 = createHash('md5').update(bytes).digest('hex');
    assert.is(md5, readFileSync(cli(fixture), 'utf8').trim());
  });
}

for (const [fixture, file, options] of [
  ['aac-mp4', 'clip-4s.mp4', {}],
  ['aac-ts', 'clip.mpegts', {}],
  ['aac-start-end', 'clip-4s.mp4', { start_time: 1.01, end_time: 2.5 }],
  ['aac-second', 'two-audio-tracks.mp4', { map_a: 2 }],
] as const) {
  audio(`times and sizes of AAC frames: ${fixture}`, async () => {
    const expected = readFrameMd5(cli(`${fixture}.framemd5`)).map(({ time, bytes }) => ({ time, bytes }));
    const got = (await decoded({ input_path: media(file), ...options }, 1)).map(({ time, bytes }) => ({ time, bytes }));
    // Newer demuxers also take the encoder's padding off the last frame of an mp4, which 5.1 left in.
    const last = expected.pop()!;
    const lastGot = got.pop()!;
    assert.equal(got, expected);
    assert.is(lastGot.time, last.time);
    assert.ok(lastGot.bytes <= last.bytes, `${lastGot.bytes} bytes in the last frame`);
  });
}

audio('samples of AAC differ from the command only in the last bits', async () => {
  const bytes = await samplesOf({ input_path: media('clip-4s.mp4'), start_time: 1.01, end_time: 1.51 });
  const got = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const file = readFileSync(cli('aac.s16'));
  const expected = new Int16Array(file.buffer, file.byteOffset, file.byteLength / 2);
  assert.is(got.length, expected.length);
  let signal = 0;
  let noise = 0;
  expected.forEach((value, i) => {
    signal += (value / 32768) ** 2;
    noise += (value / 32768 - got[i]!) ** 2;
  });
  const ratio = 10 * Math.log10(signal / noise);
  assert.ok(ratio > 60, `signal to noise ${ratio.toFixed(1)} dB`);
});
audio.run();
