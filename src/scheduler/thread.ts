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
import { Piscina } from 'piscina';
import { Doorbell } from '../../ringbuffer/index.js';
import { leaveNativeCalls, nativeWaits } from '../media/native-wait.js';
import type { BootData, FromHost, ToHost } from '../thread/protocol.js';
import { Rest } from '../thread/rest.js';

const WORKER = new URL('./worker.js', import.meta.url).href;

/** Whoever has something running on a thread: a run of a graph, or an actor that is called. */
export interface ThreadUser {
  onMessage(message: FromHost): void;
  /** The thread is gone, and this user was not the one who ended it. */
  onDeath(exitCode: number, error: Error | undefined): void;
}

let users = 0;

/** A number for everything that uses threads: what messages say whom they are for. */
export function nextUser(): number {
  return ++users;
}

export class Thread {
  readonly bell = Doorbell.create();
  private readonly rest = Rest.create(this.bell);
  private readonly users = new Map<number, ThreadUser>();
  private readonly pool: Piscina;
  private readonly port: MessagePort;
  private readonly worker: Worker;
  private readonly booted: Promise<void>;
  /** Settles when the worker has exited, in whatever way. */
  private readonly exit: Promise<void>;
  private gone = false;
  private doomed = false;
  private ending: Promise<void> | undefined;
  /** What the thread died of, if it threw. */
  private lastError: Error | undefined;

  /** @param spin times it looks at its links again before it parks. */
  constructor(readonly spin: number) {
    this.pool = new Piscina({
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      // In its other modes the thread's timers and ports stand still between tasks, and our host lives between tasks.
      atomics: 'disabled',
    });
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
        this.exited(code);
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
    this.booted = this.pool.run(data, { filename: WORKER, transferList: [port2] }).then(
      () => {},
      (error: Error) => {
        this.lastError ??= error;
        this.exited(-1);
      },
    );
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

  private async end(): Promise<void> {
    await this.booted;
    // Threads that its modules have started end with it, and a module that was not closed has not ended them.
    leaveNativeCalls(this.worker.threadId);
    await this.rest.end();
    await this.pool.destroy();
    await this.exit;
    this.port.close();
  }

  private exited(code: number): void {
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
    this.users.get(message.run)?.onMessage(message);
  }

  private tellDeath(code: number, error: Error | undefined): void {
    const told = [...this.users.values()];
    this.users.clear();
    for (const user of told) user.onDeath(code, error);
  }
}
