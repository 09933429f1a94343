/** Warnings of a graph that runs for long. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Warnings } from '../../../src/scheduler/run/warnings.js';

const warnings = suite('warnings');

warnings('those that nobody will read are counted', () => {
  const all = new Warnings();
  for (let n = 0; n < 1000; n++) all.add(`no. ${n}`);
  assert.is(all.list.length, 1000);
  for (let n = 0; n < 5; n++) all.add('and this');
  assert.is(all.list.length, 1001);
  assert.is(all.list.at(999), 'no. 999');
  assert.match(String(all.list.at(1000)), /5 more/);
});

warnings('what is said once is said once', () => {
  const all = new Warnings();
  for (const text of ['a', 'b', 'a']) all.addOnce(text);
  all.add('a');
  assert.equal(all.list, ['a', 'b', 'a']);
});

warnings.run();
