/** What `graph.serve()` returns: a graph that stays, and does one job after the other. */

import { clearInterval, performance, setInterval } from '../../../ringbuffer/clock.js';
import { GraphError, MillraceError } from '../../errors/errors.js';
import { abortedError } from '../../errors/make.js';
import { messageOf } from '../../errors/wire.js';
import { closeAll, Packet } from '../../media/packet/packet.js';
import type { GraphSpec } from '../../scheduler/plan/spec.js';
import { whenAborted } from '../../scheduler/run/abort-listeners.js';
import { type JobEnds, JobRun } from '../../scheduler/run/job-run.js';
import type { RunHooks } from '../../scheduler/run/run.js';
import { Warnings } from '../../scheduler/run/warnings.js';
import { type Context, takeContext } from '../../scheduler/threads/context.js';
import { Undo } from '../../scheduler/threads/undo.js';
import { type Job, JobResult, type JobSource, Pump, readJob, releaseSource } from './job.js';
import { type JobOutcome, Outcomes } from './outcomes.js';
import { checkSubmitOptions } from './submit-options.js';

/** What a server is made of. */
export interface Served {
  /** Input streams, and outputs, by name. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Input streams that take whole files: decoders alone are behind them. */
  readonly files: ReadonlySet<string>;
  /** Jobs that may wait. */
  readonly queueLimit: number;
  /** The graph around the ends of a run that begins with this job. */
  spec(ends: JobEnds, firstJob: number): GraphSpec;
  /** Whether the threads it works on are no longer to be had. */
  gone(): boolean;
  /** For the `number`th run, from 1 on: another one is made after a job has failed. */
  hooks(number: number): Omit<RunHooks, 'onJob'>;
  /** The run that serves from now on. */
  onRun(run: JobRun['run']): void;
  /** It serves no longer. */
  release(): Promise<void>;
}

export interface SubmitOptions {
  /** Gives this job up, whether it waits or is being done; the others go on. */
  readonly signal?: AbortSignal | undefined;
  /** What it is called in its result and in `server.results`; any number of jobs may have the same. */
  readonly name?: string | undefined;
}

export interface ServerReport {
  /** Jobs that were begun, and those of them that failed or were given up. */
  jobs: number;
  failed: number;
  /** What was warned of, and failures between two jobs. */
  warnings: string[];
  /** Native objects that the graph's own threads had not released at its end, by kind. Empty unless something is wrong. */
  leaked: Record<string, number>;
}

interface Waiting {
  readonly sources: ReadonlyMap<string, JobSource>;
  readonly signal: AbortSignal | undefined;
  readonly name: string | undefined;
  /** Of the submit: its sources are read in it, and callbacks of its time called. */
  readonly context: Context;
  resolve(result: JobResult): void;
  reject(error: unknown): void;
}

/** Longest time in ms a thread is given to stop by `forceClose`. */
const FORCE_GRACE = 1000;

/** A graph that serves jobs. It keeps the process alive until it is closed. */
export class Server implements AsyncDisposable {
  private readonly queue: Waiting[] = [];
  private current: JobRun | undefined;
  private runs = 0;
  private jobs = 0;
  private failed = 0;
  private readonly warnings = new Warnings();
  private readonly leaked: Record<string, number> = {};
  /** The loop that does what is queued; settles when nothing is. */
  private working: Promise<void> | undefined;
  /** What every further job is told. */
  private ended: Error | undefined;
  /** It does not even do what waits. */
  private dead: Error | undefined;
  private closing: Promise<ServerReport> | undefined;
  /** Ends the watch over the signal of the server. */
  private forget = (): void => {};
  /** Threads and their runs do not hold the process between two runs. */
  private alive: NodeJS.Timeout | undefined;
  private readonly context = takeContext();
  /** From when somebody has asked for them. */
  private outcomes: Outcomes | undefined;

  /** Made by `graph.serve`. @internal */
  constructor(private readonly served: Served) {}

  /** Constructs and initialises the modules for the first job. @internal */
  async start(signal: AbortSignal | undefined): Promise<this> {
    const onAbort = (): void => {
      this.forceClose(signal?.reason).catch(() => {});
    };
    const undo = new Undo();
    undo.add(() => this.served.release());
    this.alive = setInterval(() => {}, 2 ** 30);
    undo.add(() => clearInterval(this.alive));
    try {
      if (signal?.aborted) throw abortedError('the server was not started', signal.reason);
      await this.ready(1, signal);
    } catch (error) {
      this.ended = closedError('it could not be started');
      await undo.all();
      throw error;
    }
    if (signal?.aborted) onAbort();
    this.forget = whenAborted(signal, onAbort);
    return this;
  }

  /** Jobs that wait; the one that is being done is none of them. */
  get waiting(): number {
    return this.queue.length;
  }

  /** It takes no more jobs. */
  get closed(): boolean {
    return this.ended !== undefined;
  }

