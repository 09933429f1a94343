/** From a module's name or file to an object that can be run, in the thread that will run it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import FusedFilters from '../../actors/filter/fused/fused-filters.js';
import { MillraceError } from '../errors/errors.js';
import { createRequire } from '../errors/node-require.js';
import { messageOf } from '../errors/wire.js';
import type { Module, ModuleClass } from '../module/contract.js';
import { GraphTemplate } from '../module/graph-template.js';
import type { ModuleRef } from '../module/ref.js';
import { loadBuiltin } from './builtin.js';

/** @throws MillraceError ERR_MILLRACE_MODULE_LOAD naming the file, the export and what is there instead. */
export async function loadModule(ref: ModuleRef): Promise<Module | ModuleClass> {
  if (ref.definition !== undefined) return ref.definition;
  if (ref.path === undefined) return loadBuiltin(ref.name);
  const url = ref.path.startsWith('file:') ? ref.path : pathToFileURL(ref.path).href;
  let exports: Record<string, unknown>;
  try {
    exports = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw cannotImport(ref, cause);
  }
  return moduleAmong(exports, ref);
}

/**
 * The module at once where that is possible, else a promise of it: for calls that block on their own thread. Files are
 * required, which Node can do with ES modules from 20.19 on.
 * @throws MillraceError as `loadModule`
 */
export function loadNow(ref: ModuleRef): Module | ModuleClass | Promise<Module | ModuleClass> {
  if (ref.definition !== undefined) return ref.definition;
  if (ref.path === undefined) return loadBuiltin(ref.name);
  const exports = requireFile(ref.path, (cause, file) => {
    // Files with top-level await, and other languages' files, whose loaders may know import() alone.
    if (!/\.[cm]?js$/.test(file) || isAsync(cause)) return undefined;
    throw cannotImport(ref, cause);
  });
  return exports === undefined ? loadModule(ref) : moduleAmong(exports, ref);
}

/** What a file exports, as `import()` calls it; undefined if it cannot be required and that is no failure. */
function requireFile(
  path: string,
  failed: (cause: unknown, file: string) => undefined,
): Record<string, unknown> | undefined {
  const file = path.startsWith('file:') ? fileURLToPath(path) : path;
  try {
    const exports = createRequire(file)(file) as Record<string, unknown>;
    // What import() calls the default of a CommonJS file is all of its exports.
    return Object.hasOwn(exports, 'default') ? exports : { ...exports, default: exports };
  } catch (cause) {
    return failed(cause, file);
  }
}

function isAsync(cause: unknown): boolean {
  return (cause as { code?: unknown } | null)?.code === 'ERR_REQUIRE_ASYNC_MODULE';
}

/**
 * The sub-graph that a file exports, on this thread and at once: it is built with the graph. A file in which the word
 * `defineGraph` does not stand is not loaded: it is a module, whose thread loads it.
 * @throws MillraceError ERR_MILLRACE_MODULE_LOAD for such a file that cannot be loaded.
 */
export function templateIn(ref: ModuleRef): GraphTemplate<object> | undefined {
  if (ref.graph !== undefined || ref.path === undefined) return ref.graph;
  const file = ref.path.startsWith('file:') ? fileURLToPath(ref.path) : ref.path;
  if (!mentionsGraphs(file)) return undefined;
  const exports = requireFile(file, (cause) => {
    if (!isAsync(cause)) throw cannotImport(ref, cause);
    throw new MillraceError('ERR_MILLRACE_MODULE_LOAD', `the sub-graph in ${file} cannot be loaded at once`, {
      cause,
      hint: 'The file has a top-level await: import it yourself, and give what it exports',
    });
  });
  const found = exports?.[ref.entry ?? 'default'];
  return found instanceof GraphTemplate ? found : undefined;
}

function mentionsGraphs(file: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes('defineGraph');
  } catch {
    return false; // A file that is missing or cannot be read is reported with the rest of the graph.
  }
}

function cannotImport(ref: ModuleRef, cause: unknown): MillraceError {
  const why = messageOf(cause);
  return new MillraceError('ERR_MILLRACE_MODULE_LOAD', `module file ${ref.path} cannot be imported: ${why}`, { cause });
}

/** The module among what its file exports. @throws MillraceError ERR_MILLRACE_MODULE_LOAD */
function moduleAmong(exports: Record<string, unknown>, ref: ModuleRef): Module | ModuleClass {
  const entry = ref.entry ?? 'default';
  const found = exports[entry];
  if (isModule(found)) return found;
  if (found instanceof GraphTemplate) {
    throw new MillraceError(
      'ERR_MILLRACE_MODULE_LOAD',
      `the export '${entry}' of module file ${ref.path} is a sub-graph that was taken for a module`,
      { hint: 'Write defineGraph in that file itself, or import it and give graph.module(…) what it exports' },
    );
  }
  const names = Object.keys(exports).join(', ') || 'nothing';
  if (found !== undefined) {
    throw new MillraceError(
      'ERR_MILLRACE_MODULE_LOAD',
      `the export '${entry}' of module file ${ref.path} has no method process(task)`,
      {
        hint: `A module is an object with a process method (defineModule), or a class with one. The file exports ${names}`,
      },
    );
  }
  throw new MillraceError(
    'ERR_MILLRACE_MODULE_LOAD',
    `module file ${ref.path} has no module as its export '${entry}'; it exports ${names}`,
    { hint: 'A module is an object with a process method (defineModule), or a class with one' },
  );
}

/** The module of a node, or the one that runs a chain of filter nodes. */
export async function loadNode(node: { module: ModuleRef; chain?: unknown }): Promise<Module | ModuleClass> {
  return node.chain === undefined ? loadModule(node.module) : (FusedFilters as unknown as ModuleClass);
}

export function isModule(value: unknown): value is Module | ModuleClass {
  if (typeof value === 'function') return typeof (value.prototype as Module | undefined)?.process === 'function';
  return typeof value === 'object' && value !== null && typeof (value as Module).process === 'function';
}

/** Every node has an object of its own: an instance of the class, or one that inherits from the definition. */
export function instantiate(loaded: Module | ModuleClass): Module {
  return typeof loaded === 'function' ? new loaded() : (Object.create(loaded) as Module);
}
