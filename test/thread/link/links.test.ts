import { MessageChannel } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell } from '../../../ringbuffer/index.js';
import { AudioFrame, Bundle, ledger, Packet, VideoFrame } from '../../../src/media/index.js';
import { Board } from '../../../src/thread/board/board.js';
import { DirectLink } from '../../../src/thread/link/direct-link.js';
import { requireCrossable } from '../../../src/thread/link/record.js';
import { capacityFor, createRing, RingReceiver, RingSender } from '../../../src/thread/link/ring-link.js';

const links = suite('links');

function ringPair(limit: number, bytes = 1 << 20) {
  const board = Board.create(2, 2, 1);
  const buffer = createRing(limit);
  const { port1, port2 } = new MessageChannel();
  const producerBell = Doorbell.create();
  const consumerBell = Doorbell.create();
  const out = new RingSender(0, board, limit, bytes, buffer, port1, consumerBell, true);
  const into = new RingReceiver(0, board, buffer, port2, producerBell);
  const end = () => {
    port1.close();
    port2.close();
  };
  return { board, out, into, end, producerBell, consumerBell };
}

const value = (n: number): Packet => new Packet({ n }, { timestamp: n });
const numberOf = (packet: Packet | undefined): number | undefined => (packet?.payload as { n: number } | undefined)?.n;

links('a ring link takes its limit of packets; the rest waits with the producer and follows in order', () => {
  const { board, out, into, end } = ringPair(3);
  for (let n = 0; n < 5; n++) out.offer(value(n));
  assert.not(out.clear);
  assert.equal(board.sent(0), 3);
  assert.ok(board.blocked(0));
  const seen: (number | undefined)[] = [];
  for (let i = 0; i < 5; i++) {
    seen.push(numberOf(into.take()));
    out.flush();
  }
  assert.equal(seen, [0, 1, 2, 3, 4]);
  assert.ok(out.clear);
  assert.not(board.blocked(0));
  assert.not(into.available);
  assert.equal([board.sent(0), board.taken(0)], [5, 5]);
  end();
});

links('a link whose limit was lifted lets its producer run with that many packets waiting', () => {
  const { board, out, end } = ringPair(2);
  for (let n = 0; n < 4; n++) out.offer(value(n));
  assert.not(out.clear);
  board.raiseAllowance(0, 0, 2);
  assert.ok(out.clear);
  out.offer(value(4));
  assert.not(out.clear);
  out.discard();
  end();
});

links('a ring grows with its packets, and nothing is lost or reordered on the way', () => {
  const { out, into, end } = ringPair(4, 1 << 24);
  const sizes = [10, 100_000, 20, 3_000_000, 30, 40];
  const seen: number[] = [];
  for (const size of sizes) {
    out.offer(new Packet(new Uint8Array(size).fill(size & 0xff)));
    // Read late, so that rings are exchanged while the old one still holds packets.
    if (seen.length < 2) continue;
    const packet = into.take();
    if (packet) seen.push((packet.payload as Uint8Array).length);
  }
  while (seen.length < sizes.length) {
    const packet = into.take();
    if (packet === undefined) assert.not(out.flush() && !into.available, 'packets are missing');
    else {
      const bytes = packet.payload as Uint8Array;
      assert.ok(bytes.every((byte) => byte === (bytes.length & 0xff)));
      seen.push(bytes.length);
    }
    out.flush();
  }
  assert.equal(seen, sizes);
  end();
});

links('a take that makes too little room wakes the producer to show that it has seen it', () => {
  const { board, out, into, producerBell, end } = ringPair(8, 1);
  const large = (): Packet => new Packet(new Uint8Array(60_000));
  out.offer(large());
  into.take(); // the ring now has room for two of these, and for little more
  for (const packet of [value(1), large(), large(), large()]) out.offer(packet);
  assert.equal([out.waitingPackets, board.blockedAtTaken(0)], [1, 1]);
  const ticket = producerBell.ticket();
  producerBell.arm();
  assert.equal(numberOf(into.take()), 1);
  assert.not.equal(producerBell.ticket(), ticket);
  const before = out.changes;
  assert.not(out.flush());
  assert.equal(board.blockedAtTaken(0), 2);
  assert.ok(out.changes > before, 'its thread must look for a deadlock again');
  out.flush();
  assert.is(out.changes, before + 1, 'and only once');
  out.discard();
  end();
});

