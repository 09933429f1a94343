/** A node with an input manager, its links in the hands of the test: what is queued when it is called is known. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Packet, VideoFrame } from '../../../src/media/index.js';
import type { InputManagerSpec, Module } from '../../../src/module/contract.js';
import type { Actor } from '../../../src/thread/actor/actor.js';
import { Board } from '../../../src/thread/board/board.js';
import { FrameSyncInputs } from '../../../src/thread/input-manager/framesync.js';
import { makeInputManager } from '../../../src/thread/input-manager/index.js';
import { restamped } from '../../../src/thread/input-manager/manager.js';
import { PolicyInputs } from '../../../src/thread/input-manager/policy.js';
import { DirectLink } from '../../../src/thread/link/direct-link.js';
import { makeActor } from '../../../src/thread/partition/build.js';
import type { PartitionNode, PartitionSpec } from '../../../src/thread/protocol.js';

const inputs = suite('inputs of a node');

interface Join {
  links: DirectLink[];
  actor: Actor;
  /** What each call got: `n` of the packet of input 0, of input 1, …; `-` for an input without one, `eof` for its end. */
  calls: string[];
}

/** Two sources (0, 1) into one node (2), which is the only one that is there. */
function join(manager: InputManagerSpec): Join {
  const board = Board.create(1, 3, 2);
  const links = [0, 1].map((index) => new DirectLink(index, board, 8));
  const place = { output: 0, producerThread: 0, consumerThread: 0, limit: 8, consumer: 2, patient: false };
  const spec = { links: [0, 1].map((index) => ({ ...place, index, input: index, producer: index })) };
  const node: PartitionNode = {
    index: 2,
    id: 2,
    alias: 'join',
    rank: 1,
    module: { name: 'join' },
    options: {},
    called: [],
  };
  const calls: string[] = [];
  const module: Module = {
    process(task) {
      if (task.inputs.size === 0) return;
      const of = (id: number): unknown => {
        const packet = task.inputs.get(id)?.[0];
        return packet?.isEof ? 'eof' : (packet?.payload ?? '-');
      };
      calls.push([0, 1].map(of).join(' '));
    },
  };
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
  const faces = { ins: new Map(links.map((link, i) => [i, link])), outs: new Map() };
  const actor = makeActor(spec as unknown as PartitionSpec, board, node, module, faces, hooks);
  const surroundings = { now: () => 0n, wake() {}, available: () => false };
  actor.inputs.useManager(() => makeInputManager(manager, [0, 1], surroundings));
  return { links, actor, calls };
}

/** Works until it has nothing to do. */
function work(actor: Actor): void {
  for (let steps = 0; actor.ready(); steps++) {
    assert.ok(steps < 1000, 'it never comes to rest');
    actor.step();
  }
}

/** @param milliseconds time of the packet with that number */
function offer(link: DirectLink, count: number, milliseconds = (n: number) => n): void {
  for (let n = 0; n < count; n++) link.offer(new Packet(n, { timestamp: milliseconds(n) * 1000 }));
}

inputs('refresh hears inputs that have as much to say in turn', () => {
  const { links, actor, calls } = join('refresh');
  for (const link of links) offer(link, 4);
  work(actor);
  assert.equal(calls, ['0 0', '1 0', '1 1', '2 1', '2 2', '3 2', '3 3']);
});

inputs('slowest with queues of its own loses nothing of inputs that keep step, however much is there at once', () => {
  for (const dropPolicy of ['oldest', 'newest', 'fail'] as const) {
    const { links, actor, calls } = join({ mode: 'slowest', maxQueue: 4, dropPolicy });
    for (const link of links) offer(link, 20);
    work(actor);
    assert.equal(
      calls,
      Array.from({ length: 20 }, (_, n) => `${n} ${n}`),
      dropPolicy,
    );
    assert.is(actor.inputs.manager?.dropped, 0);
  }
});

inputs('an input that is refilled as fast as it is emptied does not keep a node from its other work', () => {
  const { links, actor } = join({ mode: 'slowest', maxQueue: 4, dropPolicy: 'oldest' });
  const [endless] = links as [DirectLink, DirectLink];
  offer(endless, 3);
  const take = endless.take.bind(endless);
  let taken = 0;
  endless.take = () => {
    if (++taken > 50) throw new Error('it goes on taking');
    endless.offer(new Packet(taken, { timestamp: taken * 1000 }));
    return take();
  };
  assert.ok(actor.ready());
  actor.step();
  assert.is(taken, 3);
});

inputs('clocksync gives a tick the nearest of all that is there, also if the ticks came first', () => {
  const { links, actor, calls } = join('clocksync');
  const [clock, camera] = links as [DirectLink, DirectLink];
  offer(clock, 6, (n) => n * 40);
  offer(camera, 24, (n) => n * 10);
  work(actor);
  // The last tick waits for the one behind it.
  assert.equal(calls, ['- 0', '- 4', '- 8', '- 12', '- 16']);
  clock.offer(Packet.eof());
  work(actor);
  assert.equal(calls.slice(5), ['- 20', 'eof eof']);
});

