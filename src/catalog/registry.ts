/** Where the modules of a graph come from: built-in names, registered names, files and objects of this process. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MillraceError, type Problem } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';
import type { Module, ModuleClass } from '../module/contract.js';
import { GraphTemplate } from '../module/graph-template.js';
import type { ModuleRef } from '../module/ref.js';
import { findBuiltin, unknownModule } from './builtin.js';
import { isModule } from './load.js';

/** A module that lives in a file: imported inside the thread that runs it. */
export interface ModuleFile {
  /** Path (relative to the current directory) or file: URL. */
  path: string | URL;
  /** Export name; `default` if absent. */
  entry?: string | undefined;
}

/** A module as an object or class of this process. It cannot leave its thread, so it runs on the calling one. */
export type ModuleDefinition = Module<object> | ModuleClass<object>;

const registered = new Map<string, ModuleRef>();

/**
 * Makes a module known by name, for `graph.module(name)` and for graph files.
 * @param source A file, which is imported in the thread of each node, an object or class of this process, which runs
 *   on the calling thread, or a sub-graph (`defineGraph`), also as a file.
 * @throws MillraceError ERR_MILLRACE_CONFIG for a name that is taken, or a file that does not exist.
 */
export function registerModule(name: string, source: ModuleFile | ModuleDefinition | GraphTemplate<object>): void {
  if (typeof name !== 'string' || !/^[A-Za-z_][\w.-]*$/.test(name)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `'${String(name)}' cannot be the name of a module`, {
      hint: 'Names are made of letters, digits, _, - and ., and begin with a letter or _',
    });
  }
  if (findBuiltin(name)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `'${name}' is a built-in module`, { hint: 'Choose another name' });
  }
  if (source instanceof GraphTemplate) {
    registered.set(name, { name, graph: source });
    return;
  }
  if (!isModuleFile(source)) {
    registered.set(name, definitionReference(source, name));
    return;
  }
  const path = absolutePath(source.path);
  const problem = missingFile(path);
  if (problem) throw new MillraceError('ERR_MILLRACE_CONFIG', `cannot register '${name}': ${problem}`);
  registered.set(name, { name, path, ...(source.entry && { entry: source.entry }) });
}

/** Names of the registered modules. */
function registeredNames(): Iterable<string> {
  return registered.keys();
}

export function isModuleFile(source: unknown): source is ModuleFile {
  if (typeof source !== 'object' || source === null) return false;
  return 'path' in source && (typeof source.path === 'string' || source.path instanceof URL);
}

/** Whether a string names a file rather than a module. */
export function looksLikePath(spec: string): boolean {
  return /^(\.{0,2}[/\\]|file:|[A-Za-z]:[/\\])/.test(spec) || /\.[cm]?[jt]s$/.test(spec);
}

function absolutePath(path: string | URL): string {
  if (path instanceof URL || path.startsWith('file:')) return fileURLToPath(path);
  return resolve(path);
}

function missingFile(path: string): string | undefined {
  return existsSync(path) ? undefined : `there is no module file ${path}`;
}

/** A module in a file, named after it unless it has a name. */
export function fileReference(file: ModuleFile, name?: string): ModuleRef {
  const path = absolutePath(file.path);
  const base = decodeURIComponent(pathToFileURL(path).pathname.split('/').at(-1) ?? path).replace(/\.[^.]*$/, '');
  return { name: name || base, path, ...(file.entry && { entry: file.entry }) };
}

/** A module that is an object or class of this process. */
export function definitionReference(definition: ModuleDefinition, name?: string): ModuleRef {
  const ownName = typeof definition === 'function' ? definition.name : '';
  if (!isModule(definition)) {
    const what = typeof definition === 'function' ? describeValue(definition) : 'the module';
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${name ? `'${name}': ` : ''}${what} has no method process(task)`, {
      hint: 'A module is an object with a process method (defineModule), or a class with one',
    });
  }
  // What its options look like is between the module and its schema.
  return { name: name || ownName || 'module', definition: definition as Module | ModuleClass };
}

/** The reference of a built-in or registered module; undefined for a name nobody knows. */
export function findModule(name: string): ModuleRef | undefined {
  const builtin = findBuiltin(name);
  return builtin ? { name: builtin.name } : registered.get(name);
}

/** Whether a reference is what its name stands for in this process, so that the name alone says it. */
export function isKnownByName(module: ModuleRef): boolean {
  const known = findModule(module.name);
  return (
    known !== undefined &&
    known.path === module.path &&
    known.entry === module.entry &&
    known.definition === module.definition &&
    known.graph === module.graph
  );
}

/** What is wrong with a reference, before anything is imported. */
export function checkModule(module: ModuleRef, path: string): Problem[] {
  if (module.definition || module.graph) return [];
  if (module.path !== undefined) {
    const problem = missingFile(module.path);
    return problem ? [{ path: `${path}.path`, message: problem }] : [];
  }
  if (module.name === '') return [{ path: `${path}.name`, message: 'is required' }];
  if (findModule(module.name)) return [];
  return [{ path: `${path}.name`, ...unknownModule(module.name, registeredNames()) }];
}
