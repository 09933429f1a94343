import { readFileSync } from 'node:fs';
import { AV_OPT_SEARCH_CHILDREN, AV_OPT_TYPE_STRING } from 'node-av/constants';
import { Filter, FilterGraph } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OPENS } from '../../../actors/filter/opens.js';
import { parseArguments } from '../../../actors/filter/plan/arguments.js';
import { filterTexts } from '../../kit/ffmpeg-options.js';

const test = suite('what filters open');

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
  const { url = '', file = '', code = '', how = '', text = '' } = OPENS[filter] ?? {};
  return `${url} ${file} ${code} ${how} ${text}`.split(' ');
}

test('every option of this FFmpeg that holds text is known: it opens something, or it was seen to open nothing', () => {
  const known = harmless();
  const strangers = filterTexts().filter(
    ({ of, option }) => OPENS[of]?.code !== '*' && !named(of).includes(option) && !known.has(`${of} ${option}`),
  );
  // Look each of them up in libavfilter: into actors/filter/opens.ts, or into test/fixtures/filter-texts.txt.
  assert.equal(strangers, []);
});

test('what the catalogue names exists where FFmpeg has the filter', () => {
  const texts = new Set(filterTexts().map(({ of, option }) => `${of} ${option}`));
  const sharing = new Set(['f', 'plot']);
  for (const name of Object.keys(OPENS)) {
    if (!Filter.getByName(name)) continue;
    for (const option of named(name)) {
      if (option === '' || option === '*' || sharing.has(option)) continue;
      assert.ok(texts.has(`${name} ${option}`), `${name}: ${option}`);
    }
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
