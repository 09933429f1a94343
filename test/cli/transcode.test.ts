import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MediaStream, probeSync } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long } from '../kit/long.js';
import { contents, makeClip, millrace, millraceEach, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
/** Of 20 pictures. */
const BRIEF = { seconds: 0.8, size: '96x54' };
const clip = await makeClip(at('clip.mp4'), BRIEF);

/** Where the encoder is not the subject. */
const FAST = ['--preset', 'ultrafast'];

const silent = await makeClip(at('silent.mp4'), { ...BRIEF, audio: false });
const blind = await makeClip(at('blind.m4a'), { ...BRIEF, video: false });

const everything = fileURLToPath(new URL('../fixtures/media/everything.mkv', import.meta.url));
const frame = fileURLToPath(new URL('../fixtures/media/one-frame.mp4', import.meta.url));

/** What is not about the process of the command runs in one; each file is named as its command is here. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'whole.mkv': [everything, '--threads', '0', ...FAST],
  'less.mp4': [everything, '--threads', '0', '--vcodec', 'copy'],
  'film.srt': [everything, '--threads', '0', '--quiet'],
  'one.mp4': [frame, '--json', ...FAST],
  'one-auto.mp4': [frame, '--json', '--threads', 'auto', ...FAST],
  'one-thread.mp4': [frame, '--json', ...FAST],
  'json.mp4': [clip, '--json', '--threads', '2', '--trace', at('trace.json'), ...FAST],
  'quiet.mp4': [clip, '--quiet', '--threads', '0', ...FAST],
  'threads-0.mkv': [clip, '--vcodec', 'ffv1', '--threads', '0', '--no-audio'],
  ...(long && { 'threads-1.mkv': [clip, '--vcodec', 'ffv1', '--threads', '1', '--no-audio'] }),
  'threads-auto.mkv': [clip, '--vcodec', 'ffv1', '--threads', 'auto', '--no-audio'],
  'silent-out.mp4': [silent, ...FAST],
  'blind-out.mp4': [blind],
  'no-video.mp4': [clip, '--no-video'],
  'no-audio.mp4': [clip, '--no-audio', ...FAST],
  'sound.wav': [clip],
  'cut.mp4': [clip, '--start', '0.2', '--end', '0:00.6', ...FAST],
  'copy.mkv': [clip, '--vcodec', 'copy', '--acodec', 'copy'],
  'rate.mkv': [clip, '--scale', '320x180', '--bitrate', '100k', '--acodec', 'pcm_s16le', ...FAST],
};
/** Before its command, as in a shell. */
const ENVIRONMENT: Readonly<Record<string, string>> = { 'one-thread.mp4': 'MILLRACE_THREADS=1' };
/** What is refused, and leaves the files that it names as they are: an input and an output that is there. */
const TRACED = [clip, at('kept.mp4')];
copyFileSync(clip, at('kept.mp4'));
const bytes = readFileSync(clip);
const REFUSED = TRACED.map((file) => ['transcode', clip, at('kept.mp4'), '--trace', file]);
/** Of what has been written. */
const INSPECTED = ['sound.wav', 'rate.mkv'].map((file) => ['inspect', at(file), '--json']);
let made: Promise<Result[]> | undefined;

async function results(): Promise<Result[]> {
  const commands = Object.entries(COMMANDS).map(([output, [input, ...flags]]) => {
    const environment = ENVIRONMENT[output];
    return [...(environment === undefined ? [] : [environment]), 'transcode', input!, at(output), ...flags];
  });
  made ??= millraceEach([...commands, ...REFUSED, ...INSPECTED], { limit: 60_000 });
  return made;
}

async function resultOf(file: string): Promise<Result> {
  return (await results())[Object.keys(COMMANDS).indexOf(file)]!;
}

/** What `inspect` says of a file that was written. */
async function inspected(file: string): Promise<{ streams: { codec: string }[] }> {
  const n = INSPECTED.findIndex(([, path]) => path === at(file));
  return JSON.parse((await results())[Object.keys(COMMANDS).length + REFUSED.length + n]!.stdout);
}

const test = suite('millrace transcode');

test('decodes, scales and encodes; says what it did in one line', async () => {
  const { code, stdout, stderr } = await millrace([
    ...['transcode', clip, at('small.mp4'), '--scale', '160x90', '--preset', 'ultrafast', '--crf', '30'],
    ...['--threads', '1'],
  ]);
  assert.is(code, 0);
  assert.is(stderr, '');
  assert.match(stdout, /^\S+small\.mp4: 20 frames, \S+ [kM]B, \S+ s, \d+ fps, speed \S+x, \d threads?\n$/);
  const { frames, width, height, samples } = await contents(at('small.mp4'));
  assert.equal([frames, width, height], [20, 160, 90]);
  assert.ok(Math.abs(samples - 38_400) <= 2048, `${samples} samples`);
});

test('everything that the format can hold goes along, and what cannot is named', async () => {
  const source = probeSync(everything);
  const whole = await resultOf('whole.mkv');
  assert.equal([whole.code, whole.stderr], [0, '']);
  const { format, streams } = probeSync(at('whole.mkv'));
  const kept = ({ kind, language, title }: MediaStream) => ({ kind, language, title });
  assert.equal(streams.map(kept), source.streams.map(kept));
  assert.is(format.tags.title, source.format.tags.title);
  assert.equal(
    format.chapters!.map(({ tags }) => tags),
    source.format.chapters!.map(({ tags }) => tags),
  );
  const less = await resultOf('less.mp4');
  assert.is(less.code, 0);
  assert.equal(
    probeSync(at('less.mp4')).streams.map(({ kind }) => kind),
    ['video', 'audio', 'audio', 'subtitle'],
  );
  assert.is(probeSync(at('less.mp4')).streams[3]!.codec, 'mov_text');
  assert.match(less.stderr, /stream 4 of \S+ \(attachment, \w+\) is left out: 'mp4' holds no attachments/);
});

test('a file of subtitles is written from a film', async () => {
  const { code, stderr } = await resultOf('film.srt');
  assert.equal([code, stderr], [0, '']);
  assert.match(readFileSync(at('film.srt'), 'utf8'), /^1\n00:00:\d\d,\d{3} --> /);
});

test('--trace writes what the threads did, and overwrites neither input nor output', async () => {
  const { code, stderr } = await resultOf('json.mp4');
  assert.equal([code, stderr], [0, '']);
  const events = JSON.parse(readFileSync(at('trace.json'), 'utf8')) as { ph: string; name: string }[];
  assert.ok(events.some(({ ph, name }) => ph === 'X' && name.startsWith('c_ffmpeg_encoder')));
  const refused = (await results()).slice(Object.keys(COMMANDS).length).slice(0, REFUSED.length);
  for (const [n, file] of TRACED.entries()) {
    assert.is(refused[n]!.code, 2);
    assert.ok(readFileSync(file).equals(bytes), file);
  }
});

test('--json prints the report and nothing else', async () => {
  const { code, stdout, stderr } = await resultOf('json.mp4');
  assert.is(code, 0);
  assert.is(stderr, '');
  assert.is(stdout.trimEnd().split('\n').length, 1);
  const report = JSON.parse(stdout);
  assert.is(report.ok, true);
  assert.equal([report.frames, report.threads, report.stopped, report.leaked], [20, 2, false, {}]);
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
  const threadsOf = async (file: string): Promise<number> => {
    return (JSON.parse((await resultOf(file)).stdout) as { threads: number }).threads;
  };
  assert.is(await threadsOf('one.mp4'), 0);
  assert.ok((await threadsOf('one-auto.mp4')) > 0);
  assert.is(await threadsOf('one-thread.mp4'), 1);
});

test('makes the same pictures on any number of threads', async () => {
  const found: string[][] = [];
  for (const threads of long ? ['0', 'auto', '1'] : ['0', 'auto']) {
    const output = `threads-${threads}.mkv`;
    assert.is((await resultOf(output)).code, 0);
    found.push((await contents(at(output))).pictures.map(String));
  }
  assert.is(found[0]!.length, 20);
  for (const pictures of found) assert.equal(pictures, found[0]);
});

test('an input without sound, and one without pictures', async () => {
  assert.is((await resultOf('silent-out.mp4')).code, 0);
  assert.is((await resultOf('blind-out.mp4')).code, 0);
  const [picture, sound] = [await contents(at('silent-out.mp4')), await contents(at('blind-out.mp4'))];
  assert.equal([picture.frames, picture.samples], [20, 0]);
  assert.is(sound.frames, 0);
  assert.ok(sound.samples > 36_000);
});

test('--no-video and --no-audio leave a stream out', async () => {
  assert.is((await resultOf('no-video.mp4')).code, 0);
  assert.is((await resultOf('no-audio.mp4')).code, 0);
  const [sound, picture] = [await contents(at('no-video.mp4')), await contents(at('no-audio.mp4'))];
  assert.is(sound.frames, 0);
  assert.ok(sound.samples > 36_000);
  assert.equal([picture.frames, picture.samples], [20, 0]);
});

test('a container for sound alone takes the sound, with the codec it is made for', async () => {
  assert.is((await resultOf('sound.wav')).code, 0);
  assert.equal(
    (await inspected('sound.wav')).streams.map(({ codec }) => codec),
    ['pcm_s16le'],
  );
});

test('--start and --end cut', async () => {
  const { code } = await resultOf('cut.mp4');
  assert.is(code, 0);
  assert.is((await contents(at('cut.mp4'))).frames, 10);
});

test('copies streams without encoding them', async () => {
  const { code } = await resultOf('copy.mkv');
  assert.is(code, 0);
  const [before, after] = [await contents(clip), await contents(at('copy.mkv'))];
  assert.equal(after.pictures, before.pictures);
});

test('--bitrate and --acodec reach the encoders', async () => {
  assert.is((await resultOf('rate.mkv')).code, 0);
  const rate = (8 * readFileSync(at('rate.mkv')).length) / 0.8 - 48_000 * 16;
  assert.ok(rate < 300_000, `${rate} bits per second of video`);
  assert.is((await inspected('rate.mkv')).streams[1]!.codec, 'pcm_s16le');
});

test.run();
