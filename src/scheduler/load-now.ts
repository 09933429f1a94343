/**
 * Modules without waiting, for calls that block on their own thread. Built-in modules are imported here, because an
 * import() is always asynchronous; files are required, which Node can do with ES modules from 20.19 on.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import assemble from '../../actors/assemble.js';
import clock from '../../actors/clock.js';
import decoder from '../../actors/decoder/index.js';
import encoder from '../../actors/encoder/index.js';
import filter from '../../actors/filter/index.js';
import merge from '../../actors/merge/index.js';
import mux from '../../actors/mux.js';
import nullSink from '../../actors/null-sink.js';
import passThrough from '../../actors/pass-through.js';
import split from '../../actors/split.js';
import timestamper from '../../actors/timestamper.js';
import type { Module, ModuleClass } from '../module/contract.js';
import type { ModuleRef } from '../module/ref.js';
import { findBuiltin } from '../modules.js';
import { isModule, loadModule } from '../thread/load.js';

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

const require = createRequire(import.meta.url);

/** The module at once where that is possible, else a promise of it. @throws MillraceError as `loadModule` */
export function loadNow(ref: ModuleRef): Module | ModuleClass | Promise<Module | ModuleClass> {
  if (ref.definition !== undefined) return ref.definition;
  if (ref.path === undefined) {
    const known = builtins[findBuiltin(ref.name)?.name ?? ''];
    return known === undefined ? loadModule(ref) : (known as ModuleClass);
  }
  const file = ref.path.startsWith('file:') ? fileURLToPath(ref.path) : ref.path;
  try {
    const found: unknown = (require(file) as Record<string, unknown>)[ref.entry ?? 'default'];
    if (isModule(found)) return found;
  } catch {
    // A file with top-level await, or one that fails: import() says what is wrong with it, or waits for it.
  }
  return loadModule(ref);
}
