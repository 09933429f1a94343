/** Threads that graphs and called actors share, and actors spawned and wired by hand. */

import { availableParallelism } from 'node:os';
import { withLoader } from '../catalog/registry.js';
import { ConfigError, GraphError, MillraceError, type Problem } from '../errors/errors.js';
import { describeValue, nameClasses } from '../errors/naming.js';
import { setLogLevel } from '../media/ffmpeg.js';
import type { LogListener } from '../module/log.js';
import { InlineBackend } from '../scheduler/call/inline-backend.js';
import { SyncModule } from '../scheduler/call/sync-module.js';
import { type Backend, ThreadBackend } from '../scheduler/call/thread-backend.js';
import type { GraphFileOptions, LoaderOption } from '../scheduler/plan/graph-options.js';
import type { GraphSpec, LinkSpec, NodeSpec } from '../scheduler/plan/spec.js';
import type { Report } from '../scheduler/run/report.js';
import { GraphRun } from '../scheduler/run/run.js';
import type { Thread } from '../scheduler/threads/thread.js';
import { KeptThreads, type ThreadSource } from '../scheduler/threads/thread-pool.js';
import { requireObject } from '../schema/argument.js';
import type { CalledSpec } from '../thread/protocol.js';
import { moduleReference } from './build/module-source.js';
import {
  type CallHost,
  type CallPlacement,
  calledSpec,
  checkSpawnParameters,
  refuseIdleTimeout,
  requirePlace,
} from './call/sync-module.js';
import { type ResolvedOptions, resolveGraphOptions } from './options/resolve.js';
import { checkOnLog, checkRunOptions, type RunOptions } from './options/run-options.js';

/** Options of a runtime; those of a graph by the same names. */
export interface RuntimeOptions extends Pick<GraphFileOptions, 'threads' | 'wait' | 'transport'>, LoaderOption {
  /** Is told what the modules of its graphs and actors say, unless a graph has its own. */
  readonly onLog?: LogListener | undefined;
}

/** An actor to spawn: which module, and how it is used. */
export interface SpawnSpec<
  I extends readonly number[] = readonly number[],
  O extends readonly number[] = readonly number[],
> {
  /** Name of a built-in or registered module; with `path`, what the module is called. */
  readonly name?: string | undefined;
  /** Module file, and its export. */
  readonly path?: string | URL | undefined;
  readonly entry?: string | undefined;
  readonly options?: object | undefined;
  readonly inputs?: I | undefined;
  readonly outputs?: O | undefined;
  readonly alias?: string | undefined;
  /** Index or name of a thread of the runtime, or `'inline'`. Default: the one with the fewest actors, if there is one. */
  readonly thread?: number | string | undefined;
  /** As of `syncModule`. */
  readonly timeout?: number | undefined;
  readonly onLog?: LogListener | undefined;
}

export interface RuntimeStats {
  /** Threads started and not ended. */
  threads: number;
  /** Those that have not been closed; `closed`: is being closed. */
  actors: { alias: string; module: string; thread: number | string; calls: number; closed: boolean }[];
  /** Graphs and wired actors that run. */
  runs: number;
}

interface Wire {
  output: number;
  to: SpawnedActor;
  input: number;
}

/** An actor of a runtime: called like a function, or wired to others and run. */
export class SpawnedActor<
  I extends readonly number[] = readonly number[],
  O extends readonly number[] = readonly number[],
