/**
 * Entry of a worker thread, the Piscina task. Piscina loads it by `require` where it can, users' modules import the
 * package: under loaders that translate required files (tsx) these are two copies of everything. So this file holds
 * nothing but the way to the one copy that everybody imports.
 *
 * It also asks whether the thread is still wanted (boot-gate.ts), before anything that takes time is loaded.
 *
 * The task returns when the thread is ready: a task that stayed would keep the process alive.
 */
import './compile-cache.js';
import { passGate } from './boot-gate.js';
import type { BootData } from './protocol.js';

/** By this the file is known: own-file.ts. */
export const isThreadOfMillrace = true;

// Not the default export: of a required module that has one Node makes another module, and aborts the process if the thread is ended meanwhile.
export async function start(data: BootData): Promise<void> {
  if (!passGate(data.rest)) return;
  const { boot } = await import('./boot.js');
  boot(data);
}
