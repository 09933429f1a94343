/**
 * A worker thread of ours: a Piscina pool of exactly one thread (a pool that grows needs the calling thread's event
 * loop to do so, and hosts never return, so more than one per pool would wait for ever), its doorbell and its port.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
  type Worker,
} from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { Doorbell } from '../../../ringbuffer/index.js';
import { fileToRun } from '../../code-cache/allowed.js';
import { GraphError } from '../../errors/errors.js';
import { createRequire } from '../../errors/node-require.js';
import { ownFile } from '../../errors/own-file.js';
import { type ErrorWire, messageOf, unpackError } from '../../errors/wire.js';
import { startLog } from '../../media/log/start.js';
import { leaveNativeCalls, nativeWaits } from '../../media/native/native-wait.js';
import type { BootData, FromHost, ToHost } from '../../thread/protocol.js';
import { LOADING_LIMIT, ThreadStop } from '../../thread/thread-stop.js';
import { withoutContext } from './context.js';

/** Whoever has something running on a thread: a run of a graph, or an actor that is called. */
export interface ThreadUser {
  onMessage(message: FromHost): void;
  /**
   * The thread is gone, or about to be ended, and this user was not the one who ended it.
   * @returns what a thread that is about to be ended has to wait for; it must come within a few seconds.
   */
  onDeath(exitCode: number, error: Error | undefined): void | Promise<void>;
}

/** A pool with its one worker, and the file that it loads. */
export interface StartedWorker {
  readonly pool: Piscina;
  readonly file: string;
}

/** Longest time in ms until a thread that is made to end is taken for one that cannot be: it is in a call of the system. */
const END_LIMIT = 10_000;

/** Why a thread is gone. @param code of its exit; -1: it was ended from outside. */
export function causeOfDeath(code: number, error: Error | undefined): string {
  if (error !== undefined) return error.message;
  return code < 0 ? 'it was terminated' : `exit code ${code}`;
}

let users = 0;

/** A number for everything that uses threads: what messages say whom they are for. */
export function nextUser(): number {
  return ++users;
}

export class Thread {
  readonly bell = Doorbell.create();
  private readonly rest = ThreadStop.create(this.bell);
  private readonly users = new Map<number, ThreadUser>();
  private readonly pool: Piscina;
  private readonly port: MessagePort;
  private readonly worker: Worker;
  /** It has loaded what it runs. */
  private booted = false;
  /** Settles when it has loaded that, or never will. */
  private readonly boot: Promise<void>;
  /** It has not loaded that in the time which that takes on any machine. */
  private overdue = false;
  /** Settles when the worker has exited, in whatever way. */
  private readonly exit: Promise<void>;
  private gone = false;
  /** The worker is no more. */
  exited = false;
  private doomed = false;
  private ending: Promise<void> | undefined;
  /** It did not end though it was made to, and goes on as long as the process. */
  lost = false;
  private readonly unexpected: string[] = [];
  /** What its users still have to do before it may go. */
  private readonly farewells: Promise<void>[] = [];
  /** What the thread died of, if it threw. */
  private lastError: Error | undefined;

