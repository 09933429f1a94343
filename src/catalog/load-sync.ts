/**
 * Modules without waiting, for calls that block on their own thread. Built-in modules are imported here, because an
 * import() is always asynchronous; files are required, which Node can do with ES modules from 20.19 on.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import decoder from '../../actors/decoder/index.js';
import encoder from '../../actors/encoder/index.js';
import filter from '../../actors/filter/index.js';
import assemble from '../../actors/flow/assemble.js';
import nullSink from '../../actors/flow/null-sink.js';
import passThrough from '../../actors/flow/pass-through.js';
import split from '../../actors/flow/split.js';
import clock from '../../actors/join/clock.js';
import merge from '../../actors/join/merge.js';
import mux from '../../actors/join/mux.js';
import timestamper from '../../actors/join/timestamper.js';
import type { Module, ModuleClass } from '../module/contract.js';
import type { ModuleRef } from '../module/ref.js';
import { findBuiltin } from './builtin.js';
import { cannotImport, loadModule, moduleAmong } from './load.js';

const builtins: Readonly<Record<string, unknown>> = {
  assemble,
  clock,
  c_ffmpeg_decoder: decoder,
  c_ffmpeg_encoder: encoder,
  c_ffmpeg_filter: filter,
  merge,
  mux,
  null_sink: nullSink,
  pass_through: passThrough,
  split,
  timestamper,
};

/** The module at once where that is possible, else a promise of it. @throws MillraceError as `loadModule` */
export function loadNow(ref: ModuleRef): Module | ModuleClass | Promise<Module | ModuleClass> {
  if (ref.definition !== undefined) return ref.definition;
  if (ref.path === undefined) {
    const known = builtins[findBuiltin(ref.name)?.name ?? ''];
    return known === undefined ? loadModule(ref) : (known as ModuleClass);
  }
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