  /**
   * Does a job behind those that wait: feeds the graph what the sources give, until they have ended and every node has
   * ended the job.
   * @param job The source of the graph's input stream, or an object with a source for each of them. Packets and payloads
   *   are fed as they are, bytes as EncodedPackets; all are consumed.
   * @throws The GraphError of what failed in this job, ERR_MILLRACE_ABORTED when it was given up, ConfigError for sources
   *   or options that do not fit, MillraceError ERR_MILLRACE_QUEUE_FULL, ERR_MILLRACE_CLOSED after the close; once a thread
   *   has died, its GraphError. All of them as rejections.
   */
  submit(job: Job, options: SubmitOptions = {}): Promise<JobResult> {
    const submitted = this.enqueue(job, options);
    const { name } = options ?? {};
    this.outcomes?.watch(typeof name === 'string' ? name : undefined, submitted);
    return submitted;
  }

  /**
   * What becomes of the jobs, in the order in which they end: `{ status, name, value or reason }`, as `Promise.allSettled`
   * has it. Told of are jobs that are submitted after this was first asked for; their promises need no handler then. It
   * ends when the server has been closed and all have been told of.
   * @example
   * const { results } = server;
   * for (const path of paths) server.submit(path, { name: path });
   * server.close();
   * for await (const { name, value, reason } of results) console.log(name, value?.files ?? reason);
   */
  get results(): AsyncIterableIterator<JobOutcome, undefined> {
    if (this.outcomes === undefined || this.outcomes.left) {
      this.outcomes = new Outcomes();
      if (this.closed) this.outcomes.close();
    }
    return this.outcomes;
  }

