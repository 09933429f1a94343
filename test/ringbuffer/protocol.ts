/**
 * What the ring's protocol promises, as scenes of two threads. protocol.test.ts plays them with the code as it is, where
 * each must hold, and with every step of the code taken out, where one of them must fail.
 */
import * as assert from 'uvu/assert';
import { CONSUMER_BELL, PRODUCER_BELL } from '../../ringbuffer/layout.js';
import { everyMoment, Interleaver, type Ring } from './interleave.js';

type Load = (atomics: Interleaver) => Ring;

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => length + i);

/** A ring in use: its positions have moved and its doorbells have been rung, so that nothing is right by being zero. */
function usedRing({ RingBuffer, Doorbell }: Ring, options: { maxRecords?: number } = {}) {
  const ring = RingBuffer.create({ capacity: 64, ...options });
  const producer = ring.producer({ spin: 1 });
  const consumer = ring.consumer({ spin: 1 });
  for (const kind of [1, 2]) {
    producer.tryWrite(pattern(20), kind);
    consumer.drain();
  }
  const consumerBell = Doorbell.attach(ring.buffer, CONSUMER_BELL);
  const producerBell = Doorbell.attach(ring.buffer, PRODUCER_BELL);
  consumerBell.alarm();
  producerBell.alarm();
  return { ring, producer, consumer, consumerBell, producerBell };
}

type Used = ReturnType<typeof usedRing>;

function fill({ producer }: Used): void {
  while (producer.tryWrite(pattern(8), 3));
}

function checkNext({ consumer }: Used, length: number, kind: number): void {
  const offset = consumer.peek();
  assert.ok(offset >= 0, 'there is a record');
  assert.is(consumer.length, length);
  assert.is(consumer.kind, kind);
  assert.equal(consumer.bytes.slice(offset, offset + length), pattern(length));
}

/** A scene whose first thread sleeps if it must; nothing may be left asleep. */
function waiting(first: (used: Used) => void | Promise<void>, other: (used: Used) => void, full = false) {
  return (load: Load) =>
    everyMoment(async (at, atomics) => {
      const used = usedRing(load(atomics));
      if (full) fill(used);
      atomics.plan(at, () => other(used));
      await first(used);
      assert.is(atomics.lostWakeUps, 0, 'somebody slept although there was something for them');
    });
}

const write = ({ producer }: Used) => assert.ok(producer.tryWrite(pattern(11), 9));
const takeOne = (used: Used) => {
  checkNext(used, 8, 3);
  used.consumer.release();
};

