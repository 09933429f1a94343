import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RingBuffer } from '../../ringbuffer/index.js';
import { crossed, long, times } from '../kit/long.js';
import type { Job } from './ring-worker.js';
import { runFan, runPair, startThread } from './threads.js';

const mixed = { records: times(50_000, 150_000), maxSize: 90, maxBatch: 8, async: false, pauses: true, capacity: 4096 };
/** For what depends on the size of the ring or the way of waiting, which each of them meets often. */
const fewer = { ...mixed, records: times(10_000, 30_000) };

const pairs = suite('ring between two threads');

pairs('random sizes, batches and pauses arrive whole and in order', async () => {
  await runPair(mixed);
});
pairs('a ring that holds one or two records', async () => {
  await runPair({ ...fewer, capacity: 64, maxSize: 24, maxBatch: 2 });
});
pairs('a record limit', async () => {
  const ring = await runPair({ ...fewer, maxRecords: 8 });
  assert.is(ring.counters().highWaterRecords, 8);
});
pairs('threads that wait without blocking', async () => {
  await runPair({ ...fewer, capacity: 1024, async: true });
});
for (const wrap of [2 ** 31, 2 ** 32]) {
  pairs(`counters that pass 2^${Math.log2(wrap)}`, async () => {
    const ring = await runPair({ ...fewer, start: wrap - 100_000, capacity: 512 });
    assert.ok(ring.counters().bytes > 200_000, 'they passed it');
  });
}

const fans = suite('three producers on one doorbell');

for (const async of [false, true]) {
  fans(async ? 'without blocking' : 'blocking', () => runFan(3, { ...fewer, capacity: 2048, async }));
}

const deaths = suite('a thread that dies');

/** Records that it dies in: random, but the same in every run. */
const moments = long ? [0, 1, 17, 400, 12_345] : [0, 400];

async function withDeath(dying: Job['role'], dieAt: number) {
  const ring = RingBuffer.create(mixed);
  const job = { ...mixed, rings: [ring.buffer], seeds: [5], maxBatch: 1 };
  const other = dying === 'produce' ? 'consume' : 'produce';
  const survivor = startThread({ ...job, role: other });
  assert.is(await startThread({ ...job, role: dying, dieAt }).outcome, undefined, 'it died');
  return { ring, survivor };
}

deaths('producer between claim and commit: what it had published is right, poison ends the consumer', async () => {
  for (const dieAt of moments) {
    const { ring, survivor } = await withDeath('produce', dieAt);
    assert.is(ring.counters().records, dieAt, 'nothing unfinished is published');
    ring.poison();
    const outcome = await survivor.outcome;
    assert.is(outcome?.end, 'poisoned');
    assert.ok(outcome!.records <= dieAt);
    ring.consumer().drain();
    assert.is(ring.counters().released, dieAt, 'the rest can still be drained');
  }
});

deaths('consumer holding a record: poison ends the producer', async () => {
  for (const dieAt of moments) {
    const { ring, survivor } = await withDeath('consume', dieAt);
    ring.poison();
    assert.is((await survivor.outcome)?.end, 'poisoned');
    assert.is(ring.counters().released, dieAt);
  }
});

deaths('a consumer that takes over leaves the ring on behalf of the dead one, and the producer learns it', async () => {
  const { ring, survivor } = await withDeath('consume', 100);
  ring.consumer().close();
  assert.is((await survivor.outcome)?.end, 'abandoned');
});

deaths('terminated at any time: the survivor ends by poison and what it read was right', async () => {
  for (const [milliseconds, both] of crossed([30, 45, 60, 75], ['produce', 'consume'] as const, 1)) {
    for (const dying of both) {
      const ring = RingBuffer.create(mixed);
      const job = { ...mixed, rings: [ring.buffer], seeds: [milliseconds], records: 100_000_000 };
      const survivor = startThread({ ...job, role: dying === 'produce' ? 'consume' : 'produce' });
      const victim = startThread({ ...job, role: dying });
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      await victim.terminate();
      ring.poison();
      assert.is((await survivor.outcome)?.end, 'poisoned');
    }
  }
});

deaths('without poison the survivor ends by its time-out', () => {
  const ring = RingBuffer.create({ capacity: 64 });
  const consumer = ring.consumer();
  const began = performance.now();
  assert.is(consumer.waitForRecord(60), 'timed-out');
  assert.ok(performance.now() - began >= 55);
  const producer = ring.producer();
  while (producer.tryWrite(new Uint8Array(8)));
  assert.is(producer.waitForSpace(8, 20), 'timed-out');
  assert.is(ring.counters().timeouts, 2);
  assert.is(consumer.drain(), 4);
});

pairs.run();
fans.run();
deaths.run();