> extends SyncModule<I, O> {
  /** @internal */
  readonly wires: Wire[] = [];
  /** @internal */
  readonly runtime: Runtime;
  /** @internal */
  readonly called: CalledSpec;
  /** Index or name of its thread. */
  readonly thread: number | string;

  /** Its thread was asked for. @internal */
  readonly placed: boolean;

  /** Made by `runtime.spawn`. @internal */
  constructor(runtime: Runtime, called: CalledSpec, thread: number | string, placed: boolean, backend: () => Backend) {
    super(called, backend);
    this.runtime = runtime;
    this.called = called;
    this.thread = thread;
    this.placed = placed;
  }

  protected override onGone(): void {
    this.runtime.dismiss(this);
  }

  /**
   * Wires an output to an input of another actor, for `runtime.run`. An output may feed several inputs, an input has one.
   * @throws MillraceError ERR_MILLRACE_CONFIG for ids that were not declared, another runtime's actor, an input that is fed.
   */
  connect(output: number, to: SpawnedActor, input: number): this {
    const refuse = (message: string): never => {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `"${this.alias}".connect: ${message}`);
    };
    if (!(to instanceof SpawnedActor) || to.runtime !== this.runtime) refuse('the other actor is not of this runtime');
    if (!this.outputs.includes(output)) refuse(`output ${output} was not declared`);
    if (!to.inputs.includes(input)) refuse(`input ${input} of "${to.alias}" was not declared`);
    if (this.runtime.feeds(to, input)) refuse(`input ${input} of "${to.alias}" is fed already`);
    this.wires.push({ output, to, input });
    return this;
  }
}

/**
 * A fixed number of worker threads, kept until `close()`, for graphs (`new Graph({ runtime })`) and for actors that are
 * called one by one or wired by hand. Threads are started when they are first needed, do not keep the process alive, and
 * are replaced when they die.
 */
export class Runtime implements CallHost {
  private readonly resolved: ResolvedOptions;
  private readonly kept: KeptThreads;
  private readonly actors = new Set<SpawnedActor>();
  private readonly runs = new Set<GraphRun>();
  private readonly count: number;
  /** @internal Is told what the modules of its graphs and actors say, unless these have a listener of their own. */
  readonly onLog: LogListener | undefined;
  private closing: Promise<void> | undefined;

  /**
   * @param options `threads` ('auto': as many as there are cores; 0: none, everything lives on the calling thread), `wait.spin`, `transport`, `loader`, `onLog`: see docs/options.md. The
   *   environment and the configuration file stand in for what is not given.
   * @throws ConfigError naming everything that is wrong.
   */
  constructor(options: RuntimeOptions = {}) {
    requireObject(options, 'options of a runtime');
    const known: readonly string[] = ['threads', 'wait', 'transport', 'loader', 'onLog'];
    const problems: Problem[] = Object.keys(options)
      .filter((key) => !known.includes(key))
      .map((key) => ({ path: key, message: 'is no option of a runtime', hint: `Its options are ${known.join(', ')}` }));
    const { onLog, ...own } = options;
    const { resolved, problems: wrong } = resolveGraphOptions(problems.length > 0 ? {} : own, '');
    problems.push(...wrong, ...checkOnLog(onLog, 'onLog'));
    if (!resolved || problems.length > 0) throw new ConfigError('wrong runtime options', problems);
    this.resolved = resolved;
    this.onLog = onLog;
    const { threads, spin } = resolved.options;
    this.count = threads === 'auto' ? availableParallelism() : threads;
    if (resolved.loglevel !== undefined) setLogLevel(resolved.loglevel);
    this.kept = new KeptThreads(spin, this.count);
  }

  /** Worker threads it has for nodes and actors that name none. */
  get threads(): number {
    return this.count;
  }

  /**
   * An actor on one of the threads. Its module is loaded and initialised by its first call, or by `init()`.
   * @throws ConfigError with everything that is wrong, MillraceError ERR_MILLRACE_STATE after `close()`.
   */
  async spawn<const I extends readonly number[] = readonly [], const O extends readonly number[] = readonly []>(
    spec: SpawnSpec<I, O>,
  ): Promise<SpawnedActor<I, O>> {
    this.requireOpen('spawn');
    requireObject(spec, 'an actor to spawn');
    const { name, path, entry, options, inputs = [], outputs = [], ...rest } = spec;
    const { thread, alias, timeout = Number.POSITIVE_INFINITY, onLog } = checkSpawnParameters(rest);
    if (name === undefined && path === undefined) {
      throw new ConfigError('an actor cannot be spawned', [{ path: 'name', message: 'is required, or `path`' }]);
    }
    const module = moduleReference(
      path === undefined ? (name as string) : { path, ...(entry && { entry }), ...(name && { name }) },
    );
    const called = calledSpec(module, options, inputs, outputs, alias);
    // Its ids are those given: `calledSpec` has checked and taken them over.
    return this.make(called, { thread, timeout, onLog }) as unknown as SpawnedActor<I, O>;
  }

