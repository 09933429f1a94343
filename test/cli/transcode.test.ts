import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MediaStream, probeSync } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contents, makeClip, millrace, millraceEach, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clip = await makeClip(at('clip.mp4'));

/** Where the encoder is not the subject. */
const FAST = ['--preset', 'ultrafast'];

const silent = await makeClip(at('silent.mp4'), { audio: false });
const blind = await makeClip(at('blind.m4a'), { video: false });

/** What is not about the process of the command runs in one; each file is named as its command is here. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'json.mp4': [clip, '--json', '--threads', '2', ...FAST],
  'quiet.mp4': [clip, '--quiet', ...FAST],
  'threads-0.mkv': [clip, '--vcodec', 'ffv1', '--threads', '0', '--no-audio'],
  'threads-1.mkv': [clip, '--vcodec', 'ffv1', '--threads', '1', '--no-audio'],
  'threads-auto.mkv': [clip, '--vcodec', 'ffv1', '--threads', 'auto', '--no-audio'],
  'silent-out.mp4': [silent, ...FAST],
  'blind-out.mp4': [blind],
  'no-video.mp4': [clip, '--no-video'],
  'no-audio.mp4': [clip, '--no-audio', ...FAST],
  'sound.wav': [clip],
  'cut.mp4': [clip, '--start', '0.4', '--end', '0:01.2', ...FAST],
  'copy.mkv': [clip, '--vcodec', 'copy', '--acodec', 'copy'],
  'rate.mkv': [clip, '--bitrate', '100k', '--acodec', 'pcm_s16le', ...FAST],
};
let made: Promise<Result[]> | undefined;

async function resultOf(file: string): Promise<Result> {
  const commands = Object.entries(COMMANDS);
  made ??= millraceEach(
    commands.map(([output, [input, ...flags]]) => ['transcode', input!, at(output), ...flags]),
    { limit: 60_000 },
  );
  return (await made)[commands.findIndex(([output]) => output === file)]!;
}

const test = suite('millrace transcode');

test('decodes, scales and encodes; says what it did in one line', async () => {
  const { code, stdout, stderr } = await millrace([
    ...['transcode', clip, at('small.mp4'), '--scale', '160x90', '--preset', 'ultrafast', '--crf', '30'],
  ]);
  assert.is(code, 0);
  assert.is(stderr, '');
  assert.match(stdout, /^\S+small\.mp4: 50 frames, \S+ [kM]B, \S+ s, \d+ fps, speed \S+x, \d threads?\n$/);
  const { frames, width, height, samples } = await contents(at('small.mp4'));
  assert.equal([frames, width, height], [50, 160, 90]);
  assert.ok(Math.abs(samples - 96_000) <= 2048, `${samples} samples`);
});

test('everything that the format can hold goes along, and what cannot is named', async () => {
  const everything = fileURLToPath(new URL('../fixtures/media/everything.mkv', import.meta.url));
  const source = probeSync(everything);
  const whole = await millrace(['transcode', everything, at('whole.mkv'), '--threads', '0', ...FAST]);
  assert.equal([whole.code, whole.stderr], [0, '']);
  const { format, streams } = probeSync(at('whole.mkv'));
  const kept = ({ kind, language, title }: MediaStream) => ({ kind, language, title });
  assert.equal(streams.map(kept), source.streams.map(kept));
  assert.is(format.tags.title, source.format.tags.title);
  assert.equal(
    format.chapters!.map(({ tags }) => tags),
    source.format.chapters!.map(({ tags }) => tags),
  );
  const less = await millrace(['transcode', everything, at('less.mp4'), '--threads', '0', '--vcodec', 'copy']);
  assert.is(less.code, 0);
  assert.equal(
    probeSync(at('less.mp4')).streams.map(({ kind }) => kind),
    ['video', 'audio', 'audio', 'subtitle'],
  );
  assert.is(probeSync(at('less.mp4')).streams[3]!.codec, 'mov_text');
  assert.match(less.stderr, /stream 4 of \S+ \(attachment, \w+\) is left out: 'mp4' holds no attachments/);
});

test('--trace writes what the threads did, and overwrites neither input nor output', async () => {
  const trace = at('trace.json');
  const { code, stderr } = await millrace(['transcode', clip, at('traced.mp4'), '--trace', trace, '--quiet', ...FAST]);
  assert.equal([code, stderr], [0, '']);
  const events = JSON.parse(readFileSync(trace, 'utf8')) as { ph: string; name: string }[];
  assert.ok(events.some(({ ph, name }) => ph === 'X' && name.startsWith('c_ffmpeg_encoder')));
  const files = [clip, at('traced.mp4')];
  const before = files.map((file) => readFileSync(file));
  const refused = await millraceEach(files.map((file) => ['transcode', clip, at('traced.mp4'), '--trace', file]));
  for (const [n, file] of files.entries()) {
    assert.is(refused[n]!.code, 2);
    assert.ok(readFileSync(file).equals(before[n]!));
  }
});

test('--json prints the report and nothing else', async () => {
  const { code, stdout, stderr } = await resultOf('json.mp4');
  assert.is(code, 0);
  assert.is(stderr, '');
  assert.is(stdout.trimEnd().split('\n').length, 1);
  const report = JSON.parse(stdout);
  assert.is(report.ok, true);
  assert.equal([report.frames, report.threads, report.stopped, report.leaked], [50, 2, false, {}]);
  assert.equal(report.warnings, []);
  assert.equal(
    report.nodes.map((node: { module: string }) => node.module),
    ['c_ffmpeg_decoder', 'c_ffmpeg_encoder'],
  );
  assert.is(report.bytes, readFileSync(at('json.mp4')).length);
  for (const node of report.nodes) assert.is(node.state, 'closed');
});

test('--quiet prints nothing', async () => {
  const { code, stdout, stderr } = await resultOf('quiet.mp4');
  assert.is(code, 0);
  assert.is(stdout + stderr, '');
});

test('an input that is over before a thread would have started gets none, unless threads are asked for', async () => {
  const frame = fileURLToPath(new URL('../fixtures/media/one-frame.mp4', import.meta.url));
  const threadsOf = async (args: string[], env = {}): Promise<number> => {
    const { stdout } = await millrace(['transcode', frame, at('one.mp4'), '--json', ...FAST, ...args], { env });
    return (JSON.parse(stdout) as { threads: number }).threads;
  };
  assert.is(await threadsOf([]), 0);
  assert.ok((await threadsOf(['--threads', 'auto'])) > 0);
  assert.is(await threadsOf([], { MILLRACE_THREADS: '1' }), 1);
});

test('makes the same pictures on any number of threads', async () => {
  const found: string[][] = [];
  for (const threads of ['0', '1', 'auto']) {
    const output = `threads-${threads}.mkv`;
    assert.is((await resultOf(output)).code, 0);
    found.push((await contents(at(output))).pictures.map(String));
  }
  assert.is(found[0]!.length, 50);
  assert.equal(found[1], found[0]);
  assert.equal(found[2], found[0]);
});

test('an input without sound, and one without pictures', async () => {
  assert.is((await resultOf('silent-out.mp4')).code, 0);
  assert.is((await resultOf('blind-out.mp4')).code, 0);
  const [picture, sound] = [await contents(at('silent-out.mp4')), await contents(at('blind-out.mp4'))];
  assert.equal([picture.frames, picture.samples], [50, 0]);
  assert.is(sound.frames, 0);
  assert.ok(sound.samples > 90_000);
});

test('--no-video and --no-audio leave a stream out', async () => {
  assert.is((await resultOf('no-video.mp4')).code, 0);
  assert.is((await resultOf('no-audio.mp4')).code, 0);
  const [sound, picture] = [await contents(at('no-video.mp4')), await contents(at('no-audio.mp4'))];
  assert.is(sound.frames, 0);
  assert.ok(sound.samples > 90_000);
  assert.equal([picture.frames, picture.samples], [50, 0]);
});

test('a container for sound alone takes the sound, with the codec it is made for', async () => {
  assert.is((await resultOf('sound.wav')).code, 0);
  const info = JSON.parse((await millrace(['inspect', at('sound.wav'), '--json'])).stdout);
  assert.equal(
    info.streams.map((stream: { codec: string }) => stream.codec),
    ['pcm_s16le'],
  );
});

test('--start and --end cut', async () => {
  const { code } = await resultOf('cut.mp4');
  assert.is(code, 0);
  assert.is((await contents(at('cut.mp4'))).frames, 20);
});

test('copies streams without encoding them', async () => {
  const { code } = await resultOf('copy.mkv');
  assert.is(code, 0);
  const [before, after] = [await contents(clip), await contents(at('copy.mkv'))];
  assert.equal(after.pictures, before.pictures);
});

test('--bitrate and --acodec reach the encoders', async () => {
  assert.is((await resultOf('rate.mkv')).code, 0);
  const rate = (8 * readFileSync(at('rate.mkv')).length) / 2 - 48_000 * 16;
  assert.ok(rate < 300_000, `${rate} bits per second of video`);
  const info = JSON.parse((await millrace(['inspect', at('rate.mkv'), '--json'])).stdout);
  assert.is(info.streams[1].codec, 'pcm_s16le');
});

test.run();
