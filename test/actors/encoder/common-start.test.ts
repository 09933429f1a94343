/** The times of an output that begins at zero, and what waits until it is known where that is, without an encoder. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CommonStart } from '../../../actors/encoder/common-start.js';
import { EncodedPacket, ledger } from '../../../src/media/index.js';

const starts = suite('where an output begins');
const limits = { packets: 2, bytes: 20 };

/** Holds a packet at that time, µs. */
function hold(start: CommonStart, input: number, timestamp: number | undefined): void {
  const packet = EncodedPacket.from(new Uint8Array(8), { timeBase: { num: 1, den: 1_000_000 } });
  if (timestamp !== undefined) packet.pts = BigInt(timestamp);
  start.hold(input, packet);
  packet.close();
}

function taken(start: CommonStart): (readonly [number, bigint | undefined | 'end'])[] {
  return [...start.take()].map(({ input, payload }) => [input, payload ? (payload as EncodedPacket).pts : 'end']);
}

starts('is the earliest first time of all inputs, and nothing is lost of those that waited', () => {
  const before = ledger.snapshot();
  const start = new CommonStart([0, 1, 2], true, limits, 'a.mp4');
  hold(start, 0, 70);
  hold(start, 0, 30); // times may fall within a stream
  start.end(2);
  assert.is(start.shift, undefined);
  hold(start, 1, 50);
  assert.is(start.shift, 50n);
  const pts: (bigint | undefined)[] = [];
  const ends: number[] = [];
  for (const { input, payload } of start.take()) {
    if (payload === undefined) ends.push(input);
    else pts.push((payload as EncodedPacket).pts);
  }
  assert.equal([pts, ends], [[70n, 30n, 50n], [2]]);
  assert.equal(ledger.since(before), {});
});

starts('is where it is if that is not asked for, and zero if nothing has a time', () => {
  assert.is(new CommonStart([0], false, limits, 'a.mp4').shift, 0n);
  const start = new CommonStart([0, 1], true, limits, 'a.mp4');
  start.end(0);
  start.end(1);
  assert.is(start.shift, 0n);
  assert.equal(taken(start), [
    [0, 'end'],
    [1, 'end'],
  ]);
});

starts('what is held is released when writing it fails, and when it never begins', () => {
  const before = ledger.snapshot();
  const start = new CommonStart([0, 1], true, limits, 'a.mp4');
  for (const time of [1, 2]) hold(start, 0, time);
  start.end(1);
  assert.throws(() => {
    for (const { payload } of start.take()) if (payload) throw new Error('full disk');
  }, /full disk/);
  start.close();
  const other = new CommonStart([0, 1], true, limits, 'a.mp4');
  hold(other, 0, 1);
  other.close();
  assert.equal(ledger.since(before), {});
});

starts('no more is held than may wait', () => {
  const start = new CommonStart([0, 1], true, limits, 'a.mp4');
  for (const time of [1, 2]) hold(start, 0, time);
  const packet = EncodedPacket.from(new Uint8Array(8));
  assert.throws(() => start.hold(0, packet), /Too much waits to be written to a\.mp4: 3 packets of input 0/);
  packet.close();
  start.close();
});

starts.run();
