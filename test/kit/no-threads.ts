/** A system that allows no more threads, made up: what Node throws then, when the worker is made. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Worker } from 'node:worker_threads';

const threads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };
const Original = threads.Worker;

/** The thread that hears FFmpeg's log is one for the whole process, and stays. */
const isLog = (file: string | URL): boolean => String(file).endsWith('ffmpeg-log.js');

/** Workers that were made and have not exited. */
export const alive = new Set<Worker>();

/** Allows so many more threads from now on. */
export function allowThreads(count: number): void {
  let left = count;
  threads.Worker = class extends Original {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      const counts = !isLog(args[0]);
      if (counts && left-- <= 0) {
        const error = new Error('Worker initialization failure: EAGAIN');
        throw Object.assign(error, { code: 'ERR_WORKER_INIT_FAILED' });
      }
      super(...args);
      if (!counts) return;
      alive.add(this);
      this.once('exit', () => alive.delete(this));
    }
  };
  syncBuiltinESMExports();
}

/** Handles that keep the process alive for a time. */
export function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}
