/** A thread as its users see it, the worker being made up: what it is told, what it tells, and how it goes. */
import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphError } from '../../../src/errors/errors.js';
import { nextUser, type StartedWorker, Thread } from '../../../src/scheduler/threads/thread.js';
import { passGate } from '../../../src/thread/boot-gate.js';
import type { BootData, FromHost } from '../../../src/thread/protocol.js';
import { ThreadStop } from '../../../src/thread/thread-stop.js';

const threads = suite('thread');

class FakePool extends EventEmitter {
  readonly worker = Object.assign(new EventEmitter(), { threadId: 1_000_001 });
  readonly threads = [this.worker];
  data!: BootData;
  port!: MessagePort;
  destroyed = 0;
  booted: () => void = () => {};
  failed: (error: Error) => void = () => {};

  run(data: BootData): Promise<void> {
    this.data = data;
    this.port = data.port;
    return new Promise((resolve, reject) => {
      this.booted = resolve;
      this.failed = reject;
    });
  }

  async destroy(): Promise<void> {
    this.destroyed++;
    this.port.close();
    this.worker.emit('exit', 1);
  }
}

function made(): { thread: Thread; pool: FakePool } {
  const pool = new FakePool();
  const thread = new Thread(0, () => ({ pool, file: 'worker.js' }) as unknown as StartedWorker);
  return { thread, pool };
}

/** A user that writes down what it is told. @param farewell what the thread has to wait for. */
function user(thread: Thread, farewell?: Promise<void>): { id: number; log: string[] } {
  const id = nextUser();
  const log: string[] = [];
  thread.attach(id, {
    onMessage: (message) => void log.push(message.type),
    onDeath: (code, error) => {
      log.push(`death ${code} ${error?.message ?? '-'}`);
      return farewell;
    },
  });
  return { id, log };
}

const warning = (run: number): FromHost => ({ type: 'warning', run, text: 'said' });

threads('what it says is told to the user it is for, in its turn or as soon as somebody looks', async () => {
  const { thread, pool } = made();
  const [a, b] = [user(thread), user(thread)];
  pool.port.postMessage(warning(a.id));
  pool.port.postMessage(warning(999_999));
  thread.drain();
  assert.equal([a.log, b.log], [['warning'], []]);
  thread.detach(a.id);
  assert.is(thread.userCount, 1);
  pool.port.postMessage(warning(a.id));
  pool.port.postMessage(warning(b.id));
  thread.drain();
  assert.equal([a.log, b.log], [['warning'], ['warning']]);
  await thread.terminate();
});

threads('one that dies tells its users why, behind what it had said, and is not replaced', async () => {
  const { thread, pool } = made();
  const { id, log } = user(thread);
  pool.booted();
  pool.port.postMessage(warning(id));
  pool.worker.emit('error', new Error('out of memory'));
  pool.worker.emit('exit', 1);
  assert.equal(log, ['warning', 'death 1 out of memory']);
  assert.ok(thread.ended);
  assert.ok(thread.exited);
  assert.ok(thread.idle);
  await thread.terminate();
  assert.is(pool.destroyed, 1);
});

threads('one that cannot load its file is dead for its users', async () => {
  const { thread, pool } = made();
  const { log } = user(thread);
  assert.ok(thread.loading);
  pool.failed(new Error('no such file'));
  await thread.whenLoaded();
  assert.equal(log, ['death -1 no such file']);
  assert.not(thread.loading);
  await thread.terminate();
});

threads('one that is ended waits for the farewells of its users first, and is ended once', async () => {
  const { thread, pool } = made();
  let farewell: () => void = () => {};
  const { log } = user(
    thread,
    new Promise<void>((resolve) => {
      farewell = resolve;
    }),
  );
  const ends = [thread.terminate(new Error('enough')), thread.terminate()];
  assert.equal(log, ['death -1 enough']);
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(pool.destroyed, 0);
  farewell();
  await Promise.all(ends);
  assert.is(pool.destroyed, 1);
  assert.not(thread.lost);
});

threads('one that works is asked to rest before it is ended', async () => {
  const { thread, pool } = made();
  assert.ok(passGate(pool.data.rest));
  pool.booted();
  await thread.whenLoaded();
  const own = ThreadStop.attach(pool.data.rest);
  const end = thread.terminate();
  while (!own.asked) await new Promise((resolve) => setImmediate(resolve));
  assert.is(pool.destroyed, 0);
  own.reach();
  await end;
  assert.is(pool.destroyed, 1);
});

threads('what is thrown on it while nobody uses it is a warning, and told to the next one who does', async () => {
  const { thread, pool } = made();
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const error = { name: 'Error', message: 'a timer failed' };
  pool.port.postMessage({ type: 'unexpected', run: 0, error });
  const strays = thread.takeUnexpected();
  assert.is(strays.length, 1);
  assert.match(strays[0]!, /nothing was running: .*a timer failed/);
  assert.equal(thread.takeUnexpected(), []);
  assert.match((await warned).message, /a timer failed/);
  await thread.terminate();
});

threads('a worker that the system refuses is an error that says so, and one of ours stays what it is', () => {
  const start = (error: Error): Error => {
    try {
      new Thread(0, () => {
        throw error;
      });
    } catch (thrown) {
      return thrown as Error;
    }
    throw new Error('it was started');
  };
  const refused = start(new Error('EAGAIN'));
  assert.instance(refused, GraphError);
  assert.match(refused.message, /a worker thread cannot be started: EAGAIN/);
  const own = new GraphError('ERR_MILLRACE_WORKER_DIED', 'a file is missing', { phase: 'load' });
  assert.is(start(own), own);
});

threads.run();