inputs('clocksync takes what is past before the next tick while it waits for the one behind it', () => {
  const { links, actor, calls } = join('clocksync');
  const [clock, camera] = links as [DirectLink, DirectLink];
  offer(clock, 3, (n) => n * 100);
  offer(camera, 1);
  work(actor);
  assert.equal(calls, ['- 0', '- 0']);
  // Between the ticks at 200 and 300: everything up to 200 and one beyond, without a queue that grows.
  for (let n = 1; n < 40; n++) camera.offer(new Packet(n, { timestamp: n * 10_000 }));
  work(actor);
  assert.is(camera.queued, 39 - 21);
  assert.is(actor.inputs.manager?.dropped, 19);
  clock.offer(new Packet(3, { timestamp: 300_000 }));
  work(actor);
  assert.equal(calls.slice(2), ['- 20']);
});

inputs('clocksync uses what came last at a tick, although its input has ended meanwhile', () => {
  const { links, actor, calls } = join('clocksync');
  const [clock, camera] = links as [DirectLink, DirectLink];
  offer(camera, 3, (n) => n * 100);
  camera.offer(Packet.eof());
  offer(clock, 3, (n) => n * 100);
  clock.offer(Packet.eof());
  work(actor);
  assert.equal(calls, ['- 0', '- 1', '- 2', 'eof eof']);
});

const NANOSECONDS = { num: 1, den: 1_000_000_000 };
const frame = (pts: bigint, timeBase = NANOSECONDS): Packet<VideoFrame> =>
  new Packet(VideoFrame.alloc({ width: 16, height: 16, format: 'gray', pts, timeBase }));

/** Time of the frame on each input, in its own time base, and that of the group. */
function grouped(manager: FrameSyncInputs): [pts: bigint | undefined, ...frames: unknown[]] {
  const group = manager.next()!;
  const frames = [...group.inputs.values()].map(([packet]) => (packet!.payload as VideoFrame).pts);
  for (const packets of group.inputs.values()) for (const packet of packets) packet.close();
  return [group.pts, ...frames];
}

inputs('framesync leaves the driver its time to the nanosecond, and gives it to the others', () => {
  const manager = new FrameSyncInputs([0, 1]);
  manager.take(0, frame(33_333_333n));
  manager.take(1, frame(20_000_001n));
  assert.is(manager.next(), undefined, 'input 1 may have a newer one before that');
  manager.take(1, frame(50_000_000n));
  assert.equal(grouped(manager), [33_333_333n, 33_333_333n, 33_333_333n]);
  manager.discard();
});

inputs('framesync takes for one time what differs by less than a microsecond', () => {
  const manager = new FrameSyncInputs([0, 1]);
  // A third of a second, and the same as a packet's timestamp has it: later by 333 ns.
  manager.take(0, frame(2n, { num: 1, den: 30 }));
  manager.take(1, new Packet({ n: 1 }, { timestamp: 66_667 }));
  const group = manager.next()!;
  assert.equal([...group.inputs.keys()], [0, 1]);
  assert.is(group.pts, 66_666_667n);
  for (const packets of group.inputs.values()) for (const packet of packets) packet.close();
  manager.discard();
});

inputs('a packet that is of the wanted time keeps its own numbers; another gets the nearest of its time base', () => {
  const base = { num: 1, den: 90_000 };
  const exact = frame(3000n, base);
  const same = restamped(exact, 33_333_333n) as Packet<VideoFrame>;
  assert.equal([same.payload.pts, same.timestamp], [3000n, 33_333]);
  const other = restamped(exact, 66_666_667n) as Packet<VideoFrame>;
  assert.equal([other.payload.pts, other.timestamp], [6000n, 66_667]);
  assert.is(exact.payload.pts, 3000n, 'the original is not touched');
  for (const packet of [exact, same, other]) packet.close();
});

inputs('a policy that may take more by the time alone has its node woken', async () => {
  const timeout = 0.02;
  const step = 10_000_000n; // half of it; the time is in the hands of the test
  let now = 0n;
  let looks = 0;
  let woken = 0;
  const clock = (): bigint => {
    looks++;
    return now;
  };
  const time = { now: clock, wake: () => void woken++, available: () => false };
  const policy = new PolicyInputs('slowest', { mode: 'slowest', timeout }, [0, 1], time);
  const tickAt = async (instant: bigint): Promise<void> => {
    now = instant;
    woken = 0;
    // The second look from now on comes after a whole tick.
    for (const wanted = looks + 2; looks < wanted; ) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const give = (input: number, milliseconds: number): void =>
    policy.take(input, new Packet(0, { timestamp: milliseconds * 1000 }));
  const groups = (): number => {
    let count = 0;
    for (let group = policy.next(); group !== undefined; group = policy.next()) {
      for (const packets of group.inputs.values()) for (const packet of packets) packet.close();
      count++;
    }
    return count;
  };
  give(0, 1);
  give(1, 1);
  assert.is(groups(), 1);
  await tickAt(step);
  give(0, 9000);
  await tickAt(2n * step);
  assert.equal([groups(), woken > 0], [1, true], 'input 1 is silent: input 0 goes on alone');
  give(1, 2000);
  assert.equal([groups(), policy.wants(1)], [0, false], 'what comes late waits for input 0');
  await tickAt(3n * step);
  assert.equal([groups(), policy.wants(1)], [0, true], 'until that is silent too: then it is passed over');
  assert.ok(woken > 0);
  policy.discard();
});

inputs.run();
