import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell, RingBuffer, RingError } from '../../ringbuffer/index.js';

const isRingError = (words: RegExp) => (error: unknown) =>
  error instanceof RingError && error.code === 'ERR_MILLRACE_RING' && words.test(error.message);

const test = suite('doorbell');

// A pending waitAsync does not keep the process alive.
let keepAlive: NodeJS.Timeout;
test.before(() => {
  keepAlive = setInterval(() => {}, 1000);
});
test.after(() => clearInterval(keepAlive));

test('does not sleep when it was rung after the ticket', async () => {
  const bell = Doorbell.create();
  const ticket = bell.ticket();
  bell.arm();
  bell.ring();
  assert.is(bell.wait(ticket, 1000), 'rung');
  bell.arm();
  assert.is(bell.waitAsync(ticket, 1000), 'rung');
  assert.equal(bell.counters(), { rings: 1, parks: 0, timeouts: 0 });
});

test('counts a sleep that its time-out ended, and is disarmed by it', async () => {
  const bell = Doorbell.create();
  bell.arm();
  assert.is(bell.wait(bell.ticket(), 10), 'timed-out');
  bell.arm();
  assert.is(await bell.waitAsync(bell.ticket(), 10), 'timed-out');
  bell.ring();
  assert.equal(bell.counters(), { rings: 0, parks: 2, timeouts: 2 });
});

test('wakes a waiting thread without blocking it', async () => {
  const bell = Doorbell.create();
  const other = Doorbell.attach(bell.buffer);
  const ticket = bell.ticket();
  bell.arm();
  const wake = bell.waitAsync(ticket, 5000);
  assert.instance(wake, Promise);
  other.ring();
  assert.is(await wake, 'rung');
  other.ring();
  assert.equal(bell.counters(), { rings: 1, parks: 1, timeouts: 0 });
});

test('refuses a second wait while one is pending', async () => {
  const bell = Doorbell.create();
  const ticket = bell.ticket();
  bell.arm();
  const wake = bell.waitAsync(ticket);
  assert.throws(() => bell.waitAsync(ticket), isRingError(/pending/));
  assert.throws(() => bell.wait(ticket, 1), isRingError(/pending/));
  bell.alarm();
  assert.is(await wake, 'rung');
  bell.arm();
  assert.is(bell.wait(bell.ticket(), 1), 'timed-out');
});

test('is alarmed whether armed or not', () => {
  const bell = Doorbell.create();
  const ticket = bell.ticket();
  bell.alarm();
  assert.is(bell.wait(ticket), 'rung');
});

test('may share memory with others', () => {
  const buffer = new SharedArrayBuffer(3 * Doorbell.BYTES);
  const bells = [0, 1, 2].map((i) => Doorbell.create(buffer, i * Doorbell.BYTES));
  bells[1]!.alarm();
  assert.equal(
    bells.map((bell) => Doorbell.attach(buffer, bell.byteOffset).counters().rings),
    [0, 1, 0],
  );
});

test('is not attached where there is none', () => {
  const buffer = new SharedArrayBuffer(2 * Doorbell.BYTES);
  Doorbell.create(buffer);
  assert.throws(() => Doorbell.attach(buffer, Doorbell.BYTES), isRingError(/No doorbell at offset 128/));
  assert.throws(() => Doorbell.attach(buffer, Doorbell.BYTES + 8), isRingError(/128 bytes/));
  assert.throws(() => Doorbell.attach(buffer, 2), isRingError(/multiple of 4/));
});

test("a ring rings the doorbells it is given, not its own, and a stranger's poison rings those named", async () => {
  const ring = RingBuffer.create({ capacity: 64 });
  const producerBell = Doorbell.create();
  const consumerBell = Doorbell.create();
  const producer = ring.producer({ bell: consumerBell, own: producerBell });
  const consumer = ring.consumer({ bell: producerBell, own: consumerBell });
  consumerBell.arm();
  producer.tryWrite(new Uint8Array(24));
  assert.is(consumerBell.counters().rings, 1);
  producer.tryWrite(new Uint8Array(24));
  producerBell.arm();
  assert.not(producer.wantSpace(24));
  consumer.peek();
  consumer.release();
  assert.is(producerBell.counters().rings, 1);
  RingBuffer.attach(ring.buffer).poison(producerBell, consumerBell);
  assert.equal([producerBell.counters().rings, consumerBell.counters().rings], [2, 2]);
  ring.poison();
  assert.equal([producerBell.counters().rings, consumerBell.counters().rings], [3, 3]);
});

const alone = suite('waiting without blocking');

alone('keeps the process alive', async () => {
  const ring = RingBuffer.create({ capacity: 64 });
  const consumer = ring.consumer();
  setTimeout(() => ring.producer().tryWrite(new Uint8Array(1)), 20).unref();
  assert.is(await consumer.waitForRecordAsync(5000), 'ok');
  assert.is(ring.counters().timeouts, 0);
});

test.run();
alone.run();
