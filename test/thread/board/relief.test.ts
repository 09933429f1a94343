import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Board } from '../../../src/thread/board/board.js';
import { Relief } from '../../../src/thread/board/relief.js';
import { NodeStatus } from '../../../src/thread/board/states.js';
import type { LinkEnds } from '../../../src/thread/protocol.js';

const relief = suite('relief rule');

/** split(0) -> a(1) -> join(3), split(0) -> b(2) -> join(3); links: 0: 0>1, 1: 0>2, 2: 1>3, 3: 2>3. */
const DIAMOND: LinkEnds[] = [
  { producer: 0, consumer: 1, limit: 4 },
  { producer: 0, consumer: 2, limit: 4 },
  { producer: 1, consumer: 3, limit: 4 },
  { producer: 2, consumer: 3, limit: 4 },
];

let sequence = 0;
function show(board: Board, node: number, status: number): void {
  board.setStatus(node, (++sequence << 2) | status);
}

/** A full link with one packet more that waits with its producer. */
function fill(board: Board, link: number, packets: number): void {
  board.setSent(link, packets);
  board.setOutbox(link, 1);
  board.setBlocked(link, 0);
}

/** The join wants branch a; branch b is full up to the split, which therefore feeds a no more. */
function starvedDiamond(): Board {
  const board = Board.create(1, 4, 4);
  for (const link of [1, 3]) fill(board, link, 4);
  show(board, 0, NodeStatus.blocked);
  show(board, 1, NodeStatus.starving);
  board.setStarved(0, true);
  show(board, 2, NodeStatus.blocked);
  show(board, 3, NodeStatus.starving);
  board.setStarved(2, true);
  return board;
}

relief('lifts the full link between the blocked producer and the branch that nobody reads, and no other', () => {
  const board = starvedDiamond();
  assert.equal(new Relief(board, DIAMOND).relieve(), [1]);
  assert.equal(board.allowance(1), 4);
  assert.equal(board.reliefs(1), 1);
  assert.equal([board.allowance(0), board.allowance(2), board.allowance(3)], [0, 0, 0]);
});

relief('lifts nothing while anybody upstream of the starved input is running', () => {
  for (const node of [0, 1]) {
    const board = starvedDiamond();
    show(board, node, NodeStatus.live);
    assert.equal(new Relief(board, DIAMOND).relieve(), [], `node ${node} runs`);
  }
});

relief('lifts nothing while the consumer of the full link is running', () => {
  const board = starvedDiamond();
  show(board, 2, NodeStatus.live);
  assert.equal(new Relief(board, DIAMOND).relieve(), []);
});

relief('lifts nothing while a packet is under way to the starved input', () => {
  const board = starvedDiamond();
  board.setSent(0, 1);
  assert.equal(new Relief(board, DIAMOND).relieve(), []);
});

relief(
  'lifts nothing while a packet for the starved input waits with its producer: the empty link has room for it',
  () => {
    const board = starvedDiamond();
    board.setOutbox(0, 1);
    assert.equal(new Relief(board, DIAMOND).relieve(), []);
  },
);

relief('lifts nothing when the consumer has taken something since the producer looked for room', () => {
  const board = starvedDiamond();
  board.setTaken(1, 1);
  assert.equal(new Relief(board, DIAMOND).relieve(), []);
});

relief('lifts nothing for a producer whose consumer has left', () => {
  const board = starvedDiamond();
  board.setLeft(1);
  assert.equal(new Relief(board, DIAMOND).relieve(), []);
});

relief('lifts nothing for a full link that starves nobody: a slow or an idle consumer is no deadlock', () => {
  // source(0) -> sink(1), the link is full and the sink waits for the outside world (live)
  const board = Board.create(1, 2, 1);
  fill(board, 0, 4);
  show(board, 0, NodeStatus.blocked);
  assert.equal(new Relief(board, [{ producer: 0, consumer: 1, limit: 4 }]).relieve(), []);
});

