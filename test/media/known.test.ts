/** What a thread keeps of work that comes again does not grow with the files that come. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inUseFor, remember } from '../../src/media/known.js';

const bounded = suite('what is known');

bounded('is forgotten when it is too much, and found out once more', () => {
  const known = new Map<number, string>();
  for (let key = 0; key < 1000; key++) assert.is(remember(known, key, `${key}`), `${key}`);
  assert.ok(known.size <= 64);
  assert.is(known.get(999), '999');
});

bounded('what has native memory is kept for four, and the one least recently used is freed', () => {
  const freed: string[] = [];
  const all = new Map<string, { free(): void }>();
  const use = (key: string): { free(): void } => inUseFor(all, key, () => ({ free: () => void freed.push(key) }));
  const first = use('a');
  for (const key of ['b', 'c', 'd']) use(key);
  assert.is(use('a'), first);
  use('e');
  assert.equal(freed, ['b']);
  assert.equal([...all.keys()], ['c', 'd', 'a', 'e']);
});

bounded.run();
