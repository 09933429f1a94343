/** Modules that are called like functions: `syncModule`, and what a runtime's `spawn` shares with it. */
import * as v from 'valibot';
import { type BuiltinModule, builtinOf } from '../../catalog/builtin.js';
import { checkModule } from '../../catalog/registry.js';
import { ConfigError, type Problem } from '../../errors/errors.js';
import { setLogLevel } from '../../media/ffmpeg.js';
import type { LogListener } from '../../module/log.js';
import type { ModuleRef } from '../../module/ref.js';
import { InlineBackend } from '../../scheduler/call/inline-backend.js';
import { type SyncInputs, SyncModule, type SyncResult } from '../../scheduler/call/sync-module.js';
import { type CallSettings, ThreadBackend, type ThreadLease } from '../../scheduler/call/thread-backend.js';
import type { GraphOptions } from '../../scheduler/plan/graph-options.js';
import { MAX_THREADS } from '../../scheduler/plan/graph-options.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { startThread } from '../../scheduler/threads/thread.js';
import { leaseThread } from '../../scheduler/threads/warm-threads.js';
import { requireMethod } from '../../schema/argument.js';
import { checked, problemsFrom } from '../../schema/problems.js';
import { callable, integer, number, parsed, type Schema, strictOptions, text } from '../../schema/schema.js';
import type { CalledSpec } from '../../thread/protocol.js';
import { copyOptions, type ModuleOptions, type ModuleSource, moduleReference } from '../build/module-source.js';
import { moduleOptionProblems } from '../build/validate.js';
import { resolveGraphOptions } from '../options/resolve.js';

/** Where a called module lives and what it is called. */
export interface SyncParameters {
  /**
   * `'inline'`: on the calling thread. A name: on the thread of that name, which all modules of that name share. Default: on
   * a thread of its own (modules that are objects of this process: inline).
   */
  readonly thread?: string | undefined;
  /** Its name in errors. Default: that of the module. */
  readonly alias?: string | undefined;
  /**
   * Milliseconds after which a call fails and the module is given up, with its thread; they count from when the calls
   * before it have been answered. On the calling thread only calls that do not block it have one. Default: none.
   */
  readonly timeout?: number | undefined;
  /**
   * Is told what the module says through `ctx.log`, before the call in which it said it returns. Default: of a graph or a
   * runtime, theirs. What it throws is thrown as an uncaught exception.
   */
  readonly onLog?: LogListener | undefined;
  /**
   * Milliseconds for which a thread with a name is kept when its last module has been closed; 0: it ends with that. A thread
   * that is kept does not keep the process alive, and no more are kept than there are cores. Default: 10000.
   */
  readonly idleTimeout?: number | undefined;
}

const entries = {
  alias: v.optional(text('a name')),
  timeout: v.optional(number({ min: 1 })),
  onLog: v.optional(callable<LogListener>()),
};
const parametersSchema: Schema<SyncParameters> = strictOptions({
  ...entries,
  thread: v.optional(text("'inline' or the name of a thread")),
  idleTimeout: v.optional(number({ min: 0, max: 2 ** 31 - 1 })),
});
const spawnSchema = strictOptions({
  ...entries,
  thread: v.optional(v.union([integer({ min: 0, max: MAX_THREADS - 1 }), text("'inline', a name, or an index")])),
});

const idList = parsed<number[]>('a list of different ids from 0', (value) => {
  if (!Array.isArray(value) || new Set(value).size !== value.length) return undefined;
  return value.every((id) => Number.isInteger(id) && id >= 0) ? [...(value as number[])] : undefined;
});

/**
 * What a called module is, checked as a whole.
 * @throws ConfigError with everything that is wrong.
 */
export function calledSpec(
  module: ModuleRef,
  options: unknown,
  inputs: readonly number[],
  outputs: readonly number[],
  alias: string | undefined,
): CalledSpec {
  const name = alias ?? module.name;
  const problems: Problem[] = [];
  const ids = (path: string, value: unknown): number[] => {
    const result = v.safeParse(idList, value);
    if (result.success) return result.output;
    problems.push(...problemsFrom(path, result.issues));
    return [];
  };
  const copied = copyOptions(options ?? {}, module, module.name);
  const own = { inputs: ids('inputs', inputs), outputs: ids('outputs', outputs) };
  problems.push(...checkModule(module, 'module'));
  if (module.graph !== undefined) {
    problems.push({
      path: 'module',
      message: 'is a sub-graph, which is several modules',
      hint: 'Build a graph with it: push packets into inputStream(), and read packets()',
    });
  }
  if (problems.length === 0) problems.push(...moduleOptionProblems(module, copied, 'option', own));
  if (problems.length > 0) throw new ConfigError(`sync module "${name}" cannot be made`, problems);
  return { module, alias: name, options: copied, ...own };
}

