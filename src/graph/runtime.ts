/** Threads that graphs and called actors share, and actors spawned and wired by hand. */

import { availableParallelism } from 'node:os';
import { ConfigError, GraphError, MillraceError, type Problem } from '../errors.js';
import type { Report } from '../scheduler/report.js';
import { GraphRun } from '../scheduler/run.js';
import type { GraphSpec, LinkSpec, NodeSpec } from '../scheduler/spec.js';
import { InlineBackend, ThreadBackend } from '../scheduler/sync-backend.js';
import { SyncModule } from '../scheduler/sync-module.js';
import { KeptThreads, type ThreadSource } from '../scheduler/thread-pool.js';
import type { CalledSpec } from '../thread/called-module.js';
import { moduleReference } from './node.js';
import { checkRunOptions, type GraphOptionsInput, type RunOptions } from './options.js';
import { type ResolvedOptions, resolveGraphOptions } from './resolve-options.js';
import { calledSpec, checkSpawnParameters, requirePlace } from './sync.js';

/** Options of a runtime; those of a graph by the same names. */
export type RuntimeOptions = Pick<GraphOptionsInput, 'threads' | 'wait' | 'transport'>;

/** An actor to spawn: which module, and how it is used. */
export interface SpawnSpec {
  /** Name of a built-in or registered module; with `path`, what the module is called. */
  readonly name?: string | undefined;
  /** Module file, and its export. */
  readonly path?: string | URL | undefined;
  readonly entry?: string | undefined;
  readonly options?: object | undefined;
  readonly inputs?: readonly number[] | undefined;
  readonly outputs?: readonly number[] | undefined;
  readonly alias?: string | undefined;
  /** Index or name of a thread of the runtime, or `'inline'`. Default: the one with the fewest actors. */
  readonly thread?: number | string | undefined;
  /** Milliseconds after which a call fails and the actor is given up, with its thread. Default: none. */
  readonly timeout?: number | undefined;
}

export interface RuntimeStats {
  /** Threads started and not ended. */
  threads: number;
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
export class SpawnedActor extends SyncModule {
  /** @internal */
  readonly wires: Wire[] = [];
  /** @internal */
  readonly runtime: Runtime;
  /** @internal */
  readonly called: CalledSpec;
  /** Index or name of its thread. */
  readonly thread: number | string;

  /** Made by `runtime.spawn`. @internal */
  constructor(
    runtime: Runtime,
    called: CalledSpec,
    thread: number | string,
    backend: () => InlineBackend | ThreadBackend,
  ) {
    super(called, backend);
    this.runtime = runtime;
    this.called = called;
    this.thread = thread;
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
export class Runtime {
  private readonly resolved: ResolvedOptions;
  private readonly kept: KeptThreads;
  private readonly actors = new Set<SpawnedActor>();
  private readonly runs = new Set<GraphRun>();
  private readonly count: number;
  private closed = false;

  /**
   * @param options `threads` ('auto': as many as there are cores), `wait.spin`, `transport`: see docs/options.md. The
   *   environment and the configuration file stand in for what is not given.
   * @throws ConfigError naming everything that is wrong.
   */
  constructor(options: RuntimeOptions = {}) {
    const known: readonly string[] = ['threads', 'wait', 'transport'];
    const problems: Problem[] = Object.keys(options)
      .filter((key) => !known.includes(key))
      .map((key) => ({ path: key, message: 'is no option of a runtime', hint: `Its options are ${known.join(', ')}` }));
    const { resolved, problems: wrong } = resolveGraphOptions(problems.length > 0 ? {} : options, '');
    problems.push(...wrong);
    if (!resolved || problems.length > 0) throw new ConfigError('wrong runtime options', problems);
    this.resolved = resolved;
    const { threads, spin } = resolved.options;
    this.count = Math.max(1, threads === 'auto' ? availableParallelism() : threads);
    this.kept = new KeptThreads(spin);
  }

  /** Worker threads it has for nodes and actors that name none. */
  get threads(): number {
    return this.count;
  }

  /**
   * An actor on one of the threads. Its module is loaded and initialised by its first call, or by `init()`.
   * @throws ConfigError with everything that is wrong, MillraceError ERR_MILLRACE_STATE after `close()`.
   */
  async spawn(spec: SpawnSpec): Promise<SpawnedActor> {
    this.requireOpen('spawn');
    const { name, path, entry, options, inputs = [], outputs = [], ...rest } = spec;
    const { thread, alias, timeout } = checkSpawnParameters(rest);
    if (name === undefined && path === undefined) {
      throw new ConfigError('an actor cannot be spawned', [{ path: 'name', message: 'is required, or `path`' }]);
    }
    const module = moduleReference(
      path === undefined ? (name as string) : { path, ...(entry && { entry }), ...(name && { name }) },
    );
    const called = calledSpec(module, options, inputs, outputs, alias);
    const inline = requirePlace(module, thread, called.alias);
    const place = inline ? 'inline' : (thread ?? this.kept.leastUsed(this.count));
    const { transport, spin } = this.resolved.options;
    const limits = { transport, spin, timeout: timeout ?? Number.POSITIVE_INFINITY };
    const actor: SpawnedActor = new SpawnedActor(this, called, place, () => {
      this.requireOpen('a call');
      if (inline) return new InlineBackend(called);
      const lease = { thread: this.kept.thread(place), release: () => Promise.resolve() };
      return new ThreadBackend(called, lease, limits);
    });
    this.actors.add(actor);
    return actor;
  }

  /**
   * Runs actors that were wired with `connect` as a graph, to its end, on this runtime's threads. Each gets a new instance
   * of its module, so they must not have been called before.
   * @throws ConfigError for actors that are not wired to each other as a graph must be; GraphError when it failed.
   */
  async run(actors: readonly SpawnedActor[], options: RunOptions = {}): Promise<Report> {
    this.requireOpen('run');
    const { signal, onProgress } = checkRunOptions(options);
    const run = new GraphRun(this.graphOf(actors), {
      threads: this.source(),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
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
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const run of this.runs) run.abort('its runtime was closed');
    await Promise.allSettled([...this.runs].map((run) => run.finished));
    const closings = await Promise.allSettled([...this.actors].map((actor) => actor.closeAsync()));
    this.actors.clear();
    await this.kept.close(new GraphError('ERR_MILLRACE_ABORTED', 'the runtime was closed'));
    const failed = closings.find((closing) => closing.status === 'rejected');
    if (failed) throw failed.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- for graphs and actors --------------------------------------------------------------------------------------

  /** @internal Options a graph takes from its runtime when it gives none itself. */
  get defaults(): { threads: number; transport: 'auto' | 'reference' | 'copy'; wait: { spin: number } } {
    const { transport, spin } = this.resolved.options;
    return { threads: this.count, transport, wait: { spin } };
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
      const { module, options, alias } = actor.called;
      nodes.push({
        id,
        alias: actors.filter((other) => other.alias === alias).length > 1 ? `${alias}_${id}` : alias,
        module,
        options,
        ...(typeof actor.thread === 'number' && { scheduler: actor.thread }),
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

  private requireOpen(what: string): void {
    if (!this.closed) return;
    throw new MillraceError('ERR_MILLRACE_STATE', `${what} after the close of the runtime`);
  }
}

/** The `runtime` of graph options. @throws ConfigError if it is none. */
export function checkRuntime(value: unknown): Runtime | undefined {
  if (value === undefined || value instanceof Runtime) return value;
  throw new ConfigError('wrong graph options', [{ path: 'option.runtime', message: 'must be a Runtime' }]);
}
