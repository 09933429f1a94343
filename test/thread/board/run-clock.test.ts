/** The running time of a graph, and the board it is on while that grows. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Board } from '../../../src/thread/board/board.js';
import { NEVER, RunClock } from '../../../src/thread/board/run-clock.js';
import { ThreadState } from '../../../src/thread/board/states.js';

const clocks = suite('running time');

function makeClock(byHand: boolean): RunClock {
  const clock = new RunClock(new SharedArrayBuffer(24), 0);
  clock.prepare(byHand);
  return clock;
}

clocks('is 0 before the graph runs, also when it is paused and goes on before', () => {
  const clock = makeClock(false);
  assert.is(clock.elapsed, 0n);
  clock.halt();
  assert.is(clock.elapsed, 0n);
  clock.goOn();
  assert.is(clock.elapsed, 0n);
});

clocks('of a graph that was paused before it ran begins where the pause ends', () => {
  const clock = makeClock(false);
  clock.halt();
  clock.begin();
  assert.is(clock.elapsed, 0n);
  clock.goOn();
  const first = clock.elapsed;
  assert.ok(first >= 0n && first < 10n ** 9n, `${first}`);
  assert.ok(clock.elapsed >= first);
});

clocks('goes by hand only, and keeps through a pause what it was moved before and in it', () => {
  const clock = makeClock(true);
  clock.begin();
  clock.advance(5n);
  assert.is(clock.elapsed, 5n);
  clock.halt();
  clock.advance(7n);
  assert.is(clock.elapsed, 5n);
  clock.goOn();
  assert.is(clock.elapsed, 5n);
  clock.advance(1n);
  assert.is(clock.elapsed, 6n);
});

clocks('is the same for everybody who looks at the board, also when the board has grown', () => {
  const board = Board.create(1, 2, 1, true);
  const other = Board.attach(board.buffer);
  board.setRunning();
  board.clock.advance(3n);
  board.setSent(0, 4);
  const block = { threads: 1, nodes: 1, links: 2 };
  board.grow(block);
  board.clock.advance(3n);
  assert.is(other.clock.elapsed, 6n);

  assert.equal([other.threads, other.nodes, other.links], [1, 2, 1]);
  other.follow(block);
  assert.equal([other.threads, other.nodes, other.links], [2, 3, 3]);
  assert.is(other.sent(0), 4);
  assert.is(other.threadState(1), ThreadState.starting);
  assert.is(other.due(2), NEVER);
  assert.is(other.takenTimestamp(2), undefined);
  other.setTaken(2, 9);
  board.setSent(1, 8);
  board.setSent(2, 10);
  assert.equal([board.queued(2), other.queued(1)], [1, 8]);
  assert.equal(board.queued(0), 4);

  const late = Board.attach(board.buffer, [block]);
  assert.equal([late.queued(0), late.queued(1), late.queued(2), late.clock.elapsed], [4, 8, 1, 6n]);
});

clocks.run();
