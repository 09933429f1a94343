/** A node that serves jobs, its links in the hands of the test: what belongs to which job, and what ends it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Packet } from '../../../src/media/index.js';
import type { InputManagerSpec, Module, ModuleContext, Task } from '../../../src/module/contract.js';
import type { Actor } from '../../../src/thread/actor/actor.js';
import { Board } from '../../../src/thread/board/board.js';
import { makeInputManager } from '../../../src/thread/input-manager/index.js';
import { DirectLink } from '../../../src/thread/link/direct-link.js';
import { makeActor } from '../../../src/thread/partition/build.js';
import type { PartitionNode, PartitionSpec } from '../../../src/thread/protocol.js';

const jobs = suite('jobs of a node');

/** Two producers (0, 1) into one node (2), and its consumer (3). */
class Bench {
  readonly a: DirectLink;
  readonly b: DirectLink;
  readonly out: DirectLink;
  readonly actor: Actor;
  /** Calls of the module, and the ends of jobs with their files. */
  readonly log: string[] = [];
  /** Inputs that the module wants. */
  wanted: readonly number[] | undefined;

  constructor(
    manager: InputManagerSpec = 'server',
    act: (task: Task, ctx: ModuleContext) => void = () => {},
    serving = true,
  ) {
    const board = Board.create(1, 4, 3);
    const [a, b, out] = [0, 1, 2].map((index) => new DirectLink(index, board, 8)) as [
      DirectLink,
      DirectLink,
      DirectLink,
    ];
    [this.a, this.b, this.out] = [a, b, out];
    const place = { output: 0, input: 0, producerThread: 0, consumerThread: 0, limit: 8, patient: false, serving };
    const links = [
      { ...place, index: 0, producer: 0, consumer: 2 },
      { ...place, index: 1, producer: 1, consumer: 2, input: 1 },
      { ...place, index: 2, producer: 2, consumer: 3 },
    ];
    const node: PartitionNode = {
      index: 2,
      id: 2,
      alias: 'node',
      rank: 1,
      module: { name: 'node' },
      options: {},
      called: [],
      firstJob: 1,
    };
    const faces = { ins: new Map([a, b].map((link, i) => [i, link])), outs: new Map([[2, out]]) };
    const hooks = {
      log() {},
      tell() {},
      callback: () => Promise.resolve(),
      hasCallback: () => false,
      onError() {},
      onDelivered() {},
      onJob: (_: PartitionNode, job: number, files: string[]) => this.log.push(`job ${job} ${files.join()}`.trim()),
      onEvent() {},
    };
    const module: Module = {
      process: (task) => {
        const of = ([id, packets]: [number, Packet[]]): string =>
          `${id}:${packets.map((packet) => packet.control ?? packet.payload).join(' ')}`;
        this.log.push([...task.inputs].map(of).join(' | ') || '-');
        act(task, this.actor.context);
      },
      wants: () => this.wanted,
      reset: () => void this.log.push(`reset ${this.actor.context.job}`),
      close: () => void this.log.push('close'),
    };
    this.actor = makeActor({ links, startedAt: 0 } as unknown as PartitionSpec, board, node, module, faces, hooks);
    const surroundings = { now: () => 0n, wake() {}, available: () => false };
    this.actor.inputs.useManager(() => makeInputManager(manager, [0, 1], surroundings));
  }

  /** Works until it has nothing to do. @returns what has been logged. */
  work(): string[] {
    for (let steps = 0; this.actor.ready(); steps++) {
      assert.ok(steps < 1000, 'it never comes to rest');
      this.actor.step();
    }
    return this.log.splice(0);
  }

  /** What has come out. */
  taken(): unknown[] {
    const packets: unknown[] = [];
    for (let packet = this.out.take(); packet !== undefined; packet = this.out.take()) {
      packets.push(packet.control ?? packet.payload);
    }
    return packets;
  }
}

function offer(link: DirectLink, ...items: readonly (number | 'eof' | 'eos')[]): void {
  for (const item of items) {
    link.offer(typeof item === 'string' ? Packet.control(item) : new Packet(item, { timestamp: item }));
  }
}

const relay = (task: Task): void => {
  for (const packets of task.inputs.values()) {
    for (const packet of packets) if (!packet.isEof) task.output(0).push(packet);
  }
};

jobs('what is behind the end of a job belongs to the next, and the module is reset in between', () => {
  const bench = new Bench('server', relay);
  offer(bench.a, 1, 2, 'eof', 3, 'eof', 'eos');
  offer(bench.b, 10, 'eof');
  assert.equal(bench.work(), ['0:1 2 eof | 1:10 eof', '-', 'reset 1', 'job 1', '0:3 eof']);
  assert.equal(bench.taken(), [1, 2, 10, 'eof', 3]);
  offer(bench.b, 30);
  assert.equal(bench.work(), ['1:30']);
  offer(bench.b, 'eof');
  assert.equal(bench.work(), ['1:eof', '-', 'reset 2', 'job 2']);
  assert.equal(bench.taken(), [30, 'eof']);
  offer(bench.b, 'eos');
  assert.equal(bench.work(), ['close']);
  assert.equal(bench.taken(), ['eos']);
});

jobs('the end of the server ends the job that is under way, and is no job by itself', () => {
  const bench = new Bench('server', relay);
  offer(bench.a, 1, 'eos');
  offer(bench.b, 'eos');
  assert.equal(bench.work(), ['0:1 eof | 1:eof', '-', 'reset 1', 'job 1', 'close']);
  assert.equal(bench.taken(), [1, 'eof', 'eos']);
  for (const early of ['a', 'b'] as const) {
    const idle = new Bench('server', relay);
    offer(idle[early], 'eos');
    assert.equal(idle.work(), []);
    offer(early === 'a' ? idle.b : idle.a, 'eos');
    assert.equal(idle.work(), ['close']);
    assert.equal(idle.taken(), ['eos']);
  }
});

