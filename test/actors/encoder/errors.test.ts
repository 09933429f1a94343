/** Every way the encoder refuses or fails: the code, the words, and nothing native left (checked by `failure`). */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import FFmpegEncoder from '../../../actors/encoder/index.js';
import { Packet, Tensor } from '../../../src/media/index.js';
import { encode, failure, feedOf, generate, out, pictures, tone } from './kit.js';

const test = suite('encoder: refusals and failures');
const x264 = { codec: 'h264', threads: 1, preset: 'ultrafast' };
const OPTION = 'ERR_MILLRACE_OPTION';
const OUTPUT = 'ERR_MILLRACE_OUTPUT';

const options: [what: string, options: Record<string, unknown>, message: RegExp][] = [
  ['an unknown key', { video_param: x264 }, /video_param: is not an option here\. Did you mean 'video_params'\?/],
  ['no output', { output_path: undefined }, /output_path: is required/],
  ['push_output 4', { push_output: 4 }, /push_output: must be a whole number from 0 to 3/],
  [
    'push_output 1 with faststart',
    { push_output: 1, mux_params: { movflags: '+faststart' } },
    /reads the finished file again/,
  ],
  ['push_output 1 of files', { push_output: 1, format: 'hls' }, /'hls' writes files of its own/],
  [
    'push_output 2 with muxer options',
    { push_output: '2', metadata: { title: 'x' } },
    /metadata: has no effect with push_output 2/,
  ],
  [
    'push_output 3 with a codec',
    { push_output: 3, video_params: { crf: 20 } },
    /video_params: has no effect with push_output 3/,
  ],
  ['output_prefix beside output_path', { output_prefix: 'jobs' }, /output_prefix: contradicts output_path/],
  [
    'output_prefix without jobs',
    { output_path: undefined, output_prefix: 'jobs' },
    /output_prefix: there are no jobs here to number files by/,
  ],
  ['avio_buffer_size', { avio_buffer_size: 4096 }, /avio_buffer_size: has no effect with push_output 0/],
  ['an unknown encoder', { video_params: { codec: 'lib264' } }, /no encoder 'lib264'\. Did you mean 'libx264'\?/],
  ['an encoder of sound for pictures', { video_params: { codec: 'aac' } }, /'aac' is no video encoder/],
  [
    'an unknown encoder option',
    { video_params: { ...x264, prest: 'fast' } },
    /no option 'prest' here\. Did you mean 'preset'\?/,
  ],
  [
    'a value the encoder refuses',
    { video_params: { ...x264, crf: 'abc' } },
    /FFmpeg refuses "abc" for its option 'crf'/,
  ],
  ['an unknown muxer', { format: 'mp5' }, /format: this FFmpeg cannot write 'mp5'/],
  [
    'an unknown muxer option',
    { mux_params: { movflag: 'faststart' } },
    /mux_params \(muxer mp4\).*'movflag'.*Did you mean 'movflags'\?/,
  ],
  [
    'a pixel format the encoder lacks',
    { video_params: { ...x264, pix_fmt: 'yuv42p' } },
    /libx264 takes no 'yuv42p'\. It takes yuv420p/,
  ],
  ['a frame rate that is none', { video_params: { r: 'fast' } }, /video_params\.r: must be a frame rate/],
  ['a rate beside a vsync without one', { video_params: { r: 10, vsync: 'drop' } }, /vsync 'drop' contradicts r/],
  ['an unknown vsync', { video_params: { vsync: 'often' } }, /video_params\.vsync: must be one of auto, cfr/],
  ['a bit rate that is none', { video_params: { bit_rate: 'much' } }, /bit_rate: must be a bit rate/],
  ['more frames at least than at most', { vframes: 5, min_frames: 6 }, /min_frames: 6 is more than vframes \(5\)/],
  [
    'pictures in a container for sound',
    { output_path: out('x.wav') },
    /format 'wav' carries no video\. Leave input 0 unconnected/,
  ],
];
for (const [what, given, message] of options) {
  test(`refused before anything runs: ${what}`, async () => {
    const error = await failure({ output_path: out('refused.mp4'), ...given }, [], [0]);
    assert.is(error.code, OPTION);
    assert.match(error.message, message);
    assert.not.ok(existsSync(out('refused.mp4')));
  });
}

test('refused before anything runs: a sample rate the encoder lacks', async () => {
  const error = await failure({ output_path: out('x.opus'), audio_params: { sample_rate: 44100 } }, [], [1]);
  assert.is(error.code, OPTION);
  assert.match(error.message, /libopus takes no 44100 Hz\. It takes 48000/);
});

test('refused before anything runs: inputs it does not have', async () => {
  assert.match(
    (await failure({ output_path: out('x.mp4') }, [], [0, 2])).message,
    /input_kinds: does not say what input 2 is/,
  );
  assert.match((await failure({ output_path: out('x.mp4') }, [], [])).message, /no input is connected/);
});

