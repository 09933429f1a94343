/** `millrace transcode`: two passes, a file of a given size, and subtitles that go along or into the picture. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encode, Graph, type MediaStream, probeSync, type Subtitle } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lackingFont, testUnless } from '../kit/skip.js';
import { contents, makeClip, millrace, millraceEach, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clip = await makeClip(at('clip.mp4'), { seconds: 0.4, size: '96x64' });
const sound = await makeClip(at('sound.m4a'), { seconds: 0.4, video: false });
const everything = fileURLToPath(new URL('../fixtures/media/everything.mkv', import.meta.url));

/** Two seconds of noise, which takes what it is given, and a tone. */
const noise = at('noise.mkv');
const maker = new Graph({ threads: 0 });
encode(
  maker.filter('testsrc2', { size: '64x48', rate: 25, duration: 2 }).filter('noise', { alls: 40, allf: 't' }),
  maker.filter('sine', { duration: 2, sample_rate: 48000 }),
  { output_path: noise, video_params: { codec: 'ffv1', threads: 1 }, audio_params: { codec: 'pcm_s16le' } },
);
await maker.run();

writeFileSync(at('film.srt'), '1\n00:00:00,000 --> 00:00:00,100\nOne\n\n2\n00:00:00,200 --> 00:00:00,300\nTwo\n');
writeFileSync(at('odd:name'), readFileSync(at('film.srt')));
/** A white square of 32 pixels in the upper left corner, up to 0.2 s: libass draws it without a font. */
const SQUARE = '{\\an7\\pos(0,0)\\bord0\\shad0\\p1}m 0 0 l 32 0 32 32 0 32{\\p0}';
writeFileSync(
  at('square.ass'),
  `[Script Info]\nScriptType: v4.00+\nPlayResX: 96\nPlayResY: 64\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,16,&H00FFFFFF\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.00,0:00:00.20,Default,,0,0,0,,${SQUARE}\n`,
);

const FAST = ['--preset', 'ultrafast'];
const LOSSLESS = ['--vcodec', 'ffv1', '--no-audio'];
const film = at('film.srt');

/** Each file is named as its command is here. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'two.mp4': [noise, '--two-pass', '--bitrate', '100k', ...FAST],
  'sized.mp4': [noise, '--to-size', '40k', '--json', ...FAST],
  'sized.mkv': [noise, '--to-size', '400k', '--json', '--vcodec', 'mpeg4', '--end', '1', '--acodec', 'copy'],
  'embedded.mkv': [clip, '--copy', '--subtitles', `${film}:deu`, '--subtitles', at('odd:name')],
  'embedded.mp4': [everything, '--vcodec', 'copy', '--subtitles', `${everything}:fra`, '--metadata', 's:s:1:title=A'],
  'only.srt': [everything, '--copy'],
  'cut.mkv': [clip, '--start', '0.2', '--subtitles', film, ...LOSSLESS],
  'plain.mkv': [clip, '--vf', 'scale=48:32', ...LOSSLESS],
  'burnt.mkv': [clip, '--burn-subtitles', at('square.ass'), '--vf', 'scale=48:32', ...LOSSLESS],
};

/** What is refused, by its arguments. */
const REFUSED: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--two-pass'], /--two-pass needs a rate to be reached: give --bitrate, or --to-size/],
  [['--two-pass', '--crf', '20', '--bitrate', '1M'], /--two-pass and --crf contradict each other/],
  [['--two-pass', '--bitrate', '1M', '--vcodec', 'mpeg4'], /pass 1: encoder mpeg4 has no statistics/],
  [['--two-pass', '--bitrate', '1M', '--trace', at('trace')], /--trace has no place beside --two-pass/],
  [['--two-pass', '--bitrate', '1M', '--copy'], /--bitrate has no effect with --copy/],
  [['--to-size', '8M', '--copy'], /--to-size has no effect with --copy: copied video is not encoded/],
  [['--to-size', '8M', '--no-video'], /--to-size has no effect: --no-video leaves the video out/],
  [['--to-size', '8M', '--bitrate', '1M'], /--bitrate contradicts it/],
  [['--to-size', '8 apples'], /--to-size: '8 apples' is no number of bytes, such as 8M, 700k or 8MiB/],
  [['--to-size', '900'], /--to-size: 900 bytes for 0\.4 s leave 0 bit\/s for the picture/],
  [['--to-size', '8M', '--start', '3'], /--start is behind the end/],
  [['--subtitles', at('none.srt:deu')], /none\.srt/],
  [['--subtitles', sound], /--subtitles \S+sound\.m4a: .* has no subtitles/],
  [['--subtitles', `${everything}:jpn`], /has no subtitles in 'jpn', but fra/],
  [['--subtitles', '-'], /name a file/],
  [
    ['--subtitles', film, '--format', 'mpegts'],
    /'mpegts' does not hold subtitles of this codec \(subrip\)\. Draw them/,
  ],
  [['--subtitles', film, '--hls', '1'], /names no subtitles: draw them with --burn-subtitles/],
  [['--burn-subtitles', film, '--copy'], /--burn-subtitles has no effect with --copy/],
  [
    ['--burn-subtitles', film, '--filter-complex', '[0:v]hflip'],
    /--burn-subtitles has no effect: no video comes from an input itself/,
  ],
];

