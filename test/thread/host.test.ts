/** The loop of a thread, what it runs being made up: when it works, sleeps, wakes and ends. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell } from '../../ringbuffer/index.js';
import { Host, type Hosted, type HostOptions } from '../../src/thread/host.js';
import type { ThreadStop } from '../../src/thread/thread-stop.js';

const hosts = suite('host');

/** Has so many units of work, and writes down what is asked of it. */
class Part implements Hosted {
  readonly dormant: boolean = false;
  ended = false;
  readonly log: string[] = [];
  /** Called in every unit of work. */
  act: () => void = () => {};
  /** What the last look before a sleep finds, once. */
  lastLook = 0;
  relief = 0;

  constructor(public work: number) {}

  hasWork(): boolean {
    return this.work > 0;
  }

  step(): boolean {
    if (this.work === 0) return false;
    this.work--;
    this.log.push('work');
    this.act();
    return true;
  }

  mayNotSleep(): boolean {
    if (this.lastLook === 0) return this.hasWork();
    this.lastLook--;
    this.work++;
    return true;
  }

  showIdle(): boolean {
    this.log.push('idle');
    if (this.relief === 0) return false;
    this.relief--;
    this.work++;
    return true;
  }

  fallAsleep(): void {
    this.log.push('sleep');
  }

  wakeUp(): void {
    this.log.push('awake');
  }
}

function hostOf(part: Hosted, options: Partial<HostOptions> = {}): { host: Host; bell: Doorbell } {
  const bell = Doorbell.create();
  const host = new Host(bell, { spin: 0, yieldAfter: 1000, mayNap: false, ...options });
  host.add(part);
  return { host, bell };
}

hosts(
  'works while there is work, shows why it rests, sleeps until it is woken, and ends when nothing is left',
  async () => {
    const part = new Part(2);
    const { host, bell } = hostOf(part);
    const over = host.run();
    assert.equal(part.log.splice(0), ['work', 'work', 'idle', 'sleep']);
    part.work = 1;
    host.quit();
    part.act = () => {
      part.ended = true;
    };
    await over;
    assert.equal(part.log, ['awake', 'work']);
    assert.is(bell.counters().timeouts, 0);
  },
);

hosts('what the last look finds, with the bell armed, keeps it from sleeping', async () => {
  const part = new Part(0);
  part.lastLook = 1;
  const { host, bell } = hostOf(part);
  part.act = () => {
    part.ended = true;
    host.quit();
  };
  await host.run();
  assert.equal(part.log, ['idle', 'work']);
  assert.is(bell.counters().parks, 0);
});

hosts('a limit that is lifted while it rests lets it go on', async () => {
  const part = new Part(0);
  part.relief = 1;
  const { host } = hostOf(part);
  part.act = () => {
    part.ended = true;
    host.quit();
  };
  await host.run();
  assert.equal(part.log, ['idle', 'work']);
});

hosts('whoever works at once, from within a unit of work, does not begin another one in it', () => {
  const part = new Part(2);
  const { host } = hostOf(part);
  let deep = 0;
  part.act = () => {
    assert.is(++deep, 1);
    host.turn();
    deep--;
  };
  host.turn();
  assert.equal(part.log, ['work', 'work']);
});

hosts('a unit of work that throws leaves it able to work at once', () => {
  const part = new Part(2);
  const { host } = hostOf(part);
  part.act = () => {
    throw new Error('broken');
  };
  assert.throws(() => host.turn(), /broken/);
  part.act = () => {};
  host.turn();
  assert.is(part.work, 0);
});

hosts('blocking is prepared for only where nothing can run, with the bell armed', () => {
  const part = new Part(0);
  const { host, bell } = hostOf(part);
  part.relief = 1;
  assert.not(host.prepareToBlock(), 'a limit was lifted');
  part.work = 0;
  part.lastLook = 1;
  assert.not(host.prepareToBlock(), 'something was found in the last look');
  part.work = 0;
  const rings = bell.counters().rings;
  bell.ring();
  assert.is(bell.counters().rings, rings, 'nobody sleeps');
  assert.ok(host.prepareToBlock());
  bell.ring();
  assert.is(bell.counters().rings, rings + 1, 'a ringer wakes who sleeps');
});

