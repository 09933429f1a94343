/** How a start is taken back, alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Undo } from '../../../src/scheduler/threads/undo.js';

const undoing = suite('taking back a start');

undoing('a start is taken back in reverse, each step after the one before it has ended', async () => {
  const undo = new Undo();
  const seen: string[] = [];
  let release: () => void = () => {};
  undo.add(() => seen.push('first'));
  undo.add(async () => {
    seen.push('second begins');
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    seen.push('second ends');
  });
  const all = undo.all();
  assert.equal(seen, ['second begins']);
  release();
  await all;
  assert.equal(seen, ['second begins', 'second ends', 'first']);
});

undoing('what was taken back is not taken back again', async () => {
  const undo = new Undo();
  let times = 0;
  undo.add(() => times++);
  await undo.all();
  await undo.all();
  assert.is(times, 1);
});

undoing('a step that fails does not keep the others from being taken back, and its error is told', async () => {
  const undo = new Undo();
  const seen: string[] = [];
  undo.add(() => seen.push('first'));
  undo.add(() => {
    throw new Error('cannot give back');
  });
  let message = '';
  await undo.all().catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, 'cannot give back');
  assert.equal(seen, ['first']);
});

undoing.run();