jobs('an input without further jobs has ended in those of the others', () => {
  for (const manager of ['server', 'default', 'slowest'] as const) {
    const bench = new Bench(manager, relay);
    offer(bench.a, 'eos');
    offer(bench.b, 'eof', 'eof', 'eos');
    const log = bench.work();
    assert.equal(
      log.filter((line) => /^(reset|job|close)/.test(line)),
      ['reset 1', 'job 1', 'reset 2', 'job 2', 'close'],
      manager,
    );
    assert.is(log.filter((line) => line.includes('0:eof')).length, 2, manager);
    assert.equal(bench.taken(), ['eof', 'eof', 'eos'], manager);
  }
});

jobs('an end of the server that a module waits for in vain does not keep it from the other inputs', () => {
  const bench = new Bench('server', relay);
  bench.wanted = [0];
  offer(bench.a, 'eos');
  assert.equal(bench.work(), []);
  offer(bench.b, 1, 'eof', 'eos');
  assert.equal(bench.work(), ['0:eof | 1:1 eof', '-', 'reset 1', 'job 1', 'close']);
});

jobs('a module that is done before its inputs ends the job when they have: the rest is passed over', () => {
  const bench = new Bench('server', (task) => {
    relay(task);
    task.done();
  });
  offer(bench.a, 1);
  assert.equal(bench.work(), ['0:1']);
  assert.equal(bench.taken(), [1, 'eof']);
  offer(bench.a, 2, 3, 'eof', 4);
  offer(bench.b, 5);
  assert.equal(bench.work(), []);
  assert.is(bench.a.queued, 1); // of the next job
  offer(bench.b, 'eof');
  assert.equal(bench.work(), ['reset 1', 'job 1', '0:4']);
  assert.equal(bench.taken(), [4, 'eof']);
});

jobs('a node of whose job nobody wants more ends it, and tells its producers', () => {
  const bench = new Bench('server', relay);
  bench.out.leaveJob(1);
  assert.equal(bench.work(), []); // there is no job yet
  offer(bench.a, 1, 2);
  assert.equal(bench.work(), ['0:1 2']);
  assert.equal([bench.a.leftJob, bench.b.leftJob], [1, 1]);
  assert.equal(bench.taken(), [1, 2, 'eof']);
  offer(bench.a, 3, 'eof', 4, 'eof');
  offer(bench.b, 'eof', 'eof');
  assert.equal(bench.work(), ['reset 1', 'job 1', '0:4 eof | 1:eof', '-', 'reset 2', 'job 2']);
  assert.equal(bench.taken(), [4, 'eof']);
});

jobs('an input that the module closes is closed in that job only', () => {
  const bench = new Bench('server', (task, ctx) => {
    relay(task);
    if (ctx.job === 1) task.closeInput(0);
  });
  offer(bench.a, 1);
  assert.equal(bench.work(), ['0:1']);
  offer(bench.a, 2, 'eof', 3, 'eof');
  offer(bench.b, 'eof', 'eof');
  assert.equal(bench.work(), ['1:eof', '-', 'reset 1', 'job 1', '0:3 eof | 1:eof', '-', 'reset 2', 'job 2']);
  assert.equal(bench.taken(), [1, 'eof', 3, 'eof']);
});

jobs('an aligning manager begins every job anew', () => {
  const bench = new Bench('default', relay);
  offer(bench.a, 1, 2, 'eof', 1, 'eof', 'eos');
  offer(bench.b, 2, 'eof', 1, 'eof', 'eos');
  const log = bench.work();
  const groups = log.filter((line) => /\d:\d/.test(line));
  assert.equal(groups, ['0:1', '0:2 | 1:2', '0:1 | 1:1']);
  assert.equal(bench.taken(), [1, 2, 2, 'eof', 1, 1, 'eof', 'eos']);
});

jobs('a policy that ends before its inputs passes over what they still have of the job', () => {
  const bench = new Bench('nosync', relay);
  offer(bench.a, 1, 2, 3, 4, 'eof', 7, 'eof');
  offer(bench.b, 1, 'eof', 7, 'eof');
  const log = bench.work();
  assert.equal(
    log.filter((line) => /\d:\d|job/.test(line)),
    ['0:1 | 1:1', 'job 1', '0:7 | 1:7', 'job 2'],
  );
});

jobs('an output that the module ends early is there again in the next job', () => {
  const bench = new Bench('server', (task) => {
    if (task.output(0).closed) return;
    relay(task);
    task.output(0).push(Packet.eof());
  });
  offer(bench.a, 1, 'eof', 2, 'eof');
  offer(bench.b, 'eof', 'eof');
  bench.work();
  assert.equal(bench.taken(), [1, 'eof', 2, 'eof']);
});

jobs('files that were written are told with the end of their job', () => {
  const bench = new Bench('server', (task, ctx) => {
    if (task.inputs.size > 0) ctx.wrote(`file-${ctx.job}`);
  });
  offer(bench.a, 'eof', 'eof');
  offer(bench.b, 'eof', 'eof');
  assert.equal(
    bench.work().filter((line) => line.startsWith('job')),
    ['job 1 file-1', 'job 2 file-2'],
  );
});

jobs('behind producers that do not serve there is one job', () => {
  const bench = new Bench('server', relay, false);
  offer(bench.a, 1, 'eof');
  offer(bench.b, 'eof');
  assert.equal(bench.work(), ['0:1 eof | 1:eof', '-', 'reset 1', 'job 1', 'close']);
});

jobs.run();
