import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Board } from '../../../src/thread/board/board.js';
import { findStall, type Stall } from '../../../src/thread/board/stall.js';
import {
  GraphState,
  NodeCall,
  NodeFigure,
  NodePhase,
  NodeStatus,
  ThreadState,
} from '../../../src/thread/board/states.js';
import { Watchdog } from '../../../src/thread/board/watchdog.js';
import type { WatchSpec } from '../../../src/thread/protocol.js';

const watchdog = suite('watchdog');

/** A chain of nodes a -> b -> c …, each on a thread of its own, running. */
function chain(length: number, localThread?: number): { board: Board; spec: WatchSpec } {
  const board = Board.create(length, length, length - 1);
  for (let thread = 0; thread < length; thread++) {
    board.setThreadState(thread, ThreadState.ready);
    board.arrive();
  }
  board.setRunning();
  const nodes = Array.from({ length }, (_, i) => ({ id: i + 10, alias: 'abcdef'[i]!, module: 'm', thread: i }));
  const links = Array.from({ length: length - 1 }, (_, i) => {
    return { producer: i, consumer: i + 1, limit: 4, output: 0, input: 0 };
  });
  return { board, spec: { graph: 'g', timeOut: 1000, nodes, links, localThread } };
}

const starve = (board: Board, node: number, link: number): void => {
  board.setStatus(node, NodeStatus.starving);
  board.setStarved(link, true);
};

const hold = (board: Board, node: number, link: number): void => {
  board.setStatus(node, NodeStatus.blocked);
  board.setSent(link, 4);
  board.setOutbox(link, 1);
  board.setBlocked(link, 0);
};

const find = (g: { board: Board; spec: WatchSpec }, isCallingThread = true): Stall | undefined =>
  findStall(g.board, g.spec, 7000, isCallingThread);

watchdog('a call that does not return is blamed, and those who wait for it are listed with levels and times', () => {
  const g = chain(3);
  hold(g.board, 0, 0);
  g.board.setTakenTimestamp(0, 1_500_000);
  g.board.beginCall(1, NodeCall.process, 1500);
  starve(g.board, 2, 1);
  const stall = find(g)!;
  assert.equal([stall.node?.id, stall.node?.alias, stall.phase], [11, 'b', 'process']);
  const lines = stall.text.split('\n');
  assert.is(lines[0], 'graph g made no progress for 1 s (time_out): "b" (m) has been in process for 5.5 s');
  assert.match(
    lines[1]!,
    /^ {2}"a" \(m\) on thread 0 waits for "b" \(m\) to take from output 0 \(4 of 4 queued, 1 without room\); last of its packets taken at 1.5 s$/,
  );
  assert.match(lines[2]!, /^ {2}"b" \(m\) on thread 1 has been in process for 5.5 s; last packet taken at 1.5 s$/);
  assert.match(lines[3]!, /^ {2}"c" \(m\) on thread 2 waits for packets of "b" \(m\) on input 0 \(0 of 4 queued\)$/);
});

watchdog('a source that is paused rests, and so do those who wait for it', () => {
  const g = chain(3);
  starve(g.board, 1, 0);
  starve(g.board, 2, 1);
  assert.ok(find(g));
  g.board.setPaused(0, true);
  assert.is(find(g), undefined);
  g.board.setPaused(0, false);
  g.board.pause();
  assert.is(find(g), undefined);
});

watchdog('running time stands still while a graph is paused, and goes on from there', () => {
  const { board } = chain(2);
  board.pause();
  const stood = board.clock.elapsed;
  const wait = process.hrtime.bigint() + 2_000_000n;
  while (process.hrtime.bigint() < wait);
  assert.is(board.clock.elapsed, stood);
  board.resume();
  const after = board.clock.elapsed;
  assert.ok(after >= stood && after < stood + 2_000_000n, `${stood} ${after}`);
});

watchdog('a graph whose source waits for its user rests, and so does one whose reader does not read', () => {
  const fed = chain(3);
  fed.board.setOutside(0, true);
  starve(fed.board, 1, 0);
  starve(fed.board, 2, 1);
  assert.is(find(fed), undefined);
  const read = chain(3);
  read.board.setOutside(2, true);
  hold(read.board, 0, 0);
  hold(read.board, 1, 1);
  assert.is(find(read), undefined);
  // The same without the word is a stall.
  fed.board.setOutside(0, false);
  assert.match(find(fed)!.text, /"a" \(m\) could run, but its thread does not/);
});

watchdog('a node that is stuck while the graph also waits for its user is found', () => {
  const g = chain(3);
  g.board.setOutside(0, true);
  g.board.beginCall(1, NodeCall.process, 0);
  starve(g.board, 2, 1);
  assert.is(find(g)!.node?.alias, 'b');
});

watchdog('a circle of waits excuses nobody', () => {
  // a feeds c directly and through b; c wants b's packets, b has none because a is held back by the full direct link
  const { board, spec } = chain(3);
  spec.links = [
    { producer: 0, consumer: 1, limit: 4, output: 0, input: 0 },
    { producer: 0, consumer: 2, limit: 4, output: 1, input: 1 },
    { producer: 1, consumer: 2, limit: 4, output: 0, input: 0 },
  ];
  const circle = Board.create(3, 3, 3);
  for (let i = 0; i < 3; i++) circle.arrive();
  circle.setRunning();
  hold(circle, 0, 1);
  starve(circle, 1, 0);
  starve(circle, 2, 2);
  const stall = findStall(circle, spec, 0, true)!;
  assert.is(stall.node, undefined);
  assert.is(stall.phase, 'run');
  assert.match(stall.text, /"a" \(m\) waits for "c" \(m\) to take from output 1/);
  assert.match(stall.text, /"c" \(m\) waits for packets of "b" \(m\) on input 0/);
  assert.is(board.state, GraphState.running);
});

