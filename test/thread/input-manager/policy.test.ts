/** The policies as input managers: limits, silence and what is told of it, with the time in the hands of the test. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../../src/errors/errors.js';
import { Packet } from '../../../src/media/index.js';
import type { InputManagerSettings } from '../../../src/module/contract.js';
import type { SyncEvent } from '../../../src/sync/index.js';
import { makeInputManager } from '../../../src/thread/input-manager/index.js';
import type { PolicyInputs } from '../../../src/thread/input-manager/policy.js';

const policies = suite('policies on the inputs of a node');

class Bench {
  now = 0n;
  looks = 0;
  readonly available = new Set<number>();
  readonly events: SyncEvent[] = [];
  readonly policy: PolicyInputs;

  constructor(settings: InputManagerSettings) {
    const surroundings = {
      now: () => {
        this.looks++;
        return this.now;
      },
      wake: () => {},
      available: (input: number) => this.available.has(input),
      trace: (event: SyncEvent) => {
        this.events.push(event);
      },
    };
    this.policy = makeInputManager(settings, [0, 2], surroundings) as PolicyInputs;
  }

  /** The number of the packet is its time in ms. */
  give(input: number, milliseconds: number): void {
    this.policy.take(input, new Packet(milliseconds, { timestamp: milliseconds * 1000 }));
  }

  /** What the calls of `process` would have got. */
  groups(): string[] {
    const seen: string[] = [];
    for (let group = this.policy.next(); group !== undefined; group = this.policy.next()) {
      const packets = [0, 2].map((input) => group?.inputs.get(input)?.[0]);
      seen.push(packets.map((packet) => (packet?.isEof ? 'eof' : String(packet?.payload ?? '-'))).join(' '));
      for (const packet of packets) packet?.close();
    }
    return seen;
  }

  /** Lets the manager look at the clock, which says that many ms, several times. */
  async look(milliseconds: number, times = 3): Promise<void> {
    this.now = BigInt(milliseconds) * 1_000_000n;
    // The first of them may have come a moment before.
    for (const wanted = this.looks + times; this.looks < wanted; )
      await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Time passes as slowly as it is looked at. */
  async pass(from: number, to: number, step: number): Promise<void> {
    for (let at = from; at <= to; at += step) await this.look(at, 2);
  }
}

policies('an input that is held back is not silent, however long ago its last packet was taken', async () => {
  for (const waits of [true, false]) {
    const bench = new Bench({ mode: 'slowest', timeout: [0.02, null] });
    bench.give(0, 0);
    await bench.pass(0, 100, 5);
    if (waits) bench.available.add(0);
    // Input 0 must drop its packet of 0 ms for this one, and then has none that was taken.
    bench.give(2, 1000);
    assert.equal(bench.groups(), waits ? [] : ['0 1000']);
    if (waits) {
      assert.ok(bench.policy.wants(0));
      bench.give(0, 1000);
      assert.equal(bench.groups(), ['1000 1000']);
    }
    bench.policy.discard();
  }
});

policies('time in which the thread of the node was busy is no silence of its inputs', async () => {
  const bench = new Bench({ mode: 'nosync', timeout: 0.02 });
  bench.give(0, 0);
  await bench.look(0);
  await bench.look(100_000);
  assert.equal(bench.groups(), [], 'one long gap');
  await bench.pass(100_005, 100_030, 5);
  assert.equal(bench.groups(), ['0 -']);
  bench.policy.discard();
});

policies('each input can have a timeout of its own, or none', async () => {
  const bench = new Bench({ mode: 'nosync', timeout: [null, 0.02] });
  bench.give(2, 0);
  await bench.pass(0, 100, 5);
  assert.equal(bench.groups(), [], 'input 0 has none');
  bench.give(0, 0);
  bench.give(0, 10);
  await bench.pass(105, 200, 5);
  assert.equal(bench.groups(), ['0 0', '10 0']);
  bench.policy.discard();
});

policies('each input can have a queue of its own; one without is held back', () => {
  const bench = new Bench({ mode: 'nosync', maxQueue: [2, null], dropPolicy: 'oldest' });
  for (const milliseconds of [0, 1, 2, 3]) {
    assert.ok(bench.policy.wants(0));
    bench.give(0, milliseconds);
  }
  assert.is(bench.policy.dropped, 2);
  bench.give(2, 0);
  bench.give(2, 1);
  assert.equal(bench.groups(), ['2 0', '3 1']);
  bench.give(2, 2);
  assert.not(bench.policy.wants(2));
  bench.policy.discard();
});

policies('as many values as there are inputs are needed', () => {
  for (const settings of [{ timeout: [1] }, { maxQueue: [1, 1, 1] }]) {
    assert.throws(
      () => new Bench({ mode: 'nosync', ...settings }),
      (error: ConfigError) => error instanceof ConfigError && /values for 2 pads/.test(error.message),
    );
  }
});

policies('every drop and every reuse is told, but not what is let go of when the node is over', () => {
  const bench = new Bench({ mode: 'basepad', option: '0:5000000' });
  for (const milliseconds of [0, 40, 80]) bench.give(0, milliseconds);
  for (const milliseconds of [0, 10, 20, 100]) bench.give(2, milliseconds);
  assert.equal(bench.groups(), ['0 0', '40 20', '80 20']);
  assert.equal(bench.events, [
    { kind: 'drop', pad: 1, pts: 10_000_000n, reason: 'superseded' },
    { kind: 'reuse', pad: 1, pts: 20_000_000n, output: 80_000_000n },
  ]);
  assert.equal([bench.policy.dropped, bench.policy.reused], [1, 1]);
  bench.policy.discard();
  assert.is(bench.events.length, 2);
});

policies('framesync and clocksync tell of every packet they leave out or use again', () => {
  for (const mode of ['framesync', 'clocksync'] as const) {
    const events: SyncEvent[] = [];
    const around = {
      now: () => 0n,
      wake() {},
      available: () => false,
      trace: (event: SyncEvent) => void events.push(event),
    };
    const manager = makeInputManager(mode, [0, 1], around)!;
    const queues = [
      [0, 20, 40, 60],
      [0, 5, 10, 90],
    ];
    for (let group = manager.next(), idle = 0; !manager.finished; group = manager.next()) {
      for (const packets of group?.inputs.values() ?? []) for (const packet of packets) packet.close();
      if (group !== undefined) continue;
      queues.forEach((queue, input) => {
        if (!manager.wants(input)) return;
        const milliseconds = queue.shift();
        const packet = milliseconds === undefined ? Packet.eof() : new Packet(0, { timestamp: milliseconds * 1000 });
        manager.take(input, packet);
      });
      assert.ok(++idle < 100, 'it needs no end of packets');
    }
    const of = (kind: SyncEvent['kind']) => events.filter((event) => event.kind === kind);
    assert.is(of('drop').length, manager.dropped, mode);
    assert.is(of('reuse').length, manager.reused, mode);
    assert.ok(manager.dropped > 0 && manager.reused > 0, mode);
    assert.ok(
      events.every(({ pad, pts }) => (pad === 1 ? [0, 5, 10, 90] : [0, 20, 40, 60]).includes(Number(pts) / 1e6)),
    );
  }
});

policies('settings of the policies are refused by the managers that have none', () => {
  for (const mode of ['immediate', 'default', 'framesync', 'clocksync'] as const) {
    assert.throws(
      () => new Bench({ mode, timeout: 1, dropPolicy: 'oldest' }),
      (error: ConfigError) =>
        error.problems.map(({ path }) => path).join() === 'timeout,dropPolicy' && error.message.includes(mode),
    );
  }
});

policies.run();
