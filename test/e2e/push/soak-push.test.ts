import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Flatness, pushFast, readSlowly } from './soak-push.js';

const test = suite('memory while frames wait, short form');

/** 200 frames that nobody holds back are 270 MB. */
function assertFlat({ before, most }: Flatness): void {
  assert.ok(most < before + 150, `${before.toFixed(0)} MB, then ${most.toFixed(0)} MB`);
}

test('it stays flat when frames are pushed faster than they are encoded', async () => {
  assertFlat(await pushFast(200));
});

test('it stays flat when frames are read slower than they are made', async () => {
  assertFlat(await readSlowly(200, 5));
});

test.run();
