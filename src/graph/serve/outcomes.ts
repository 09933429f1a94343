/** What became of the jobs of a server, one after the other, for whoever iterates over `server.results`. */
import type { JobResult } from './job.js';

/** As `Promise.allSettled` tells it, with the name of the job. */
export type JobOutcome =
  | { readonly status: 'fulfilled'; readonly name: string | undefined; readonly value: JobResult }
  | { readonly status: 'rejected'; readonly name: string | undefined; readonly reason: unknown };

export class Outcomes implements AsyncIterableIterator<JobOutcome, undefined> {
  readonly #waiting: JobOutcome[] = [];
  #askers: ((result: IteratorResult<JobOutcome, undefined>) => void)[] = [];
  /** Jobs that have not settled. */
  #open = 0;
  /** No further job is taken. */
  #closed = false;
  #left = false;

  /** A job was submitted. Who iterates is told of its failure: its promise is nobody's duty. */
  watch(name: string | undefined, job: Promise<JobResult>): void {
    if (this.#left) return;
    this.#open++;
    job.then(
      (value) => this.#take({ status: 'fulfilled', name, value }),
      (reason: unknown) => this.#take({ status: 'rejected', name, reason }),
    );
  }

  #take(outcome: JobOutcome): void {
    this.#open--;
    if (this.#left) return;
    const asker = this.#askers.shift();
    if (asker) asker({ done: false, value: outcome });
    else this.#waiting.push(outcome);
    this.#endIfOver();
  }

  /** The server takes no more jobs. */
  close(): void {
    this.#closed = true;
    this.#endIfOver();
  }

  /** Nobody iterates over them any more. */
  get left(): boolean {
    return this.#left;
  }

  get #isOver(): boolean {
    return this.#left || (this.#closed && this.#open === 0 && this.#waiting.length === 0);
  }

  #endIfOver(): void {
    if (!this.#isOver) return;
    for (const asker of this.#askers.splice(0)) asker({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<JobOutcome, undefined>> {
    const value = this.#waiting.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#askers.push(resolve));
  }

  /** Nobody wants to know more. The results are those of the promises of their jobs, and are not closed here. */
  return(): Promise<IteratorResult<JobOutcome, undefined>> {
    this.#left = true;
    this.#waiting.length = 0;
    this.#endIfOver();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