let made: Promise<Result[]> | undefined;
async function results(): Promise<Result[]> {
  const commands = Object.entries(COMMANDS).map(([output, args]) => ['transcode', ...args, at(output)]);
  const refused = REFUSED.map(([args]) => ['transcode', clip, at('refused.mp4'), ...args]);
  made ??= millraceEach(
    [...commands, ...refused].map((args) => [...args, '--threads', '0']),
    { limit: 60_000, env: { TMPDIR: folder } },
  );
  return made;
}
async function resultOf(output: string): Promise<Result> {
  const result = (await results())[Object.keys(COMMANDS).indexOf(output)]!;
  assert.is(result.code, 0, result.stderr);
  return result;
}
const subtitlesOf = (output: string): MediaStream[] =>
  probeSync(at(output)).streams.filter(({ kind }) => kind === 'subtitle');
const leftovers = (inside: string): string[] => readdirSync(inside).filter((name) => name.startsWith('millrace-pass'));

const test = suite('millrace transcode: passes and subtitles');

test('--two-pass reaches the bit rate, and leaves no statistics', async () => {
  await resultOf('two.mp4');
  const { streams } = probeSync(at('two.mp4'));
  assert.ok(Math.abs(streams[0]!.bitRate! - 100_000) < 10_000, `${streams[0]!.bitRate}`);
  assert.is(streams[1]!.kind, 'audio');
  assert.equal(leftovers(folder), []);
});

test('--to-size makes a file of at most that size, with an encoder of one pass too, and --json tells how', async () => {
  for (const [output, size] of [
    ['sized.mp4', 40_000],
    ['sized.mkv', 400_000],
  ] as const) {
    const report = JSON.parse((await resultOf(output)).stdout);
    assert.is(report.size, statSync(at(output)).size);
    assert.ok(report.size <= size && report.attempts <= 3 && report.videoBitRate > 1000, JSON.stringify(report));
  }
  assert.ok(Math.abs(probeSync(at('sized.mkv')).format.duration! - 1) < 0.1);
});

test('--subtitles go along in the form of the format, with their language', async () => {
  await resultOf('embedded.mkv');
  assert.equal(
    subtitlesOf('embedded.mkv').map(({ codec, language }) => [codec, language]),
    [
      ['subrip', 'deu'],
      ['subrip', undefined],
    ],
  );
  await resultOf('embedded.mp4');
  const [own, added, ...others] = subtitlesOf('embedded.mp4');
  assert.equal(others, []);
  assert.equal([own!.codec, added!.codec, added!.language], ['mov_text', 'mov_text', own!.language]);
});

test('--copy leaves out what the format has no place for at all', async () => {
  await resultOf('only.srt');
  assert.match(readFileSync(at('only.srt'), 'utf8'), /^1\n00:00:00/);
});

test('--start holds for files of subtitles', async () => {
  await resultOf('cut.mkv');
  const reader = new Graph({ threads: 0 }).decode({ input_path: at('cut.mkv') }).subtitles[0]!.packets<Subtitle>();
  const shown: unknown[] = [];
  for await (const { payload } of reader.closing()) shown.push([payload.start, payload.end, payload.text]);
  assert.equal(shown, [[0, 100_000, 'Two']]);
});

testUnless(test, lackingFont(), '--burn-subtitles draws them before the filters, while they are shown', async () => {
  await resultOf('burnt.mkv');
  await resultOf('plain.mkv');
  const [burnt, plain] = [await contents(at('burnt.mkv')), await contents(at('plain.mkv'))];
  const drawn = burnt.pictures.map((picture, n) => picture !== plain.pictures[n]);
  assert.equal([burnt.width, burnt.height], [48, 32]);
  assert.equal(
    drawn,
    drawn.map((_, n) => n < 5),
  );
});

for (const [n, [args, says]] of REFUSED.entries()) {
  test(`refuses ${args.join(' ').replaceAll(folder, '')}`, async () => {
    const { code, stderr, stdout } = (await results())[Object.keys(COMMANDS).length + n]!;
    assert.match(stderr, says);
    assert.equal([code === 0, stdout], [false, '']);
    assert.not.match(stderr, /\n {4}at /);
    assert.not(existsSync(at('refused.mp4')));
  });
}

test('what is piped in is kept for the second pass', async () => {
  const args = ['transcode', '-', at('piped.mp4'), '--two-pass', '--bitrate', '100k', '--threads', '0', ...FAST];
  const { code, stderr } = await millrace(args, { input: readFileSync(clip) });
  assert.equal([code, stderr], [0, '']);
  assert.is((await contents(at('piped.mp4'))).frames, 10);
});

for (const [pass, when] of [
  [1, (temporary: string) => leftovers(temporary).some((name) => readdirSync(join(temporary, name)).length > 0)],
  [2, (_: string, output: string) => existsSync(output)],
] as const) {
  test(`Ctrl-C in pass ${pass} leaves no statistics, and no output that is not finished`, async () => {
    const [temporary, output] = [at(`tmp-${pass}`), at(`interrupted-${pass}.mkv`)];
    mkdirSync(temporary);
    // At its own speed, so that it is not over; the first pass only where it is interrupted.
    const vf = pass === 1 ? 'realtime' : 'realtime=speed=2';
    const { code, stderr } = await millrace(
      [
        ...['transcode', noise, output, '--two-pass', '--bitrate', '100k', '--vf', vf, '--threads', '1', ...FAST],
        ...['--no-audio'],
      ],
      { env: { TMPDIR: temporary }, signals: [{ name: 'SIGINT', when: () => when(temporary, output) }] },
    );
    assert.is(code, 130, stderr);
    assert.equal(leftovers(temporary), []);
    assert.is(existsSync(output), pass === 2);
    if (pass === 2) assert.ok((await contents(output)).frames > 0);
  });
}

test.run();