/** Where called modules live: threads of their own, or those of a runtime. */
export interface CallHost {
  /** Modules that name no thread live on the calling one. */
  readonly inline: boolean;
  make(spec: CalledSpec, place: CallPlacement): SyncModule;
}

export interface CallPlacement extends CallSettings {
  /** Name or index of a thread, or 'inline'; absent: wherever the home puts those that name none. */
  readonly thread: string | number | undefined;
  /** Milliseconds; as `SyncParameters` has it. */
  readonly idleTimeout?: number | undefined;
}

/** The home of modules without a runtime, with the settings of a graph. */
export function ownCallHost(
  { threads, transport, spin }: Pick<GraphOptions, 'threads' | 'transport' | 'spin'>,
  listener?: LogListener,
): CallHost {
  const noThreads = threads === 0;
  return {
    inline: noThreads,
    make(spec, { thread, timeout, idleTimeout, onLog = listener }) {
      const inline = requirePlace(spec.module, thread, spec.alias) || (noThreads && thread === undefined);
      if (idleTimeout !== undefined && (inline || thread === undefined)) refuseIdleTimeout(spec.alias);
      return new SyncModule(spec, () =>
        inline
          ? new InlineBackend(spec, { timeout, onLog })
          : new ThreadBackend(spec, lease(thread, spin, idleTimeout), { transport, spin, timeout, onLog }),
      );
    },
  };
}

/** The home of modules without a graph: always in threads. */
function defaultHome(): CallHost {
  const { resolved, problems } = resolveGraphOptions({});
  if (!resolved) throw new ConfigError('wrong options in the environment', problems);
  if (resolved.loglevel !== undefined) setLogLevel(resolved.loglevel);
  return ownCallHost({ ...resolved.options, threads: 'auto' });
}

/** A thread of its own, or a shared one by name. */
function lease(which: string | number | undefined, spin: number, idleTimeout: number | undefined): ThreadLease {
  if (which === undefined) {
    const thread = startThread(spin);
    return { thread, release: () => thread.terminate() };
  }
  return leaseThread(typeof which === 'number' ? `scheduler ${which}` : which, spin, idleTimeout);
}

/**
 * A module that is called like a function: each call hands packets to it and returns what it produced (BMF's bmf_sync).
 * It lives in a thread of its own unless `parameters.thread` says otherwise, and calls block until it has answered; their
 * `…Async` forms do not. Close it (`close()`, `using`): an unclosed one does not keep the process alive, but keeps its thread.
 * @param source Name of a built-in or registered module, `{ name, path, entry }`, path or URL of a file, or a module of this
 *   process.
 * @param inputs Ids of the inputs it will be given packets on; none for a source.
 * @param outputs Ids of the outputs whose packets are wanted; others are not produced.
 * @throws ConfigError with everything that is wrong.
 */
export function syncModule<
  const M extends ModuleSource,
  const I extends readonly number[] = readonly [],
  const O extends readonly number[] = readonly [],
>(
  source: M,
  options?: ModuleOptions<M>,
  inputs: I = [] as never,
  outputs: O = [] as never,
  parameters: SyncParameters = {},
): SyncModule<I, O> {
  return makeModule<I, O>(source, options, inputs, outputs, parameters, defaultHome());
}

/** As `syncModule`, at that home. */
export function makeModule<I extends readonly number[], O extends readonly number[]>(
  source: ModuleSource,
  options: unknown,
  inputs: I,
  outputs: O,
  parameters: SyncParameters,
  home: CallHost,
  node: Pick<NodeSpec, 'inputManager' | 'scheduler' | 'protocolWhitelist'> = {},
): SyncModule<I, O> {
  const given = checked(parametersSchema, parameters, 'parameters of a sync module');
  const { thread = node.scheduler, alias, timeout = Number.POSITIVE_INFINITY, idleTimeout, onLog } = given;
  const spec = calledSpec(moduleReference(source), options, inputs, outputs, alias);
  if (node.inputManager !== undefined) spec.inputManager = node.inputManager;
  if (node.protocolWhitelist !== undefined) spec.protocolWhitelist = node.protocolWhitelist;
  // Its ids are those given: `calledSpec` has checked and taken them over.
  return home.make(spec, {
    thread,
    timeout,
    onLog,
    ...(idleTimeout !== undefined && { idleTimeout }),
  }) as unknown as SyncModule<I, O>;
}

