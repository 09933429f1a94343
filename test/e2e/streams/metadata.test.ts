/** What files say beside their pictures and sound, kept, changed and left out: docs/streams.md. */
import { createReadStream, readFileSync } from 'node:fs';
import { type EncoderOptions, encode, Graph, type MediaInfo, Packet, probe } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { media, quickAac, run, scratch } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const test = suite('metadata');
const path = scratch();
const graphOn = await sharedThreads(2);
const EVERYTHING = media('everything.mkv');

/** What sound is coded as is not the point: these are the quickest. */
const CODECS: Record<string, string> = { mka: 'pcm_s16le', mov: 'pcm_s16le', ogg: 'flac', flac: 'flac' };
const PCM = { audio_params: { codec: 'pcm_s16le' } } as const;

interface Made {
  readonly info: MediaInfo;
  readonly warnings: readonly string[];
}

/** The first second of sound with all that its file says, through a filter and into another file. */
async function made(name: string, options: EncoderOptions = {}, input = EVERYTHING, range = {}): Promise<Made> {
  const graph = new Graph({ threads: 0 });
  const source = graph.decode({ input_path: input, ...range }, { alias: 'source' });
  const codec = CODECS[name.split('.')[1]!];
  const audio_params = codec === undefined ? quickAac : { codec };
  encode(null, source.audio.volume(0.5), { output_path: path(name), audio_params, ...options });
  const { warnings } = await run(graph);
  return { info: await probe(path(name)), warnings };
}

const titles = ({ format }: MediaInfo) => format.chapters?.map(({ tags }) => tags.title);

test('tags, chapters and the language of a stream are kept when it is filtered and encoded', async () => {
  const source = await probe(EVERYTHING);
  assert.ok(source.format.chapters!.length > 1, 'the source has chapters');
  for (const name of ['kept.mka', 'kept.m4a', 'kept.mov', 'kept.ogg', 'kept.flac']) {
    const { info, warnings } = await made(name);
    const tags = { ...info.format.tags, ...info.streams[0]!.tags };
    const title = tags.title ?? tags.TITLE;
    assert.is(title, source.format.tags.title, `the title in ${name}`);
    assert.equal(titles(info), titles(source), `the chapters in ${name}`);
    const starts = (of: MediaInfo) => of.format.chapters?.map(({ start }) => Math.round(start * 1000));
    assert.equal(starts(info), starts(source), `the beginnings of the chapters in ${name}`);
    // FLAC has no languages, and MOV has numbers for some of them, by other names.
    if (!/flac|mov/.test(name)) assert.is(info.streams[0]!.language, 'deu', `the language in ${name}`);
    if (name === 'kept.mka') assert.equal(warnings, []);
  }
});

test('chapters are put into a file wherever its header is, and nothing else of it changes', async () => {
  for (const [name, movflags] of [
    ['front.mp4', 'faststart'],
    ['pieces.mp4', 'frag_keyframe+empty_moov'],
  ] as const) {
    const mux_params = { movflags };
    const chapters = [
      { start: 0, title: 'Äpfel' },
      { start: 0.25, title: 'x'.repeat(400) },
      { start: 0.5, end: 1 },
    ];
    const { info, warnings } = await made(name, { mux_params, chapters, metadata: false });
    assert.match(
      warnings.join('\n'),
      `${path(name)}: the format 'mp4' has room for 255 bytes of a title, and 1 is longer`,
    );
    assert.is(warnings.length, 1);
    assert.equal(titles(info), ['Äpfel', 'x'.repeat(255), '']);
    assert.ok(!readFileSync(path(name)).includes('millrace-chapters'));
    const without = await made(`plain-${name}`, { mux_params, chapters: false, metadata: false });
    assert.equal(without.info.format.chapters, []);
    assert.is(info.format.duration, without.info.format.duration);
    assert.equal(Object.keys(info.format.tags), Object.keys(without.info.format.tags));
  }
});