  private enqueue(job: Job, options: SubmitOptions): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      const sources = readJob(job, this.served.inputs, this.served.files);
      let signal: AbortSignal | undefined;
      let name: string | undefined;
      try {
        ({ signal, name } = checkSubmitOptions(options));
        this.refuse(signal);
      } catch (error) {
        release(sources);
        throw error;
      }
      const waiting: Waiting = {
        sources,
        signal,
        name,
        context: takeContext(),
        resolve: (result) => {
          forget();
          resolve(result);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      const giveUp = (): void => {
        const at = this.queue.indexOf(waiting);
        if (at < 0) return; // it has begun: its run is aborted
        this.queue.splice(at, 1);
        waiting.context(() => release(sources));
        waiting.reject(abortedError('the job was given up before it began', signal?.reason));
      };
      const forget = whenAborted(signal, giveUp);
      this.queue.push(waiting);
      this.working ??= this.work();
    });
  }

  /**
   * Takes no more jobs, does those that wait, ends the graph and its threads. Again: the same.
   * @throws what closing the modules brought.
   */
  close(): Promise<ServerReport> {
    this.ended ??= closedError('close() was called');
    this.outcomes?.close();
    this.closing ??= this.end();
    return this.closing;
  }

  /**
   * Ends now: the job that is being done and those that wait reject with ERR_MILLRACE_ABORTED. Resolves when every thread
   * has gone; threads that do not answer within a second are terminated.
   */
  async forceClose(reason: unknown = 'forceClose() was called'): Promise<void> {
    this.ended ??= closedError('forceClose() was called');
    this.rejectWaiting(abortedError('the server was closed before the job began', reason));
    this.current?.run.abort(reason, FORCE_GRACE);
    // That it was aborted is what was wanted.
    await this.close().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {});
  }

  /** The graph is being stopped: what waits is not done any more. @internal */
  stop(): void {
    this.die(closedError('the graph was stopped'));
  }

  // --- jobs ---------------------------------------------------------------------------------------------------------

  private refuse(signal: AbortSignal | undefined): void {
    if (this.ended !== undefined) throw this.ended;
    if (signal?.aborted) throw abortedError('the job was given up before it began', signal.reason);
    if (this.queue.length < this.served.queueLimit) return;
    throw new MillraceError('ERR_MILLRACE_QUEUE_FULL', `${this.queue.length} jobs wait, and queueLimit is as many`, {
      hint: 'Await jobs before you submit more, or serve with a larger queueLimit',
    });
  }

  private async work(): Promise<void> {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      const job = next;
      await job.context(() => this.perform(job));
    }
    this.working = undefined;
  }

  private async perform(waiting: Waiting): Promise<void> {
    const job = ++this.jobs;
    let run: JobRun | undefined;
    try {
      run = await this.ready(job, waiting.signal);
      run.run.context = waiting.context;
      waiting.resolve(await this.feed(run, job, waiting));
    } catch (error) {
      this.failed++;
      if (run === undefined) release(waiting.sources);
      waiting.reject(error);
    } finally {
      if (run !== undefined) run.run.context = this.context;
    }
  }

  /** The run that does the next job: the one that is there, or another one after a failure. */
  private async ready(job: number, signal?: AbortSignal): Promise<JobRun> {
    const { served, current } = this;
    if (current !== undefined && !current.run.aborting) return current;
    // What failed behind the end of the job before is no affair of this one.
    await current?.run.finished.catch((error: Error) => this.warnings.add(`between two jobs: ${error.message}`));
    if (served.gone()) this.die(closedError('its runtime was closed'));
    if (this.dead !== undefined) throw this.dead;
    if (signal?.aborted) throw abortedError('the job was given up before it began', signal.reason);
    const spec = (ends: JobEnds): GraphSpec => served.spec(ends, job);
    const run = this.context(() => new JobRun(served.inputs, served.outputs, spec, served.hooks(++this.runs)));
    this.current = run;
    run.run.finished.then(
      (report) => this.over(run, report),
      (error: Error) => this.over(run, error instanceof GraphError ? error : undefined, error),
    );
    const forget = whenAborted(signal, () => run.run.abort(signal?.reason));
    try {
      const started = this.context(() => run.start());
      if (run.run.begun) served.onRun(run.run);
      await started;
    } finally {
      forget();
    }
    return run;
  }

  private async feed(run: JobRun, job: number, { sources, signal, name }: Waiting): Promise<JobResult> {
    const began = performance.now();
    const ended = run.ended(job);
    const pumps = [...sources].map(([input, source]) => {
      const feed = run.feed(input);
      feed.begin();
      const pump = new Pump(input, source, this.served.files.has(input), (packet) => feed.push(packet));
      const work = pump
        .run()
        .then(() => feed.push(Packet.eof()))
        .catch((cause: unknown) => run.fail(sourceError(input, cause)));
      return { pump, work };
    });
    const onAbort = (): void => run.run.abort(signal?.reason);
    if (signal?.aborted) onAbort();
    const forget = whenAborted(signal, onAbort);
    try {
      const files = await ended;
      return new JobResult(job, run.take(), files, performance.now() - began, name);
    } catch (error) {
      closeAll(Object.values(run.take()));
      throw error;
    } finally {
      forget();
      for (const { pump } of pumps) pump.cut();
      await Promise.all(pumps.map(({ work }) => work));
      for (const problem of await Promise.all(pumps.map(({ pump }) => pump.file?.close()))) {
        if (problem !== undefined) this.warnings.addOnce(problem);
      }
    }
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  /** A run has ended, in a job or between two. */
  private over(
    run: JobRun,
    { warnings, leaked }: { warnings: readonly string[]; leaked: Record<string, number> } = {
      warnings: [],
      leaked: {},
    },
    failure?: Error,
  ): void {
    if (this.current === run) this.current = undefined;
    if (!run.run.begun) return; // its start was refused, which the job is told
    // Runs of one graph have many in common.
    for (const text of warnings) this.warnings.addOnce(text);
    for (const [kind, count] of Object.entries(leaked)) this.leaked[kind] = (this.leaked[kind] ?? 0) + count;
    if (isDeath(failure)) this.die(failure);
    else if (failure !== undefined && this.served.gone()) this.die(closedError('its runtime was closed'));
    else if (failure !== undefined && this.closing === undefined && this.working === undefined) {
      // In a job it is the job that is told.
      this.warnings.add(`between two jobs: ${failure.message}`);
    }
  }

  /** No further job is done: a thread has died, and took with it what nobody can know, or the graph was stopped. */
  private die(error: Error): void {
    this.dead ??= error;
    this.ended ??= error;
    this.outcomes?.close();
    this.rejectWaiting(error);
    this.closing ??= this.end();
    // Whoever calls close() sees what it brought.
    this.closing.catch(() => {});
  }

  private rejectWaiting(error: Error): void {
    for (const { sources, context, reject } of this.queue.splice(0)) {
      context(() => release(sources));
      reject(error);
    }
  }

  private async end(): Promise<ServerReport> {
    await this.working;
    try {
      await this.current?.close();
    } finally {
      await this.release();
    }
    const { jobs, failed, leaked } = this;
    return { jobs, failed, warnings: this.warnings.list, leaked: { ...leaked } };
  }

  private async release(): Promise<void> {
    this.forget();
    clearInterval(this.alive);
    await this.served.release();
  }
}

function release(sources: ReadonlyMap<string, JobSource>): void {
  for (const source of sources.values()) releaseSource(source);
}

function isDeath(error: unknown): error is GraphError {
  return error instanceof GraphError && error.code === 'ERR_MILLRACE_WORKER_DIED';
}

function closedError(why: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_CLOSED', `the server takes no more jobs: ${why}`);
}

function sourceError(input: string, cause: unknown): GraphError {
  const text = messageOf(cause);
  const code = cause instanceof MillraceError ? cause.code : 'ERR_MILLRACE_INPUT';
  return new GraphError(code, `the source of input stream '${input}' failed: ${text}`, {
    alias: input,
    phase: 'run',
    cause,
  });
}
