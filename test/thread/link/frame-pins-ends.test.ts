/** Who keeps a frame by reference alive, and until when. */
import { MessageChannel, Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell } from '../../../ringbuffer/index.js';
import { AudioFrame, Bundle, ledger, Packet, VideoFrame } from '../../../src/media/index.js';
import { Board } from '../../../src/thread/board/board.js';
import { createRing, RingReceiver, RingSender } from '../../../src/thread/link/ring-link.js';

const test = suite('pins');

function link(limit: number, byReference = true) {
  const board = Board.create(2, 2, 1);
  board.setRunning();
  const buffer = createRing(limit);
  const { port1, port2 } = new MessageChannel();
  const producerBell = Doorbell.create();
  const out = new RingSender(0, board, limit, 1 << 24, buffer, port1, Doorbell.create(), byReference);
  const into = new RingReceiver(0, board, buffer, port2, producerBell);
  let grown = 0;
  const post = port1.postMessage.bind(port1);
  port1.postMessage = (message) => {
    grown++;
    post(message);
  };
  const end = () => {
    port1.close();
    port2.close();
  };
  return { board, out, into, producerBell, end, grown: () => grown };
}

function frame(value: number, size: [number, number] = [64, 36]): Packet<VideoFrame> {
  const [width, height] = size;
  const payload = VideoFrame.alloc({
    width,
    height,
    format: 'gray',
    pts: BigInt(value),
    timeBase: { num: 1, den: 25 },
  });
  payload.planes()[0]!.data.fill(value);
  return new Packet(payload);
}

const pixel = (packet: Packet | undefined): number | undefined =>
  (packet?.payload as VideoFrame | undefined)?.planes()[0]?.data[77];

const pinned = (): number => ledger.snapshot().pinned ?? 0;

test('a frame is pinned until it has been taken, and shown as held', () => {
  const { board, out, into, end } = link(4);
  for (let n = 1; n <= 3; n++) out.offer(frame(n));
  assert.equal([pinned(), board.held(0)], [3, 3]);
  const first = into.take();
  assert.is(pixel(first), 1);
  assert.is(pinned(), 3, 'the sender has not looked yet');
  assert.not(first!.payload === undefined || (first!.payload as VideoFrame).av.isWritable);
  out.flush();
  assert.equal([pinned(), board.held(0)], [2, 2]);
  assert.ok((first!.payload as VideoFrame).av.isWritable);
  const rest = [into.take(), into.take()];
  assert.equal(rest.map(pixel), [2, 3]);
  out.offer(frame(4));
  assert.equal([pinned(), board.held(0)], [1, 1], 'sending drops the old ones');
  for (const packet of [first, ...rest, into.take()]) packet?.close();
  assert.ok(out.settled());
  assert.equal(ledger.snapshot(), {});
  end();
});

test('a ring of frames by reference does not grow, whatever their size; by copy it does', () => {
  for (const [byReference, expected] of [
    [true, 0],
    [false, 1],
  ] as const) {
    const { out, into, end, grown } = link(8, byReference);
    for (let n = 0; n < 8; n++) out.offer(frame(n, [1920, 1080]));
    assert.is(grown(), expected);
    for (let n = 0; n < 8; n++) {
      const packet = into.take();
      assert.is(pixel(packet), n);
      packet!.close();
      out.flush();
    }
    assert.ok(out.settled());
    end();
  }
});

test('pictures and sound stay in order with values between them, and over a change of rings', () => {
  const { out, into, end, grown } = link(64);
  const ballast = 'x'.repeat(16_000);
  const expected: unknown[] = [];
  for (let n = 0; n < 12; n++) {
    out.offer(frame(n));
    out.offer(new Packet({ n, ballast }));
    out.offer(new Packet(AudioFrame.from([new Float32Array(4096).fill(n)], { sampleRate: 48_000, format: 'fltp' })));
    expected.push(n, { n, ballast }, n);
  }
  assert.ok(grown() > 0, 'the values need a larger ring');
  const seen: unknown[] = [];
  while (seen.length < expected.length) {
    const packet = into.take();
    out.flush();
    if (packet === undefined) continue;
    const { payload } = packet;
    if (payload instanceof VideoFrame) seen.push(pixel(packet));
    else if (payload instanceof AudioFrame) seen.push(new Float32Array(payload.copyPlanes()[0]!.data.buffer)[9]);
    else seen.push(payload);
    packet.close();
  }
  assert.equal(seen, expected);
  assert.ok(out.settled());
  assert.equal(ledger.snapshot(), {});
  end();
});

test('a sender that holds frames and has asked for it is woken when one was taken, or none will be', () => {
  const { out, into, producerBell, end } = link(8);
  const ringsIn = (work: () => void): boolean => {
    const ticket = producerBell.ticket();
    producerBell.arm();
    work();
    producerBell.disarm();
    return producerBell.ticket() !== ticket;
  };
  const take = (): void => into.take()!.close();
  for (let n = 0; n < 4; n++) out.offer(frame(n));
  assert.not(ringsIn(take), 'it has not asked');
  assert.not(out.settled());
  assert.ok(ringsIn(take));
  out.offer(frame(4));
  assert.not(ringsIn(take), 'it has gone on sending');
  assert.not(out.settled());
  assert.ok(ringsIn(() => into.leave()));
  assert.ok(out.settled());
  assert.equal(ledger.snapshot(), {});
  end();
});

