/** Every bad input or option ends with one clear line, and with everything native released. */
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import Decoder from '../../../actors/decoder/index.js';
import { type ErrorCode, FFmpegError, MillraceError } from '../../../src/errors/errors.js';
import { ledger } from '../../../src/media/index.js';
import { closeAll, drive } from '../../kit/drive.js';

const media = (name: string) => new URL(`../../fixtures/media/${name}`, import.meta.url).pathname;
const clip = media('clip-4s.mp4');
const folder = mkdtempSync(join(tmpdir(), 'millrace-'));

const test = suite('decoder: errors');
test.after(() => rmSync(folder, { recursive: true }));
test.after.each(() => assert.equal(ledger.snapshot(), {}, 'native objects left'));

/** The decoder must refuse with this code and words, in one line. */
async function refuses(options: object, code: ErrorCode, ...words: string[]): Promise<void> {
  let failure: unknown;
  try {
    closeAll(await drive(Decoder, { options, outputs: [0, 1] }));
  } catch (error) {
    failure = error;
  }

  assert.instance(failure, MillraceError, `${JSON.stringify(options)}: ${failure ?? 'was accepted'}`);
  const { code: found, message } = failure as MillraceError;
  assert.is(found, code, message);
  for (const word of words) assert.match(message, word);
  assert.not.match(message, '\n');
  if (found === 'ERR_MILLRACE_INPUT' && words.includes('Invalid data')) assert.instance(failure, FFmpegError);
}

for (const [name, ...words] of [
  ['missing.mp4', 'Cannot open', 'missing.mp4', 'No such file'],
  ['empty.mp4', 'empty.mp4', 'is empty'],
  ['garbage.mp4', 'garbage.mp4', 'Invalid data', 'no media file'],
  ['truncated.mp4', 'truncated.mp4', 'Invalid data', 'cut off'],
  ['', 'is a directory'],
  ['none*.png', 'No such file', "dec_params: { pattern_type: 'glob' }"],
] as const) {
  test(`an input that cannot be used: ${name || 'a directory'}`, () =>
    refuses({ input_path: media(name) }, 'ERR_MILLRACE_INPUT', ...words));
}

test('a device is refused before it can block, and a descriptor that is no pipe by its kind', async () => {
  await refuses({ input_path: '/dev/zero' }, 'ERR_MILLRACE_INPUT', 'is a device');
  await refuses({ input_path: 'pipe:987654' }, 'ERR_MILLRACE_INPUT', 'has no descriptor 987654');
  await refuses({ input_path: 'pipe:in' }, 'ERR_MILLRACE_INPUT', "'in' is no number of a descriptor");
  const device = openSync('/dev/null', 'r');
  await refuses({ input_path: `pipe:${device}` }, 'ERR_MILLRACE_INPUT', `descriptor ${device} is a device`);
  closeSync(device);
});

test('a stream nearly all of which is damaged is an error with the words of FFmpeg', () =>
  refuses(
    { input_path: media('encrypted-cenc.mp4') },
    'ERR_MILLRACE_INPUT',
    'encrypted-cenc.mp4',
    'frames failed',
    'Invalid data',
  ));

test('a file cut off after its index gives its frames', async () => {
  const path = join(folder, 'short.mpegts');
  copyFileSync(media('clip.mpegts'), path);
  truncateSync(path, 100_000);
  const driven = await drive(Decoder, { options: { input_path: path }, outputs: [0, 1] });
  assert.ok(driven.outputs[0]!.length > 20 && driven.outputs[0]!.length < 60);
  closeAll(driven);
});

