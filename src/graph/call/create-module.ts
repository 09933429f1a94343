/** `createModule`: modules that are initialised once and used by one graph after the other. */
import * as v from 'valibot';
import { checkModule } from '../../catalog/registry.js';
import { ConfigError, type Problem } from '../../errors/errors.js';
import type { LogListener } from '../../module/log.js';
import { startThread } from '../../scheduler/threads/thread.js';
import { leaseThread } from '../../scheduler/threads/warm-threads.js';
import { WarmModule } from '../../scheduler/warm/warm-module.js';
import { checked } from '../../schema/problems.js';
import { callable, integer, type Schema, strictOptions, text } from '../../schema/schema.js';
import { copyOptions, type ModuleOptions, type ModuleSource, moduleReference } from '../build/module-source.js';
import { moduleOptionProblems } from '../build/validate.js';
import { resolveGraphOptions } from '../options/resolve.js';
import { Runtime } from '../runtime.js';
import { portsOfAlone } from './sync-module.js';

/** Where a warm module lives, and what it is initialised for. */
export interface WarmParameters {
  /**
   * `'inline'`: on the calling thread. A name: on the thread of that name, of the runtime if there is one, which it shares.
   * Default: on a thread of its own (modules that are objects of this process: inline).
   */
  readonly thread?: string | undefined;
  /** The runtime whose thread it lives on; needs the name of the thread. */
  readonly runtime?: Runtime | undefined;
  /** Its name in errors. Default: that of the module. */
  readonly alias?: string | undefined;
  /**
   * Inputs and outputs that `ctx` has in `init`. Default: of built-in modules those that they have when nothing is connected to
   * their outputs; of others none.
   */
  readonly inputs?: readonly number[] | undefined;
  readonly outputs?: readonly number[] | undefined;
  /** Is told what the module says outside of graphs. Default: warnings are in the report of the next graph. */
  readonly onLog?: LogListener | undefined;
}

const ids = v.pipe(v.array(integer({ min: 0, max: 1023 })), v.readonly());
const parametersSchema: Schema<WarmParameters> = strictOptions({
  thread: v.optional(text("'inline' or the name of a thread")),
  runtime: v.optional(v.instance(Runtime, 'must be a Runtime')),
  alias: v.optional(text('a name')),
  inputs: v.optional(ids),
  outputs: v.optional(ids),
  onLog: v.optional(callable<LogListener>()),
});

/**
 * A module that is initialised now and used by one graph after the other (BMF's `create_module` and `pre_module`): loading and
 * `init()` happen once, and `reset()` is called between two graphs. It is in one graph at a time, on its own thread.
 * @param source Name of a built-in or registered module, path or URL of a file, or a module of this process.
 * @returns at once: `await warm.ready` waits for its `init` and rejects with what it threw. So does the graph that uses it.
 * @throws ConfigError with everything that is wrong.
 * @example
 * const warm = createModule('./detect.mjs', { model: 'large.onnx' });
 * for (const path of paths) {
 *   const graph = new Graph();
 *   graph.decode({ input_path: path }).video.module(warm).encode(null, { output_path: `${path}.out.mp4` });
 *   await graph.run();
 * }
 * await warm.close();
 */
export function createModule<const M extends ModuleSource>(
  source: M,
  options?: ModuleOptions<M>,
  parameters: WarmParameters = {},
): WarmModule {
  const module = moduleReference(source);
  const {
    thread,
    runtime,
    alias = module.name,
    inputs,
    outputs,
    onLog,
  } = checked(parametersSchema, parameters, 'parameters of createModule');
  const own = copyOptions(options ?? {}, module, module.name);
  const ports = portsOfAlone(module, own);
  const spec = { module, alias, options: own, inputs: inputs ?? ports.inputs, outputs: outputs ?? ports.outputs };
  const problems = [...checkModule(module, 'module')];
  if (problems.length === 0)
    problems.push(
      ...moduleOptionProblems(module, own, 'option', { inputs: [...spec.inputs], outputs: [...spec.outputs] }),
    );
  problems.push(...placeProblems(module.definition !== undefined, thread, runtime));
  if (module.graph !== undefined)
    problems.push({ path: 'module', message: 'is a sub-graph, which is several modules' });
  const { resolved, problems: wrong } = resolveGraphOptions({});
  problems.push(...wrong);
  if (!resolved || problems.length > 0) throw new ConfigError(`warm module "${alias}" cannot be made`, problems);
  const { spin, stopGrace } = resolved.options;
  const isInline = thread === 'inline' || module.definition !== undefined;
  const home = () => {
    if (runtime !== undefined) return { thread: runtime.threadCalled(thread!), release: () => Promise.resolve() };
    if (thread !== undefined) return leaseThread(thread, spin);
    const started = startThread(spin);
    return { thread: started, release: () => started.terminate() };
  };
  return new WarmModule(spec, isInline ? undefined : home, onLog, stopGrace);
}

function* placeProblems(
  isObject: boolean,
  thread: string | undefined,
  runtime: Runtime | undefined,
): Generator<Problem> {
  if (isObject && (runtime !== undefined || (thread !== undefined && thread !== 'inline'))) {
    yield {
      path: 'thread',
      message: 'a module of this process cannot leave its thread',
      hint: 'Give its file: { path, entry }',
    };
  } else if (runtime !== undefined && (thread === undefined || thread === 'inline')) {
    yield { path: 'thread', message: 'is needed: the name of a thread of the runtime' };
  }
}
