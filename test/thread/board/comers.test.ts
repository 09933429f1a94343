import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Board } from '../../../src/thread/board/board.js';

const comers = suite('who comes to a thread that may end');

comers('a thread to which somebody comes does not end before it knows', () => {
  const board = Board.create(2, 1, 0);
  assert.ok(board.announce(1));
  assert.ok(board.announce(1));
  board.letIn(1);
  assert.ok(board.awaitsComers(1));
  assert.not(board.closeThread(1));
  board.letIn(1);
  assert.not(board.awaitsComers(1));
  assert.not(board.isClosed(1));
  assert.ok(board.closeThread(1));
  assert.ok(board.isClosed(1));
  assert.not(board.isClosed(0));
});

comers('nobody comes to a thread that ends', () => {
  const board = Board.create(1, 1, 0);
  assert.ok(board.closeThread(0));
  assert.not(board.announce(0));
  assert.ok(board.isClosed(0));
  assert.not(board.awaitsComers(0));
});

comers.run();
