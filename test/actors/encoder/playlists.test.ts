/** What becomes of the playlists and manifests that FFmpeg writes; as text. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { segmentRates } from '../../../actors/encoder/adaptive/bit-rates.js';
import { completed as completedManifest } from '../../../actors/encoder/adaptive/manifest.js';
import { completed, type PublishedStream } from '../../../actors/encoder/adaptive/playlists.js';

const test = suite('playlists');

const video = (width: number, height: number, frameRate: number): PublishedStream => ({
  ...{ kind: 'video', width, height, frameRate },
  ...{ language: undefined, title: undefined, isDefault: undefined },
});
const audio = (language?: string, title?: string, isDefault?: boolean): PublishedStream => ({
  ...{ kind: 'audio', width: 0, height: 0, frameRate: undefined },
  ...{ language, title, isDefault },
});
const sound = (n: number) =>
  `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g",NAME="audio_${n}",DEFAULT=YES,CHANNELS="2",URI="a${n}.m3u8"`;
const stream = (size: string, more = '') => `#EXT-X-STREAM-INF:BANDWIDTH=1000${more},RESOLUTION=${size},AUDIO="g"`;

const RATES: Readonly<Record<string, [peak: number, average: number, isWhole: boolean]>> = {
  'a1.m3u8': [100, 90, true],
  'a2.m3u8': [200, 80, true],
  'v1.m3u8': [3000, 2000, true],
  'v2.m3u8': [300, 250.5, false],
};
function measure(uri: string): { peak: number; average: number; isWhole: boolean } | undefined {
  const found = RATES[uri];
  return found && { peak: found[0], average: found[1], isWhole: found[2] };
}

test('bandwidth is that of a picture and the loudest of its sounds, and not less than was said while more may come', () => {
  const text = ['#EXTM3U', sound(1), sound(2), stream('4x2'), 'v1.m3u8', stream('2x2'), 'v2.m3u8', ''].join('\n');
  const lines = completed(text, [], measure).split('\n');
  assert.match(lines[3]!, /:BANDWIDTH=3200,AVERAGE-BANDWIDTH=2090,RESOLUTION/);
  assert.match(lines[5]!, /:BANDWIDTH=1000,AVERAGE-BANDWIDTH=341,RESOLUTION/);
  assert.equal(completed(lines.join('\n'), [], measure).split('\n'), lines);
});

test('an average that FFmpeg made up is taken out, also where nothing can be measured', () => {
  const text = [stream('4x2', ',AVERAGE-BANDWIDTH=-2116479249'), 'none.m3u8'].join('\n');
  assert.is(completed(text, [], measure), [stream('4x2'), 'none.m3u8'].join('\n'));
});

test('sounds are named by their titles, else their languages, each once', () => {
  const text = [sound(1), sound(2), sound(3), sound(4)].join('\n');
  const streams = [audio('deu'), audio('ger', undefined, true), audio('und'), audio('eng', 'A "title"', false)];
  const lines = completed(text, streams, () => undefined).split('\n');
  assert.match(lines[0]!, /NAME="de",LANGUAGE="de",DEFAULT=YES/);
  assert.match(lines[1]!, /NAME="de 2",LANGUAGE="de",DEFAULT=YES/);
  assert.match(lines[2]!, /NAME="audio_3",DEFAULT=YES/);
  assert.match(lines[3]!, /NAME="A {2}title ",LANGUAGE="en",DEFAULT=NO/);
  // There are others than these in it.
  assert.is(
    completed(text, streams.slice(1), () => undefined),
    text,
  );
});

test('a frame rate is told where it is clear which one it is', () => {
  const text = [stream('4x2'), 'x', stream('2x2'), 'y'].join('\n');
  const lines = completed(text, [video(4, 2, 29.97), video(2, 2, 25), video(2, 2, 50)], () => undefined).split('\n');
  assert.match(lines[0]!, /RESOLUTION=4x2,FRAME-RATE=29\.970,/);
  assert.not.match(lines[2]!, /FRAME-RATE/);
});

test('the peak is that of stretches about as long as a segment', () => {
  const segments = [
    { seconds: 2, bits: 2000 },
    { seconds: 0.1, bits: 5000 },
    { seconds: 2, bits: 3000 },
  ];
  const { peak, average } = segmentRates(segments, 2);
  assert.is(Math.round(average), 2439);
  // The short one alone does not count; with a neighbour it does.
  assert.is(Math.round(peak), Math.round(8000 / 2.1));
});

test('a manifest that is complete has the bandwidths of its segments', () => {
  const manifest = (type: string): string =>
    `<MPD\n\ttype="${type}">\n<Representation id="1" bandwidth="7" width="4">\n<SegmentTemplate timescale="10" ` +
    'media="c-$RepresentationID$-$Number%03d$.m4s" startNumber="9">\n<S t="0" d="20" r="1" />\n<S d="10" />\n' +
    '</SegmentTemplate></Representation>\n</MPD>';
  const asked: string[] = [];
  const sizeOf = (name: string): number => {
    asked.push(name);
    return 100 * asked.length;
  };
  assert.match(completedManifest(manifest('static'), sizeOf), /<Representation id="1" bandwidth="2400" width="4">/);
  assert.equal(asked, ['c-1-009.m4s', 'c-1-010.m4s', 'c-1-011.m4s']);
  assert.is(completedManifest(manifest('dynamic'), sizeOf), manifest('dynamic'));
});

test.run();
