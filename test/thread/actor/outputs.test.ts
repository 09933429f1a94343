/** What becomes of a packet that a module pushes, the links being made up: who gets it, and when it is released. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Packet } from '../../../src/media/index.js';
import { Deliveries, type EarlyDeliveries } from '../../../src/thread/actor/output.js';
import { ActorOutputs } from '../../../src/thread/actor/outputs.js';
import type { LinkSender } from '../../../src/thread/link/link.js';

const outputs = suite('outputs of an actor');

/** A payload of which every reference is counted. */
class Counted {
  static open = 0;
  closed = false;

  constructor(readonly name: string) {
    Counted.open++;
  }

  clone(): Counted {
    return new Counted(`${this.name}'`);
  }

  close(): void {
    assert.not(this.closed, `${this.name} is released twice`);
    this.closed = true;
    Counted.open--;
  }
}

class Link {
  left = false;
  leftJob = 0;
  clear = true;
  refuses = false;
  readonly got: Packet[] = [];

  offer(packet: Packet): void {
    if (this.refuses) {
      packet.close();
      throw new Error('it cannot cross threads');
    }
    this.got.push(packet);
  }

  names(): unknown[] {
    return this.got.map(({ control, payload }) => control ?? (payload as Counted).name ?? payload);
  }

  release(): void {
    for (const packet of this.got.splice(0)) packet.close();
  }
}

/** Outputs by id, with links behind each. */
function made(links: Record<number, Link[]>, early?: EarlyDeliveries) {
  const deliveries = new Deliveries(early);
  const map = new Map(Object.entries(links).map(([id, list]) => [Number(id), list as unknown as LinkSender[]]));
  return { deliveries, outs: new ActorOutputs(map, deliveries, 'node x') };
}

outputs.before.each(() => {
  Counted.open = 0;
});

outputs('the last taker gets the payload itself, each other one a reference of its own', () => {
  const [a, b, c] = [new Link(), new Link(), new Link()];
  const { deliveries, outs } = made({ 0: [a, b], 1: [c] });
  const packet = new Packet(new Counted('frame'));
  outs.get(0).push(packet);
  outs.get(1).push(packet);
  assert.is(a.got.length, 0, 'nothing is delivered within the call');
  deliveries.deliver();
  assert.equal([a.names(), b.names(), c.names()], [["frame'"], ["frame'"], ['frame']]);
  for (const link of [a, b, c]) link.release();
  assert.is(Counted.open, 0);
});

outputs('inputs are released with the call, but for those that were handed on', () => {
  const link = new Link();
  const { deliveries, outs } = made({ 0: [link] });
  const [kept, used] = [new Packet(new Counted('kept')), new Packet(new Counted('used'))];
  outs.get(0).push(kept);
  deliveries.deliver();
  deliveries.settle([[kept, used]]);
  assert.not(kept.closed);
  assert.ok(used.closed);
  link.release();
  assert.is(Counted.open, 0);
});

outputs('a packet of a number that was handed on stays open, and an equal one that was not is released', () => {
  const link = new Link();
  const { deliveries, outs } = made({ 0: [link] });
  const [kept, used] = [new Packet(7), new Packet(7)];
  outs.get(0).push(kept);
  deliveries.deliver();
  deliveries.settle([[kept, used]]);
  assert.equal([kept.closed, used.closed], [false, true]);
});

outputs('a call that fails delivers nothing, and what it pushed is released', () => {
  const link = new Link();
  const { deliveries, outs } = made({ 0: [link] });
  outs.get(0).push(new Packet(new Counted('lost')));
  deliveries.discard();
  deliveries.deliver();
  assert.equal(link.names(), []);
  assert.is(Counted.open, 0);
});

outputs('what nobody takes is released: no link, or one whose consumer has left', () => {
  const [gone, here] = [new Link(), new Link()];
  gone.left = true;
  const { deliveries, outs } = made({ 0: [gone], 1: [gone, here] });
  for (const id of [0, 1, 7]) outs.get(id).push(new Packet(new Counted(`to ${id}`)));
  deliveries.deliver();
  assert.equal([gone.names(), here.names()], [[], ['to 1']]);
  assert.equal([outs.get(0).closed, outs.get(1).closed, outs.get(7).closed], [true, false, true]);
  assert.is(deliveries.pushed, 3, 'it was brought all the same');
  here.release();
  assert.is(Counted.open, 0);
});

outputs('a link that refuses a packet leaves nothing of the call behind', () => {
  const [good, bad] = [new Link(), new Link()];
  bad.refuses = true;
  const { deliveries, outs } = made({ 0: [good, bad], 1: [good] });
  outs.get(0).push(new Packet(new Counted('first')));
  outs.get(1).push(new Packet(new Counted('second')));
  assert.throws(() => deliveries.deliver(), /cannot cross/);
  good.release();
  assert.is(Counted.open, 0);
});

outputs('an output ends once, behind its last packet, and takes none after that', () => {
  const link = new Link();
  const { deliveries, outs } = made({ 0: [link] });
  const out = outs.get(0);
  out.push(new Packet(1));
  out.push(Packet.eof());
  out.push(Packet.eof());
  const late = new Packet(new Counted('late'));
  assert.throws(() => out.push(late), /node x: a packet was pushed to output 0 after its end/);
  outs.finish();
  deliveries.deliver();
  assert.equal(link.names(), [1, 'eof']);
  assert.is(deliveries.ends, 1);
  assert.is(Counted.open, 0);
});

outputs('an end that is taken back is still to come, those before it are not', () => {
  const { outs } = made({ 0: [new Link()], 1: [new Link()] });
  outs.get(0).push(Packet.eof());
  const before = outs.endedOnes();
  outs.get(1).push(Packet.eof());
  assert.ok(outs.ended);
  outs.reopen(before);
  assert.equal([outs.get(0).closed, outs.get(1).closed], [true, false]);
});

outputs('what a call that waits has pushed is delivered meanwhile, where somebody is told', async () => {
  for (const isTold of [true, false]) {
    const link = new Link();
    const log: string[] = [];
    const early = {
      onDelivered: () => log.push('delivered'),
      onError: (error: unknown) => log.push((error as Error).message),
    };
    const { outs } = made({ 0: [link] }, isTold ? early : undefined);
    outs.get(0).push(new Packet('part'));
    await Promise.resolve();
    assert.equal([link.names(), log], isTold ? [['part'], ['delivered']] : [[], []]);
    link.refuses = true;
    outs.get(0).push(new Packet('other'));
    await Promise.resolve();
    assert.equal(log, isTold ? ['delivered', 'it cannot cross threads'] : []);
  }
});

outputs('nobody wants more when all consumers have left: of this job, or for good', () => {
  const [a, b] = [new Link(), new Link()];
  const { outs } = made({ 0: [a], 1: [b] });
  a.left = true;
  assert.not(outs.abandoned);
  b.left = true;
  assert.ok(outs.abandoned);
  assert.ok(outs.unwanted);
  const nobody = made({}).outs;
  assert.not(nobody.abandoned, 'there never was anybody');
});

outputs.run();