test('texts of chapters that FFmpeg does not tell to their end are named, and so are chapters without room', async () => {
  const long = 'ä'.repeat(200);
  const { info } = await made('long.mka', {
    chapters: [
      { start: 0, title: `short\n${long}` },
      { start: 0.25, title: 'short' },
      { start: 0.5, end: 1, title: long },
    ],
  });
  assert.equal(
    info.format.chapters!.map(({ cut }) => cut),
    [['title'], undefined, ['title']],
  );
  assert.equal(titles(info), [`short\n${'ä'.repeat(127)}`, 'short', 'ä'.repeat(127)]);
  const again = await made('again.mka', {}, path('long.mka'));
  assert.match(
    again.warnings.join('\n'),
    /again\.mka: 255 bytes of a line .* tells of chapter 1 \(title\), 3 \(title\)$/,
  );
  const without = await made('without.mka', { chapters: false }, path('long.mka'));
  assert.equal(without.warnings, []);
  const chapters = Array.from({ length: 256 }, (_, n) => ({ start: n / 256, end: (n + 1) / 256, title: String(n) }));
  const { info: many, warnings } = await made('many.m4a', { chapters });
  assert.is(many.format.chapters!.length, 255);
  assert.match(warnings.join('\n'), /many\.m4a: the format 'ipod' has room for 255 of 256 chapters$/);
});

test('a cut moves chapters with it', async () => {
  const range = { start_time: 0.25, end_time: 0.9 };
  const [{ info }, source] = [await made('cut.mka', {}, EVERYTHING, range), await probe(EVERYTHING)];
  const expected = source.format
    .chapters!.filter(({ start, end }) => end > 0.25 && start < 0.9)
    .map(({ start, end }) =>
      [Math.max(0, start - 0.25), Math.min(end, 0.9) - 0.25].map((time) => Math.round(time * 1000)),
    );
  assert.equal(
    info.format.chapters!.map(({ start, end }) => [start, end].map((time) => Math.round(time * 1000))),
    expected,
  );
});

test('options change it, and false leaves it out', async () => {
  const { info } = await made('changed.mka', {
    metadata: { title: 'Mine', ARTIST: '' },
    chapters: [{ start: 0.5, end: 1, title: 'B' }],
    streams: { audio: [{ language: 'ita', title: 'T', metadata: { mood: 'good' } }] },
  });
  assert.is(info.format.tags.title, 'Mine');
  assert.equal(titles(info), ['B']);
  const { language, title, tags } = info.streams[0]!;
  assert.equal([language, title, tags.MOOD], ['ita', 'T', 'good']);
  const none = (await made('none.mka', { metadata: false, chapters: false })).info;
  assert.is(none.format.tags.title, undefined);
  assert.equal(none.format.chapters, []);
  assert.is(none.streams[0]!.language, undefined);
});

test('what a format has no place for is one warning that names it', async () => {
  const { warnings } = await made('lost.ts', { audio_params: { codec: 'mp2' } });
  assert.is(warnings.length, 1);
  assert.match(
    warnings[0]!,
    /lost\.ts does not say what its source says: the format 'mpegts' has no place for the tags .*title.* and \d+ chapters/,
  );
});

test('what a file says of its own making is not lost in another one of the kind', async () => {
  for (const name of ['first.avi', 'first.mxf']) {
    const graph = new Graph({ threads: 0 });
    const metadata: Record<string, string> = name.endsWith('mxf') ? { timecode: '01:00:00:00' } : { title: 'kept' };
    const drawn = graph.filter('testsrc2', { size: '64x48', rate: 25, duration: 0.2 });
    drawn.encode({ output_path: path(name), metadata, video_params: { codec: 'mpeg2video' } });
    assert.equal((await run(graph)).warnings, [], name);
    const again = new Graph({ threads: 0 });
    const copied = again.decode({ input_path: path(name), video_codec: 'copy' });
    copied.video.encode({ output_path: path(`again-${name}`) });
    assert.equal((await run(again)).warnings, [], name);
    const [{ format: before }, { format: after }] = [await probe(path(name)), await probe(path(`again-${name}`))];
    for (const tag of Object.keys(metadata)) assert.is(after.tags[tag], before.tags[tag], `${tag} of ${name}`);
  }
});

