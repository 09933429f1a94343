import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Packet } from '../../../src/media/index.js';
import type { Module } from '../../../src/module/contract.js';
import type { Actor } from '../../../src/thread/actor/actor.js';
import { Board } from '../../../src/thread/board/board.js';
import { NodeStatus } from '../../../src/thread/board/states.js';
import { DirectLink } from '../../../src/thread/link/direct-link.js';
import { makeActor } from '../../../src/thread/partition/build.js';
import type { PartitionNode, PartitionSpec } from '../../../src/thread/protocol.js';

const actors = suite('actor');

/** source(0) -> relay(1) -> sink(2), of which only the relay is there. */
function relay(limit: number, module: Module): { board: Board; into: DirectLink; out: DirectLink; actor: Actor } {
  const board = Board.create(1, 3, 2);
  const into = new DirectLink(0, board, limit);
  const out = new DirectLink(1, board, limit);
  const place = { output: 0, input: 0, producerThread: 0, consumerThread: 0, limit };
  const node: PartitionNode = {
    index: 1,
    id: 1,
    alias: 'relay',
    rank: 1,
    module: { name: 'relay' },
    options: {},
    called: [],
  };
  const links = [
    { ...place, index: 0, producer: 0, consumer: 1 },
    { ...place, index: 1, producer: 1, consumer: 2 },
  ];
  const spec = { links } as unknown as PartitionSpec;
  const faces = { ins: new Map([[0, into]]), outs: new Map([[1, out]]) };
  const hooks = {
    log() {},
    tell() {},
    callback: () => Promise.resolve(),
    hasCallback: () => false,
    onError() {},
    onDelivered() {},
    onJob() {},
    onEvent() {},
  };
  return { board, into, out, actor: makeActor(spec, board, node, module, faces, hooks) };
}

/** Emits three packets for each it gets. */
const triple: Module = {
  process(task) {
    for (const _ of task.inputs.get(0) ?? []) for (let i = 0; i < 3; i++) task.output(0).push(new Packet(i));
  },
};

actors('an actor whose full link is lifted while it sleeps has to show that it starves instead', () => {
  const { board, into, actor } = relay(1, triple);
  into.offer(new Packet('in'));
  assert.ok(actor.ready());
  actor.step();
  assert.not(actor.ready());
  assert.not(actor.shownRight(), 'it was shown as live');
  actor.showIdle();
  assert.is(board.status(1) & 3, NodeStatus.blocked);
  assert.ok(actor.shownRight());
  board.raiseAllowance(1, 0, 4);
  assert.not(actor.ready(), 'it could run, but has no input');
  assert.not(actor.shownRight());
  actor.showIdle();
  assert.is(board.status(1) & 3, NodeStatus.starving);
  assert.ok(actor.shownRight());
});

actors('an actor whose consumer leaves while it is blocked has to show that it is no longer', () => {
  const { board, into, out, actor } = relay(1, triple);
  into.offer(new Packet('in'));
  actor.step();
  actor.showIdle();
  assert.is(board.status(1) & 3, NodeStatus.blocked);
  out.leave();
  assert.ok(actor.ready(), 'nobody is left to work for: it ends');
});

actors.run();
