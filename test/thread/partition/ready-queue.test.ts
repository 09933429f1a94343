/** Who runs next, the actors being made up: places from furthest downstream, of which a test says who is ready. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReadyQueue } from '../../../src/thread/partition/ready-queue.js';

const queues = suite('queue of ready actors');

class Actors {
  readonly ready = new Set<number>();
  readonly selfDriven = new Set<number>();
  /** Who was asked. */
  readonly asked: number[] = [];
  readonly queue: ReadyQueue;

  constructor(count: number, fromOutside: readonly number[] = []) {
    this.queue = new ReadyQueue(count, fromOutside, {
      isReady: (place) => {
        this.asked.push(place);
        return this.ready.has(place);
      },
      isSelfDriven: (place) => this.selfDriven.has(place),
    });
  }

  /** It can run from now on. */
  happens(place: number): void {
    this.ready.add(place);
    this.queue.note(place);
  }

  /** @returns those that run, each as often as it is ready, up to so many. */
  run(most: number, act: (place: number) => void = (place) => this.ready.delete(place)): number[] {
    const order: number[] = [];
    while (order.length < most) {
      const place = this.queue.take();
      if (place === undefined) break;
      order.push(place);
      act(place);
    }
    return order;
  }
}

queues('the one furthest downstream goes first, whenever it was noted, in places of all words', () => {
  const actors = new Actors(100);
  for (const place of [99, 31, 64, 32, 63, 0]) actors.happens(place);
  assert.equal(actors.run(10), [0, 31, 32, 63, 64, 99]);
  assert.is(actors.queue.take(), undefined);
});

queues('who cannot run is asked once and forgotten until something happens to it', () => {
  const actors = new Actors(1000);
  actors.queue.noteAll();
  assert.is(actors.queue.take(), undefined);
  assert.is(actors.asked.length, 1000);
  actors.asked.length = 0;
  assert.is(actors.queue.take(), undefined);
  actors.happens(500);
  assert.equal(actors.run(5), [500]);
  assert.ok(
    actors.asked.every((place) => place === 500),
    'nobody else is asked',
  );
});

queues('who has run is asked again without anything happening', () => {
  const actors = new Actors(3);
  actors.happens(1);
  let left = 3;
  assert.equal(
    actors.run(9, (place) => --left === 0 && actors.ready.delete(place)),
    [1, 1, 1],
  );
});

queues('those that need no input come after all that are fed, in turns', () => {
  const actors = new Actors(4);
  for (const place of [0, 2, 3]) actors.selfDriven.add(place);
  for (const place of [0, 2, 3, 1]) actors.happens(place);
  let fed = 2;
  const order = actors.run(8, (place) => {
    if (place === 1 && --fed === 0) actors.ready.delete(1);
  });
  assert.equal(order, [1, 1, 0, 2, 3, 0, 2, 3]);
});

queues('nobody is passed over more than 64 times, fed or not', () => {
  const actors = new Actors(3);
  actors.selfDriven.add(2);
  for (const place of [0, 1, 2]) actors.happens(place);
  const order = actors.run(1000, () => {}); // all of them always have something to do
  for (const place of [1, 2]) {
    const turns = order.flatMap((ran, turn) => (ran === place ? [turn] : []));
    assert.ok(turns.length >= 14, `${place} ran ${turns.length} times`);
    for (const [i, turn] of turns.entries()) assert.ok(turn - (turns[i - 1] ?? 0) <= 67, `a gap before turn ${turn}`);
  }
  assert.ok(order.filter((place) => place === 0).length > 900, 'the rest is for the one furthest downstream');
});

queues(
  'what other threads do to an actor is seen without a note: at once where nothing else runs, else in turn',
  () => {
    const actors = new Actors(6, [3, 4, 5]);
    for (const place of [3, 4, 5]) actors.ready.add(place);
    assert.equal(actors.run(9).sort(), [3, 4, 5]);
    // A neighbour that is less far downstream and always busy.
    const busy = new Actors(6, [1, 2]);
    busy.happens(5);
    busy.run(3, () => {});
    busy.ready.add(2);
    const order = busy.run(4, (place) => place === 2 && busy.ready.delete(2));
    assert.ok(order.includes(2), `it is seen within a turn of those from outside: ${order}`);
  },
);

queues('asking may note others, and is not disturbed by it', () => {
  const ready = new Set([0]);
  const queue: ReadyQueue = new ReadyQueue(2, [], {
    isReady: (place) => {
      if (place === 1) queue.note(0);
      return ready.has(place);
    },
    isSelfDriven: () => false,
  });
  queue.note(1);
  assert.is(queue.take(), 0);
  ready.clear();
  queue.note(1);
  assert.is(queue.take(), undefined);
});

queues('whatever happens, an actor that is ready and was noted runs (10,000 random steps)', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const actors = new Actors(70, [5, 40]);
  for (let place = 0; place < 70; place += 3) actors.selfDriven.add(place);
  for (let step = 0; step < 10_000; step++) {
    for (let events = random(4); events > 0; events--) {
      const place = random(70);
      if (random(3) > 0) actors.happens(place);
      else actors.ready.delete(place);
    }
    const place = actors.queue.take();
    if (place === undefined) assert.equal([...actors.ready], []);
    else {
      assert.ok(actors.ready.has(place));
      if (random(2) === 0) actors.ready.delete(place);
    }
  }
});

queues.run();
