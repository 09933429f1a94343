import { MessageChannel, Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell } from '../../../ringbuffer/index.js';
import { ledger, Packet, VideoFrame } from '../../../src/media/index.js';
import { Board } from '../../../src/thread/board/board.js';
import { createRing, RingReceiver, RingSender } from '../../../src/thread/link/ring-link.js';

const test = suite('pins of frames under way');

function pair(limit = 8) {
  const board = Board.create(2, 2, 1);
  const buffer = createRing(limit);
  const { port1, port2 } = new MessageChannel();
  const bell = Doorbell.create();
  const out = new RingSender(0, board, limit, 1 << 20, buffer, port1, Doorbell.create(), true);
  const into = new RingReceiver(0, board, buffer, port2, bell);
  const end = (): void => {
    port1.close();
    port2.close();
  };
  /** Whether the sender, asleep on its bell, is woken by `work`. */
  const wakes = (work: () => void): boolean => {
    const ticket = bell.ticket();
    bell.arm();
    out.flush();
    out.settled();
    work();
    bell.disarm();
    return bell.ticket() !== ticket;
  };
  return { board, out, into, end, wakes };
}

const frame = (): VideoFrame => VideoFrame.alloc({ width: 64, height: 36, format: 'yuv420p' });

function send(out: RingSender, count: number): void {
  for (let n = 0; n < count; n++) out.offer(new Packet(frame(), { timestamp: n }));
}

/** The graph being aborted or the consumer gone, everything is released. */
function nothingLeft(): void {
  assert.equal(ledger.snapshot(), {});
}

test('a frame is held until its packet has been taken, and no longer than the next look', () => {
  const { board, out, into, end } = pair();
  send(out, 3);
  assert.is(board.held(0), 3);
  const first = into.take()!;
  assert.is(board.held(0), 3);
  out.flush();
  assert.is(board.held(0), 2);
  assert.ok((first.payload as VideoFrame).av.isWritable, 'it belongs to its consumer alone');
  for (let i = 0; i < 2; i++) into.take()!.close();
  assert.ok(out.settled());
  assert.is(board.held(0), 0);
  first.close();
  nothingLeft();
  end();
});

test('a sender that sleeps is woken for every frame that is taken, not for the last alone', () => {
  const { board, out, into, end, wakes } = pair();
  send(out, 4);
  for (let left = 3; left >= 0; left--) {
    assert.ok(wakes(() => into.take()!.close()));
    assert.is(out.settled(), left === 0);
    assert.is(board.held(0), left);
  }
  nothingLeft();
  end();
});

test('a sender that holds nothing is not woken', () => {
  const { out, into, end, wakes } = pair();
  send(out, 1);
  into.take()!.close();
  assert.ok(out.settled());
  out.offer(new Packet({ value: 1 }));
  assert.not(wakes(() => into.take()!.close()));
  send(out, 1);
  assert.ok(wakes(() => into.take()!.close()));
  out.flush();
  nothingLeft();
  end();
});

test('a sender that sleeps is woken when its consumer leaves, and holds nothing any more', () => {
  const { board, out, into, end, wakes } = pair();
  send(out, 3);
  assert.ok(wakes(() => into.leave()));
  assert.ok(out.settled());
  assert.is(board.held(0), 0);
  nothingLeft();
  end();
});

test('of an aborted graph nothing is taken, and what was under way is released once', () => {
  const { board, out, into, end } = pair(2);
  send(out, 4); // two of them beyond the limit
  into.take()!.close();
  board.setAborting();
  assert.is(into.take(), undefined);
  assert.not(into.available);
  into.discard();
  out.discard();
  assert.is(board.held(0), 0);
  nothingLeft();
  end();
});

/** Index of the word by which a consumer shows that it reads. */
function readingWord(board: Board): number {
  const words = new Int32Array(board.buffer);
  const before = words.slice();
  board.setReading(0, true);
  return words.findIndex((word, i) => word !== before[i]);
}

test('a sender that gives up waits for a consumer in the middle of taking', async () => {
  const { board, out, into, end } = pair();
  send(out, 1);
  const word = readingWord(board);
  const order = new Int32Array(new SharedArrayBuffer(8));
  const code = `
    const { words, word, order } = require('node:worker_threads').workerData;
    Atomics.store(order, 0, 1);
    Atomics.notify(order, 0);
    Atomics.wait(order, 1, 0, 50); // what it does with the frame
    Atomics.store(order, 1, 1);
    Atomics.store(words, word, 0);`;
  const reader = new Worker(code, { eval: true, workerData: { words: new Int32Array(board.buffer), word, order } });
  const ended = new Promise((resolve) => reader.once('exit', resolve));
  Atomics.wait(order, 0, 0);
  board.setAborting();
  out.discard();
  assert.is(order[1], 1, 'the consumer had finished first');
  into.discard();
  await ended;
  nothingLeft();
  end();
});

test('a consumer that died in the middle of taking is not waited for for ever', () => {
  const { board, out, into, end } = pair();
  send(out, 1);
  board.setReading(0, true);
  board.setAborting();
  out.discard();
  assert.is(board.held(0), 0);
  into.discard();
  nothingLeft();
  end();
});

test.run();
