/** How a thread is asked to rest, both sides in the hands of the test. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell } from '../../ringbuffer/index.js';
import { passGate } from '../../src/thread/boot-gate.js';
import { ThreadStop } from '../../src/thread/thread-stop.js';

const stops = suite('how a thread is ended');

function made(): { bell: Doorbell; stop: ThreadStop; own: ThreadStop } {
  const bell = Doorbell.create();
  const stop = ThreadStop.create(bell);
  return { bell, stop, own: ThreadStop.attach(stop.buffer) };
}

stops('a thread that has not begun to load may be ended at once, and begins no more', async () => {
  const { stop } = made();
  await stop.end(false);
  assert.not(passGate(stop.buffer));
});

stops('a thread that loads is waited for until it rests', async () => {
  const { stop, own } = made();
  assert.ok(passGate(stop.buffer));
  let ended = false;
  const end = stop.end(false).then(() => {
    ended = true;
  });
  assert.ok(own.asked);
  await new Promise((resolve) => setImmediate(resolve));
  assert.not(ended);
  own.reach();
  await end;
});

stops('a thread that sleeps is woken by the request', async () => {
  const { bell, stop, own } = made();
  passGate(stop.buffer);
  const ticket = bell.ticket();
  bell.arm();
  const sleep = bell.waitAsync(ticket);
  stop.ask();
  assert.is(await sleep, 'rung');
  own.reach();
  await stop.end(true);
});

stops('one that rests holds nobody up, however it is waited for', async () => {
  const { stop, own } = made();
  passGate(stop.buffer);
  own.reach();
  stop.wait(Number.POSITIVE_INFINITY);
  await stop.end(true);
  await stop.end(true);
});

stops('a thread that could not be started is waited for by nobody', () => {
  const { stop, own } = made();
  passGate(stop.buffer);
  stop.forget();
  own.wait(Number.POSITIVE_INFINITY);
  assert.not(own.asked);
});

stops.run();
