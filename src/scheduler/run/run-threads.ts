import type { Transferable } from 'node:worker_threads';
import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import { Doorbell } from '../../../ringbuffer/index.js';
import { GraphError } from '../../errors/errors.js';
import type { Board } from '../../thread/board/board.js';
import { readersDone } from '../../thread/board/readers.js';
import { ThreadState } from '../../thread/board/states.js';
import type { FromHost, ToHost } from '../../thread/protocol.js';
import type { Partitions, RunFacts } from '../plan/partitions.js';
import { causeOfDeath, nextUser, type Thread } from '../threads/thread.js';
import type { ThreadSource } from '../threads/thread-pool.js';
import type { Undo } from '../threads/undo.js';

/** What a run is told of its threads. */
export interface ThreadEvents {
  message(message: FromHost, reply: (message: ToHost) => void): void;
  /** A thread died whose part of the graph had not ended. */
  died(error: GraphError): void;
  warning(text: string): void;
  /** The part of a thread has ended. */
  ended(thread: number): void;
  /** Every part has ended. */
  over(): void;
}

/**
 * The threads of a run, from when they are taken until they are given back: which parts of the graph have not ended, and
 * what becomes of threads that die, or do not stop when they should. Threads are numbered as on the board, the workers
 * first; the calling thread, if it hosts a part, is the last.
 */
export class RunThreads {
  /** Number by which the threads know the run. */
  readonly user = nextUser();
  /** Of every thread on the board. */
  readonly bells: Doorbell[] = [];
  /** Native objects that the graph's own threads have not released, by kind. */
  readonly leaked: Record<string, number> = {};
  /** By their number on the board. */
  private readonly workers = new Map<number, Thread>();
  /** Those of them that come from the source. */
  private readonly own = new Set<Thread>();
  /** Threads of others, by the names that nodes ask for. */
  private readonly lent = new Map<unknown, Thread>();
  /** Those whose part has not ended. */
  private readonly open = new Set<number>();
  private graceTimer: Timer | undefined;
  /** They have been given back. */
  private over = false;

  /** @param grace ms until threads that do not answer a stop are terminated. */
  constructor(
    private readonly source: ThreadSource,
    private readonly cut: Partitions,
    private readonly board: Board,
    private grace: number,
    private readonly events: ThreadEvents,
  ) {}

  /** Nodes that ask for these names are run by threads of others. */
  lend(threads: ReadonlyMap<unknown, Thread>): void {
    for (const [name, thread] of threads) this.lent.set(name, thread);
  }

  /** Those with which it begins. @throws GraphError when one of them cannot be started; then this is to be used no more. */
  take(undo: Undo): void {
    const { asked } = this.cut;
    const taken = this.source.take(
      asked.filter((which) => !this.lent.has(which)),
      undo,
    );
    const workers = asked.map((which) => this.lent.get(which) ?? taken.shift()!);
    for (let thread = 0; thread < this.cut.threads; thread++) this.open.add(thread);
    for (const [thread, worker] of workers.entries()) this.attach(thread, worker);
    if (this.cut.hasLocalPart) this.bells.push(Doorbell.create());
  }

  /** Starts the parts of the workers. */
  start(facts: RunFacts): void {
    this.workers.forEach((worker, thread) => {
      const { part, transfer } = this.cut.part(thread, facts);
      worker.post({ type: 'start', part }, transfer);
    });
  }

  /** Wakes all of them, whatever they wait for. */
  alarm(): void {
    for (const bell of this.bells) bell.alarm();
  }

  /** To a worker. */
  post(thread: number, message: ToHost, transfer: Transferable[] = []): void {
    this.workers.get(thread)!.post(message, transfer);
  }

  /**
   * A thread for a graph that runs.
   * @param asked and `undo` as `ThreadSource.take` has them.
   * @param before those that are about to be added.
   * @returns the number of the one that the run has already, if it is that; else one to be added.
   * @throws GraphError when it cannot be started.
   */
  acquire(asked: number | string | undefined, before: readonly (number | Thread)[], undo: Undo): number | Thread {
    const worker = this.lent.get(asked) ?? this.resting(asked, before) ?? this.source.take([asked], undo)[0]!;
    const known = [...this.workers].find(([thread, own]) => own === worker && this.hosts(thread));
    return known?.[0] ?? worker;
  }

  /** Whether there is one of the run's own, for whoever asks for none, on which nothing of the graph is any more. */
  get hasResting(): boolean {
    return this.resting(undefined, []) !== undefined;
  }

  /**
   * Such a one: it has been started, and has loaded what the graph needs. One that was asked for by its index or name is taken
   * again as well while it hosts something, by whatever number.
   */
  private resting(asked: number | string | undefined, before: readonly (number | Thread)[]): Thread | undefined {
    const busy = new Set<number | Thread>(before);
    if (asked === undefined) for (const [thread, worker] of this.workers) if (this.hosts(thread)) busy.add(worker);
    const isMeant = (thread: number): boolean => {
      const was = this.cut.asked[thread];
      if (asked === undefined) return typeof was !== 'string';
      return was === asked || (was === undefined && thread === asked);
    };
    return [...this.workers].find(([thread, one]) => !busy.has(one) && !one.ended && isMeant(thread))?.[1];
  }

  /** Its part has not ended, and does not. */
  private hosts(thread: number): boolean {
    return this.open.has(thread) && !this.board.isClosed(thread);
  }

