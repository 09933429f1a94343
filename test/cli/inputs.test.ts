/** `millrace transcode`: several inputs, the standard input, and which of their streams go through which filters. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MediaStream, probeSync } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contents, makeClip, millrace, millraceEach, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clip = await makeClip(at('clip.mp4'), { seconds: 0.4, size: '96x64' });
const sound = await makeClip(at('sound.m4a'), { seconds: 0.4, video: false });
const everything = fileURLToPath(new URL('../fixtures/media/everything.mkv', import.meta.url));

const SMALL = ['--preset', 'ultrafast'];

/** Each file is named as its command is here. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'both.mp4': [clip, sound, ...SMALL],
  'chosen.mkv': [clip, sound, '--map', '0:v', '--map', '1:a:0', '--copy'],
  'without.mkv': [everything, '--map', '0', '--map', '-0:a:m:language:eng', '--map', '-0:t', '--copy'],
  'by-use.mkv': [everything, '--map', '0:disp:forced', '--map', '0:v:0', '--map', '0:9?', '--copy'],
  'plain.mkv': [clip, '--vcodec', 'ffv1', '--no-audio'],
  'filtered.mkv': [
    clip,
    '--vf',
    'crop=64:48:0:0,hflip',
    '--af',
    'volume=0',
    '--vcodec',
    'ffv1',
    '--acodec',
    'pcm_s16le',
  ],
  'overlaid.mkv': [
    ...[clip, everything, '--filter-complex', "[0:v]scale=64:48,split=2[a][b];[b]drawbox=c='red'[c];[0:a]volume=1[s]"],
    ...['--map', '[c]', '--map', '[a]', '--map', '[s]', '--map', '1:a:1', '--preset', 'ultrafast'],
  ],
  'unlabelled.mp4': [clip, clip, '--filter-complex', 'overlay,scale=64:48;amix', '--preset', 'ultrafast'],
  'tagged.mkv': [clip, '--copy', '--metadata', 'title=A=B', '--metadata', 's:a:0:language=deu'],
  'list.m3u8': [clip, '--hls', '0.2', ...SMALL],
  'unused.mkv': [clip, sound, '--map', '0:v', '--copy'],
};
/** What is refused, by its arguments. */
const REFUSED: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--map', '2:v'], /--map 2:v: there is input 0 only/],
  [['--map', 'x'], /--map x cannot be read\. Such as 0 /],
  [['--map', '0:q'], /--map 0:q: 'q' cannot be read/],
  [['--map', '0:s'], /--map 0:s: .*clip\.mp4 has no such stream; with \?/],
  [['--map', '[v]'], /--map \[v\] is no output of --filter-complex: it has no outputs with labels/],
  [['--filter-complex', '[0:v]hflip[v]', '--map', '0:a'], /the output \[v\] of --filter-complex is in no --map/],
  [['--filter-complex', '[1:v]hflip'], /\[1:v\] is made by no filter, and is no stream of an input such as \[0:v\]/],
  [['--filter-complex', '[0:v:3]hflip'], /\[0:v:3\]: .* has no such video stream/],
  [['--filter-complex', 'overlay'], /no video stream is left for an end without a label/],
  [['--filter-complex', '[0:v]hflop'], /this FFmpeg has no filter 'hflop'/],
  [['--filter-complex', '[0:v]hflip', '--vf', 'vflip'], /--vf has no effect: no video comes from an input itself/],
  [['--filter-complex', '[0:v]hflip', '--copy'], /--copy: the video that --filter-complex makes has to be encoded/],
  [['--copy', '--vcodec', 'h264'], /--copy and --vcodec contradict each other/],
  [['--copy', '--af', 'volume=2'], /--af has no effect with --copy: copied audio is not encoded/],
  [['--hls', '--format', 'mp4'], /--hls and --format mp4 contradict each other/],
  [['--hls'], /name the output \*\.m3u8/],
  [['--metadata', 'title'], /give key=value/],
];

let made: Promise<Result[]> | undefined;
async function results(): Promise<Result[]> {
  const commands = Object.entries(COMMANDS).map(([output, args]) => [
    'transcode',
    ...args,
    at(output),
    '--threads',
    '0',
  ]);
  const refused = REFUSED.map(([args]) => ['transcode', clip, at('refused.mp4'), ...args]);
  made ??= millraceEach([...commands, ...refused], { limit: 60_000 });
  return made;
}
async function resultOf(output: string): Promise<Result> {
  const result = (await results())[Object.keys(COMMANDS).indexOf(output)]!;
  assert.is(result.code, 0, result.stderr);
  return result;
}
async function streamsOf(output: string): Promise<MediaStream[]> {
  await resultOf(output);
  return [...probeSync(at(output)).streams];
}
const kinds = (streams: readonly MediaStream[]): string[] => streams.map(({ kind }) => kind);

