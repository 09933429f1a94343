import { readFileSync } from 'node:fs';
import {
  AV_OPT_SEARCH_CHILDREN,
  AV_OPT_TYPE_STRING,
  AVFILTER_FLAG_DYNAMIC_INPUTS,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import { Filter, FilterGraph } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FILTERS, factsOf, isOfSound } from '../../../actors/filter/catalogue.js';
import { parseArguments } from '../../../actors/filter/plan/arguments.js';
import { filterTexts } from '../../kit/ffmpeg-options.js';

const test = suite('the catalogue of filters');

/** Options that hold text and were looked up in FFmpeg's sources: they open nothing. */
function harmless(): Set<string> {
  const lines = readFileSync(new URL('../../fixtures/filter-texts.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  return new Set(
    lines.flatMap((line) =>
      line
        .split(/:? /)
        .slice(1)
        .map((option) => `${line.split(':')[0]} ${option}`),
    ),
  );
}

function named(filter: string): string[] {
  const { url = '', file = '', code = '', how = '', text = '' } = factsOf(filter).opens ?? {};
  return `${url} ${file} ${code} ${how} ${text}`.split(' ');
}

test('every option of this FFmpeg that holds text is known: it opens something, or it was seen to open nothing', () => {
  const known = harmless();
  const strangers = filterTexts().filter(
    ({ of, option }) => factsOf(of).opens?.code !== '*' && !named(of).includes(option) && !known.has(`${of} ${option}`),
  );
  // Look each of them up in libavfilter: into actors/filter/catalogue.ts, or into test/fixtures/filter-texts.txt.
  assert.equal(strangers, []);
});

test('what the catalogue names exists where FFmpeg has the filter', () => {
  const texts = new Set(filterTexts().map(({ of, option }) => `${of} ${option}`));
  const sharing = new Set(['f', 'plot']);
  for (const name of Object.keys(FILTERS)) {
    if (!Filter.getByName(name)) continue;
    for (const option of named(name)) {
      if (option === '' || option === '*' || sharing.has(option)) continue;
      assert.ok(texts.has(`${name} ${option}`), `${name}: ${option}`);
    }
  }
});

/** Not in every FFmpeg: of other systems, of other versions, or of libraries that are rarely built in. */
const ELSEWHERE = new Set([
  'ddagrab',
  'derain',
  'drawvg',
  'fifo',
  'gfxcapture',
  'ocv',
  'openclsrc',
  'program_opencl',
  'sr',
]);

test('a row is of a filter that FFmpeg has, or of one that a build may lack', () => {
  const strangers = Object.entries(FILTERS).filter(
    ([name, { instead }]) => !Filter.getByName(name) && instead === undefined && !ELSEWHERE.has(name),
  );
  assert.equal(strangers, []);
});

test('a filter without memory has one input, and one that works on single pictures has pictures on both sides', () => {
  for (const [name, { stateless }] of Object.entries(FILTERS)) {
    const filter = Filter.getByName(name);
    if (stateless === undefined || filter === null) continue;
    // scale takes a second one for its size, if its arguments ask for that.
    if (name !== 'scale') assert.ok(filter.inputs.length === 1 && !filter.hasFlags(AVFILTER_FLAG_DYNAMIC_INPUTS), name);
    if (stateless !== 'picture') continue;
    assert.equal([isOfSound(filter), filter.outputs.map(({ type }) => type)], [false, [AVMEDIA_TYPE_VIDEO]], name);
  }
});

test('arguments are read as FFmpeg reads them: 1,000 texts at random', () => {
  const graph = new FilterGraph();
  graph.alloc();
  const filter = Filter.getByName('metadata')!;
  const alphabet = ['a', 'b', ' ', ':', '\\', "'", '=', 'key', 'value=', '/'];
  let state = 1;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  let same = 0;
  for (let i = 0; i < 1000; i++) {
    const value = Array.from({ length: below(12) }, () => alphabet[below(alphabet.length)]).join('');
    const args = `mode=add:key=k:value=${value}`;
    const context = graph.allocFilter(filter, `f${i}`)!;
    const accepted = context.initStr(args) >= 0;
    const own = parseArguments(args);
    // FFmpeg refuses what has no name behind the first name, and names it does not know.
    const known = own.every(({ name }) => ['mode', 'key', 'value'].includes(name ?? ''));
    assert.is(accepted && known, accepted, args);
    if (!accepted) continue;
    const last = own.findLast(({ name }) => name === 'value')!.value;
    assert.is(context.getOption('value', AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN) ?? '', last, args);
    same++;
  }
  graph.free();
  assert.ok(same > 200, `${same} were accepted`);
});

test.run();
