/** Where threads come from: made for one run and ended with it, or kept and shared. */
import { availableParallelism } from 'node:os';
import { takeEarly } from './prestart.js';
import { startThread, type Thread } from './thread.js';
import type { Undo } from './undo.js';

export interface ThreadSource {
  /**
   * Different threads, one for each entry: an index or a name that was asked for, undefined where any will do.
   * @param undo gets how those that were started for it are ended again.
   * @throws GraphError when one of them cannot be started.
   */
  take(asked: readonly (number | string | undefined)[], undo: Undo): Thread[];
  /** They are needed no more. Resolves when those that go have gone. */
  giveBack(threads: readonly Thread[]): Promise<void>;
}

/** Threads of one run's own; those started ahead come first. */
export class OwnThreads implements ThreadSource {
  constructor(private readonly spin: number) {}

  take(asked: readonly unknown[], undo: Undo): Thread[] {
    return asked.map(() => {
      const thread = takeEarly(this.spin) ?? startThread(this.spin);
      undo.add(() => thread.terminate());
      return thread;
    });
  }

  async giveBack(threads: readonly Thread[]): Promise<void> {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Threads kept at most though nobody uses them, beside those that are there for whoever asks for none. */
export const MAX_IDLE = Math.max(2, availableParallelism());

/**
 * Threads that stay: numbered ones, started when first asked for, and named ones. A dead one is replaced. Of named ones,
 * and of numbers past the count, as many are kept without a user as there are cores: who makes up names without end would
 * otherwise have threads without end.
 *
 * Whoever takes threads attaches to them before anything else is taken: one without a user is nobody's.
 */
export class KeptThreads implements ThreadSource {
  private readonly numbered: (Thread | undefined)[] = [];
  private readonly named = new Map<string, Thread>();
  /** Those past the count, the one that was asked for longest ago first. */
  private readonly extra = new Map<number | string, Thread>();
  /** Dead ones that were replaced, and may not have gone quite yet. */
  private readonly retired = new Set<Thread>();

  /** @param count Numbered threads that are there for whoever asks for none. */
  constructor(
    private readonly spin: number,
    private readonly count = 0,
    private readonly maxIdle = MAX_IDLE,
    private readonly start: (spin: number) => Thread = startThread,
  ) {}

  /** Those who ask for none get the threads with the fewest users. */
  take(asked: readonly (number | string | undefined)[]): Thread[] {
    const taken = new Set(asked);
    const free = Array.from({ length: this.count }, (_, index) => index).filter((index) => !taken.has(index));
    const users = (index: number): number => this.numbered[index]?.userCount ?? 0;
    free.sort((a, b) => users(a) - users(b) || a - b);
    // A graph may want more threads than there are.
    for (let index = this.count; free.length < asked.length; index++) if (!taken.has(index)) free.push(index);
    const wanted = asked.map((which) => which ?? free.shift()!);
    const beside = new Set(wanted);
    return wanted.map((which) => this.thread(which, beside));
  }

  giveBack(): Promise<void> {
    return Promise.resolve();
  }

  /** @param beside Asked for at the same time: these stay. */
  thread(which: number | string, beside: ReadonlySet<number | string> = new Set()): Thread {
    const known = typeof which === 'number' ? this.numbered[which] : this.named.get(which);
    const isKept = known !== undefined && !known.ended;
    if (known !== undefined && !isKept) this.retire(known);
    this.extra.delete(which);
    if (!isKept) this.endIdle(beside);
    const thread = isKept ? known : this.start(this.spin);
    if (typeof which === 'number') this.numbered[which] = thread;
    else this.named.set(which, thread);
    if (typeof which === 'string' || which >= this.count) this.extra.set(which, thread);
    return thread;
  }

  /** Another one is to be started: of those that nobody uses only so many stay. */
  private endIdle(beside: ReadonlySet<number | string>): void {
    const idle = [...this.extra].filter(([which, thread]) => thread.idle && !beside.has(which));
    for (const [which, thread] of idle.slice(0, Math.max(0, idle.length + 1 - this.maxIdle))) {
      this.extra.delete(which);
      if (typeof which === 'number') this.numbered[which] = undefined;
      else this.named.delete(which);
      this.retire(thread);
    }
  }

  /** Started and not ended. */
  get threads(): Thread[] {
    return [...this.numbered, ...this.named.values()].filter(
      (thread) => thread !== undefined && !thread.ended,
    ) as Thread[];
  }

  /** Ends all of them; whoever still uses one is told. */
  async close(why: Error): Promise<void> {
    const threads = [...this.numbered, ...this.named.values(), ...this.retired];
    this.numbered.length = 0;
    this.named.clear();
    this.extra.clear();
    await Promise.all(threads.map((thread) => thread?.terminate(why)));
  }

  private retire(thread: Thread): void {
    this.retired.add(thread);
    void thread.terminate().then(() => this.retired.delete(thread));
  }
}
