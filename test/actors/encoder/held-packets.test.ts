/** Packets in front of a header, and what a file's streams make of the times of packets behind it, without an encoder. */
import { FormatContext, OutputFormat, type Stream } from 'node-av/lib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HeldPackets } from '../../../actors/encoder/mux/held-packets.js';
import { Tracks } from '../../../actors/encoder/mux/tracks.js';
import { EncodedPacket, ledger } from '../../../src/media/index.js';

const held = suite('packets of a file');

function packet(size = 4): EncodedPacket {
  return EncodedPacket.from(new Uint8Array(size));
}

held('those that wait for the header are released with it, also when writing them fails halfway', () => {
  const before = ledger.snapshot();
  const waiting = new HeldPackets({ packets: 10, bytes: 1000 }, 'a.mp4');
  const given = [packet(), packet(), packet()];
  for (const [input, { av }] of given.entries()) waiting.add(input, av, [9]);
  for (const one of given) one.close();
  assert.is(ledger.since(before)['held-packet'], 3);
  const inputs: number[] = [];
  assert.throws(() => {
    for (const { input } of waiting.take()) {
      inputs.push(input);
      if (input === 1) throw new Error('full disk');
    }
  }, /full disk/);
  assert.equal(inputs, [0, 1]);
  assert.equal(ledger.since(before), {});
});

held('more than may wait of one input names the input of which nothing has come', () => {
  const before = ledger.snapshot();
  const waiting = new HeldPackets({ packets: 1, bytes: 5 }, 'a.mp4');
  const one = packet();
  waiting.add(0, one.av, [1]);
  assert.throws(
    () => waiting.add(0, one.av, [1]),
    /2 packets of input 0 \(8 bytes\) have come, and nothing of input 1/,
  );
  waiting.release();
  one.close();
  assert.equal(ledger.since(before), {});
});

held('a stream begins when all are known, in the time base of the muxer, and its decoding times rise', () => {
  const muxer = OutputFormat.guessFormat('mp4', null, null)!;
  const context = new FormatContext();
  context.allocOutputContext2(muxer, null, '');
  const tracks = new Tracks([0, 1, 2], muxer);
  const timeBase = { num: 1, den: 1000 };
  let made: Stream | undefined;
  tracks.describe(1, { kind: 'video', timeBase, describe: (stream) => (made = stream) });
  assert.equal(tracks.missing, [0, 2]);
  tracks.leaveOut(0);
  tracks.leaveOut(2);
  assert.equal([tracks.missing, tracks.areAbsent], [[], false]);
  tracks.make(context);
  assert.equal(
    tracks.present.map(({ input, kind }) => [input, kind]),
    [[1, 'video']],
  );
  const stray = packet();
  assert.throws(() => tracks.place(0, stray.av, () => {}), /came for a stream that was left out/);
  stray.close();
  tracks.begin();
  const changes: string[] = [];
  const times = [10n, 10n].map((time) => {
    const one = packet();
    const { av } = one;
    av.pts = time;
    av.dts = time;
    tracks.place(1, av, (what) => changes.push(what));
    const { dts, streamIndex } = av;
    one.close();
    return [dts, streamIndex];
  });
  assert.is(made!.index, 0);
  assert.equal(times, [
    [10n, 0],
    [11n, 0],
  ]);
  assert.is(changes.length, 1);
  context.freeContext();
});

held.run();