const test = suite('millrace transcode: inputs and filters');

test('all streams of several inputs go into one output', async () => {
  assert.equal(kinds(await streamsOf('both.mp4')), ['video', 'audio', 'audio']);
});

test('--map takes streams by input, kind, number, language and use, and takes some away', async () => {
  assert.equal(kinds(await streamsOf('chosen.mkv')), ['video', 'audio']);
  const source = probeSync(everything).streams;
  const left = source.filter(
    (stream) => !(stream.kind === 'audio' && stream.language === 'eng') && stream.kind !== 'attachment',
  );
  assert.ok(left.length < source.length - 1);
  assert.equal(kinds(await streamsOf('without.mkv')), kinds(left));
  assert.equal(kinds(await streamsOf('by-use.mkv')), ['video', 'subtitle']);
});

test('an input of which nothing is taken is not read, and named', async () => {
  assert.match((await resultOf('unused.mkv')).stderr, /warning: no stream of \S+sound\.m4a goes into \S+unused\.mkv/);
});

test('--vf and --af filter what is encoded', async () => {
  await resultOf('plain.mkv');
  const [plain, filtered] = [await contents(at('plain.mkv')), await contents(at('filtered.mkv'))];
  assert.equal([filtered.frames, filtered.width, filtered.height], [plain.frames, 64, 48]);
  assert.is(probeSync(at('filtered.mkv')).streams[1]!.codec, 'pcm_s16le');
  const bytes = readFileSync(at('filtered.mkv'));
  // Silence: 0.4 s of samples that are 0.
  assert.ok(bytes.includes(Buffer.alloc(1024)));
});

test('--filter-complex joins inputs; its outputs are chosen by label, or all taken', async () => {
  const streams = await streamsOf('overlaid.mkv');
  assert.equal(kinds(streams), ['video', 'video', 'audio', 'audio']);
  assert.equal(
    streams.slice(0, 2).map(({ width, height }) => [width, height]),
    [
      [64, 48],
      [64, 48],
    ],
  );
  assert.is(streams[3]!.language, 'eng');
  assert.equal(kinds(await streamsOf('unlabelled.mp4')), ['video', 'audio']);
});

test('--metadata sets tags of the file and of streams', async () => {
  await resultOf('tagged.mkv');
  const { format, streams } = probeSync(at('tagged.mkv'));
  assert.equal([format.tags.title, streams[1]!.language], ['A=B', 'deu']);
});

test('--hls writes a playlist whose segments begin with key frames', async () => {
  await resultOf('list.m3u8');
  const list = readFileSync(at('list.m3u8'), 'utf8');
  assert.match(list, /#EXT-X-PLAYLIST-TYPE:VOD\n.*list0\.ts\n.*list1\.ts\n#EXT-X-ENDLIST/s);
  const segments = readdirSync(folder).filter((name) => /^list\d+\.ts$/.test(name));
  assert.is(segments.length, 2);
  assert.equal(
    segments.map((name) => probeSync(at(name)).streams.length),
    [2, 2],
  );
});

for (const [n, [args, says]] of REFUSED.entries()) {
  test(`refuses ${args.join(' ')}`, async () => {
    const { code, stderr, stdout } = (await results())[Object.keys(COMMANDS).length + n]!;
    assert.match(stderr, says);
    assert.equal([code === 0, stdout], [false, '']);
    assert.not.match(stderr, /\n {4}at /);
  });
}

test('the standard input is read: a pipe as it comes, a file from anywhere in it', async () => {
  const bytes = readFileSync(at('chosen.mkv'));
  const piped = await millrace(['transcode', '-', at('piped.mkv'), '--copy', '--threads', '0'], { input: bytes });
  assert.equal([piped.code, piped.stderr], [0, '']);
  assert.equal((await contents(at('piped.mkv'))).pictures, (await contents(at('chosen.mkv'))).pictures);
  // Its index stands at the end.
  const opened = await millrace(['inspect', '-'], { input: clip });
  assert.equal([opened.code, opened.stderr], [0, '']);
  assert.match(opened.stdout, /^the standard input: mov,mp4.*\n {2}0 {2}video/);
  const refused = await millrace(['transcode', '-', at('never.mkv')], { input: readFileSync(clip) });
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /the standard input .* mp4 whose index \(moov\) stands behind its media data/);
});

test.run();