  /** @internal Without threads everything is inline. */
  get inline(): boolean {
    return this.count === 0;
  }

  /** @internal The thread of that name. */
  threadCalled(name: string): Thread {
    this.requireOpen('a warm module');
    return this.kept.thread(name);
  }

  /** @internal An actor there. */
  make(called: CalledSpec, { thread, timeout, idleTimeout, onLog = this.onLog }: CallPlacement): SpawnedActor {
    this.requireOpen('a module');
    if (idleTimeout !== undefined) refuseIdleTimeout(called.alias);
    this.requireThread(thread, called.alias);
    const inline = requirePlace(called.module, thread, called.alias) || (thread === undefined && this.inline);
    const place = inline ? 'inline' : (thread ?? this.leastUsed());
    const { transport, spin, loader } = this.resolved.options;
    called.module = withLoader(called.module, called.module.loader ?? loader);
    const actor: SpawnedActor = new SpawnedActor(this, called, place, thread !== undefined, () => {
      this.requireOpen('a call');
      if (inline) return new InlineBackend(called, { timeout, onLog });
      const lease = { thread: this.kept.thread(place), release: () => Promise.resolve() };
      return new ThreadBackend(called, lease, { transport, spin, timeout, onLog });
    });
    this.actors.add(actor);
    return actor;
  }

  /**
   * Runs actors that were wired with `connect` as a graph, to its end, on this runtime's threads: those that were spawned on
   * a named one there, the others where the scheduler places them. Each gets a new instance of its module, so they must not
   * have been called before.
   * @throws ConfigError for actors that are not wired to each other as a graph must be; GraphError when it failed.
   */
  async run(actors: readonly SpawnedActor[], options: RunOptions = {}): Promise<Report> {
    this.requireOpen('run');
    requireActors(actors);
    const { signal, onProgress } = checkRunOptions(options);
    const run = new GraphRun(this.graphOf(actors), {
      threads: this.source(),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(this.onLog && { onLog: this.onLog }),
    });
    this.watch(run);
    await run.start();
    return run.finished;
  }

  stats(): RuntimeStats {
    return {
      threads: this.kept.threads.length,
      actors: [...this.actors].map((actor) => {
        const { alias, calls, closed, thread, called } = actor;
        return { alias, module: called.module.name, thread, calls, closed };
      }),
      runs: this.runs.size,
    };
  }