test('random bytes behind the head of every container end without a crash', async () => {
  for (const name of ['clip-4s.mp4', 'clip.mpegts', 'vfr.mkv', 'ten-bit.mp4', 'still.jpg', 'mono-16k.wav']) {
    const path = join(folder, `noise-${name}`);
    copyFileSync(media(name), path);
    truncateSync(path, 3000);
    const noise = Buffer.alloc(30_000);
    let seed = 7;
    for (let i = 0; i < noise.length; i++) {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      noise[i] = seed >> 16;
    }
    writeFileSync(path, noise, { flag: 'a' });
    try {
      closeAll(await drive(Decoder, { options: { input_path: path }, outputs: [0, 1] }));
    } catch (error) {
      assert.instance(error, MillraceError, `${name}: ${error}`);
    }
    assert.equal(ledger.snapshot(), {}, name);
  }
});

test('map_v and map_a name the streams there are', async () => {
  await refuses({ input_path: clip, map_a: 7 }, 'ERR_MILLRACE_INPUT', 'map_a: stream 7', 'does not exist', '1: audio');
  await refuses({ input_path: clip, map_v: 1 }, 'ERR_MILLRACE_INPUT', 'map_v: stream 1', 'is audio', '0: video');
});

test('decoders that do not exist or do not fit', async () => {
  await refuses(
    { input_path: clip, video_codec: 'h265' },
    'ERR_MILLRACE_OPTION',
    "no decoder 'h265'",
    "Did you mean 'h26",
  );
  await refuses({ input_path: clip, video_codec: 'aac' }, 'ERR_MILLRACE_OPTION', "'aac' is no video decoder");
});

test('FFmpeg options nobody knows, or with a wrong value', async () => {
  const params = (dec_params: object) => ({ input_path: clip, dec_params });
  await refuses(params({ thread: 2 }), 'ERR_MILLRACE_OPTION', "'thread'", "'threads'");
  await refuses(params({ threads: 'x' }), 'ERR_MILLRACE_OPTION', "'threads'", 'decoder h264', '"x"');
  await refuses(params({ probesize: 'x' }), 'ERR_MILLRACE_OPTION', "'probesize'", '"x"');
  await refuses(params({ b: 1 }), 'ERR_MILLRACE_OPTION', "'b'", 'no effect');
  await refuses(params({ f: 'matroska' }), 'ERR_MILLRACE_INPUT', 'Cannot open');
  await refuses(params({ f: 'mp5' }), 'ERR_MILLRACE_OPTION', 'no demuxer "mp5"');
  await refuses({ input_path: clip, video_params: { enable_err: 1 } }, 'ERR_MILLRACE_OPTION', "'enable_er'");
});

test('options for another demuxer are named, not ignored', async () => {
  await refuses({ input_path: clip, s: '64:48' }, 'ERR_MILLRACE_OPTION', 's:', "'mov,mp4");
  await refuses({ input_path: clip, pix_fmt: 'gray' }, 'ERR_MILLRACE_OPTION', 'pix_fmt:');
  const key = '76a6c65c5ea762046bd749a2e632ccbb';
  await refuses(
    { input_path: media('clip.mpegts'), decryption_key: key },
    'ERR_MILLRACE_OPTION',
    'decryption_key:',
    'mpegts',
  );
});

test('too many too large pictures are an error', () =>
  refuses(
    { input_path: clip, max_width_height: 319, max_limit_hits: 5 },
    'ERR_MILLRACE_INPUT',
    '6 pictures of 320x180',
  ));

test('a loop ends with an error where there is nothing to repeat, or no way back', async () => {
  const silent = join(folder, 'silent.wav');
  const header = Buffer.alloc(44);
  readFileSync(media('mono-16k.wav')).copy(header, 0, 0, 36);
  header.write('data', 36);
  writeFileSync(silent, header);
  await refuses({ input_path: silent, loop: -1 }, 'ERR_MILLRACE_INPUT', 'no packets to repeat');
  const source = { input_path: 'testsrc2=d=0.2:s=64x48', dec_params: { f: 'lavfi' } };
  await refuses({ ...source, loop: 1 }, 'ERR_MILLRACE_INPUT', 'cannot go back');
});
test.run();
