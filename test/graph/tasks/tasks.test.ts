/** The short functions: pictures, sheets, GIF, parts, joined files, sound, waveforms. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  concat,
  encode,
  extractAudio,
  Graph,
  gif,
  type MediaStream,
  probeSync,
  Runtime,
  sprite,
  type TaskOptions,
  thumbnails,
  trim,
  waveform,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../../kit/rejection.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-tasks-'));
const at = (name: string): string => join(folder, name);
/** Where threads are not the point. */
const shared: TaskOptions = { threads: 0 };

/** Two seconds of pictures that get lighter by the second, with key frames every half; and a tone that gets louder. */
const clip = at('clip.mkv');
const maker = new Graph({ threads: 0 });
const picture = maker
  .filter('color', { c: 'black', size: '64x48', rate: 10, duration: 2 })
  .filter('geq', { lum: '40+80*floor(T)', cb: 128, cr: 128 });
const tone = maker.filter('aevalsrc', 'sin(2*PI*440*t)*t/2', { s: 8000, d: 2 });
encode(
  { video: picture, audio: [tone, tone] },
  {
    output_path: clip,
    video_params: { codec: 'mpeg4', g: 5 },
    audio_params: { codec: 'pcm_s16le' },
    metadata: { title: 'Lighter' },
    chapters: [{ start: 0.5, end: 2, title: 'Later' }],
    streams: { audio: [{ language: 'eng' }, { language: 'deu' }] },
  },
);
const mute = maker.filter('color', { c: 'white', size: '32x32', rate: 10, duration: 0.5 });
encode(mute, null, { output_path: at('mute.mkv'), video_params: { codec: 'mpeg4' } });
await maker.run();

const test = suite('tasks');
const info = (name: string) => probeSync(at(name));
const rounded = (times: readonly number[]): number[] => times.map((time) => Number(time.toFixed(3)));
const facts = ({ kind, codec, width, height }: MediaStream) => [kind, codec, ...(width ? [width, height] : [])];

test('thumbnails are JPEGs in memory, of the first picture at or after each time', async () => {
  const progress: number[] = [];
  const { thumbnails: list, report } = await thumbnails(clip, {
    ...shared,
    every: 0.5,
    width: 32,
    onProgress: ({ frames }) => progress.push(frames),
  });
  assert.equal(rounded(list.map(({ time }) => time)), [0, 0.5, 1, 1.5]);
  for (const { data, width, height } of list) {
    assert.equal([...data.subarray(0, 3)], [0xff, 0xd8, 0xff]);
    assert.equal([width, height], [32, 24]);
  }
  assert.equal(report.warnings, []);
  assert.ok(progress.length > 0);
});

test('thumbnails are written to files, and a time without a picture is told', async () => {
  const { thumbnails: list, report } = await thumbnails(clip, {
    ...shared,
    at: [1.95, 0.05, 7],
    output: at('at-%02d.png'),
  });
  assert.equal(rounded(list.map(({ time }) => time)), [0.1]);
  assert.equal(
    list.map(({ path }) => path),
    [at('at-01.png')],
  );
  assert.match(report.warnings.join(), /has pictures for 1 of 3 times/);
  assert.equal(info('at-01.png').streams.map(facts), [['video', 'png', 64, 48]]);
});

test('bytes in memory and sources are inputs as well; a source is closed once, at the end', async () => {
  const bytes = readFileSync(clip);
  let closed = 0;
  const source = {
    size: bytes.length,
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
    close: () => {
      closed++;
    },
  };
  const [ofBytes, ofSource] = [
    await thumbnails(bytes, { ...shared, at: 1 }),
    await thumbnails(source, { ...shared, at: 1 }),
  ];
  const [picture] = ofBytes.thumbnails;
  assert.equal(rounded([picture!.time]), [1]);
  assert.equal([...ofSource.thumbnails[0]!.data], [...picture!.data]);
  assert.is(closed, 1);
});

