/** What `module()` takes: where the module comes from, its options, the node's parameters. */
import * as v from 'valibot';
import {
  definitionReference,
  fileReference,
  findModule,
  isModuleFile,
  looksLikePath,
  type ModuleDefinition,
  type ModuleFile,
} from '../../catalog/registry.js';
import { ConfigError, MillraceError, type Problem } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import { requirePlain } from '../../media/wire/value.js';
import type { InputManagerSpec, Module, ModuleClass } from '../../module/contract.js';
import { MAX_COPIES } from '../../scheduler/plan/parallel-copies.js';
import type { ModuleRef, NodeSpec } from '../../scheduler/plan/spec.js';
import { problemsFrom } from '../../schema/problems.js';
import { callable, integer, parsed, type Schema, show, strictOptions, text } from '../../schema/schema.js';
import { inputManagerSchema } from '../options/input-manager.js';
import { MAX_THREADS } from '../options/options.js';
import { withoutUrls } from '../options/urls.js';
import type { BuiltinModuleOptions } from './module-options.js';
import type { Stream } from './stream.js';

/**
 * A module by name (built-in or registered), by path or URL of its file (`entry` names the export), or as an object or
 * class of this process, which runs on the calling thread.
 */
export type ModuleSource = string | URL | (ModuleFile & { readonly name?: string | undefined }) | ModuleDefinition;

/** The options that belong to a module source: typed for built-in modules and for modules that declare theirs. */
export type ModuleOptions<M> = M extends string
  ? M extends keyof BuiltinModuleOptions
    ? BuiltinModuleOptions[M]
    : Readonly<Record<string, unknown>>
  : M extends URL | ModuleFile
    ? Readonly<Record<string, unknown>>
    : M extends ModuleClass<infer Options> | Module<infer Options>
      ? Partial<Options>
      : never;

/** Parameters of a node; docs/options.md has them in a table. */
export interface NodeParameters {
  /** Streams for inputs 0, 1, …; `null` leaves one unconnected. */
  readonly inputs?: readonly (Stream | null)[] | undefined;
  /** Name of the node in errors, statistics and drawings; unique in its graph. Default `<module>_<id>`. */
  readonly alias?: string | undefined;
  /** Index of the thread the node runs on. Default: placed automatically. */
  readonly scheduler?: number | undefined;
  /** Name of a thread; nodes with the same name share it. Not together with `scheduler`. */
  readonly thread?: string | undefined;
  /** How packets of several inputs are put together. Default: what the module asks for, else `immediate`. */
  readonly inputManager?: InputManagerSpec | undefined;
  /** Packets that may wait on each input. Default: the graph's `queue_length_limit`. */
  readonly queueLimit?: number | undefined;
  /**
   * Parallel copies of the node, each on a thread of its own; the order of the packets is kept. For modules with one input and
   * one output that treat every packet alike. Default 1.
   */
  readonly distNums?: number | undefined;
  /** Answers `ctx.callback(key, value)` of the module, on the calling thread. */
  readonly callback?: ((key: string | number, value: unknown) => unknown) | undefined;
}

/** Schemas of node parameters that graph files have too. */
export const nodeSchemas = {
  scheduler: integer({ min: 0, max: MAX_THREADS - 1 }),
  thread: text('the name of a thread'),
  queueLimit: integer({ min: 1, max: 1e6 }),
  inputManager: inputManagerSchema,
  distNums: integer({ min: 1, max: MAX_COPIES }),
};

const streams: Schema<readonly (Stream | null)[]> = parsed(
  'a list of streams (null for an unconnected input)',
  (value) => (Array.isArray(value) ? value : undefined),
);

const parametersSchema = v.pipe(
  strictOptions({
    inputs: v.optional(streams),
    alias: v.optional(text('a name')),
    scheduler: v.optional(nodeSchemas.scheduler),
    thread: v.optional(nodeSchemas.thread),
    inputManager: v.optional(nodeSchemas.inputManager),
    queueLimit: v.optional(nodeSchemas.queueLimit),
    distNums: v.optional(nodeSchemas.distNums),
    callback: v.optional(callable<NonNullable<NodeSpec['callback']>>()),
  }),
  v.check(
    ({ scheduler, thread }) => scheduler === undefined || thread === undefined,
    'scheduler and thread contradict each other: give one of them',
  ),
);

export type CheckedParameters = v.InferOutput<typeof parametersSchema>;

/**
 * Checks the parameters of a new node.
 * @throws ConfigError naming everything that is wrong.
 */
export function checkParameters(parameters: unknown, what: string): CheckedParameters {
  const result = v.safeParse(parametersSchema, parameters);
  if (result.success) return result.output;
  throw new ConfigError(`wrong parameters of ${what}`, problemsFrom('', result.issues).map(named));
}

function named(problem: Problem): Problem {
  return problem.path === '' ? { ...problem, path: 'parameters' } : problem;
}

/** The reference of a module source. A name nobody knows is kept: the graph's validation reports it with the rest. */
export function moduleReference(source: ModuleSource): ModuleRef {
  if (typeof source === 'string') {
    if (source === '') throw new MillraceError('ERR_MILLRACE_CONFIG', 'the name of a module is empty');
    if (looksLikePath(source)) return fileReference({ path: source });
    return findModule(source) ?? { name: source };
  }
  if (source instanceof URL) return fileReference({ path: source });
  if (isModuleFile(source)) return fileReference(source, 'name' in source ? source.name : undefined);
  if ((typeof source === 'object' && source !== null) || typeof source === 'function')
    return definitionReference(source);
  throw new MillraceError('ERR_MILLRACE_CONFIG', `${show(source)} is no module`, {
    hint: 'Give a name, a path, a URL, { path, entry }, or a module of this process',
  });
}

/** A private copy of a node's options, without keys that are undefined. Options cross threads, so they are plain data. */
export function copyOptions(options: unknown, module: ModuleRef, path: string): Record<string, unknown> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(`wrong options of ${path}`, [{ path, message: `must be an object, not ${show(options)}` }]);
  }
  // A module of this process stays in its thread and may be given anything.
  if (module.definition) return { ...options };
  try {
    const plain = withoutUrls(options);
    requirePlain(plain, 'option', OPTION_LIMITS);
    return withoutUndefined(structuredClone(plain)) as Record<string, unknown>;
  } catch (cause) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `options of ${path} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** Of options, which travel as messages do. */
const OPTION_LIMITS = { levels: 500, isMessage: true };

/** Changes the value, which is a copy of ours. */
function withoutUndefined(value: unknown, seen = new Set<object>()): unknown {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  if (Array.isArray(value)) for (const item of value) withoutUndefined(item, seen);
  else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) Reflect.deleteProperty(value, key);
      else withoutUndefined(item, seen);
    }
  }
  return value;
}
