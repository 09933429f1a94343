/**
 * Modules without waiting, for calls that block on their own thread: files are required, which Node can do with ES
 * modules from 20.19 on, because an import() is always asynchronous.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Module, ModuleClass } from '../module/contract.js';
import type { ModuleRef } from '../module/ref.js';
import { findBuiltin } from './builtin.js';
import { cannotImport, loadModule, moduleAmong } from './load.js';

/** The module at once where that is possible, else a promise of it. @throws MillraceError as `loadModule` */
export function loadNow(ref: ModuleRef): Module | ModuleClass | Promise<Module | ModuleClass> {
  if (ref.definition !== undefined) return ref.definition;
  if (ref.path === undefined) return (findBuiltin(ref.name)?.module as ModuleClass | undefined) ?? loadModule(ref);
  const file = ref.path.startsWith('file:') ? fileURLToPath(ref.path) : ref.path;
  let exports: Record<string, unknown>;
  try {
    exports = createRequire(file)(file) as Record<string, unknown>;
  } catch (cause) {
    // Files with top-level await, and other languages' files, whose loaders may know import() alone.
    const code = (cause as { code?: unknown } | null)?.code;
    if (!/\.[cm]?js$/.test(file) || code === 'ERR_REQUIRE_ASYNC_MODULE') return loadModule(ref);
    throw cannotImport(ref, cause);
  }
  // What import() calls the default of a CommonJS file is all of its exports.
  const whole = ref.entry === undefined && !Object.hasOwn(exports, 'default');
  return moduleAmong(whole ? { default: exports } : exports, ref);
}
