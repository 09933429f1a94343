/**
 * Where packets leave a graph: the user's side of a reader, and the module behind its node. Everything here runs on the
 * calling thread.
 *
 * The node takes packets only while somebody waits for one; what came with it is kept for the next. So a reader that
 * does not ask holds the graph back by the limit of its link, and never counts as one that starves.
 */
import type { Packet } from '../../media/packet/packet.js';
import type { Module, Task } from '../../module/contract.js';
import { APP_PORT, type AppPort, type AppPortModule } from '../../thread/actor/app-port.js';
import type { FeedPort } from './app-source.js';
import { Fairness, UserTurn } from './user-turn.js';

interface Waiting {
  resolve(packet: Packet | undefined): void;
  reject(error: Error): void;
}

/** The readers of one graph. */
export class Taps {
  readonly all: AppSink[] = [];
  port: FeedPort | undefined;
  readonly answering = new UserTurn(() => this.port?.wake(() => false));

  /** Nobody reads any more, and nobody who has begun to read is left. */
  get idle(): boolean {
    return this.all.every((tap) => tap.over || !tap.begun);
  }
}

export class AppSink {
  readonly module: AppPortModule;
  /** Somebody has asked for a packet. */
  begun = false;
  private readonly buffer: Packet[] = [];
  private readonly waiting: Waiting[] = [];
  private leaving = false;
  private ended = false;
  private failure: Error | undefined;
  private readonly fairness = new Fairness();

  constructor(
    readonly name: string,
    private readonly group: Taps,
    /** It has come to a graph that runs. */
    readonly isLate = false,
  ) {
    group.all.push(this);
    this.module = this.makeModule();
  }

  // --- the user's side ----------------------------------------------------------------------------------------------

  /** No packet comes any more: the stream has ended, or the reader was left. */
  get over(): boolean {
    return this.leaving || (this.ended && this.buffer.length === 0);
  }

  /**
   * The next packet, which is the caller's to close; undefined at the end. Rejects with the graph's error, once, if it
   * has failed.
   */
  take(): Promise<Packet | undefined> {
    this.begun = true;
    if (this.failure === undefined && this.buffer.length === 0 && !this.over) {
      let packet: Packet | undefined;
      let settled = false;
      const promise = new Promise<Packet | undefined>((resolve, reject) => {
        this.waiting.push({
          resolve: (value) => {
            settled = true;
            packet = value;
            resolve(value);
          },
          reject,
        });
      });
      this.group.port?.wake(() => settled);
      return settled && this.fairness.isDue() ? this.fairness.later(packet) : promise;
    }
    const { failure } = this;
    if (failure !== undefined) {
      this.failure = undefined;
      return Promise.reject(failure);
    }
    const packet = this.buffer.shift();
    return this.fairness.isDue() ? this.fairness.later(packet) : Promise.resolve(packet);
  }

  /** Takes no more; what waits is released, and the graph learns it. */
  leave(): void {
    if (this.leaving) return;
    this.leaving = true;
    this.release();
    for (const { resolve } of this.waiting.splice(0)) resolve(undefined);
    this.group.port?.wake(() => false);
  }

  /** The run is over. */
  end(failure: Error | undefined): void {
    this.ended = true;
    if (failure === undefined || this.leaving) {
      for (const { resolve } of this.waiting.splice(0)) resolve(undefined);
      return;
    }
    this.release();
    const waiting = this.waiting.splice(0);
    if (waiting.length === 0) this.failure = failure;
    for (const { reject } of waiting) reject(failure);
  }

  // --- the graph's side ---------------------------------------------------------------------------------------------

  private makeModule(): AppPortModule {
    const tap = this;
    const outside: AppPort = {
      get due(): boolean {
        return tap.waiting.length > 0;
      },
      get leaving(): boolean {
        return tap.leaving;
      },
      // Idle, it does not starve; but who has just been served will ask again before anybody else is to be helped.
      get free(): boolean {
        return tap.waiting.length === 0 && tap.group.answering.active;
      },
      onRoom: () => {},
    };
    const module: Module = { process: (task: Task) => this.receive(task) };
    return Object.assign(module, { [APP_PORT]: outside });
  }

  private receive(task: Task): void {
    // Taken out of the task, which would release them when this call returns.
    for (const packet of task.inputs.get(0)?.splice(0) ?? []) {
      if (packet.isEof) this.ended = true;
      else this.buffer.push(packet);
    }
    this.serve();
  }

  private serve(): void {
    while (this.waiting.length > 0 && (this.buffer.length > 0 || this.ended)) {
      this.waiting.shift()!.resolve(this.buffer.shift());
      if (this.group.all.length > 1) this.group.answering.begin();
    }
  }

  private release(): void {
    for (const packet of this.buffer.splice(0)) packet.close();
  }
}
