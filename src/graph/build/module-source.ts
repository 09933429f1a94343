/** Where a module comes from, and the options that belong to it. */
import {
  definitionReference,
  fileReference,
  findModule,
  isModuleFile,
  looksLikePath,
  type ModuleDefinition,
  type ModuleFile,
} from '../../catalog/registry.js';
import { ConfigError, MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { messageOf } from '../../errors/wire.js';
import { requirePlain } from '../../media/wire/value.js';
import type { Module, ModuleClass } from '../../module/contract.js';
import { GraphTemplate } from '../../module/graph-template.js';
import type { ModuleRef } from '../../module/ref.js';
import { WarmModule } from '../../scheduler/warm/warm-module.js';
import { withoutUrls } from '../options/urls.js';
import type { BuiltinModuleOptions } from './module-options.js';
import { splitInput } from './program/input.js';

/**
 * A module by name (built-in or registered), by path or URL of its file (`entry` names the export), or as an object or
 * class of this process, which runs on the calling thread; a sub-graph (`defineGraph`), by itself, its name or its
 * file; or a warm module (`createModule`).
 */
export type ModuleSource =
  | string
  | URL
  | (ModuleFile & { readonly name?: string | undefined })
  | ModuleDefinition
  | GraphTemplate<object>
  | WarmModule;

/** The options that belong to a module source: typed for built-in modules and for modules that declare theirs. */
export type ModuleOptions<M> = M extends string
  ? M extends keyof BuiltinModuleOptions
    ? BuiltinModuleOptions[M]
    : Readonly<Record<string, unknown>>
  : M extends WarmModule
    ? Readonly<Record<string, never>>
    : M extends URL | ModuleFile
      ? Readonly<Record<string, unknown>>
      : M extends GraphTemplate<infer Options>
        ? Partial<Options>
        : M extends ModuleClass<infer Options> | Module<infer Options>
          ? Partial<Options>
          : never;

/** The reference of a module source. A name nobody knows is kept: the graph's validation reports it with the rest. */
export function moduleReference(source: ModuleSource): ModuleRef {
  if (typeof source === 'string') {
    if (source === '') throw new MillraceError('ERR_MILLRACE_CONFIG', 'the name of a module is empty');
    if (looksLikePath(source)) return fileReference({ path: source });
    return findModule(source) ?? { name: source };
  }
  if (source instanceof URL) return fileReference({ path: source });
  if (source instanceof WarmModule) return source.spec.module;
  if (source instanceof GraphTemplate) return { name: source.name, graph: source };
  if (isModuleFile(source)) return fileReference(source, 'name' in source ? source.name : undefined);
  if ((typeof source === 'object' && source !== null) || typeof source === 'function')
    return definitionReference(source);
  throw new MillraceError('ERR_MILLRACE_CONFIG', `${describeValue(source)} is no module`, {
    hint: 'Give a name, a path, a URL, { path, entry }, or a module of this process',
  });
}

/** Which option a name alone may have been meant as. */
function hintFor(options: unknown, { name }: ModuleRef): { hint?: string } {
  const option = /^(c_)?ffmpeg_decoder$/.test(name)
    ? 'input_path'
    : /^(c_)?ffmpeg_encoder$/.test(name)
      ? 'output_path'
      : undefined;
  return typeof options !== 'string' || option === undefined ? {} : { hint: `Write { ${option}: '${options}' }` };
}

/** A private copy of a node's options, without keys that are undefined. Options cross threads, so they are plain data. */
export function copyOptions(options: unknown, module: ModuleRef, path: string): Record<string, unknown> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(`wrong options of ${path}`, [
      { path, message: `must be an object, not ${describeValue(options)}`, ...hintFor(options, module) },
    ]);
  }
  // A module of this process stays in its thread and may be given anything.
  if (module.definition || module.graph) return { ...options };
  const { rest, own } = splitInput(options, module);
  try {
    const plain = withoutUrls(rest);
    requirePlain(plain, 'option', OPTION_LIMITS);
    return { ...(withoutUndefined(structuredClone(plain)) as Record<string, unknown>), ...own };
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
