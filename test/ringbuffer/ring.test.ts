import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RingBuffer, type RingConsumer, RingError, type RingProducer } from '../../ringbuffer/index.js';

const pattern = (length: number, seed = 0) => Uint8Array.from({ length }, (_, i) => seed + i);

function read(ring: RingConsumer): Uint8Array | undefined {
  const offset = ring.peek();
  if (offset < 0) return undefined;
  const record = ring.bytes.slice(offset, offset + ring.length);
  ring.release();
  return record;
}

function refuses(action: () => unknown, code: RingError['code'], ...words: string[]): void {
  assert.throws(action, (error: unknown) => {
    assert.instance(error, RingError);
    assert.is((error as RingError).code, code);
    for (const word of words) assert.match((error as RingError).message, word);
    return true;
  });
}

const fresh = (capacity = 64, more = {}) => {
  const ring = RingBuffer.create({ capacity, ...more });
  return { ring, producer: ring.producer(), consumer: ring.consumer() };
};

const records = suite('records');

records('come out as they went in, with length and kind', () => {
  const { producer, consumer } = fresh(1024);
  assert.ok(producer.tryWrite(pattern(5), 65_535));
  assert.ok(producer.tryWrite(pattern(0)));
  const offset = consumer.peek();
  assert.is(consumer.length, 5);
  assert.is(consumer.kind, 65_535);
  assert.equal(consumer.bytes.slice(offset, offset + 5), pattern(5));
  assert.is(consumer.peek(), offset, 'the same until released');
  consumer.release();
  assert.ok(consumer.peek() >= 0);
  assert.is(consumer.length, 0);
  assert.is(consumer.kind, 0);
  consumer.release();
  assert.is(consumer.peek(), -1);
});

records('are written and read in place through bytes and view, at multiples of 8', () => {
  const { producer, consumer } = fresh(1024);
  for (const size of [1, 9, 8, 20]) {
    const offset = producer.claim(size);
    assert.is(offset % 8, 0);
    producer.view.setUint8(offset + size - 1, 200 + size);
    producer.commit();
    assert.is(consumer.peek(), offset);
    assert.is(consumer.view.getUint8(offset + consumer.length - 1), 200 + size);
    assert.is(consumer.bytes[offset + consumer.length - 1], 200 + size);
    consumer.release();
  }
});

records('wrap at every position, for every size and counter', () => {
  for (const start of [0, 2 ** 31 - 256, 2 ** 31, 2 ** 32 - 256, 2 ** 32 - 8]) {
    for (let position = 0; position < 128; position += 8) {
      const { ring, producer, consumer } = fresh(128, { start: start + position });
      for (let size = 0; size <= ring.maxRecord; size++) {
        const record = pattern(size, position + size);
        assert.ok(producer.tryWrite(record, size), `record of ${size} bytes at ${position} after ${start}`);
        assert.equal(read(consumer), record);
        assert.is(consumer.peek(), -1);
        assert.is(ring.usedBytes(), 0);
      }
    }
  }
});

records('fill the ring and leave it in order, at every position', () => {
  for (let position = 0; position < 128; position += 8) {
    for (let size = 0; size <= 56; size++) {
      const { ring, producer, consumer } = fresh(128, { start: 2 ** 32 - 128 + position });
      for (let round = 0; round < 4; round++) {
        let written = 0;
        while (producer.tryWrite(pattern(size, written))) written++;
        assert.ok(written >= 1);
        assert.is(ring.inFlight(), written);
        assert.ok(ring.usedBytes() <= 128);
        for (let i = 0; i < written; i++) assert.equal(read(consumer), pattern(size, i));
        assert.is(consumer.peek(), -1);
      }
    }
  }
});