links('after the consumer has left, what waits and what is offered is released', () => {
  const before = ledger.snapshot();
  const { board, out, into, producerBell, end } = ringPair(1);
  const frame = () => new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'yuv420p' }));
  for (let n = 0; n < 3; n++) out.offer(frame());
  const ticket = producerBell.ticket();
  into.leave();
  assert.not.equal(producerBell.ticket(), ticket, 'the producer is woken');
  assert.ok(out.left);
  assert.ok(board.left(0));
  assert.ok(out.flush());
  out.offer(frame());
  assert.equal(ledger.snapshot(), before);
  end();
});

links('the end of the stream waits its turn behind the packets and counts as one of them', () => {
  const { board, out, into, end } = ringPair(1);
  out.offer(value(1));
  out.offer(Packet.eof());
  assert.equal(numberOf(into.take()), 1);
  assert.not(into.available);
  out.flush();
  assert.ok(into.take()?.isEof);
  assert.equal(board.sent(0), 2);
  end();
});

links('a direct link hands over the very packet', () => {
  const board = Board.create(1, 2, 1);
  const link = new DirectLink(0, board, 2);
  const packet = value(7);
  link.offer(packet);
  assert.is(link.take(), packet);
});

links(
  'a direct link holds its producer back beyond its limit, and lets go of what is queued when the consumer leaves',
  () => {
    const board = Board.create(1, 2, 1);
    const link = new DirectLink(0, board, 2);
    link.offer(value(1));
    link.offer(value(2));
    assert.ok(link.clear);
    const third = value(3);
    link.offer(third);
    assert.not(link.clear);
    assert.ok(link.waitingBytes > 0);
    board.raiseAllowance(0, 0, 2);
    assert.ok(link.clear);
    link.leave();
    assert.ok(third.closed);
    assert.not(link.available);
    const late = value(4);
    link.offer(late);
    assert.ok(late.closed);
  },
);

links(
  'a ring is as large as its packets need, and no larger than its limit in bytes unless one packet needs it',
  () => {
    assert.equal(capacityFor(1000, 8, 1 << 20), 16_384);
    assert.equal(capacityFor(1 << 20, 8, 1 << 22), 1 << 22);
    assert.equal(capacityFor(1 << 22, 8, 1 << 20), 1 << 24, 'two records always fit');
  },
);

links('a frame that is too large to be copied is refused before it is sent, unless it goes by reference', () => {
  const hour = { sampleRate: 48_000, channels: 1, format: 's32', samples: 48_000 * 3600 };
  const sound = AudioFrame.alloc(hour);
  const { byteLength } = sound.planes()[0]!.data;
  for (const payload of [sound, { sound }, Bundle.fromPayloads([sound.clone()])]) {
    const packet = new Packet(payload);
    requireCrossable(packet, { passesReferences: true });
    assert.throws(
      () => requireCrossable(packet, { passesReferences: false }),
      new RegExp(`a payload of ${byteLength} bytes`),
    );
    if (payload instanceof Bundle) packet.close();
  }
  sound.close();
  // Estimated at four bytes each these would not fit.
  const small = AudioFrame.alloc({ ...hour, format: 'u8' });
  requireCrossable(new Packet(small), { passesReferences: false });
  small.close();
  assert.equal(ledger.snapshot(), {});
});

for (const start of [2 ** 31 - 3, 2 ** 32 - 3, 2 ** 33 - 3]) {
  links(`marks and figures are right past ${start} packets`, () => {
    const ring = ringPair(4);
    const direct = new DirectLink(0, Board.create(1, 2, 1), 4);
    const board = Reflect.get(direct, 'board') as Board;
    for (const [faces, out, into] of [
      [ring.board, ring.out, ring.into],
      [board, direct, direct],
    ] as const) {
      // As after so many packets, all of them taken.
      Object.assign(out, { sent: start });
      Object.assign(into, { taken: start });
      faces.setSent(0, start);
      faces.setTaken(0, start);
      for (let n = 1; n <= 8; n++) {
        out.offer(value(n));
        out.offer(value(n));
        out.flush();
        assert.is(faces.queued(0), 2);
        assert.is(faces.packets(0), start + 2 * n);
        into.take();
        into.take();
        assert.is(faces.queued(0), 0);
      }
      assert.is(faces.highWater(0), 2);
    }
    ring.end();
  });
}

links.run();
