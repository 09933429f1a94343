import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EncodedPacket, ledger, Packet, VideoFrame } from '../../../src/media/index.js';
import { takePayload } from '../../../src/media/packet/packet.js';

const test = suite('packet');
const small = { width: 4, height: 2, format: 'gray' };

test('has the time of its payload unless given its own', () => {
  const frame = VideoFrame.alloc({ ...small, pts: 3n, timeBase: { num: 1, den: 25 } });
  const packet = new Packet(frame);
  assert.is(packet.timestamp, 120_000);
  frame.pts = 4n;
  assert.is(packet.timestamp, 160_000);
  packet.timestamp = 7;
  assert.is(packet.timestamp, 7);
  packet.close();
  assert.is(new Packet('text').timestamp, undefined);
  assert.is(new Packet('text', { timestamp: 0 }).timestamp, 0);
});

test('a payload without pts or time base leaves the time unknown', () => {
  const packet = new Packet(VideoFrame.alloc({ ...small, timeBase: { num: 1, den: 25 } }));
  assert.is(packet.timestamp, undefined);
  packet.payload.pts = 5n;
  assert.is(packet.timestamp, 200_000);
  packet.payload.timeBase = { num: 0, den: 1 };
  assert.is(packet.timestamp, undefined);
  packet.close();
});

test('closing releases the payload once', () => {
  const packet = new Packet(VideoFrame.alloc(small));
  assert.equal(ledger.snapshot(), { frame: 1 });
  packet.close();
  packet.close();
  assert.ok(packet.closed);
  assert.ok(packet.payload.closed);
  assert.is(packet.timestamp, undefined);
});

test('a payload that was taken outlives its packet', () => {
  const packet = new Packet(VideoFrame.alloc(small), { timestamp: 7 });
  const frame = takePayload(packet);
  assert.ok(packet.closed);
  packet.close();
  assert.not(frame.closed);
  assert.is(packet.timestamp, 7);
  frame.close();
});

test('disposing is closing', () => {
  const packet = new Packet(EncodedPacket.alloc(3));
  packet[Symbol.dispose]();
  assert.ok(packet.payload.closed);
});

test('a clone has a reference of its own', () => {
  const packet = new Packet(VideoFrame.from(new Uint8Array(8).fill(9), small), { timestamp: 5 });
  const clone = packet.clone();
  packet.close();
  assert.is(clone.timestamp, 5);
  assert.is(clone.payload.planes()[0]!.data[0], 9);
  clone.close();
});

test('a clone shares a payload that is not counted', () => {
  const value = { a: 1 };
  assert.is(new Packet(value).clone().payload, value);
});

test('control packets are tags, not numbers', () => {
  assert.ok(Packet.eof().isEof);
  assert.is(Packet.eof().control, 'eof');
  assert.not(Packet.control('eos').isEof);
  assert.is(Packet.control('dyn_eos').clone().control, 'dyn_eos');
  assert.is(new Packet(1).control, undefined);
});

test('a closed payload cannot be cloned', () => {
  const packet = new Packet(VideoFrame.alloc(small));
  packet.close();
  assert.throws(
    () => packet.clone(),
    (error: { code?: string }) => error.code === 'ERR_MILLRACE_CLOSED',
  );
});

test('nothing stayed open', () => {
  assert.equal(ledger.snapshot(), {});
});

test.run();