export const scenes: Record<string, (load: Load) => void | Promise<void>> = {
  'a waiting consumer gets a record': waiting((used) => {
    assert.is(used.consumer.waitForRecord(), 'ok');
    checkNext(used, 11, 9);
  }, write),

  'a consumer that waits without blocking gets a record': waiting(async (used) => {
    assert.is(await used.consumer.waitForRecordAsync(), 'ok');
    checkNext(used, 11, 9);
  }, write),

  'a waiting producer gets room': waiting(
    ({ producer }) => {
      assert.is(producer.waitForSpace(8), 'ok');
      assert.ok(producer.claim(8) >= 0);
    },
    takeOne,
    true,
  ),

  'a producer that waits without blocking gets room': waiting(
    async ({ producer }) => {
      assert.is(await producer.waitForSpaceAsync(8), 'ok');
      assert.ok(producer.claim(8) >= 0);
    },
    takeOne,
    true,
  ),

  'a waiting producer gets room for a large record': waiting(
    ({ producer }) => {
      assert.is(producer.waitForSpace(24), 'ok');
      assert.ok(producer.tryWrite(pattern(24)));
    },
    ({ consumer }) => {
      assert.is(consumer.drain(), 4);
    },
    true,
  ),

  'the end wakes a consumer after the last record': waiting(
    (used) => {
      assert.is(used.consumer.waitForRecord(), 'ok');
      checkNext(used, 11, 9);
      used.consumer.release();
      assert.is(used.consumer.waitForRecord(), 'ended');
    },
    (used) => {
      write(used);
      used.producer.close();
    },
  ),

  'the end wakes a consumer of an empty ring': waiting(
    ({ consumer }) => assert.is(consumer.waitForRecord(), 'ended'),
    ({ producer }) => producer.close(),
  ),

  'a consumer that leaves wakes the producer': waiting(
    ({ producer }) => {
      assert.is(producer.waitForSpace(8), 'abandoned');
      assert.is(producer.claim(8), -1);
    },
    ({ consumer }) => consumer.close(),
    true,
  ),

  'poison wakes the consumer': waiting(
    ({ consumer }) => assert.is(consumer.waitForRecord(), 'poisoned'),
    ({ ring }) => ring.poison(),
  ),

  'poison wakes the producer': waiting(
    ({ producer }) => assert.is(producer.waitForSpace(8), 'poisoned'),
    ({ ring }) => ring.poison(),
    true,
  ),

  'poison wakes a consumer whose producer died at any moment of writing': async (load) => {
    for (let deathAt = 0, lived = false; !lived; deathAt++) {
      await everyMoment((at, atomics) => {
        const used = usedRing(load(atomics));
        atomics.plan(at, () => {
          lived = atomics.runDying(deathAt, () => write(used));
          used.ring.poison();
        });
        assert.match(used.consumer.waitForRecord(), /^(ok|poisoned)$/);
        assert.is(atomics.lostWakeUps, 0, 'poison woke nobody');
      });
    }
  },

  'poison wakes a producer whose consumer died at any moment of reading': async (load) => {
    for (let deathAt = 0, lived = false; !lived; deathAt++) {
      await everyMoment((at, atomics) => {
        const used = usedRing(load(atomics));
        fill(used);
        atomics.plan(at, () => {
          lived = atomics.runDying(deathAt, () => takeOne(used));
          used.ring.poison();
        });
        assert.match(used.producer.waitForSpace(8), /^(ok|poisoned)$/);
        assert.is(atomics.lostWakeUps, 0, 'poison woke nobody');
      });
    }
  },

  'a record is seen whole or not at all': (load) =>
    everyMoment((at, atomics) => {
      const used = usedRing(load(atomics));
      let seen = false;
      atomics.plan(at, () => {
        seen = used.consumer.peek() >= 0;
        if (seen) checkNext(used, 11, 9);
      });
      write(used);
      if (!seen) checkNext(used, 11, 9);
    }),

  'uncommitted records are not seen': (load) => {
    const { producer, consumer } = usedRing(load(new Interleaver()));
    producer.claim(8);
    producer.claim(8);
    assert.is(consumer.peek(), -1);
    producer.commit();
    assert.is(consumer.drain(), 2);
  },

  'a record is not overwritten before it is released': (load) =>
    everyMoment((at, atomics) => {
      const used = usedRing(load(atomics));
      fill(used);
      checkNext(used, 8, 3);
      const offset = used.consumer.peek();
      atomics.plan(at, () => {
        const claimed = used.producer.claim(8);
        if (claimed >= 0) assert.is(used.ring.inFlight(), 3, 'room only after the release');
        assert.ok(claimed < 0 || claimed === offset);
      });
      used.consumer.release();
    }),

  'the end is never seen before the last record': (load) =>
    everyMoment((at, atomics) => {
      const { producer, consumer } = usedRing(load(atomics));
      atomics.plan(at, () => {
        producer.tryWrite(pattern(11), 9);
        producer.close();
      });
      if (consumer.ended) assert.is(consumer.peek(), -1, 'ended, but there is a record');
    }),

  'closed, left and poisoned rings say so': (load) => {
    const closed = usedRing(load(new Interleaver()));
    assert.not(closed.consumer.ended);
    closed.producer.close();
    assert.ok(closed.producer.closed && closed.consumer.ended);
    const left = usedRing(load(new Interleaver()));
    left.consumer.close();
    assert.ok(left.producer.abandoned);
    assert.is(left.producer.claim(8), -1);
    const poisoned = usedRing(load(new Interleaver()));
    poisoned.ring.poison();
    assert.ok(poisoned.producer.poisoned && poisoned.consumer.poisoned);
    assert.is(poisoned.producer.claim(8), -1);
  },

  'ringing an awake thread is one load and no write': (load) => {
    const atomics = new Interleaver();
    const { consumerBell } = usedRing(load(atomics));
    const before = consumerBell.counters().rings;
    atomics.operations = 0;
    atomics.writes = 0;
    consumerBell.ring();
    assert.is(atomics.operations, 1);
    assert.is(atomics.writes, 0);
    assert.is(consumerBell.counters().rings, before);
  },

  'one ring wakes for all ringers': (load) => {
    const { consumerBell } = usedRing(load(new Interleaver()));
    const before = consumerBell.counters().rings;
    consumerBell.arm();
    consumerBell.ring();
    consumerBell.ring();
    assert.is(consumerBell.counters().rings, before + 1);
  },

  'of two ringers that see a sleeper at once one wakes it': (load) =>
    everyMoment((at, atomics) => {
      const { consumerBell } = usedRing(load(atomics));
      const before = consumerBell.counters().rings;
      consumerBell.arm();
      atomics.plan(at, () => consumerBell.ring());
      consumerBell.ring();
      if (at < 2) assert.is(consumerBell.counters().rings, before + 1);
    }),

  'a thread that found work after arming is not rung': (load) => {
    const { consumerBell } = usedRing(load(new Interleaver()));
    consumerBell.arm();
    consumerBell.disarm();
    const before = consumerBell.counters().rings;
    consumerBell.ring();
    assert.is(consumerBell.counters().rings, before);
  },

  'a producer is woken when there is room enough, not before': (load) => {
    const used = usedRing(load(new Interleaver()));
    fill(used);
    const before = used.producerBell.counters().rings;
    used.producerBell.arm();
    assert.not(used.producer.wantSpace(24));
    takeOne(used);
    assert.is(used.producerBell.counters().rings, before);
    for (let i = 0; i < 3; i++) takeOne(used);
    assert.is(used.producerBell.counters().rings, before + 1);
  },

  'one announcement brings one ring': (load) => {
    const used = usedRing(load(new Interleaver()));
    fill(used);
    const before = used.producerBell.counters().rings;
    used.producerBell.arm();
    assert.not(used.producer.wantSpace(8));
    takeOne(used);
    used.producerBell.arm();
    takeOne(used);
    assert.is(used.producerBell.counters().rings, before + 1);
  },

  'an announcement that was answered at once brings no ring': (load) => {
    const used = usedRing(load(new Interleaver()));
    fill(used);
    takeOne(used);
    used.producerBell.arm();
    const before = used.producerBell.counters().rings;
    assert.ok(used.producer.wantSpace(8));
    takeOne(used);
    assert.is(used.producerBell.counters().rings, before);
  },

  'a record limit holds a producer until one release': (load) =>
    everyMoment((at, atomics) => {
      const used = usedRing(load(atomics), { maxRecords: 1 });
      used.producer.tryWrite(pattern(8), 3);
      assert.is(used.producer.claim(8), -1);
      atomics.plan(at, () => takeOne(used));
      assert.is(used.producer.waitForSpace(8), 'ok');
      assert.is(atomics.lostWakeUps, 0);
      assert.ok(used.producer.claim(8) >= 0);
    }),
};