relief('is not kept from a deadlock by another part of the graph that runs', () => {
  // the diamond, and beside it 4 -> 5 that never rests
  const board = Board.create(1, 6, 5);
  const diamond = starvedDiamond();
  for (let node = 0; node < 4; node++) board.setStatus(node, diamond.status(node));
  for (const link of [1, 3]) fill(board, link, 4);
  board.setStarved(0, true);
  board.setStarved(2, true);
  const links = [...DIAMOND, { producer: 4, consumer: 5, limit: 4 }];
  assert.equal(new Relief(board, links).relieve(), [1]);
});

relief('goes through a chain of starving nodes to the producer that is blocked', () => {
  // 0 -> 1 -> 2 -> 3(in 0), 0 -> 3(in 1)
  const links: LinkEnds[] = [
    { producer: 0, consumer: 1, limit: 2 },
    { producer: 1, consumer: 2, limit: 2 },
    { producer: 2, consumer: 3, limit: 2 },
    { producer: 0, consumer: 3, limit: 2 },
  ];
  const board = Board.create(1, 4, 4);
  fill(board, 3, 2);
  show(board, 0, NodeStatus.blocked);
  for (const [node, link] of [
    [1, 0],
    [2, 1],
    [3, 2],
  ] as const) {
    show(board, node, NodeStatus.starving);
    board.setStarved(link, true);
  }
  assert.equal(new Relief(board, links).relieve(), [3]);
});

relief('a lifted link is lifted again only when its allowance is used up', () => {
  const board = starvedDiamond();
  const one = new Relief(board, DIAMOND);
  assert.equal(one.relieve(), [1]);
  assert.equal(one.relieve(), [], 'its producer can run now');
  board.setOutbox(1, 4);
  assert.equal(one.relieve(), []);
  board.setOutbox(1, 5);
  assert.equal(one.relieve(), [1]);
  assert.equal(board.allowance(1), 8);
});

relief(
  'a link that is full within its allowance does not make its producer wait: another full one with a slow consumer does',
  () => {
    // 0 -> 1 (lifted, 1 starves for more), 0 -> 2 (full, 2 is at work)
    const links: LinkEnds[] = [
      { producer: 0, consumer: 1, limit: 4 },
      { producer: 0, consumer: 2, limit: 4 },
    ];
    const board = Board.create(1, 3, 2);
    fill(board, 0, 4);
    board.raiseAllowance(0, 0, 4);
    fill(board, 1, 4);
    show(board, 0, NodeStatus.blocked);
    show(board, 1, NodeStatus.starving);
    board.setStarved(0, true);
    board.setTaken(0, 4);
    board.setBlocked(0, 4);
    show(board, 2, NodeStatus.live);
    assert.equal(new Relief(board, links).relieve(), []);
  },
);

relief('a node that moves while somebody looks does not hide the deadlock of the others', () => {
  // the diamond, and beside it 4 -> 5 that starves, and moves at the moment its status is read again
  const board = Board.create(1, 6, 5);
  const diamond = starvedDiamond();
  for (let node = 0; node < 4; node++) board.setStatus(node, diamond.status(node));
  for (const link of [1, 3]) fill(board, link, 4);
  for (const link of [0, 2]) board.setStarved(link, true);
  for (const node of [4, 5]) show(board, node, NodeStatus.starving);
  board.setStarved(4, true);
  const read = board.status.bind(board);
  let readings = 0;
  board.status = (node) => {
    if (node === 5 && ++readings === 2) show(board, 5, NodeStatus.over);
    return read(node);
  };
  const links = [...DIAMOND, { producer: 4, consumer: 5, limit: 4 }];
  assert.equal(new Relief(board, links).relieve(), [1]);
});

relief('of two who find the same deadlock one lifts the limit', () => {
  const board = starvedDiamond();
  assert.ok(board.raiseAllowance(1, 0, 4));
  assert.not(board.raiseAllowance(1, 0, 4), 'a stale reader raises nothing');
  assert.equal([board.allowance(1), board.reliefs(1)], [4, 1]);
});

relief.run();
