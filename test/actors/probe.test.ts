import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { probe } from '../../actors/probe.js';
import type { MillraceError } from '../../src/errors/errors.js';
import { ledger } from '../../src/media/index.js';

const media = (name: string): string => fileURLToPath(new URL(`../fixtures/media/${name}`, import.meta.url));

const test = suite('probe');

test.after.each(() => assert.equal(ledger.snapshot(), {}));

test('tells what a container knows of its streams', async () => {
  const info = await probe(media('clip-4s.mp4'));
  assert.is(info.path, media('clip-4s.mp4'));
  assert.is(info.format, 'mov,mp4,m4a,3gp,3g2,mj2');
  assert.ok(Math.abs(info.duration! - 4) < 0.1);
  const [video, audio] = info.streams;
  assert.equal(
    { ...video, bitRate: undefined, duration: undefined, language: undefined },
    {
      index: 0,
      kind: 'video',
      codec: 'h264',
      bitRate: undefined,
      duration: undefined,
      frames: 100,
      language: undefined,
      default: true,
      cover: false,
      timeBase: { num: 1, den: 12800 },
      width: 320,
      height: 180,
      pixelFormat: 'yuv420p',
      frameRate: { num: 25, den: 1 },
      sampleAspectRatio: { num: 1, den: 1 },
    },
  );
  assert.equal([audio!.kind, audio!.codec, audio!.sampleRate, audio!.channels], ['audio', 'aac', 48000, 1]);
  assert.equal([audio!.channelLayout, audio!.sampleFormat], ['mono', 'fltp']);
});

test('leaves out what is not known', async () => {
  const info = await probe(media('still.jpg'));
  assert.equal(
    info.streams.map(({ kind, frames, bitRate, sampleRate }) => [kind, frames, bitRate, sampleRate]),
    [['video', undefined, undefined, undefined]],
  );
  assert.not.ok('sampleRate' in info.streams[0]!);
});

test('counts every track', async () => {
  assert.equal(
    (await probe(media('two-audio-tracks.mp4'))).streams.map(({ index, kind }) => [index, kind]),
    [
      [0, 'video'],
      [1, 'audio'],
      [2, 'audio'],
    ],
  );
});

test('tells by how much the picture will be turned', async () => {
  assert.is((await probe(media('rotated.mp4'))).streams[0]!.rotation, 270);
  assert.is((await probe(media('clip-4s.mp4'))).streams[0]!.rotation, undefined);
});

for (const [name, says] of [
  ['garbage.mp4', /Invalid data/],
  ['empty.mp4', /the file is empty/],
  ['nothing.mp4', /No such file/],
  ['', /it is a directory/],
] as const) {
  test(`refuses ${name || 'a directory'}`, async () => {
    const error = await probe(media(name)).then(
      () => undefined,
      (thrown: MillraceError) => thrown,
    );
    assert.is(error?.code, 'ERR_MILLRACE_INPUT');
    assert.match(error!.message, says);
  });
}

test.run();
