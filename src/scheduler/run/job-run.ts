/** A run of a graph that serves jobs: from the construction of its modules until the server ends, or until a job fails. */
import { type GraphError, MillraceError } from '../../errors/errors.js';
import type { Packet } from '../../media/packet/packet.js';
import type { GraphSpec } from '../plan/spec.js';
import { JobFeed, JobTap } from '../ports/job-ports.js';
import type { Report } from './report.js';
import { GraphRun, type RunHooks } from './run.js';

export interface JobEnds {
  /** By the name of the stream. */
  readonly feeds: ReadonlyMap<string, JobFeed>;
  readonly taps: ReadonlyMap<string, JobTap>;
}

interface Awaited {
  readonly job: number;
  /** Files, by node that has ended the job. */
  readonly files: Map<number, readonly string[]>;
  resolve(files: string[]): void;
  reject(error: Error): void;
}

export class JobRun {
  readonly run: GraphRun;
  private readonly ends: JobEnds;
  private awaited: Awaited | undefined;
  private failure: Error | undefined;

  /** @param spec makes the graph around the ends of this run. */
  constructor(
    inputs: readonly string[],
    outputs: readonly string[],
    spec: (ends: JobEnds) => GraphSpec,
    hooks: Omit<RunHooks, 'onJob'>,
  ) {
    this.ends = {
      feeds: new Map(inputs.map((name) => [name, new JobFeed()])),
      taps: new Map(outputs.map((name) => [name, new JobTap()])),
    };
    this.run = new GraphRun(spec(this.ends), {
      ...hooks,
      onJob: (job, node, files) => this.note(job, node, files),
    });
    this.run.finished.then(
      () => this.over(new MillraceError('ERR_MILLRACE_CLOSED', 'the graph was stopped within the job')),
      (error: Error) => this.over(error),
    );
  }

  /** Resolves when every module has been initialised. @throws the graph's error */
  async start(): Promise<void> {
    await this.run.start();
    const port = { wake: (settled: () => boolean): void => this.run.local?.wake(settled) };
    for (const feed of this.ends.feeds.values()) feed.port = port;
    port.wake(() => false);
    const ready = [...this.ends.feeds.values()].map((feed) => feed.ready);
    await Promise.race([Promise.all(ready), this.run.finished]);
  }

  /**
   * Resolves when every node has ended the job, with the files they have written, in the order of the nodes. To be asked
   * for before the job is fed.
   * @throws the graph's error
   */
  ended(job: number): Promise<string[]> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) reject(this.failure);
      else this.awaited = { job, files: new Map(), resolve, reject };
    });
  }

  feed(input: string): JobFeed {
    return this.ends.feeds.get(input)!;
  }

  /** What the outputs have got, by name; the caller's to close. */
  take(): Record<string, Packet[]> {
    return Object.fromEntries([...this.ends.taps].map(([name, tap]) => [name, tap.take()]));
  }

  /** A source has failed: its job can never be completed. */
  fail(error: GraphError): void {
    this.run.failOutside(error);
  }

  /** No job follows. @throws the graph's error */
  async close(): Promise<Report> {
    for (const feed of this.ends.feeds.values()) feed.last();
    return this.run.finished;
  }

  private over(error: Error): void {
    this.failure = error;
    for (const feed of this.ends.feeds.values()) feed.end();
    this.awaited?.reject(error);
    this.awaited = undefined;
  }

  private note(job: number, node: number, files: readonly string[]): void {
    const { awaited } = this;
    // What failed meanwhile is about to be told, and belongs to this job.
    if (awaited?.job !== job || this.run.aborting) return;
    awaited.files.set(node, files);
    if (awaited.files.size < this.run.actors) return;
    this.awaited = undefined;
    const nodes = [...awaited.files.keys()].sort((a, b) => a - b);
    awaited.resolve(nodes.flatMap((index) => awaited.files.get(index)!));
  }
}