test('what a consumer that left did not take is released, once', () => {
  const { board, out, into, end } = link(4);
  for (let n = 0; n < 6; n++) out.offer(frame(n));
  into.take()!.close();
  into.leave();
  out.flush();
  assert.equal(ledger.snapshot(), {});
  assert.is(board.held(0), 0);
  out.offer(frame(7));
  assert.equal(ledger.snapshot(), {});
  end();
});

test('once the graph is being aborted no frame is taken any more, and the sender lets go of all', () => {
  const { board, out, into, end } = link(4);
  for (let n = 0; n < 6; n++) out.offer(frame(n));
  into.take()!.close();
  board.setAborting();
  assert.is(into.take(), undefined);
  assert.not(into.available);
  out.discard();
  into.discard();
  assert.equal(ledger.snapshot(), {});
  end();
});

test('a sender that aborts waits for a consumer that is in the middle of taking', async () => {
  const { board, out, into, end } = link(4);
  out.offer(frame(1));
  board.setAborting();
  // Another thread ends the reading a little later, and notes that it did so before.
  const words = new Int32Array(board.buffer);
  const before = words.slice();
  board.setReading(0, true);
  const at = words.findIndex((word, i) => word !== before[i]);
  const note = new Int32Array(new SharedArrayBuffer(8));
  const code = `
    const { workerData: { board, at, note } } = require('node:worker_threads');
    Atomics.wait(note, 0, 0);
    Atomics.wait(note, 0, 1, 50);
    Atomics.store(note, 1, 1);
    Atomics.store(new Int32Array(board), at, 0);`;
  const reader = new Worker(code, { eval: true, workerData: { board: board.buffer, at, note } });
  await new Promise((resolve) => reader.once('online', resolve));
  Atomics.store(note, 0, 1);
  Atomics.notify(note, 0);
  assert.is(Atomics.load(note, 1), 0);
  out.discard();
  assert.is(Atomics.load(note, 1), 1, 'the reading was over');
  assert.is(pinned(), 0);
  await reader.terminate();
  into.discard();
  end();
});

test('a count of packets that wraps confuses nobody', () => {
  const { board, out, into, end } = link(4);
  // As after 2^31 - 2 packets.
  const start = 2 ** 31 - 2;
  Object.assign(out, { sent: start });
  Object.assign(into, { taken: start });
  board.setSent(0, start);
  board.setTaken(0, start);
  for (let n = 0; n < 20; n++) {
    out.offer(frame(n));
    out.offer(frame(n));
    assert.is(pinned(), 2);
    for (let i = 0; i < 2; i++) into.take()!.close();
    assert.ok(out.settled());
  }
  assert.equal(ledger.snapshot(), {});
  end();
});

test('the frames of a bundle go by reference, and what is with them by copy', () => {
  const { out, into, end, grown } = link(4);
  const sound = AudioFrame.from([Float32Array.of(0.5)], { sampleRate: 48_000, format: 'fltp' });
  const [one, two] = [frame(1, [1920, 1080]).payload, frame(2, [640, 360]).payload];
  one.frameRate = { num: 25, den: 1 };
  out.offer(new Packet(Bundle.fromPayloads([one, undefined, sound, two, { n: 5 }], { pts: 7n })));
  assert.equal([pinned(), grown()], [3, 0]);
  const packet = into.take()!;
  assert.ok(out.settled());
  const bundle = packet.payload as Bundle;
  const [first, none, audio, second, value] = bundle as unknown as [
    VideoFrame,
    undefined,
    AudioFrame,
    VideoFrame,
    unknown,
  ];
  assert.equal([bundle.pts, none, value], [7n, undefined, { n: 5 }]);
  assert.equal([first.planes()[0]!.data[77], second.planes()[0]!.data[77]], [1, 2]);
  assert.equal([first.frameRate, second.frameRate, first.pts], [{ num: 25, den: 1 }, undefined, 1n]);
  assert.equal([audio.samples, audio.channels, new Float32Array(audio.copyPlanes()[0]!.data.buffer)[0]], [1, 1, 0.5]);
  assert.ok(first.av.isWritable && audio.av.isWritable);
  packet.close();
  assert.equal(ledger.snapshot(), {});
  end();
});

test('a bundle that cannot be written leaves no reference', () => {
  const { out, end } = link(4);
  const bundle = new Packet(Bundle.fromPayloads([frame(1).payload, { call: () => {} }]));
  assert.throws(() => out.offer(bundle), /function/);
  assert.is(pinned(), 0);
  out.discard();
  assert.equal(ledger.snapshot(), {}, 'what waited is released');
  end();
});

test.run();
