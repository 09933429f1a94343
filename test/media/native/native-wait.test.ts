/** The table of threads that wait inside native calls. */
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { leaveNativeCalls, NativeWait, nativeWaits } from '../../../src/media/native/native-wait.js';

const test = suite('native waits');

// The thread's side in plain JavaScript: it sleeps on its BELL (word 1) until STOP (word 2), then frees TAKEN (word 0).
const WAITER = `
  const { workerData: { buffer, slot, claim }, parentPort } = require('node:worker_threads');
  const words = new Int32Array(buffer);
  const at = (slot + 1) * 16;
  parentPort.postMessage('ready');
  for (let ticket = Atomics.load(words, at + 1); Atomics.load(words, at + 2) !== claim; ticket = Atomics.load(words, at + 1))
    Atomics.wait(words, at + 1, ticket);
  Atomics.compareExchange(words, at, claim, 0);
  Atomics.notify(words, at);
`;

/** Resolves when the thread is about to sleep, with what its exit will be. */
async function waiter({ slot, claim }: NativeWait): Promise<{ exit: Promise<number> }> {
  const worker = new Worker(WAITER, { eval: true, workerData: { buffer: nativeWaits(), slot, claim } });
  const exit = new Promise<number>((resolve) => worker.once('exit', resolve));
  await new Promise((resolve) => worker.once('message', resolve));
  return { exit };
}

test('leaving wakes every thread and returns when all have left, without an event loop', async () => {
  const waits = [NativeWait.claim(), NativeWait.claim(), NativeWait.claim()];
  const threads = await Promise.all(waits.map(waiter));
  leaveNativeCalls();
  const freed = waits.map(({ slot }) => Atomics.load(new Int32Array(nativeWaits()), (slot + 1) * 16));
  assert.equal(freed, [0, 0, 0]);
  assert.equal(await Promise.all(threads.map(({ exit }) => exit)), [0, 0, 0]);
});

test('only the threads of one owner are told to leave', () => {
  const wait = NativeWait.claim();
  leaveNativeCalls(123_456);
  assert.is(wait.stopped, false);
  wait.leave();
});

test('a slot that was freed is not freed again by whoever had it before', () => {
  const before = NativeWait.claim();
  before.leave();
  const after = NativeWait.claim();
  assert.is(after.slot, before.slot);
  before.leave();
  const third = NativeWait.claim();
  assert.is.not(third.slot, after.slot);
  after.leave();
  third.leave();
});

test('who had a slot before does not end, and does not pay for, the waits of who has it now', () => {
  const before = NativeWait.claim();
  before.stop();
  before.leave();
  const now = NativeWait.claim();
  assert.is(now.slot, before.slot);
  assert.not(now.stopped);
  before.stop();
  before.take(5);
  assert.equal([now.stopped, now.taken], [false, 0]);
  now.stop();
  before.stop();
  assert.ok(now.stopped);
  now.leave();
});

test('a wait ends with what is found, or with a stop', () => {
  const wait = NativeWait.claim();
  let looks = 0;
  assert.is(
    wait.until(() => {
      wait.ring(); // what comes between the look and the sleep
      return ++looks === 3 ? 'found' : undefined;
    }),
    'found',
  );
  wait.stop();
  assert.is(
    wait.until(() => 'never looked for'),
    undefined,
  );
  wait.leave();
});

test.run();
