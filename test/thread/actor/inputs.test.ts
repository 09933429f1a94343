/** What an actor takes from its links for a call of its module, the module and the links in the hands of the test. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Packet } from '../../../src/media/index.js';
import type { InputManagerSpec } from '../../../src/module/contract.js';
import { ActorInputs } from '../../../src/thread/actor/inputs.js';
import { Board } from '../../../src/thread/board/board.js';
import { makeInputManager } from '../../../src/thread/input-manager/index.js';
import { DirectLink } from '../../../src/thread/link/direct-link.js';

const inputs = suite('inputs of an actor');

/** Inputs 0 and 1 of a node. */
function made(manager: InputManagerSpec = 'immediate', neverFed: number[] = []) {
  const board = Board.create(1, 3, 2);
  const links = [0, 1].map((index) => new DirectLink(index, board, 8)) as [DirectLink, DirectLink];
  const inlets = links.map((link, id) => ({ id, link, serving: false, ended: false, over: false, last: false }));
  const module = { wanted: undefined as readonly number[] | undefined, asked: 0 };
  const wants = (): readonly number[] | undefined => {
    module.asked++;
    return module.wanted;
  };
  const ins = new ActorInputs(inlets, neverFed, { process() {}, wants }, undefined, { board, node: 2 });
  const host = { now: () => 0n, wake() {}, available: () => false };
  ins.useManager(() => makeInputManager(manager, [0, 1], host));
  const take = (): string =>
    [...ins.take().inputs]
      .map(([id, packets]) => `${id}:${packets.map((packet) => packet.control ?? packet.payload).join(' ')}`)
      .join(' | ');
  return { board, links, ins, module, take };
}

function offer(link: DirectLink, ...items: readonly (number | 'eof')[]): void {
  for (const item of items) {
    link.offer(typeof item === 'string' ? Packet.eof() : new Packet(item, { timestamp: item }));
  }
}

inputs('everything that is queued comes in one call, the end behind it, and each end once', () => {
  const { board, links, ins, take } = made();
  assert.not(ins.ready());
  offer(links[0], 1, 2, 'eof');
  offer(links[1], 3);
  assert.ok(ins.ready());
  assert.is(take(), '0:1 2 eof | 1:3');
  assert.is(ins.received, 3);
  assert.is(board.figure(2, 'packetsIn'), 3);
  assert.equal([board.takenTimestamp(0), board.takenTimestamp(1)], [2, 3]);
  assert.not(ins.allEnded);
  offer(links[1], 'eof');
  assert.is(take(), '1:eof');
  assert.ok(ins.allEnded);
  assert.is(take(), '');
});

inputs('a producer as fast as the taking does not keep it there', () => {
  const { links, take } = made();
  const own = links[0].take.bind(links[0]);
  links[0].take = () => {
    offer(links[0], 9);
    return own();
  };
  offer(links[0], 1, 2);
  assert.is(take(), '0:1 2');
});

inputs('a module is asked what it wants once between two calls, and gets no more than that', () => {
  const { links, ins, module, take } = made();
  offer(links[0], 1);
  offer(links[1], 2);
  module.wanted = [1];
  assert.ok(ins.ready());
  assert.ok(ins.ready());
  assert.is(module.asked, 1);
  assert.is(take(), '1:2');
  module.wanted = [0];
  assert.not(ins.ready(), 'it was not called since');
  ins.askAgain();
  assert.ok(ins.ready());
  assert.is(take(), '0:1');
});

inputs(
  'a module that wants only what has ended gets what there is, and one that wants nothing is called without',
  () => {
    const { links, ins, module, take } = made();
    offer(links[0], 'eof');
    take();
    offer(links[1], 5);
    module.wanted = [0];
    ins.askAgain();
    assert.ok(ins.ready());
    assert.is(take(), '1:5');
    offer(links[1], 6);
    module.wanted = [];
    ins.askAgain();
    assert.ok(ins.asksForNone());
    assert.ok(ins.ready());
    assert.ok(ins.wantsNone);
    assert.is(take(), '');
  },
);

inputs('inputs that nobody feeds end with the first packets', () => {
  const { links, take } = made('immediate', [7]);
  offer(links[0], 1);
  assert.is(take(), '7:eof | 0:1');
  offer(links[0], 2);
  assert.is(take(), '0:2');
});

inputs('an input that the module closes is left: what waits there is released, and its producer learns it', () => {
  const { board, links, ins, take } = made();
  const waiting = new Packet({ close: () => {} });
  links[0].offer(waiting);
  ins.close(0);
  ins.close(0);
  ins.close(5);
  assert.ok(waiting.closed);
  assert.ok(board.left(0));
  offer(links[1], 1, 'eof');
  assert.is(take(), '1:1 eof');
  assert.ok(ins.allEnded);
});

inputs('those whose packets are awaited are shown as starved, if somebody waits for the node', () => {
  const { board, links, ins, module } = made();
  module.wanted = [0];
  ins.ready();
  ins.showStarving(true);
  assert.equal([board.starved(0), board.starved(1)], [true, false]);
  ins.showStarving(false);
  assert.not(board.starved(0));
  offer(links[0], 1);
  ins.showStarving(true);
  assert.not(board.starved(0));
});

inputs('a manager is given what it needs, and puts together what belongs together', () => {
  const { links, ins, take } = made('default');
  offer(links[0], 1, 2, 'eof');
  offer(links[1], 2, 'eof');
  const groups: string[] = [];
  for (let tries = 0; !ins.allEnded && tries < 20; tries++) groups.push(take());
  assert.equal(
    groups.filter((group) => /\d:\d/.test(group)),
    ['0:1', '0:2 | 1:2'],
  );
  assert.ok(ins.allEnded);
});

inputs('what a manager holds is released with everything else', () => {
  const { links, ins } = made('default');
  let open = 2;
  const held = (timestamp: number): Packet =>
    new Packet({ clone: () => held(timestamp).payload, close: () => open-- }, { timestamp });
  links[0].offer(held(1));
  links[0].offer(held(2));
  ins.take();
  ins.discard();
  assert.is(open, 0);
});

inputs.run();
