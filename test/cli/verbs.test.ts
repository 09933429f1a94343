/** The short commands, each of which is a function of the package. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { probeSync } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeClip, millraceEach, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clip = await makeClip(at('clip.mp4'), { seconds: 0.4, size: '96x54' });

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'poster.png': ['thumbnail', clip, at('poster.png'), '--at', '0:00.2', '--width', '64'],
  'sheet-1.jpg': ['sprite', clip, at('sheet-%d.jpg'), '--every', '0.1', '--width', '32', '--columns', '2'],
  'clip.gif': ['gif', clip, at('clip.gif'), '--width', '32', '--fps', '10', '--palette', 'frame'],
  'part.mkv': ['trim', clip, at('part.mkv'), '--end', '0.2', '--preset', 'ultrafast', '--acodec', 'pcm_s16le'],
  'both.mkv': ['concat', at('part.mkv'), at('part.mkv'), at('both.mkv'), '--width', '64', '--vcodec', 'mpeg4'],
  'sound.m4a': ['extract-audio', clip, at('sound.m4a')],
  'wave.png': [
    'waveform',
    clip,
    at('wave.png'),
    at('wave.json'),
    '--points',
    '10',
    '--width',
    '40',
    '--bits',
    '16',
    '--json',
  ],
};
const REFUSED: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['thumbnail', clip, at('x.jpg')], /say which pictures: --every seconds, --count n or --at time/],
  [['thumbnail', clip, at('x.jpg'), '--at', 'soon'], /'--at <time,\.\.\.>' argument 'soon' is invalid/],
  [['sprite', clip, at('x.vtt')], /does not tell a name for the WebVTT file: give --vtt/],
  [['gif', clip, at('x.gif'), '--dither', 'nope'], /dither: must be one of "none"/],
  [['trim', clip, at('x.mkv'), '--copy', '--crf', '20'], /--copy and options of an encoder contradict each other/],
  [['concat', clip], /concat needs inputs and, behind them, an output/],
  [['extract-audio', clip, at('x.mp3'), '--acodec', 'copy', '--bitrate', '1k'], /--bitrate has no effect/],
  [['waveform', clip, at('x.svg')], /x\.svg is neither \*\.png nor \*\.json/],
];

let made: Promise<Result[]> | undefined;
async function results(): Promise<Result[]> {
  made ??= millraceEach([
    ...Object.values(COMMANDS).map((args) => [...args, '--threads', '0']),
    ...REFUSED.map(([args]) => [...args]),
  ]);
  return made;
}

const test = suite('short commands');

for (const [n, [file, [verb]]] of Object.entries(COMMANDS).entries()) {
  test(`${verb} writes ${file}`, async () => {
    const { code, stdout, stderr } = (await results())[n]!;
    assert.equal([code, stderr], [0, '']);
    assert.ok(existsSync(at(file)));
    if (verb !== 'waveform')
      assert.match(stdout, new RegExp(`^\\S+${file.replace('-1', '-%d').replace('.', '\\.')}: .* s, .*0 threads\\n$`));
  });
}

test('what they wrote is what was asked for', async () => {
  await results();
  const video = (name: string) => probeSync(at(name)).streams[0]!;
  assert.equal([video('poster.png').width, video('clip.gif').frames, video('both.mkv').width], [64, 4, 64]);
  assert.equal([video('sheet-1.jpg').width, video('sheet-1.jpg').height], [64, 36]);
  assert.match(readFileSync(at('sheet.vtt'), 'utf8'), /sheet-1\.jpg#xywh=32,18,32,18\n$/);
  assert.equal(
    probeSync(at('part.mkv')).streams.map(({ codec }) => codec),
    ['h264', 'pcm_s16le'],
  );
  assert.is(video('sound.m4a').codec, 'aac');
  const report = JSON.parse((await results())[Object.keys(COMMANDS).indexOf('wave.png')]!.stdout);
  assert.equal([report.ok, report.peaks.length, report.peaks.bits, 'data' in report.peaks], [true, 10, 16, false]);
  assert.is(JSON.parse(readFileSync(at('wave.json'), 'utf8')).data.length, 20);
});

for (const [n, [args, says]] of REFUSED.entries()) {
  test(`refuses ${args.filter((arg) => !arg.startsWith(folder)).join(' ')}`, async () => {
    const { code, stdout, stderr } = (await results())[Object.keys(COMMANDS).length + n]!;
    assert.match(stderr, says);
    assert.equal([code, stdout], [2, '']);
  });
}

test.run();