test('far apart, the input is entered at each time', async () => {
  // Half a picture a second would be missed by that, so that all are decoded; these are not.
  const long = new Graph({ threads: 0 });
  const frames = long.filter('color', { c: 'gray', size: '32x32', rate: 4, duration: 20 });
  encode(frames, null, { output_path: at('long.mkv'), video_params: { codec: 'mpeg4', g: 4 } });
  encode(frames, null, { output_path: at('long.ts'), video_params: { preset: 'ultrafast', g: 40 } });
  await long.run();
  const { thumbnails: list, report } = await thumbnails(at('long.mkv'), { ...shared, count: 3, quality: 20 });
  assert.equal(rounded(list.map(({ time }) => time)), [3.5, 10, 16.75]);
  const decoded = report.nodes[0]!.frames;
  assert.ok(decoded < 40, `${decoded} of 80 pictures decoded`);
  // Without an index the input would be entered between two key frames.
  const all = await thumbnails(at('long.ts'), { ...shared, at: [0, 6.25, 13.25] });
  assert.equal(rounded(all.thumbnails.map(({ time }) => time)), [0, 6.25, 13.25]);
});

test('a sprite is sheets of small pictures, and a WebVTT file that says where each is', async () => {
  const { sheets, cues, vtt } = await sprite(clip, {
    ...shared,
    every: 0.4,
    width: 32,
    columns: 2,
    rows: 2,
    output: at('sheet-%d.jpg'),
    vtt: at('sheets.vtt'),
  });
  assert.equal(
    sheets.map(({ width, height, path }) => [width, height, path]),
    [
      [64, 48, at('sheet-1.jpg')],
      [64, 48, at('sheet-2.jpg')],
    ],
  );
  assert.equal(
    cues.map(({ sheet, x, y }) => [sheet, x, y]),
    [
      [0, 0, 0],
      [0, 32, 0],
      [0, 0, 24],
      [0, 32, 24],
      [1, 0, 0],
    ],
  );
  assert.is(readFileSync(at('sheets.vtt'), 'utf8'), vtt);
  assert.match(vtt, /^WEBVTT\n\n00:00:00\.000 --> 00:00:00\.400\nsheet-1\.jpg#xywh=0,0,32,24\n\n/);
  assert.match(vtt, /00:00:01\.600 --> 00:00:02\.\d+\nsheet-2\.jpg#xywh=0,0,32,24\n$/);
});

test('a GIF of a part, so many times a second', async () => {
  const { path } = await gif(clip, {
    ...shared,
    start: '0:00.5',
    duration: 1,
    width: 32,
    fps: 5,
    plays: 2,
    output: at('a.gif'),
  });
  assert.is(path, at('a.gif'));
  const [stream] = info('a.gif').streams;
  assert.equal(facts(stream!), ['video', 'gif', 32, 24]);
  assert.is(stream!.frames, 5);
  // Played twice: repeated once.
  assert.ok(readFileSync(path).includes(Buffer.from('NETSCAPE2.0\x03\x01\x01\x00\x00', 'latin1')));
});

test('a GIF of less than one picture is one picture', async () => {
  await gif(clip, { ...shared, duration: 0.1, fps: 1, output: at('short.gif') });
  const [stream] = info('short.gif').streams;
  assert.is(stream!.frames, 1);
  assert.equal(facts(stream!), ['video', 'gif', 64, 48], 'small pictures are not made larger');
});

test('a part is encoded to the frame, or copied from a key frame on, with all that the file has', async () => {
  await trim(clip, {
    ...shared,
    start: 0.7,
    end: 1.3,
    output: at('part.mkv'),
    encode: { video_params: { codec: 'ffv1' } },
  });
  const part = info('part.mkv');
  assert.equal(
    part.streams.map(({ kind, language }) => [kind, language]),
    [
      ['video', undefined],
      ['audio', 'eng'],
      ['audio', 'deu'],
    ],
  );
  assert.is(part.format.tags.title, 'Lighter');
  assert.ok(Math.abs(part.format.duration! - 0.6) < 0.15, `${part.format.duration} s`);
  assert.is(part.format.chapters![0]!.tags.title, 'Later');
  await trim(clip, { ...shared, start: 0.7, duration: 0.6, copy: true, output: at('copy.mkv') });
  assert.equal(info('copy.mkv').streams.map(facts), info('clip.mkv').streams.map(facts));
  const { report } = await trim(clip, { ...shared, end: 0.5, copy: true, output: at('one.wav') });
  assert.equal(info('one.wav').streams.map(facts), [['audio', 'pcm_s16le']]);
  assert.match(
    report.warnings.join('\n'),
    /stream 2 of \S+ \(audio, pcm_s16le\) is left out: 'wav' holds one stream of audio/,
  );
});

test('files of any size are joined; where one lacks sound there is silence, and chapters come along', async () => {
  const { report } = await concat([at('mute.mkv'), clip], {
    ...shared,
    output: at('joined.mkv'),
    width: 48,
    encode: { video_params: { codec: 'mpeg4' }, audio_params: { codec: 'pcm_s16le' } },
  });
  assert.ok(report.frames > 0);
  assert.match(
    report.warnings.join(),
    /^1 of 2 audio streams of \S+clip\.mkv left out: one video and one audio of each/,
  );
  const { streams, format } = info('joined.mkv');
  assert.equal(streams.map(facts), [
    ['video', 'mpeg4', 48, 48],
    ['audio', 'pcm_s16le'],
  ]);
  assert.ok(Math.abs(format.duration! - 2.5) < 0.15, `${format.duration} s`);
  const [chapter] = format.chapters!;
  assert.equal([chapter!.tags.title, Number(chapter!.start.toFixed(1))], ['Later', 1]);
  const { peaks } = await waveform(at('joined.mkv'), { ...shared, points: 5 });
  assert.equal(peaks.data.slice(0, 2), [0, 0]);
});

test('the sound of a file: copied where its format is made for it, else encoded; the track that is asked for', async () => {
  const copied = await extractAudio(clip, { ...shared, output: at('sound.wav') });
  assert.equal(info('sound.wav').streams.map(facts), [['audio', 'pcm_s16le']]);
  assert.is(copied.report.nodes[0]!.frames, 0);
  assert.match(
    copied.report.warnings.join(),
    /^1 of 2 audio streams of \S+clip\.mkv left out: `track` chooses another/,
  );
  await extractAudio(clip, { ...shared, output: at('sound.mka'), track: 'deu', codec: 'flac', start: 1 });
  const { streams, format } = info('sound.mka');
  assert.equal([streams[0]!.codec, streams[0]!.language], ['flac', 'deu']);
  assert.ok(Math.abs(format.duration! - 1) < 0.05);
  const error = await rejection(extractAudio(clip, { ...shared, output: at('no.wav'), track: 'fra' }));
  assert.match(error.message, /has no audio track fra. It has 0 \(eng\), 1 \(deu\)/);
});

test('the cover of a sound comes along where the format has a place for one, else it is told', async () => {
  const graph = new Graph({ threads: 0 });
  const picture = graph.filter('color', { c: 'red', size: '16x16', duration: 0.04 });
  const streams = { video: [{ disposition: 'attached_pic' }] };
  encode(picture, graph.filter('sine', { d: 1 }), {
    output_path: at('covered.m4a'),
    video_params: { codec: 'png' },
    streams,
  });
  await graph.run();
  const kept = await extractAudio(at('covered.m4a'), { ...shared, output: at('covered.flac'), start: 0.5 });
  assert.equal(info('covered.flac').streams.map(facts), [
    ['audio', 'flac'],
    ['video', 'png', 16, 16],
  ]);
  assert.equal(kept.report.warnings, []);
  const lost = await extractAudio(at('covered.m4a'), { ...shared, output: at('covered.wav') });
  assert.match(lost.report.warnings.join(), /^1 cover of \S+covered\.m4a left out: 'wav' has no place for covers/);
});

test('a waveform is peaks as numbers, and a picture of them', async () => {
  const { peaks, picture } = await waveform(clip, { ...shared, points: 4, width: 20, height: 10 });
  assert.equal([peaks.version, peaks.channels, peaks.sample_rate, peaks.length], [2, 1, 8000, 4]);
  assert.is(peaks.samples_per_pixel, 4000);
  const highs = peaks.data.filter((_, n) => n % 2 === 1);
  assert.equal(
    highs,
    [...highs].sort((a, b) => a - b),
  );
  assert.ok(highs[3]! > 110 && highs[3]! <= 127 && highs[0]! < 40, highs.join());
  assert.equal([...picture.subarray(1, 4)].map((code) => String.fromCharCode(code)).join(''), 'PNG');
  const exact = await waveform(clip, {
    ...shared,
    samplesPerPoint: 1000,
    bits: 16,
    channels: 'split',
    output: [at('wave.png'), at('wave.json')],
  });
  assert.is(exact.peaks.length, 16);
  assert.ok(exact.peaks.data.at(-1)! > 30_000);
  assert.equal(JSON.parse(readFileSync(at('wave.json'), 'utf8')), exact.peaks);
  assert.equal(info('wave.png').streams.map(facts), [['video', 'png', 1800, 280]]);
});

const wrong: readonly (readonly [name: string, call: () => Promise<unknown>, code: string, says: RegExp])[] = [
  ['no times', () => thumbnails(clip, {}), 'CONFIG', /nothing says which pictures/],
  ['two kinds of times', () => thumbnails(clip, { every: 1, count: 2 }), 'CONFIG', /every and count says which/],
  ['a misspelt option', () => thumbnails(clip, { evry: 1 } as never), 'CONFIG', /evry.*every/s],
  [
    'one name for several',
    () => thumbnails(clip, { ...shared, every: 1, output: at('x.png') }),
    'CONFIG',
    /x-%03d\.png/,
  ],
  ['quality of PNG', () => thumbnails(clip, { at: 0, format: 'png', quality: 5 }), 'CONFIG', /no effect on PNG/],
  [
    'no video',
    () => thumbnails(at('sound.wav'), { ...shared, at: 0 }),
    'INPUT',
    /has no video, but audio \(pcm_s16le\)/,
  ],
  ['no sound', () => waveform(at('mute.mkv'), shared), 'INPUT', /has no audio, but video/],
  ['no file', () => gif(at('nowhere.mp4'), { ...shared, output: at('x.gif') }), 'INPUT', /nowhere\.mp4/],
  [
    'no folder',
    () => thumbnails(clip, { ...shared, at: 0, output: at('no/x.jpg') }),
    'OUTPUT',
    /Cannot write .*no such file/,
  ],
  ['an end before the start', () => trim(clip, { start: 2, end: 1, output: at('x.mkv') }), 'CONFIG', /must be later/],
  ['two ends', () => trim(clip, { duration: 2, end: 1, output: at('x.mkv') }), 'CONFIG', /end and duration both/],
  ['other outputs', () => waveform(clip, { output: at('x.jpg') }), 'CONFIG', /neither \*\.png nor \*\.json/],
  ['both lengths', () => waveform(clip, { points: 1, samplesPerPoint: 2 }), 'CONFIG', /contradict/],
  ['a colour', () => waveform(clip, { color: 'red' }), 'CONFIG', /color.*#2f6fdf/s],
  ['what is no input', () => thumbnails(7 as never, { at: 0 }), 'CONFIG', /thumbnails cannot read 7/],
];
for (const [name, call, code, says] of wrong) {
  test(`refuses ${name}`, async () => {
    const error = await rejection(call());
    assert.is((error as { code?: string }).code, `ERR_MILLRACE_${code}`);
    assert.match(
      [error.message, ...((error as { problems?: { path: string }[] }).problems ?? []).map(({ path }) => path)].join(
        '\n',
      ),
      says,
    );
  });
}

test('each can be aborted', async () => {
  const signal = AbortSignal.abort();
  const calls = [
    thumbnails(clip, { ...shared, signal, every: 1 }),
    sprite(clip, { ...shared, signal, every: 1 }),
    gif(clip, { ...shared, signal, output: at('never.gif') }),
    trim(clip, { ...shared, signal, output: at('never.mkv') }),
    concat([clip, clip], { ...shared, signal, output: at('never.mkv') }),
    extractAudio(clip, { ...shared, signal, output: at('never.wav') }),
    waveform(clip, { ...shared, signal }),
  ];
  for (const call of calls) assert.is(((await rejection(call)) as { code?: string }).code, 'ERR_MILLRACE_ABORTED');
  assert.equal(
    readdirSync(folder).filter((name) => name.startsWith('never')),
    [],
  );
  // While the input is read.
  const abort = new AbortController();
  const runtime = new Runtime({ threads: 1 });
  const bytes = readFileSync(clip);
  const source = {
    size: bytes.byteLength,
    async read(offset: number, length: number) {
      abort.abort();
      return bytes.subarray(offset, offset + length);
    },
  };
  const running = thumbnails(source, { runtime, signal: abort.signal, every: 0.1 });
  assert.is(((await rejection(running)) as { code?: string }).code, 'ERR_MILLRACE_ABORTED');
  await runtime.close();
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();
