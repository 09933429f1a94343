/**
 * What reads module files that Node cannot read itself, above all TypeScript on Node 20: packages and files that are
 * imported in the thread before the first such module is. Node's own `--import` does not reach threads that exist already,
 * and tsx does not hand itself to the threads of a process; what registers it within a thread is its API.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../errors/errors.js';
import { createRequire } from '../errors/node-require.js';
import { messageOf } from '../errors/wire.js';

/** Of the errors of `import()` for which a loader may be the cure. */
const CURABLE = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_MODULE_NOT_FOUND',
]);

let isOwn = false;
/** What has been loaded in this thread, by what it was asked for as. */
const loaded = new Map<string, Promise<void>>();

/** This thread runs nothing of the application's but modules: loaders concern nobody else. */
export function ownThread(): void {
  isOwn = true;
}

/** Whether loaders come before the first attempt. The application's own thread may have some, and is left as it is if it can. */
export function loadersComeFirst(): boolean {
  return isOwn;
}

export function mayBeCured(cause: unknown): boolean {
  const { code, name } = (cause ?? {}) as { code?: unknown; name?: unknown };
  return name === 'SyntaxError' || CURABLE.has(String(code));
}

/**
 * Loads them in this thread, one after the other, each once.
 * @param file The module file for which they are: packages are looked for from there on, then from the current directory.
 * @throws MillraceError ERR_MILLRACE_MODULE_LOAD for one that cannot be loaded.
 */
export async function useLoaders(loaders: readonly string[], file: string): Promise<void> {
  for (const name of loaders) {
    let loading = loaded.get(name);
    if (loading === undefined) {
      loading = load(name, file);
      loaded.set(name, loading);
      loading.catch(() => loaded.delete(name));
    }
    await loading;
  }
}

/** The same at once, of those that can be, and for files that are required: for calls that block, and sub-graphs. */
export function useLoadersNow(loaders: readonly string[], file: string): void {
  if (!loaders.includes('tsx')) return;
  try {
    registerNow(file);
  } catch (cause) {
    throw refusal('tsx', file, cause);
  }
}

async function load(name: string, file: string): Promise<void> {
  try {
    if (name === 'tsx') {
      registerNow(file);
      const api = (await import(found('tsx/esm/api', file))) as { register(): unknown };
      api.register();
    } else await import(isPath(name) ? urlOf(name) : found(name, file));
  } catch (cause) {
    throw refusal(name, file, cause);
  }
}

let isRegistered = false;

/** tsx for what is required. */
function registerNow(file: string): void {
  if (isRegistered) return;
  const api = createRequire(file)(requirable('tsx/cjs/api', file)) as { register(): unknown };
  api.register();
  isRegistered = true;
}

function isPath(name: string): boolean {
  return /^(\.{0,2}[/\\]|file:|[A-Za-z]:[/\\])/.test(name);
}

function urlOf(name: string): string {
  return name.startsWith('file:') ? name : pathToFileURL(resolve(name)).href;
}

/** @throws what Node says if there is no such package. */
function requirable(name: string, file: string): string {
  try {
    return createRequire(file).resolve(name);
  } catch {
    return createRequire(resolve('package.json')).resolve(name);
  }
}

/**
 * The URL of what `import` of a package from the module file would find, or else from the current directory: Node tells that
 * to nobody but the file itself.
 * @throws what Node says if there is no such package.
 */
function found(name: string, file: string): string {
  const [packageName = name, path = ''] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(name)?.slice(1) ?? [];
  for (const from of [file, resolve('package.json')]) {
    for (const folder of createRequire(from).resolve.paths(name) ?? []) {
      const at = join(folder, packageName);
      if (!existsSync(join(at, 'package.json'))) continue;
      const target = exportOf(JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')), `.${path}`);
      if (target !== undefined) return pathToFileURL(join(at, target)).href;
    }
  }
  return pathToFileURL(requirable(name, file)).href;
}

/** What a package has for `import` under that name, if it says so in its `exports`. */
function exportOf({ exports }: { exports?: unknown }, path: string): string | undefined {
  const isMap =
    typeof exports === 'object' && exports !== null && Object.keys(exports).some((key) => key.startsWith('.'));
  return targetOf(isMap ? (exports as Record<string, unknown>)[path] : path === '.' ? exports : undefined);
}

function targetOf(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (typeof target !== 'object' || target === null) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    const chosen = ['import', 'node', 'module-sync', 'default'].includes(condition) ? targetOf(inner) : undefined;
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}

function refusal(name: string, file: string, cause: unknown): MillraceError {
  const what = `the loader '${name}' of module file ${file} cannot be loaded: ${messageOf(cause).split('\n')[0]}`;
  const hint = isPath(name) ? 'Paths start at the current directory' : `Install it: npm install --save-dev ${name}`;
  return new MillraceError('ERR_MILLRACE_MODULE_LOAD', what, { cause, hint });
}