watchdog('a packet that is under way to a node that sleeps is no reason to rest', () => {
  const g = chain(2);
  g.board.setOutside(0, true);
  starve(g.board, 1, 0);
  g.board.setSent(0, 1);
  assert.is(
    find(g)!.text.split('\n')[0],
    'graph g made no progress for 1 s (time_out): "b" (m) waits for packets of "a" (m) on input 0 (1 of 4 queued)',
  );
});

watchdog('the calling thread is judged by itself only', () => {
  const g = chain(3, 2);
  hold(g.board, 0, 0);
  hold(g.board, 1, 1);
  g.board.beginCall(2, NodeCall.process, 0);
  assert.is(find(g, false), undefined);
  assert.is(find(g, true)!.node?.alias, 'c');
});

watchdog('before the start only calls are blamed: a thread may take its time to start up', () => {
  const g = chain(2);
  const board = Board.create(2, 2, 1);
  board.setThreadState(0, ThreadState.ready);
  assert.is(findStall(board, g.spec, 7000, true), undefined);
  board.beginCall(1, NodeCall.init, 6000);
  const stall = findStall(board, g.spec, 7000, true)!;
  assert.equal([stall.node?.alias, stall.phase], ['b', 'init']);
  assert.match(stall.text, /"a" \(m\) on thread 0 waits for the others to be initialised/);
});

/** A graph whose first node is in a call, and a watchdog that looks every 100 ms of a clock of its own. */
function watched() {
  const g = chain(2);
  g.board.beginCall(0, NodeCall.process, 0);
  const stalls: Stall[] = [];
  const dog = new Watchdog(g.board, g.spec, 0, true, (stall) => stalls.push(stall));
  let clock = performance.now();
  const pass = (milliseconds: number, step = 100): void => {
    for (const end = clock + milliseconds; clock < end; ) {
      clock += step;
      dog.look(clock);
    }
  };
  return { board: g.board, stalls, pass };
}

watchdog(
  'of a graph that has grown without its thread being told it knows too little, and takes nothing for a stall',
  () => {
    for (const isLast of [false, true]) {
      const g = chain(2);
      g.board.beginCall(0, NodeCall.process, 0);
      const view = Board.attach(g.board.buffer);
      const stalls: Stall[] = [];
      const dog = new Watchdog(view, g.spec, 0, true, (stall) => stalls.push(stall));
      if (isLast) dog.untilGrowth();
      let clock = performance.now();
      const pass = (): void => {
        for (const end = clock + 3000; clock < end; clock += 100) dog.look(clock);
      };
      const block = { threads: 0, nodes: 1, links: 0 };
      g.board.grow(block);
      pass();
      assert.equal(stalls, []);
      // It is told, if its part goes on; else others watch.
      view.follow(block);
      pass();
      assert.is(stalls.length, isLast ? 0 : 1);
    }
  },
);

watchdog('it barks after the time without a change, once', () => {
  const { stalls, pass } = watched();
  pass(1000);
  assert.equal(stalls, [], 'the first look saw what there was');
  pass(300);
  assert.is(stalls.length, 1);
  pass(5000);
  assert.is(stalls.length, 1);
});

watchdog(
  'what was taken, made or ended is progress; a call that brings nothing and a wait that begins anew are none',
  () => {
    const { board, stalls, pass } = watched();
    const bump = (figure: number): void => {
      board.figures[board.figuresAt(0) + figure]!++;
    };
    const moves = [
      () => bump(NodeFigure.position),
      () => bump(NodeFigure.patientCalls),
      () => bump(NodeFigure.bytes),
      () => board.setSent(0, 1),
      () => board.setTaken(0, 1),
      () => board.setPhase(1, NodePhase.finished),
      () => board.beginCall(1, NodeCall.close, 0),
    ];
    for (const move of moves) {
      move();
      pass(900);
    }
    assert.equal(stalls, []);
    for (let i = 0; i < 5; i++) {
      bump(NodeFigure.starvings);
      bump(NodeFigure.waitSince);
      bump(NodeFigure.calls);
      bump(NodeFigure.milliseconds);
      bump(NodeFigure.idleCalls);
      board.beginCall(0, i % 2 === 0 ? NodeCall.process : NodeCall.none, i);
      board.setPhase(0, i % 2 === 0 ? NodePhase.running : NodePhase.waiting);
      pass(100);
    }
    assert.is(stalls.length, 1);
  },
);

watchdog('a figure that is no number is no change', () => {
  const { board, stalls, pass } = watched();
  board.figures[board.figuresAt(0) + NodeFigure.position] = Number.NaN;
  pass(1500);
  assert.is(stalls.length, 1);
});

watchdog('time in which it was not looking itself does not count', () => {
  const { stalls, pass } = watched();
  pass(100);
  pass(3_600_000, 3_600_000);
  pass(100);
  assert.equal(stalls, []);
});

watchdog('a user who comes back leaves the graph its full time', () => {
  const { board, stalls, pass } = watched();
  board.endCall(0);
  board.setOutside(0, true);
  starve(board, 1, 0);
  pass(10_000);
  board.setOutside(0, false);
  pass(900);
  assert.equal(stalls, []);
});

watchdog('it stops when the graph has ended or is being aborted', () => {
  for (const end of ['ended', 'aborted'] as const) {
    const { board, stalls, pass } = watched();
    pass(100);
    if (end === 'aborted') board.setAborting();
    else for (const thread of [0, 1]) board.setThreadState(thread, ThreadState.ended);
    pass(3000);
    assert.equal(stalls, []);
  }
});

watchdog.run();