hosts('a thread whose parts need no event loop naps once before it sleeps', async () => {
  class Dormant extends Part {
    override readonly dormant = true;
  }
  const part = new Dormant(0);
  const { host } = hostOf(part, { mayNap: true });
  const over = host.run();
  assert.equal(part.log, ['idle'], 'a nap is no sleep');
  while (!part.log.includes('sleep')) await new Promise((resolve) => setImmediate(resolve));
  // Idle once before the nap and once before the sleep; a thread that was kept waiting shows it once more.
  assert.ok(part.log.length >= 3, part.log.join(' '));
  assert.ok(part.log.slice(0, -1).every((word) => word === 'idle') && part.log.at(-1) === 'sleep', part.log.join(' '));
  part.ended = true;
  host.quit();
  await over;
});

hosts('a thread that is asked to rest does so between two units of work', async () => {
  const part = new Part(3);
  const rest = {
    asked: false,
    stay() {
      throw new Error('at rest');
    },
  };
  const { host } = hostOf(part, { rest: rest as unknown as ThreadStop });
  part.act = () => {
    rest.asked = true;
  };
  await host.run().then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'at rest'),
  );
  assert.is(part.work, 2);
});

hosts('a thread that spins looks at its bell only, and a ring lets it go on without a sleep', async () => {
  const part = new Part(0);
  let asked = 0;
  let ring = (): void => {};
  part.hasWork = () => {
    asked++;
    // As another thread does, after the look and while this one spins.
    if (asked === 1) ring();
    return false;
  };
  const { host, bell } = hostOf(part, { spin: 1e7 });
  ring = () => {
    part.work = 1;
    bell.ring();
  };
  part.act = () => {
    part.ended = true;
    host.quit();
  };
  await host.run();
  assert.is(asked, 1, 'it is not asked again and again');
  assert.equal(part.log, ['work'], 'it did not come to rest');
  assert.is(bell.counters().parks, 0);
});

hosts('nobody rings while it spins: it comes to rest, and what the last look finds is not slept over', async () => {
  const part = new Part(0);
  part.lastLook = 1;
  const { host, bell } = hostOf(part, { spin: 2 });
  part.act = () => {
    part.ended = true;
    host.quit();
  };
  await host.run();
  assert.equal(part.log, ['idle', 'work']);
  assert.is(bell.counters().parks, 0);
});

hosts('spinning is limited in time where looks take long, as in code that was not compiled yet', async () => {
  const part = new Part(0);
  part.lastLook = 1;
  const { host, bell } = hostOf(part, { spin: 1000 });
  const { ticket } = bell;
  let looks = 0;
  bell.ticket = () => {
    looks++;
    const until = performance.now() + 0.01;
    while (performance.now() < until);
    return ticket.call(bell);
  };
  part.act = () => {
    part.ended = true;
    host.quit();
  };
  await host.run();
  // A tenth of a millisecond, and the round that was begun in it; after the only work the thread ends without spinning.
  assert.ok(looks >= 10 && looks < 1000, `${looks} looks instead of 64000`);
});

hosts('the steps that the model names stand in the code', () => {
  const named = (text: string): Set<string> => new Set(text.match(/\[(?:note|take|spin)\.\w+\]/g));
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const files = ['host.ts', 'partition/ready-queue.ts', 'partition/partition.ts', 'link/direct-link.ts'];
  const code = named(files.map((file) => read(`src/thread/${file}`)).join('\n'));
  assert.is(code.size, 10);
  assert.equal([...named(read('docs/model/host.pml'))].sort(), [...code].sort());
});

hosts.run();
