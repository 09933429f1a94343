import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { filterOptions } from '../../../actors/filter/options.js';
import { makePlan } from '../../../actors/filter/plan/plan.js';
import { ownThreads } from '../../../actors/filter/run/own-threads.js';
import type { StreamFormat } from '../../../actors/filter/run/stream-format.js';

const test = suite('threads inside of filters');

/** FFmpeg's number of threads for filters of pictures of so many pixels, or of sound; 0 is one for each core. */
function threads(options: Record<string, unknown>, ...areas: (number | undefined)[]): number {
  const ports = { inputs: areas.map((_, i) => i), outputs: [0] };
  const plan = makePlan(v.parse(filterOptions, options), ports);
  const formats = areas.map((area, i): [number, StreamFormat] => {
    const kind = area === undefined ? 'audio' : 'video';
    return [i, { kind, key: '', args: '', timeBase: { num: 1, den: 25 }, ...(area !== undefined && { area }) }];
  });
  return ownThreads(plan, new Map(formats));
}

test('simple filters of small pictures go without, those of large ones have one for each core', () => {
  assert.is(threads({ name: 'scale', para: '160:90' }, 320 * 180), 1);
  assert.is(threads({ name: 'scale', para: '640:360' }, 1280 * 720), 0);
  assert.is(threads({ graph: 'scale=160:90,hflip' }, 320 * 180), 1);
  assert.is(threads({ name: 'overlay' }, 320 * 180, 64 * 48), 1);
  assert.is(threads({ name: 'overlay' }, 320 * 180, 1920 * 1080), 0);
});

test('what takes long has threads for small pictures too, and so has what nobody measured', () => {
  assert.is(threads({ name: 'nlmeans' }, 320 * 180), 0);
  assert.is(threads({ name: 'fillborders' }, 320 * 180), 0);
});

test('sound has them where the filter divides its work', () => {
  assert.is(threads({ name: 'volume', para: '0.5' }, undefined), 1);
  assert.is(threads({ name: 'atempo', para: '2' }, undefined), 1);
  assert.is(threads({ name: 'afftdn' }, undefined), 0);
});

test('a source without an input has them, and a number that is given is the number', () => {
  assert.is(threads({ name: 'testsrc2' }), 0);
  assert.is(threads({ name: 'scale', para: '160:90', threads: 3 }, 320 * 180), 3);
});

test.run();
