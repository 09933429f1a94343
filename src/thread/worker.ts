/**
 * Entry of a worker thread, the Piscina task. Piscina loads it by `require` where it can, users' modules import the
 * package: under loaders that translate required files (tsx) these are two copies of everything. So this file holds
 * nothing but the way to the one copy that everybody imports.
 *
 * The task returns when the thread is ready: a task that stayed would keep the process alive.
 */
import type { BootData } from './protocol.js';

export default async function start(data: BootData): Promise<void> {
  const { boot } = await import('./boot.js');
  boot(data);
}