  /**
   * Aborts the graphs that still run, closes every actor and ends the threads. Again does nothing.
   * @throws the first error that closing an actor brought, when everything has been closed.
   */
  close(): Promise<void> {
    // Who closed it is told what went wrong; others only wait for the end of it.
    if (this.closing !== undefined) return this.closing.catch(() => {});
    this.closing = this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    for (const run of this.runs) run.abort('its runtime was closed');
    await Promise.allSettled([...this.runs].map((run) => run.finished));
    const closings = await Promise.allSettled([...this.actors].map((actor) => actor.closeAsync()));
    await this.kept.close(new GraphError('ERR_MILLRACE_ABORTED', 'the runtime was closed'));
    const failed = closings.find((closing) => closing.status === 'rejected');
    if (failed) throw failed.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- for graphs and actors --------------------------------------------------------------------------------------

  /** @internal Options a graph takes from its runtime when it gives none itself. */
  get defaults(): Pick<RuntimeOptions, 'threads' | 'transport' | 'wait' | 'loader'> {
    const { transport, spin, loader } = this.resolved.options;
    return { threads: this.count, transport, wait: { spin }, loader };
  }

  /** @internal It was closed, or is being closed. */
  get closed(): boolean {
    return this.closing !== undefined;
  }

  /** @internal */
  source(): ThreadSource {
    this.requireOpen('a graph');
    return this.kept;
  }

  /** @internal Counts the run among those that the end of the runtime ends. */
  watch(run: GraphRun): void {
    this.runs.add(run);
    const forget = (): void => {
      this.runs.delete(run);
    };
    run.finished.then(forget, forget);
  }

  /** @internal The actor has been closed. */
  dismiss(actor: SpawnedActor): void {
    this.actors.delete(actor);
  }

  /** @internal */
  feeds(to: SpawnedActor, input: number): boolean {
    return [...this.actors].some((actor) => actor.wires.some((wire) => wire.to === to && wire.input === input));
  }

  private graphOf(actors: readonly SpawnedActor[]): GraphSpec {
    const problems: Problem[] = [];
    const index = new Map(actors.map((actor, i) => [actor, i]));
    const nodes: NodeSpec[] = [];
    const links: LinkSpec[] = [];
    actors.forEach((actor, id) => {
      const path = `actors[${id}] ("${actor.alias}")`;
      if (actor.runtime !== this) problems.push({ path, message: 'is of another runtime' });
      if (actor.closed) problems.push({ path, message: 'was closed' });
      if (actor.used) problems.push({ path, message: 'was called before', hint: 'Spawn another one to be run' });
      // Modules of this process are run there.
      if (actor.thread === 'inline' && actor.placed && !this.inline && actor.called.module.definition === undefined) {
        problems.push({ path, message: 'is inline, and a run has threads', hint: 'Spawn it on a thread' });
      }
      const { module, options, alias } = actor.called;
      nodes.push({
        id,
        alias: actors.filter((other) => other.alias === alias).length > 1 ? `${alias}_${id}` : alias,
        module,
        options,
        ...(typeof actor.thread === 'number' && actor.placed && { scheduler: actor.thread }),
        ...(typeof actor.thread === 'string' && actor.thread !== 'inline' && { thread: actor.thread }),
      });
      for (const { output, to, input } of actor.wires) {
        const target = index.get(to);
        if (target === undefined)
          problems.push({ path, message: `is wired to "${to.alias}", which is not run with it` });
        else links.push({ from: { node: id, output }, to: { node: target, input } });
      }
    });
    if (problems.length > 0) throw new ConfigError('the actors cannot be run', problems);
    const options = { ...this.resolved.options, threads: this.count };
    return { name: 'actors', options, nodes, links };
  }

  /** The thread with the fewest actors, whether they have been called or not. */
  private leastUsed(): number {
    const users = new Array<number>(this.count).fill(0);
    for (const { thread } of this.actors) {
      if (typeof thread === 'number' && thread < this.count) users[thread]!++;
    }
    return users.indexOf(Math.min(...users));
  }

  private requireThread(thread: string | number | undefined, alias: string): void {
    const given = this.resolved.options.threads;
    if (typeof thread !== 'number' || given === 'auto' || thread < given) return;
    const known = given === 0 ? 'has no threads' : given === 1 ? 'has thread 0' : `has threads 0 to ${given - 1}`;
    throw new ConfigError(`actor "${alias}" cannot be made`, [
      { path: 'thread', message: `there is no thread ${thread}`, hint: `The runtime ${known}` },
    ]);
  }

  private requireOpen(what: string): void {
    if (this.closing === undefined) return;
    throw new MillraceError('ERR_MILLRACE_STATE', `${what} after the close of the runtime`);
  }
}

/** @throws ConfigError naming what is no actor. */
function requireActors(actors: unknown): void {
  const hint = 'runtime.run takes a list of what runtime.spawn returned';
  if (!Array.isArray(actors)) {
    throw new ConfigError('the actors cannot be run', [
      { path: 'actors', message: `must be a list of actors, not ${describeValue(actors)}`, hint },
    ]);
  }
  const problems = [...(actors as unknown[])].flatMap((actor, index): Problem[] =>
    actor instanceof SpawnedActor
      ? []
      : [{ path: `actors[${index}]`, message: `must be an actor, not ${describeValue(actor)}`, hint }],
  );
  if (problems.length > 0) throw new ConfigError('the actors cannot be run', problems);
}

/** The `runtime` of graph options. @throws ConfigError if it is none. */
export function checkRuntime(value: unknown): Runtime | undefined {
  if (value === undefined || value instanceof Runtime) return value;
  throw new ConfigError('wrong graph options', [{ path: 'option.runtime', message: 'must be a Runtime' }]);
}

nameClasses({ SpawnedActor });