mkdirSync(out('folder'));
writeFileSync(out('plain-file'), 'text');
execFileSync('mkfifo', [out('fifo')]);
const places: [what: string, path: string, message: RegExp][] = [
  [
    'a directory that does not exist',
    out('missing/x.mp4'),
    /Cannot write .*x\.mp4: there is no directory .*missing\. Create it first/,
  ],
  ['a directory', out('folder'), /it is a directory\. Give the name of a file in it/],
  ['a place below a file', out('plain-file/x.mp4'), /plain-file is no directory\. Choose another place/],
  [
    'a place below what is below a file',
    out('plain-file/in/x.mp4'),
    /there is no directory .*plain-file\/in\. Create it/,
  ],
  ['a FIFO', out('fifo'), /it is a FIFO/],
];
for (const [what, output_path, message] of places) {
  test(`refused before anything runs: ${what} as output`, async () => {
    const error = await failure({ output_path, format: 'mp4' }, [], [0]);
    assert.is(error.code, OUTPUT);
    assert.match(error.message, message);
  });
}

test('refused before anything runs: a file without permission to write', async () => {
  // Root may write everywhere.
  if (process.getuid?.() === 0) return;
  writeFileSync(out('locked.mp4'), '');
  chmodSync(out('locked.mp4'), 0o444);
  assert.match((await failure({ output_path: out('locked.mp4') }, [], [0])).message, /permission denied/);
});

test('an older file survives a graph that delivers nothing, which is an error', async () => {
  writeFileSync(out('old.mp4'), 'old');
  const error = await failure({ output_path: out('old.mp4') }, [], [0, 1]);
  assert.is(error.code, OUTPUT);
  assert.match(error.message, /Nothing to write to .*old\.mp4: no input delivered anything/);
  assert.is(readFileSync(out('old.mp4'), 'utf8'), 'old');
});

for (const format of ['mp4', 'matroska', 'mpegts', 'mjpeg']) {
  test(`a full disk is an error that says so (${format})`, async () => {
    const video_params = format === 'mjpeg' ? {} : x264;
    const error = await failure({ output_path: '/dev/full', format, video_params }, pictures());
    assert.is(error.code, OUTPUT);
    assert.match(error.message, /\/dev\/full: No space left on device/);
    assert.not.match(error.message, /carry/);
  });
}

test('a full disk is noticed while writing, not only at the end', async () => {
  const feed = pictures('testsrc2=size=640x480:rate=25:duration=2');
  const options = { output_path: '/dev/full', format: 'rawvideo', video_params: { codec: 'rawvideo' } };
  assert.match((await failure(options, feed)).message, /Cannot write to \/dev\/full: No space left on device/);
});

test('a codec that the container cannot carry', async () => {
  const error = await failure({ output_path: out('x.webm'), video_params: x264 }, pictures());
  assert.is(error.code, OUTPUT);
  assert.match(
    error.message,
    /Cannot write the header of .*x\.webm: Invalid argument\. Can the format 'webm' carry h264/,
  );
});

test('more than one picture into one picture file', async () => {
  const error = await failure({ output_path: out('one.jpg') }, pictures());
  assert.is(error.code, OUTPUT);
  assert.match(error.message, /For more than one picture: a pattern such as out%03d\.png/);
});

test('a size that the encoder cannot take', async () => {
  const error = await failure(
    { output_path: out('x.mp4'), video_params: { ...x264, width: 101, height: 77 } },
    pictures(),
  );
  assert.is(error.code, OPTION);
  assert.match(
    error.message,
    /Cannot open encoder libx264: .*Look at video_params: the size 101x77 is odd, and yuv420p .* scale\(102, 78\)/,
  );
});

const payloads: [what: string, input: number, packets: () => Packet[], message: RegExp][] = [
  [
    'sound on the input for pictures',
    0,
    () => generate('sine=duration=0.1', 'audio'),
    /Encoder input 0 \(video\) received an AudioFrame\..*Sound belongs to input 1/,
  ],
  [
    'pictures on the input for sound',
    1,
    () => generate('testsrc2=duration=0.1'),
    /Encoder input 1 \(audio\) received a VideoFrame\..*Pictures belong to input 0/,
  ],
  ['a tensor', 0, () => [new Packet(Tensor.from(new Float32Array(4), [2, 2]))], /received a Tensor/],
  ['text', 0, () => [new Packet('text')], /received a string/],
  ['nothing', 0, () => [new Packet(undefined)], /received a packet without payload/],
];
for (const [what, input, packets, message] of payloads) {
  test(`a payload it cannot use: ${what}`, async () => {
    const error = await failure({ output_path: out('x.mp4') }, feedOf(packets(), input));
    assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
    assert.match(error.message, message);
  });
}

test('a failure on one input still leaves a playable file of what was written', async () => {
  const wrong = new Packet('text');
  const error = await failure({ output_path: out('half.mkv'), video_params: x264 }, [
    ...pictures(),
    ...tone(),
    [0, wrong],
  ]);
  assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
  assert.is(readFileSync(out('half.mkv')).readUInt32BE(0), 0x1a45dfa3);
});

test('options of graph files: numbers as strings, 0 and 1 for booleans, numbers for vsync', async () => {
  const given = {
    output_path: out('strings.mp4'),
    adjust_pts: '1',
    push_output: '0',
    vframes: '10',
    video_params: { codec: 'h264', crf: '23', threads: '1', width: '80', height: '60', r: '25', vsync: '1', psnr: 0 },
  };
  const { meter } = await encode(given, pictures());
  assert.is(meter.frames, 10);
});

test('the schema is the module’s', () => {
  assert.is(typeof FFmpegEncoder.schema['~standard'].validate, 'function');
});
test.run();