records('of mixed sizes and batches agree with a plain queue', () => {
  const { ring, producer, consumer } = fresh(256, { start: 2 ** 31 - 5000 });
  const published: Uint8Array[] = [];
  let claimed: Uint8Array[] = [];
  let luck = 12_345;
  const below = (limit: number) => {
    luck = (Math.imul(luck, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (luck >> 8) % limit;
  };
  for (let i = 0; i < 50_000; i++) {
    const choice = below(8);
    if (choice < 4) {
      const record = pattern(below(ring.maxRecord + 1), i);
      const offset = producer.claim(record.length);
      if (offset < 0) continue;
      producer.bytes.set(record, offset);
      claimed.push(record);
    } else if (choice === 4) {
      producer.commit();
      published.push(...claimed.splice(0));
    } else if (choice === 5 && below(4) === 0) {
      producer.abort();
      claimed = [];
    } else {
      assert.equal(read(consumer), published.shift());
    }
    assert.is(ring.inFlight(), published.length);
  }
});

records('claimed together are published together', () => {
  const { ring, producer, consumer } = fresh(256);
  for (let i = 0; i < 3; i++) producer.bytes[producer.claim(1)] = i;
  assert.is(consumer.peek(), -1);
  assert.is(ring.inFlight(), 0);
  producer.commit();
  assert.is(ring.inFlight(), 3);
  for (let i = 0; i < 3; i++) assert.equal(read(consumer), Uint8Array.of(i));
});

records('that were aborted never come, and their room is free again', () => {
  const { producer, consumer } = fresh(64);
  for (let i = 0; i < 50; i++) {
    assert.ok(producer.claim(24) >= 0);
    producer.abort();
  }
  producer.commit();
  assert.is(consumer.peek(), -1);
  assert.ok(producer.tryWrite(pattern(24)));
  assert.equal(read(consumer), pattern(24));
});

records('too large for the ring are refused with both sizes', () => {
  const { producer } = fresh(64);
  refuses(() => producer.claim(25), 'ERR_MILLRACE_RECORD_TOO_LARGE', '25 bytes', 'limit is 24 bytes');
  refuses(() => producer.tryWrite(pattern(1000)), 'ERR_MILLRACE_RECORD_TOO_LARGE', '1000 bytes');
  refuses(() => producer.wantSpace(25), 'ERR_MILLRACE_RECORD_TOO_LARGE');
  refuses(() => producer.claim(2 ** 33), 'ERR_MILLRACE_RECORD_TOO_LARGE');
  const limited = fresh(1024, { maxRecordBytes: 100 });
  assert.ok(limited.producer.claim(100) >= 0);
  refuses(() => limited.producer.claim(101), 'ERR_MILLRACE_RECORD_TOO_LARGE', 'limit is 100 bytes');
});

records('of no possible size or kind are refused', () => {
  const { producer } = fresh();
  for (const size of [-1, 1.5, Number.NaN]) refuses(() => producer.claim(size), 'ERR_MILLRACE_RING', String(size));
  for (const kind of [-1, 65_536, 0.5]) refuses(() => producer.claim(1, kind), 'ERR_MILLRACE_RING', String(kind));
});

records('in flight are limited by maxRecords, claims included', () => {
  const { ring, producer, consumer } = fresh(1024, { maxRecords: 2, start: 2 ** 32 - 8 });
  for (let round = 0; round < 5; round++) {
    assert.ok(producer.claim(1) >= 0);
    assert.ok(producer.claim(1) >= 0);
    assert.is(producer.claim(1), -1);
    producer.commit();
    assert.is(producer.claim(1), -1);
    assert.not(producer.wantSpace(1));
    consumer.peek();
    assert.is(producer.claim(1), -1, 'peeking frees nothing');
    consumer.release();
    assert.ok(producer.wantSpace(1));
    assert.ok(producer.claim(1) >= 0);
    assert.is(producer.claim(1), -1);
    producer.abort();
    consumer.drain();
  }
  assert.is(ring.counters().highWaterRecords, 2);
});

records('released are seen by the producer as numbers to compare with those published', () => {
  const { producer, consumer } = fresh(1024, { start: 2 ** 32 - 8 });
  const before = producer.published;
  for (let i = 0; i < 10; i++) producer.tryWrite(pattern(1));
  assert.is((producer.published - before) | 0, 10);
  assert.is((producer.released - before) | 0, 0);
  consumer.peek();
  consumer.release();
  assert.is((producer.released - before) | 0, 1);
  consumer.drain();
  assert.is(producer.released, producer.published);
});

records('cannot be released without having been peeked', () => {
  const { producer, consumer } = fresh();
  refuses(() => consumer.release(), 'ERR_MILLRACE_RING', 'peek');
  producer.tryWrite(pattern(1));
  refuses(() => consumer.release(), 'ERR_MILLRACE_RING', 'peek');
  read(consumer);
  refuses(() => consumer.release(), 'ERR_MILLRACE_RING', 'peek');
});

const ends = suite('ends of a ring');

ends('a closed producer: the rest is read, then it has ended', () => {
  const { producer, consumer } = fresh();
  producer.tryWrite(pattern(3));
  producer.claim(3);
  producer.close();
  producer.close();
  assert.ok(producer.closed);
  assert.not(consumer.ended);
  assert.is(consumer.waitForRecord(), 'ok');
  consumer.peek();
  assert.not(consumer.ended, 'not while the last record is in hand');
  consumer.release();
  assert.ok(consumer.ended);
  assert.is(consumer.waitForRecord(), 'ended');
  refuses(() => producer.claim(1), 'ERR_MILLRACE_RING', 'closed');
  refuses(() => producer.waitForSpace(1), 'ERR_MILLRACE_RING', 'closed');
});

ends('a consumer that left: claims fail, the producer learns why, the rest can be drained', () => {
  const { producer, consumer } = fresh();
  producer.tryWrite(pattern(3), 4);
  producer.tryWrite(pattern(2), 5);
  consumer.close();
  consumer.close();
  assert.ok(producer.abandoned);
  assert.is(producer.claim(1), -1);
  assert.not(producer.tryWrite(pattern(1)));
  assert.ok(producer.wantSpace(1), 'waiting would be for nothing');
  assert.is(producer.waitForSpace(1), 'abandoned');
  const seen: number[] = [];
  assert.is(
    consumer.drain((_offset, length, kind) => seen.push(length, kind)),
    2,
  );
  assert.equal(seen, [3, 4, 2, 5]);
});

ends('a poisoned ring: claims fail, waits end, the rest can be drained', async () => {
  const { ring, producer, consumer } = fresh();
  producer.tryWrite(pattern(3));
  RingBuffer.attach(ring.buffer).poison();
  assert.ok(ring.poisoned && producer.poisoned && consumer.poisoned);
  assert.is(producer.claim(1), -1);
  assert.is(producer.waitForSpace(1), 'poisoned');
  assert.is(consumer.waitForRecord(), 'poisoned');
  assert.is(await consumer.waitForRecordAsync(), 'poisoned');
  assert.is(await producer.waitForSpaceAsync(1), 'poisoned');
  assert.is(consumer.drain(), 1);
});

ends('another producer or consumer goes on where the last one stopped', () => {
  const { ring, producer, consumer } = fresh(128);
  producer.tryWrite(pattern(1, 1));
  producer.tryWrite(pattern(1, 2));
  producer.claim(1);
  assert.equal(read(consumer), Uint8Array.of(1));
  consumer.peek();
  const attached = RingBuffer.attach(ring.buffer);
  attached.producer().tryWrite(pattern(1, 3));
  const second = attached.consumer();
  assert.equal(read(second), Uint8Array.of(2));
  assert.equal(read(second), Uint8Array.of(3));
  assert.is(second.peek(), -1);
});

ends('room must not be waited for with uncommitted claims', () => {
  const { producer } = fresh();
  producer.claim(8);
  refuses(() => producer.wantSpace(8), 'ERR_MILLRACE_RING', 'commit');
  refuses(() => producer.waitForSpace(8), 'ERR_MILLRACE_RING', 'commit');
});

const memory = suite('shared memory');

memory('attach sees the same ring', () => {
  const ring = RingBuffer.create({ capacity: 256, maxRecords: 3, maxRecordBytes: 50 });
  const other = RingBuffer.attach(ring.buffer);
  assert.equal([other.capacity, other.maxRecords, other.maxRecord], [256, 3, 50]);
  ring.producer().tryWrite(pattern(7));
  assert.equal(read(other.consumer()), pattern(7));
  assert.is(ring.buffer.byteLength, RingBuffer.storageFor(256));
});

memory('that is no ring is refused', () => {
  const { buffer } = RingBuffer.create({ capacity: 64 });
  const words = new Int32Array(buffer);
  refuses(() => RingBuffer.attach(new SharedArrayBuffer(16)), 'ERR_MILLRACE_RING', 'Not a ring');
  refuses(() => RingBuffer.attach(new SharedArrayBuffer(4096)), 'ERR_MILLRACE_RING', 'Not a ring');
  refuses(() => RingBuffer.attach(new ArrayBuffer(4096) as never), 'ERR_MILLRACE_RING', 'SharedArrayBuffer');
  words[2]! *= 2;
  refuses(() => RingBuffer.attach(buffer), 'ERR_MILLRACE_RING', 'capacity is 128');
  words[2]! /= 2;
  RingBuffer.attach(buffer);
  words[1]!++;
  refuses(() => RingBuffer.attach(buffer), 'ERR_MILLRACE_RING', 'layout version 2', 'version 1');
});

memory('is not made from options that make no ring', () => {
  for (const capacity of [0, 8, 100, 2 ** 31, 64.5, Number.NaN]) {
    refuses(() => RingBuffer.create({ capacity }), 'ERR_MILLRACE_RING', String(capacity));
  }
  refuses(() => RingBuffer.create({ capacity: 64, maxRecordBytes: 25 }), 'ERR_MILLRACE_RING', '0..24', '25');
  refuses(() => RingBuffer.create({ capacity: 64, maxRecords: -1 }), 'ERR_MILLRACE_RING', '-1');
  refuses(() => RingBuffer.create({ capacity: 64, start: 4 }), 'ERR_MILLRACE_RING', '4');
});

memory('of the smallest ring holds empty records', () => {
  const { ring, producer, consumer } = fresh(16);
  assert.is(ring.maxRecord, 0);
  assert.ok(producer.tryWrite(pattern(0), 1) && producer.tryWrite(pattern(0), 2));
  assert.not(producer.tryWrite(pattern(0)));
  assert.is(consumer.drain(), 2);
});

memory('counts what went through', () => {
  const { ring, producer, consumer } = fresh(64);
  const stall = (p: RingProducer) => {
    for (let i = 0; i < 5; i++) assert.is(p.claim(8), -1);
  };
  for (let i = 0; i < 4; i++) producer.tryWrite(pattern(8));
  stall(producer);
  read(consumer);
  producer.tryWrite(pattern(8));
  stall(producer);
  assert.is(producer.free(), 0);
  assert.equal(ring.counters(), {
    records: 5,
    bytes: 40,
    released: 1,
    highWaterBytes: 64,
    highWaterRecords: 4,
    stalls: 2,
    parks: 0,
    timeouts: 0,
  });
  consumer.drain();
  assert.is(producer.free(), 64);
  assert.is(RingBuffer.attach(ring.buffer).counters().released, 5);
});

records.run();
ends.run();
memory.run();