test('a decoder that is named and is not there is told, and so are chapters of bytes', async () => {
  const { warnings, info } = await made('named.mka', { map_chapters: 'nobody' });
  assert.is(warnings.length, 1);
  assert.match(warnings[0]!, /map_chapters has no effect: no stream comes from a decoder 'nobody', but from source/);
  assert.equal(info.format.chapters, []);
  const graph = new Graph({ threads: 0 });
  const options: EncoderOptions = { push_output: 1, format: 'matroska', chapters: [{ start: 0, end: 1 }], ...PCM };
  encode(null, graph.decode({ input_path: EVERYTHING }).audio, options).module('null_sink');
  const report = await run(graph);
  assert.ok(
    report.warnings.some((text) => text.includes("'matroska' has no place for 1 chapters")),
    report.warnings.join(),
  );
});

test('of several inputs the first has the tags, unless another one is named', async () => {
  for (const [map, expected] of [
    [undefined, undefined],
    ['other', (await probe(EVERYTHING)).format.tags.title],
  ] as const) {
    const graph = new Graph({ threads: 0 });
    const first = graph.decode({ input_path: media('clip-4s.mp4'), vframes: 3 });
    const other = graph.decode({ input_path: EVERYTHING }, { alias: 'other' });
    const output_path = path('two.mkv');
    encode(first.video, other.audio, {
      output_path,
      video_params: { codec: 'mpeg4', threads: 1 },
      ...PCM,
      map_metadata: map,
    });
    await run(graph);
    const info = await probe(output_path);
    assert.is(info.format.tags.title, expected);
    assert.is(info.streams[1]!.language, 'deu');
    // They are from whichever input has some.
    assert.ok(info.format.chapters!.length > 0);
  }
});

test('bytes that are decoded say it as files do, also across threads', async () => {
  const graph = graphOn();
  const bytes = graph.inputStream('bytes');
  const { audio } = bytes.decode();
  encode(null, audio.volume(0.5), { output_path: path('bytes.mka'), ...PCM });
  await graph.start({ mode: 'push' });
  await bytes.push(new Packet(new Uint8Array(readFileSync(EVERYTHING))));
  await bytes.end();
  await graph.close();
  const [info, source] = [await probe(path('bytes.mka')), await probe(EVERYTHING)];
  assert.is(info.format.tags.title, source.format.tags.title);
  assert.equal(titles(info), titles(source));
  assert.is(info.streams[0]!.language, 'deu');
});

test('every job of a graph that serves says what its own file says', async () => {
  const graph = new Graph({ threads: 0 });
  const { audio } = graph.inputStream('file').decode();
  encode(null, audio, { output_prefix: path('jobs'), format: 'matroska', ...PCM });
  const server = await graph.serve();
  const files = [EVERYTHING, media('cover.mp3'), EVERYTHING];
  const jobs = files.map((file) => server.submit(() => createReadStream(file)));
  for (const [i, job] of jobs.entries()) {
    const result = await job;
    const [info, source] = [await probe(result.files[0]!), await probe(files[i]!)];
    assert.is(info.format.tags.title, source.format.tags.title);
    assert.equal(titles(info), titles(source));
    result.close();
  }
  await server.close();
});

test('an input that is read as the network is says it as well', async () => {
  const graph = new Graph({ threads: 0 });
  const source = graph.decode({ input_path: EVERYTHING, timeout_ms: 20_000 });
  encode({ audio: source.audios[1]!, subtitle: source.subtitles[0] }, { output_path: path('far.mka'), ...PCM });
  await run(graph);
  const [info, near] = [await probe(path('far.mka')), await probe(EVERYTHING)];
  assert.equal(titles(info), titles(near));
  assert.is(info.format.tags.title, near.format.tags.title);
  assert.equal(
    info.streams.map(({ kind, language, title }) => [kind, language, title]),
    [
      ['audio', 'eng', 'Commentary'],
      ['subtitle', 'fra', undefined],
    ],
  );
});

test.run();
