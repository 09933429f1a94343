import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Flatness, pushFast, readSlowly } from './soak-push.js';

const test = suite('memory while frames wait, short form');

/** 300 frames that nobody holds back are 400 MB. */
function assertFlat({ before, most }: Flatness): void {
  assert.ok(most < before + 150, `${before.toFixed(0)} MB, then ${most.toFixed(0)} MB`);
}

test('it stays flat when frames are pushed faster than they are encoded', async () => {
  assertFlat(await pushFast(300));
});

test('it stays flat when frames are read slower than they are made', async () => {
  assertFlat(await readSlowly(300, 5));
});

test.run();
