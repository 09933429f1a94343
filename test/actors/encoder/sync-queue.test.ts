/** Streams that wait for one another, without media: an item is its time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SyncQueue } from '../../../actors/encoder/stream/sync-queue.js';

const test = suite('sync queue');
const SECONDS = { num: 1, den: 1 };

class Streams {
  readonly queue = new SyncQueue<number>(10_000_000);
  readonly seen: string[] = [];

  constructor(...names: readonly string[]) {
    names.forEach((name, id) => {
      this.queue.expect(id, name === 'sparse');
      this.queue.receive(id, {
        take: (item) => this.seen.push(`${name} ${item}`),
        drop: (item) => this.seen.push(`${name} drops ${item}`),
        ended: () => this.seen.push(`${name} ends`),
      });
    });
  }

  /** What came of it. */
  after(act: (queue: SyncQueue<number>) => void): string[] {
    act(this.queue);
    return this.seen.splice(0);
  }

  push(id: number, ...ends: readonly number[]): string[] {
    return this.after((queue) => {
      for (const end of ends) queue.push(id, end, BigInt(end), SECONDS);
    });
  }
}

test('nothing goes on before all streams have come as far', () => {
  const streams = new Streams('a', 'b');
  assert.equal(streams.push(0, 1, 2, 3), []);
  assert.is(streams.queue.ahead(0), 2_000_000);
  assert.equal(streams.push(1, 2), ['a 1', 'a 2', 'b 2']);
  assert.is(streams.queue.ahead(0), 0);
});

test('the end of one is the end of all: what is over by then goes on, the rest is dropped', () => {
  const streams = new Streams('a', 'b');
  streams.push(0, 1, 2, 3, 4);
  assert.equal(streams.push(1, 2), ['a 1', 'a 2', 'b 2']);
  assert.equal(
    streams.after((queue) => queue.finish(1)),
    ['a drops 3', 'a drops 4', 'a ends', 'b ends'],
  );
  assert.ok(streams.queue.isFinished(0));
  assert.equal(streams.push(0, 5), ['a drops 5']);
});

test('a stream that is behind goes on up to the end of another', () => {
  const streams = new Streams('a', 'b');
  streams.push(0, 1, 3);
  assert.equal(
    streams.after((queue) => queue.finish(0)),
    [],
  );
  assert.equal(streams.push(1, 2), ['a 1', 'b 2']);
  assert.equal(streams.push(1, 4), ['a 3', 'a ends', 'b drops 4', 'b ends']);
});

test('behind one that is over too late nothing goes on, for it may refer to it', () => {
  const streams = new Streams('a', 'b');
  streams.push(0, 1, 4, 2, 3);
  assert.equal(streams.push(1, 3), ['a 1', 'b 3']);
  assert.equal(
    streams.after((queue) => queue.finish(1)),
    ['a drops 4', 'a drops 2', 'a drops 3', 'a ends', 'b ends'],
  );
});

test('a stream of which nothing came, or that leaves, holds nobody back', () => {
  const streams = new Streams('a', 'b', 'c');
  streams.push(0, 1);
  assert.equal(
    streams.after((queue) => queue.finish(1)),
    ['b ends'],
  );
  assert.equal(
    streams.after((queue) => queue.leave(2)),
    ['a 1'],
  );
  assert.not(streams.queue.isFinished(0));
});

test('a sparse stream holds the others back for ten seconds, and others as long as it takes', () => {
  const streams = new Streams('a', 'sparse');
  assert.equal(streams.push(0, 1, 5, 10), []);
  assert.equal(streams.push(0, 11), ['a 1']);
  assert.equal(streams.push(1, 12), ['a 5', 'a 10', 'a 11']);
  const dense = new Streams('a', 'b');
  assert.equal(dense.push(0, 1, 1000), []);
});

test('an open queue waits for nobody and ends nobody', () => {
  const streams = new Streams('a', 'b');
  streams.push(0, 1, 2);
  assert.equal(
    streams.after((queue) => queue.open()),
    ['a 1', 'a 2'],
  );
  assert.equal(
    streams.after((queue) => queue.finish(0)),
    ['a ends'],
  );
  assert.equal(streams.push(1, 9), ['b 9']);
});

test.run();
