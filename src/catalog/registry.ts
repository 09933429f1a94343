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
import { moduleFolders, modulesOnPath, newest, splitName, toVersion, type Version } from './module-path.js';

/** A module that lives in a file: imported inside the thread that runs it. */
export interface ModuleFile {
  /** Path (relative to the current directory) or file: URL. */
  path: string | URL;
  /** Export name; `default` if absent. */
  entry?: string | undefined;
}

/** A module as an object or class of this process. It cannot leave its thread, so it runs on the calling one. */
export type ModuleDefinition = Module<object> | ModuleClass<object>;

interface Registered {
  readonly version: Version;
  readonly ref: ModuleRef;
}

/** By name, each version once. */
const registered = new Map<string, Registered[]>();

/**
 * Makes a module known by name, for `graph.module(name)` and for graph files.
 * @param source A file, which is imported in the thread of each node, an object or class of this process, which runs
 *   on the calling thread, or a sub-graph (`defineGraph`), also as a file.
 * @param options `version`: numbers and dots, '1.2.0'. A name may be registered in several versions: `name` is the newest of
 *   them, `name@1` the newest that begins with 1. The same version again takes the place of the one before.
 * @throws MillraceError ERR_MILLRACE_CONFIG for a name that is taken, a file that does not exist, or what is no version.
 */
export function registerModule(
  name: string,
  source: ModuleFile | ModuleDefinition | GraphTemplate<object>,
  options: { readonly version?: string | undefined } = {},
): void {
  if (typeof name !== 'string' || !/^[A-Za-z_][\w.-]*$/.test(name)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `'${String(name)}' cannot be the name of a module`, {
      hint: 'Names are made of letters, digits, _, - and ., and begin with a letter or _',
    });
  }
  if (findBuiltin(name)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `'${name}' is a built-in module`, { hint: 'Choose another name' });
  }
  const version = checkVersion(name, options);
  const ref = registration(name, source);
  const others = (registered.get(name) ?? []).filter((known) => known.version.join('.') !== version.join('.'));
  registered.set(name, [...others, { version, ref }]);
}

function checkVersion(name: string, options: { readonly version?: string | undefined }): Version {
  const isObject = typeof options === 'object' && options !== null;
  const unknown = isObject ? Object.keys(options).find((key) => key !== 'version') : undefined;
  const given = isObject ? options.version : undefined;
  const version = given === undefined ? [] : typeof given === 'string' ? toVersion(given) : undefined;
  if (isObject && unknown === undefined && version !== undefined) return version;
  const what =
    unknown === undefined
      ? `the version of '${name}' is ${describeValue(isObject ? given : options)}`
      : `'${unknown}' is no option`;
  throw new MillraceError('ERR_MILLRACE_CONFIG', `cannot register '${name}': ${what}`, {
    hint: "It is registered as registerModule(name, module, { version: '1.2.0' })",
  });
}

function registration(name: string, source: ModuleFile | ModuleDefinition | GraphTemplate<object>): ModuleRef {
  if (source instanceof GraphTemplate) return { name, graph: source };
  if (!isModuleFile(source)) return definitionReference(source, name);
  const path = absolutePath(source.path);
  const problem = missingFile(path);
  if (problem) throw new MillraceError('ERR_MILLRACE_CONFIG', `cannot register '${name}': ${problem}`);
  return { name, path, ...(source.entry && { entry: source.entry }) };
}

/** Names of the registered modules, and of those on the module path. */
function registeredNames(): string[] {
  return [...new Set([...registered.keys(), ...modulesOnPath().map(({ name }) => name)])];
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

/** With what reads its file in the thread that loads it. */
export function withLoader(module: ModuleRef, loader: readonly string[]): ModuleRef {
  return module.path === undefined || loader.length === 0 ? module : { ...module, loader };
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

/**
 * The reference of a module by its name, which may ask for a version (`name@1.2`): a built-in one, a registered one, one on the
 * module path; undefined for a name nobody knows.
 */
export function findModule(name: string): ModuleRef | undefined {
  const builtin = findBuiltin(name);
  if (builtin) return { name: builtin.name };
  const asked = splitName(name);
  if (asked === undefined) return undefined;
  const known = newest(registered.get(asked.base) ?? [], asked.wanted);
  if (known !== undefined) return { ...known.ref, name };
  const found = newest(
    modulesOnPath().filter((module) => module.name === asked.base),
    asked.wanted,
  );
  return found && { name, path: found.path };
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
  const versions = versionsOf(module.name);
  if (versions !== undefined) {
    return [
      { path: `${path}.name`, message: `there is no such version of '${module.name}'`, hint: `There are ${versions}` },
    ];
  }
  const unknown = unknownModule(module.name, registeredNames());
  const missing = moduleFolders().filter((folder) => !existsSync(folder));
  const hint =
    missing.length === 0
      ? unknown.hint
      : `${unknown.hint}. MILLRACE_MODULE_PATH names ${missing.join(', ')}, which is not there`;
  return [{ path: `${path}.name`, ...unknown, hint }];
}

/** The versions of a module of which another one is asked for. */
function versionsOf(name: string): string | undefined {
  const base = name.split('@')[0]!;
  if (base === name) return undefined;
  const known = registered.get(base) ?? modulesOnPath().filter((module) => module.name === base);
  if (known.length === 0) return undefined;
  return known.map(({ version }) => (version.length === 0 ? 'one without a version' : version.join('.'))).join(', ');
}
