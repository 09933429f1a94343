import { AV_OPT_SEARCH_CHILDREN, AV_OPT_TYPE_STRING } from 'node-av/constants';
import { Filter, FilterGraph } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filterPara } from '../../../src/graph/build/filters/args.js';
import { times } from '../../kit/long.js';

/** The value FFmpeg itself reads out of a `para` of the filter `metadata`. */
function asRead(para: string): string | null {
  using graph = new FilterGraph();
  graph.alloc();
  const context = graph.allocFilter(Filter.getByName('metadata')!, 'under_test')!;
  const ret = context.initStr(para);
  assert.ok(ret >= 0, `FFmpeg refused ${JSON.stringify(para)} (${ret})`);
  return context.getOption('value', AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN);
}

const escaping = suite('escaping');

const texts = [
  'plain',
  'a:b',
  "it's",
  'back\\slash',
  ' leading',
  'trailing ',
  '  both  ',
  ' ',
  'a=b',
  'a.b/c-d =e',
  '=x',
  'x,y;[z]',
  'tab\t',
  "\\'",
  "'quoted'",
  "'",
  '\\',
  'line\nbreak\n',
  '%{pts}',
  'größe 日本 🎬',
  "\\:'\\:' = :=",
];

for (const text of texts) {
  escaping(`FFmpeg reads ${JSON.stringify(text)} as it was given`, () => {
    assert.is(asRead(filterPara('metadata', ['add', 'key', text], {})), text);
    assert.is(asRead(filterPara('metadata', ['add', 'key'], { value: text })), text);
  });
}

escaping('a text that begins with an option of the filter is that option, as FFmpeg writes it', () => {
  assert.is(filterPara('trim', ['start=0:end=5'], {}), 'start=0:end=5');
  assert.is(filterPara('fade', ['in', 'nb_frames=5'], { alpha: 1 }), 'in:nb_frames=5:alpha=1');
  assert.is(filterPara('testsrc', [' r = 25'], {}), ' r = 25');
  assert.is(asRead(filterPara('metadata', ['mode=add:key=k:value=v'], {})), 'v');
  // Not of this filter, or not at the beginning.
  assert.is(filterPara('trim', ['nb_frames=5'], {}), 'nb_frames\\=5');
  assert.is(filterPara('drawtext', ['a text=b'], {}), 'a text=b');
});

escaping('one text alone may hold several numbers, and is a text where that is meant', () => {
  for (const [filter, text] of [
    ['scale', '320:240'],
    ['scale', '2*in_w:2*in_h'],
    ['scale', '180:-2'],
    ['crop', 'iw/2:ih/2'],
    ['unsharp', '5:5:1'],
    ['overlay', 'W-w-10:H-h-10'],
    ['fps', '30:round=up'],
  ] as const) {
    assert.is(filterPara(filter, [text], {}), text);
    assert.is(filterPara(filter, [text], { x: 1 }), `${text}:x=1`);
  }
  assert.is(filterPara('scale', ['320:240', 'bicubic'], {}), '320\\:240:bicubic');
  for (const [filter, text] of [
    ['trim', '00:00:05'],
    ['setdar', '16:9'],
    ['drawtext', '12:30'],
    ['movie', 'a:b'],
    ['metadata', 'x:1'],
  ] as const) {
    assert.is(filterPara(filter, [text], {}), text.replaceAll(':', '\\:'));
  }
});

escaping('FFmpeg reads random texts as they were given', () => {
  const alphabet = [...":\\'=| ,;[]\t\nab0_-./%{}é"];
  let state = 12345;
  const random = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  for (let i = 0; i < times(400, 2000); i++) {
    const text = Array.from({ length: 1 + random(10) }, () => alphabet[random(alphabet.length)]).join('');
    assert.is(asRead(filterPara('metadata', ['add', 'key', text], {})), text);
    assert.is(asRead(filterPara('metadata', ['add', 'key'], { value: text })), text);
  }
});

escaping('numbers, booleans, lists and big integers have FFmpeg forms; undefined is left out', () => {
  assert.is(
    filterPara('f', [1, -2.5, true, 10n, ['a', 1]], { on: false, off: undefined, list: [1, 2] }),
    '1:-2.5:1:10:a|1:on=0:list=1|2',
  );
});

escaping.run();
