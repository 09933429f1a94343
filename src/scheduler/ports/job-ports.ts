/**
 * Where jobs enter and leave a graph that serves them: the user's side of its input streams and outputs, and the modules
 * behind their nodes. Everything here runs on the calling thread.
 *
 * Unlike those of a graph that runs once (app-source.ts, app-sink.ts) they belong to the server, which feeds one packet at a time
 * and takes all that comes: none of them ever waits for a user who does something else.
 */
import type { Packet } from '../../media/packet/packet.js';
import type { Module, Task } from '../../module/contract.js';
import { APP_PORT, type AppPort, type AppPortModule } from '../../thread/actor/app-port.js';
import type { FeedPort } from './app-source.js';
import { Fairness } from './user-turn.js';

/** An input stream. A packet that is under way has not found room on every link. */
export class JobFeed {
  readonly module: AppPortModule;
  port: FeedPort | undefined;
  /** Resolves when the graph has been let go: its nodes are not asked for anything before. */
  readonly ready: Promise<void>;
  private next: Packet | undefined;
  private answer: ((taken: boolean) => void) | undefined;
  private isLast = false;
  /** A job is under way, and somebody wants more of it. */
  private open = false;
  private readonly fairness = new Fairness();

  constructor() {
    let begin = (): void => {};
    this.ready = new Promise((resolve) => {
      begin = resolve;
    });
    const feed = this;
    const outside: AppPort = {
      get due(): boolean {
        return feed.next !== undefined || feed.isLast;
      },
      leaving: false,
      get within(): boolean {
        return feed.open;
      },
      // What the source of a job does meanwhile is unknown.
      free: true,
      onRoom: () => {
        begin();
        if (this.next === undefined) this.settle(true);
      },
    };
    const module: Module = {
      process: (task: Task) => this.send(task),
      reset: () => this.end(),
      close: () => this.end(),
    };
    this.module = Object.assign(module, { [APP_PORT]: outside });
  }

  /** A job begins; those before it have ended everywhere. */
  begin(): void {
    this.open = true;
    // Somebody may want nothing of it.
    this.port?.wake(() => false);
  }

  /**
   * Takes the packet over, EOF included. One at a time.
   * @returns when it has found room; false if nobody takes more of this job.
   */
  push(packet: Packet): Promise<boolean> {
    if (!this.open) {
      packet.close();
      return Promise.resolve(false);
    }
    let taken: boolean | undefined;
    const pushed = new Promise<boolean>((resolve) => {
      this.answer = (value) => {
        taken = value;
        resolve(value);
      };
    });
    this.next = packet;
    this.port?.wake(() => taken !== undefined);
    return taken !== undefined && this.fairness.isDue() ? this.fairness.later(taken) : pushed;
  }

  /** No job follows. */
  last(): void {
    this.isLast = true;
    this.port?.wake(() => false);
  }

  /** The job has ended here, or the graph has: what waits is released. */
  end(): void {
    this.open = false;
    this.next?.close();
    this.next = undefined;
    this.settle(false);
  }

  private send(task: Task): void {
    const { next } = this;
    this.next = undefined;
    if (next !== undefined) task.output(0).push(next);
    else if (this.isLast) task.done();
  }

  private settle(taken: boolean): void {
    const { answer } = this;
    this.answer = undefined;
    answer?.(taken);
  }
}

/** An output: keeps what comes of a job. */
export class JobTap {
  readonly module: AppPortModule;
  private packets: Packet[] = [];

  constructor() {
    const outside: AppPort = { due: true, leaving: false, free: false, onRoom: () => {} };
    const module: Module = {
      process: (task: Task) => {
        // Taken out of the task, which would release them when this call returns.
        const packets = task.inputs.get(0)?.splice(0) ?? [];
        for (const packet of packets) if (packet.control === undefined) this.packets.push(packet);
      },
    };
    this.module = Object.assign(module, { [APP_PORT]: outside });
  }

  /** What has come, which is the caller's to close. */
  take(): Packet[] {
    return this.packets.splice(0);
  }
}