/** @throws ConfigError: there is no thread that could be kept. */
export function refuseIdleTimeout(alias: string): never {
  throw new ConfigError(`sync module "${alias}" cannot be made`, [
    {
      path: 'idleTimeout',
      message: 'is for a thread that modules share by name',
      hint: "Give one: thread: 'name'. A thread of its own ends with its module, those of a runtime with the runtime",
    },
  ]);
}

/** @returns whether it lives on the calling thread. @throws ConfigError for an object of this process elsewhere. */
export function requirePlace(module: ModuleRef, thread: string | number | undefined, alias: string): boolean {
  if (thread === 'inline') return true;
  if (module.definition === undefined) return false;
  if (thread === undefined) return true;
  throw new ConfigError(`sync module "${alias}" cannot be made`, [
    {
      path: 'thread',
      message: 'a module of this process cannot leave its thread',
      hint: "Leave `thread` out, or give the module's file: { path, entry }",
    },
  ]);
}

export function checkSpawnParameters(parameters: unknown): v.InferOutput<typeof spawnSchema> {
  return checked(spawnSchema, parameters, 'parameters of a sync module');
}

/** `module.process(packets)`, as BMF's bmf_sync has it. */
export function process<const I extends readonly number[], const O extends readonly number[]>(
  module: SyncModule<I, O>,
  packets?: SyncInputs<I>,
): SyncResult<O> {
  requireMethod(module, 'process', 'the module of process()');
  return module.process(packets);
}

/** `module.sendEof()`, as BMF's bmf_sync has it. */
export function sendEof<const O extends readonly number[]>(module: SyncModule<readonly number[], O>): SyncResult<O> {
  requireMethod(module, 'sendEof', 'the module of sendEof()');
  return module.sendEof();
}

/**
 * The module of a graph's node, as `graph.getModule` gives it: on the thread the node names, if it names one and there
 * are threads.
 * @throws ConfigError as `syncModule`, and for parameters of the node that a called module cannot have.
 */
export function moduleOfNode(
  node: NodeSpec,
  links: readonly LinkSpec[],
  parameters: SyncParameters,
  home: CallHost,
): SyncModule {
  const problems: Problem[] = [];
  if (node.distNums !== undefined) {
    problems.push({ path: 'distNums', message: 'parallel copies cannot be called as one module' });
  }
  if (node.callback !== undefined || node.callbacks !== undefined) {
    problems.push({ path: 'callback', message: 'a module that is called has no callback' });
  }
  if (problems.length > 0) throw new ConfigError(`node "${node.alias}" cannot be called`, problems);
  const builtin = builtinOf(node.module);
  const sorted = (ids: number[]): number[] => [...new Set(ids)].sort((a, b) => a - b);
  const inputs = sorted(links.filter(({ to }) => to.node === node.id).map(({ to }) => to.input));
  const outputs = links.filter(({ from }) => from.node === node.id).map(({ from }) => from.output);
  if (inputs.length === 0 && !isSource(node, builtin, outputs.length > 0)) inputs.push(0);
  const placed = parameters.thread === undefined && node.module.definition === undefined && !home.inline;
  const { thread = placed ? node.thread : undefined, alias = node.alias } = parameters;
  return makeModule(
    sourceOf(node.module),
    node.options,
    inputs,
    // Of a node with consumers the other outputs are nobody's: a call would return without a frame whenever one was made
    // for them, and who reads until nothing comes would stop there.
    sorted(outputs.length > 0 ? outputs : ownOutputs(node, builtin, inputs)),
    { ...parameters, alias, thread },
    home,
    {
      ...(node.inputManager !== undefined && { inputManager: node.inputManager }),
      ...(node.protocolWhitelist !== undefined && { protocolWhitelist: node.protocolWhitelist }),
      ...(placed && node.scheduler !== undefined && { scheduler: node.scheduler }),
    },
  );
}

/** Whether a node into which nothing leads is one that begins streams, and not one that is only not connected. */
function isSource(node: NodeSpec, builtin: BuiltinModule | undefined, hasConsumers: boolean): boolean {
  if (builtin === undefined) return hasConsumers;
  return builtin.isSource?.(node.options) ?? builtin.inputs.max === 0;
}

/** Outputs of a node to which nothing is connected. */
function ownOutputs({ options }: NodeSpec, builtin: BuiltinModule | undefined, inputs: number[]): number[] {
  if (builtin?.outputs.max === 0) return [];
  return [...(builtin?.outputsOf?.(options, inputs) ?? [0])];
}

function sourceOf({ name, path, entry, definition }: ModuleRef): ModuleSource {
  if (definition !== undefined) return definition as ModuleSource;
  return path === undefined ? name : ({ name, path, ...(entry && { entry }) } as ModuleSource);
}