  /** One more thread, with the next number. @param worker undefined: the calling thread. */
  add(thread: number, worker: Thread | undefined): void {
    if (worker === undefined) this.bells.push(Doorbell.create());
    else this.attach(thread, worker);
    this.open.add(thread);
  }

  private attach(thread: number, worker: Thread): void {
    this.workers.set(thread, worker);
    if (![...this.lent.values()].includes(worker)) this.own.add(worker);
    for (const text of worker.takeUnexpected()) this.events.warning(`before this graph: ${text}`);
    worker.attach(this.user, {
      onMessage: (message) => this.events.message(message, (reply) => worker.post(reply)),
      onDeath: (code, error) => this.died(thread, code, error),
    });
    this.bells.push(worker.bell);
  }

  /** Hands out what they have told and the event loop has not had a turn to deliver. */
  drain(): void {
    for (const worker of this.workers.values()) worker.drain();
  }

  /** Of a thread whose death this thread's event loop has not had a turn to hear of: it is not known yet what it died of. */
  diedNow(): GraphError | undefined {
    const thread = [...this.workers.keys()].find((n) => this.board.threadState(n) === ThreadState.dead);
    if (thread === undefined) return undefined;
    const message = `the thread of ${this.cut.namesOn(thread)} died: close() tells of what`;
    return new GraphError('ERR_MILLRACE_WORKER_DIED', message, { phase: 'run' });
  }

  /** The part of a thread has ended. */
  ended(thread: number, leaked: Record<string, number>): void {
    if (!this.open.delete(thread)) return;
    this.events.ended(thread);
    // On the calling thread there are objects of others, too: only the graph's own threads are counted.
    if (this.workers.has(thread)) {
      for (const [kind, count] of Object.entries(leaked)) this.leaked[kind] = (this.leaked[kind] ?? 0) + count;
    }
    if (this.open.size === 0) this.events.over();
  }

  /** They were told to stop, and are terminated if they do not. */
  expectEnd(): void {
    if (this.graceTimer === undefined && !this.over) this.beginGrace();
  }

  /** Shortens the time they have for it. */
  hurry(grace: number): void {
    if (grace >= this.grace) return;
    this.grace = grace;
    if (this.graceTimer !== undefined) this.beginGrace();
  }

  /** Nothing of the run is on them any more, or ever was. Resolves when those that go have gone. */
  async giveBack(): Promise<void> {
    this.over = true;
    this.open.clear();
    clearTimeout(this.graceTimer);
    for (const worker of this.workers.values()) worker.detach(this.user);
    await this.source.giveBack([...this.own]);
  }

  /** @returns what a thread that is about to be terminated, on behalf of somebody else who shares it, has to wait for. */
  private died(thread: number, code: number, error: Error | undefined): Promise<void> | undefined {
    if (!this.open.has(thread)) return undefined; // its part had ended: nothing of the graph died with it
    this.board.setThreadState(thread, ThreadState.dead);
    const why = causeOfDeath(code, error);
    this.events.died(
      new GraphError('ERR_MILLRACE_WORKER_DIED', `the thread of ${this.cut.namesOn(thread)} died (${why})`, {
        phase: 'run',
        ...(error === undefined ? {} : { cause: error }),
      }),
    );
    const readers = this.readersOf(thread);
    this.ended(thread, {});
    return readers;
  }

  /**
   * What a thread has sent by reference goes with it. The graph is being aborted, so nobody begins to read it any more
   * (link/frame-pins.ts). Resolves when nobody is in the middle of it.
   */
  private async readersOf(thread: number): Promise<void> {
    const links = [...this.cut.links.keys()].filter((link) => {
      return this.cut.threadOf(this.cut.links[link]!.producer) === thread;
    });
    if (links.length > 0) await readersDone(this.board, links);
  }

  private beginGrace(): void {
    clearTimeout(this.graceTimer);
    this.graceTimer = setTimeout(() => void this.terminateSilent(), this.grace);
  }

  /**
   * The threads that have not answered a stop in time are stuck in a call that does not return. One that others share and
   * that still loads is not: it would take them with it, so that its time begins when it has loaded.
   */
  private async terminateSilent(): Promise<void> {
    const loading: Thread[] = [];
    for (const thread of [...this.open]) {
      const stuck = this.workers.get(thread);
      // The calling thread cannot be terminated, and another one may have answered while this waited for one to go.
      if (stuck === undefined || !this.open.has(thread)) continue;
      if (stuck.loading && stuck.userCount > 1) {
        loading.push(stuck);
        continue;
      }
      this.events.warning(
        `the thread of ${this.cut.namesOn(thread)} did not stop within ${this.grace} ms and was terminated; ` +
          'its modules were not closed',
      );
      stuck.detach(this.user);
      await this.readersOf(thread);
      await stuck.terminate();
      if (stuck.lost) {
        this.events.warning(
          `the thread of ${this.cut.namesOn(thread)} is in a call of the operating system that does not return, ` +
            'and goes on as long as the process',
        );
      }
      this.board.setThreadState(thread, ThreadState.dead);
      this.ended(thread, {});
    }
    if (loading.length === 0) return;
    await Promise.all(loading.map((thread) => thread.whenLoaded()));
    if (!this.over) this.beginGrace();
  }
}