  /**
   * @param spin times it looks at its links again before it parks.
   * @param start starts the worker.
   * @throws GraphError ERR_MILLRACE_WORKER_DIED when the system allows no more threads, or the file they load is missing.
   */
  constructor(
    readonly spin: number,
    start: () => StartedWorker = startWorker,
  ) {
    startLog();
    let started: StartedWorker;
    try {
      started = start();
    } catch (cause) {
      this.rest.forget();
      throw cause instanceof GraphError ? cause : noThread(cause);
    }
    this.pool = started.pool;
    // Piscina tells of a thread's death here too, and an unheard 'error' event would end the process.
    this.pool.on('error', (error: Error) => {
      this.lastError ??= error;
    });
    this.worker = this.pool.threads[0]!;
    this.worker.on('error', (error: Error) => {
      this.lastError ??= error;
    });
    this.exit = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.exited = true;
        this.onExit(code);
        resolve();
      });
    });
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.port.on('message', (message: FromHost) => this.onMessage(message));
    // Its users hold what has to keep the process alive; a thread that waits for work does not.
    this.port.unref();
    const data: BootData = {
      bell: this.bell.buffer,
      port: port2,
      spin,
      nativeWaits: nativeWaits(),
      rest: this.rest.buffer,
    };
    // The file is named here and not in the pool's options: a thread that Piscina starts in place of a dead one must
    // not load the addon, because terminating it meanwhile would abort the process.
    this.boot = this.pool.run(data, { filename: started.file, name: 'start', transferList: [port2] }).then(
      () => {
        this.booted = true;
      },
      (error: Error) => {
        this.lastError ??= error;
        this.onExit(-1);
      },
    );
  }

  /**
   * What was thrown on it while nobody had anything there, and has not been told to anybody since: by a timer that a module
   * of an earlier graph left behind, say.
   */
  takeUnexpected(): string[] {
    this.drain();
    return this.unexpected.splice(0);
  }

  /** @param user number from `nextUser`. */
  attach(user: number, listener: ThreadUser): void {
    this.users.set(user, listener);
  }

  detach(user: number): void {
    this.users.delete(user);
  }

  /** Nobody has anything on it. */
  get idle(): boolean {
    return this.users.size === 0;
  }

  get userCount(): number {
    return this.users.size;
  }

  /** It cannot answer anybody yet, and that is no sign that it is stuck. */
  get loading(): boolean {
    return !this.booted && !this.overdue && !this.ended;
  }

  /** Resolves when it loads no more. */
  async whenLoaded(): Promise<void> {
    if (!(await within(this.boot, LOADING_LIMIT))) this.overdue = true;
  }

  /** It has gone, or is going. */
  get ended(): boolean {
    return this.gone || this.doomed;
  }

  /** It is known to be dying, though this thread's event loop has not been told yet: nothing new is to be put on it. */
  doom(): void {
    this.doomed = true;
  }

  post(message: ToHost, transfer: Transferable[] = []): void {
    this.port.postMessage(message, transfer);
  }

  /** Hands out at once what the thread has sent and this thread's event loop has not delivered. */
  drain(): void {
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
      this.onMessage((next as { message: FromHost }).message);
    }
  }

  /**
   * Ends the thread and waits until it has gone. It should host nothing any more; what it hosts is lost without a
   * `close`, and whoever is still attached is told. Never while it still loads the addon: that would abort the process.
   * @param why what those are told.
   */
  terminate(why?: Error): Promise<void> {
    const wasGone = this.gone;
    this.gone = true;
    if (!wasGone) this.tellDeath(-1, why);
    // Once: a second `destroy` of the pool would make it replace the thread that is going.
    this.ending ??= this.end();
    return this.ending;
  }

  /** Every step of it has a limit: whoever waits for it is held up for some seconds at most. */
  private async end(): Promise<void> {
    await Promise.all(this.farewells);
    // Threads that its modules have started end with it, and a module that was not closed has not ended them.
    leaveNativeCalls(this.worker.threadId);
    await this.rest.end(this.booted);
    this.lost = !(await within(Promise.all([this.pool.destroy(), this.exit]), END_LIMIT));
    this.port.close();
  }

  private onExit(code: number): void {
    this.rest.reach();
    if (this.gone) return;
    // What it had told before it died, which may be why it did.
    this.drain();
    this.gone = true;
    this.tellDeath(code, this.lastError);
    // Its pool would put another thread in its place.
    void this.terminate();
  }

  private onMessage(message: FromHost): void {
    if (message.type === 'unexpected') {
      this.tellStray(message.error);
      return;
    }
    this.users.get(message.run)?.onMessage(message);
  }

  /** Nobody awaits anything of the thread. It is said at once, and again to the next one who uses it. */
  private tellStray(wire: ErrorWire): void {
    const { message, stack } = unpackError(wire);
    const text = `uncaught exception in a worker thread on which nothing was running: ${message}`;
    process.emitWarning(text, {
      type: 'MillraceWarning',
      code: 'ERR_MILLRACE_MODULE',
      ...(stack && { detail: stack }),
    });
    this.unexpected.push(text);
  }

  private tellDeath(code: number, error: Error | undefined): void {
    const told = [...this.users.values()];
    this.users.clear();
    for (const user of told) {
      const farewell = user.onDeath(code, error);
      if (farewell !== undefined) this.farewells.push(farewell);
    }
  }
}

/**
 * A thread for whoever comes: it is made in no asynchronous context.
 * @throws as the constructor
 */
export function startThread(spin: number): Thread {
  return withoutContext(() => new Thread(spin));
}

/**
 * The pool's package is loaded for the first thread, and never by an import: a bundler would take its JavaScript along and
 * leave the file behind that its threads run, and such a thread never says that it is not what it should be.
 * @throws GraphError ERR_MILLRACE_WORKER_DIED when it is not there.
 */
function poolPackage(): typeof Piscina {
  try {
    return (createRequire(import.meta.url)('piscina') as { Piscina: typeof Piscina }).Piscina;
  } catch (cause) {
    const message =
      `the package 'piscina', which worker threads need, is missing: ${messageOf(cause).split('\n')[0]}. Was millrace bundled? Keep it out ` +
      "of the bundle: mark 'millrace' as external, so that it is loaded from node_modules with what it depends on";
    throw new GraphError('ERR_MILLRACE_WORKER_DIED', message, { phase: 'load', cause });
  }
}

function startWorker(): StartedWorker {
  const file = ownFile(fileToRun('./worker.js'), import.meta.url).href;
  const Pool = poolPackage();
  const pool = new Pool({
    minThreads: 1,
    maxThreads: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    concurrentTasksPerWorker: 1,
    // In its other modes the thread's timers and ports stand still between tasks, and our host lives between tasks.
    atomics: 'disabled',
  });
  return { pool, file };
}

function noThread(cause: unknown): GraphError {
  const message =
    `a worker thread cannot be started: ${messageOf(cause)}. The system, or a limit of this process, allows no more ` +
    'threads: use fewer (`threads`), or raise the limit';
  return new GraphError('ERR_MILLRACE_WORKER_DIED', message, { phase: 'load', cause });
}

/** @returns whether it settled in time. Keeps the process alive meanwhile. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
