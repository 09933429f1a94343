import { AV_PKT_FLAG_KEY } from 'node-av/constants';
import { Packet as NativePacket } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EncodedPacket, ledger } from '../../../src/media/index.js';

const test = suite('encoded packet');

test('holds a copy of its bytes', () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const packet = EncodedPacket.from(bytes);
  bytes.fill(0);
  packet.data.fill(9);
  assert.equal([...packet.data], [1, 2, 3]);
  assert.is(packet.size, 3);
  packet.close();
});

test('bytes in the middle of a larger buffer are taken alone', () => {
  const packet = EncodedPacket.from(new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
  assert.equal([...packet.data], [2, 3]);
  packet.close();
});

test('an allocated packet is zero, an empty one has no bytes', () => {
  const packet = EncodedPacket.alloc(5);
  assert.equal([...packet.data], [0, 0, 0, 0, 0]);
  packet.close();
  const empty = EncodedPacket.from(new Uint8Array(0));
  assert.equal([empty.size, empty.data.length], [0, 0]);
  empty.close();
});

test('an allocated packet is filled in place, until it is used', () => {
  const packet = EncodedPacket.alloc(4);
  packet.data.set([1, 2]);
  packet.pts = 7n;
  packet.timeBase = { num: 1, den: 25 };
  packet.flags = AV_PKT_FLAG_KEY;
  packet.data.set([3, 4], 2);
  assert.is(packet.size, 4);
  const copy = packet.clone();
  for (const { data, size, pts, timeBase, isKey } of [packet, copy]) {
    assert.equal([[...data], size, pts, timeBase, isKey], [[1, 2, 3, 4], 4, 7n, { num: 1, den: 25 }, true]);
  }
  packet.data.fill(9);
  assert.equal([...packet.data], [1, 2, 3, 4]);
  packet.close();
  assert.throws(() => packet.data, /after close/);
  copy.close();
});

test('times and flags write through, and default to unknown', () => {
  const packet = EncodedPacket.alloc(1);
  assert.equal([packet.pts, packet.dts, packet.duration, packet.timestamp], [undefined, undefined, 0n, undefined]);
  packet.pts = 90n;
  packet.dts = -90n;
  packet.duration = 3n;
  packet.timeBase = { num: 1, den: 90000 };
  packet.flags = AV_PKT_FLAG_KEY;
  assert.equal([packet.av.pts, packet.av.dts, packet.av.duration, packet.av.isKeyframe], [90n, -90n, 3n, true]);
  assert.equal([packet.timestamp, packet.isKey], [1000, true]);
  packet.pts = undefined;
  assert.is(packet.av.pts, -(2n ** 63n));
  packet.close();
});

test('options of from() are all kept', () => {
  const timeBase = { num: 1, den: 1000 };
  const packet = EncodedPacket.from(new Uint8Array(2), { pts: 2n, dts: 1n, duration: 4n, flags: 5, timeBase });
  const { pts, dts, duration, flags } = packet;
  assert.equal(
    { pts, dts, duration, flags, timeBase: packet.timeBase },
    { pts: 2n, dts: 1n, duration: 4n, flags: 5, timeBase },
  );
  packet.close();
});

test('wrapping takes over a node-av packet and its time base', () => {
  const av = new NativePacket();
  av.alloc();
  av.data = Buffer.from('abc');
  const packet = EncodedPacket.wrap(av, { timeBase: { num: 1, den: 25 } });
  assert.is(packet.av, av);
  assert.equal(packet.timeBase, { num: 1, den: 25 });
  packet.close();
  assert.is(av.size, 0, 'the native packet was freed');
});

test('a clone outlives the original', () => {
  const packet = EncodedPacket.from(new Uint8Array([7, 8]), { pts: 1n, timeBase: { num: 1, den: 25 } });
  const clone = packet.clone();
  packet.close();
  packet.close();
  assert.equal([[...clone.data], clone.pts, clone.timeBase], [[7, 8], 1n, { num: 1, den: 25 }]);
  clone.close();
});

test('copyProps takes over what is not the bytes, also of a packet that is being filled', () => {
  using from = EncodedPacket.from(new Uint8Array([1]), {
    pts: 9n,
    dts: 8n,
    duration: 2n,
    flags: 1,
    timeBase: { num: 1, den: 25 },
  });
  for (const packet of [EncodedPacket.from(new Uint8Array([7, 8]), { pts: 1n }), EncodedPacket.alloc(2)]) {
    if (packet.data[0] === 0) packet.data.set([7, 8]);
    assert.is(packet.copyProps(from), packet);
    const clone = packet.clone();
    for (const each of [packet, clone]) {
      assert.equal([[...each.data], each.pts, each.dts, each.duration], [[7, 8], 9n, 8n, 2n]);
      assert.equal([each.isKey, each.timeBase], [true, { num: 1, den: 25 }]);
      each.close();
    }
  }
  using packet = EncodedPacket.alloc(1);
  assert.throws(() => packet.copyProps({} as EncodedPacket), /cannot be given/);
});

test('use after close names the mistake', () => {
  const packet = EncodedPacket.alloc(1);
  packet.close();
  assert.ok(packet.closed);
  for (const use of [() => packet.av, () => packet.data, () => packet.pts, () => packet.clone()]) {
    assert.throws(use, (error: { code?: string }) => error.code === 'ERR_MILLRACE_CLOSED');
  }
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
});

test.run();
