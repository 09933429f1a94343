/** What one thread runs of a graph, driven by the test in the place of the thread's host: beginning, failing, ending. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell } from '../../../ringbuffer/index.js';
import { unpackError } from '../../../src/errors/wire.js';
import { Packet } from '../../../src/media/index.js';
import type { Module } from '../../../src/module/contract.js';
import { Board } from '../../../src/thread/board/board.js';
import { GraphState, NodePhase, ThreadState } from '../../../src/thread/board/states.js';
import { Partition } from '../../../src/thread/partition/partition.js';
import type { FromHost, PartitionSpec } from '../../../src/thread/protocol.js';

const partitions = suite('partition');

/** first(0) -> second(1) -> …, all in this thread. @param threads of the graph; the others are the test's. */
function made(modules: readonly Module[], threads = 1) {
  const count = modules.length;
  const board = Board.create(threads, count, count - 1);
  const nodes = modules.map((definition, index) => ({
    index,
    id: index,
    alias: `node${index}`,
    rank: index,
    module: { name: `module${index}`, definition },
    options: {},
    called: [],
  }));
  const links = modules.slice(1).map((_, index) => ({
    index,
    producer: index,
    consumer: index + 1,
    output: 0,
    input: 0,
    limit: 2,
    patient: false,
    free: true,
    serving: false,
    producerThread: 0,
    consumerThread: 0,
  }));
  const told: FromHost[] = [];
  const spec = {
    run: 1,
    thread: 0,
    board: board.buffer,
    bells: Array.from({ length: threads }, () => Doorbell.create().buffer),
    nodes,
    links,
    nodeThreads: nodes.map(() => 0),
    names: nodes.map(({ alias }) => alias),
    allLinks: links,
    transport: 'auto',
    pushed: [],
    bytesLimit: 1e6,
    hardCap: 1e9,
    startedAt: performance.timeOrigin + performance.now(),
    stopGrace: 1000,
    watch: undefined,
    trace: undefined,
    heard: false,
  } as PartitionSpec;
  const part = new Partition(spec, (message) => told.push(message), { wake: () => {}, askTurn: () => {} });
  /** Works as long as there is something to do, calls that wait included. */
  const work = async (): Promise<void> => {
    for (let turn = 1; !part.ended; turn++) {
      assert.ok(turn < 1000, 'it never ends');
      if (!part.step()) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const failures = (): string[] =>
    told.flatMap((message) => (message.type === 'failed' ? [unpackError(message.error).message] : []));
  return { board, part, told, work, failures };
}

function counter(to: number): Module {
  let n = 0;
  return {
    process(task) {
      task.output(0).push(new Packet(n++));
      if (n === to) task.done();
    },
  };
}

partitions(
  'loads, runs when the graph is let go, closes what has ended from the source on, and says that it is over',
  async () => {
    const log: string[] = [];
    const sum = { seen: 0 };
    const source = { ...counter(5), init: () => void log.push('init 0'), close: () => void log.push('close 0') };
    const sink: Module = {
      init: () => void log.push('init 1'),
      process(task) {
        for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) sum.seen += packet.payload as number;
      },
      close: () => void log.push('close 1'),
    };
    const { board, part, told, work, failures } = made([source, sink]);
    assert.not(part.hasWork());
    part.load();
    assert.not(part.step(), 'nothing is scheduled before it has loaded');
    await part.loaded;
    assert.is(board.state, GraphState.running);
    assert.is(board.threadState(0), ThreadState.ready);
    await work();
    assert.equal(log, ['init 0', 'init 1', 'close 0', 'close 1']);
    assert.is(sum.seen, 10);
    assert.equal(failures(), []);
    assert.equal(told.at(-1), { type: 'ended', run: 1, thread: 0, leaked: {} });
    assert.is(board.threadState(0), ThreadState.ended);
    assert.equal([board.phase(0), board.phase(1)], [NodePhase.closed, NodePhase.closed]);
  },
);

partitions('waits for the other threads of its graph', async () => {
  const { board, part, work } = made([counter(1), { process() {} }], 2);
  part.load();
  await part.loaded;
  assert.is(board.state, GraphState.starting);
  assert.not(part.hasWork());
  assert.not(part.step());
  assert.ok(board.arrive());
  board.setRunning();
  await work();
});

partitions('a module that fails in init fails the graph, and whatever was begun is closed', async () => {
  const log: string[] = [];
  const broken: Module = {
    init() {
      throw new Error('no such thing');
    },
    process() {},
    close: () => void log.push('close 1'),
  };
  const { part, work, failures } = made([{ ...counter(1), close: () => void log.push('close 0') }, broken]);
  part.load();
  await part.loaded;
  await work();
  assert.equal(failures(), ['node 1 "node1" (module1) failed in init: no such thing']);
  assert.equal(log.sort(), ['close 0', 'close 1']);
});

partitions('a module that fails in a call ends the graph; failures in close are told behind it', async () => {
  const broken: Module = {
    process() {
      throw new Error('bad packet');
    },
    close() {
      throw new Error('and cannot be closed');
    },
  };
  const { board, part, told, work, failures } = made([counter(3), broken]);
  part.load();
  await part.loaded;
  await work();
  assert.equal(failures(), [
    'node 1 "node1" (module1) failed in process: bad packet',
    'node 1 "node1" (module1) failed in close: and cannot be closed',
  ]);
  assert.equal(
    told.flatMap((message) => (message.type === 'failed' ? [message.first] : [])),
    [true, false],
  );
  assert.is(board.state, GraphState.aborting);
});

partitions(
  'a graph that is aborted tells a call under way by its signal, waits for it, and releases what waits',
  async () => {
    const waiting = new Packet({ close() {} });
    const log: string[] = [];
    const source: Module = {
      process(task) {
        task.output(0).push(waiting);
        task.done();
      },
    };
    const sink: Module = {
      process: () =>
        new Promise<void>((resolve) => {
          const { signal } = part.actors.find((actor) => !actor.isSource)!.context;
          signal.addEventListener('abort', () => {
            log.push('told');
            resolve();
          });
        }),
      close: () => void log.push('close'),
    };
    const { board, part, work, failures } = made([source, sink]);
    part.load();
    await part.loaded;
    while (!part.actors.some((actor) => actor.busy)) part.step();
    board.setAborting();
    assert.ok(part.hasWork());
    await work();
    assert.equal(log, ['told', 'close']);
    assert.ok(waiting.closed);
    assert.equal(failures(), []);
  },
);

partitions('a stop ends sources, and what they have sent is still worked on', async () => {
  let seen = 0;
  const sink: Module = {
    process(task) {
      for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) seen++;
    },
  };
  let sent = 0;
  const endless: Module = {
    process(task) {
      task.output(0).push(new Packet(sent++));
    },
  };
  const { board, part, work, failures } = made([endless, sink]);
  part.load();
  await part.loaded;
  while (sent < 3) part.step();
  board.setStopping();
  await work();
  assert.is(seen, sent);
  assert.equal(failures(), []);
});

partitions.run();
