/**
 * Starts and ends the thread that hears FFmpeg's log (ffmpeg-log.ts). It needs nothing of node-av but the file of its binary, so that
 * a program which is about to use FFmpeg can have it started before it loads anything else.
 */
import { getEnvironmentData, isMainThread, setEnvironmentData, Worker } from 'node:worker_threads';
import type { Log } from 'node-av/lib';
import { createRequire } from '../../errors/node-require.js';
import { whyMissing } from '../../errors/own-file.js';
import { addonFile, nodeAvUrl } from '../native/node-av-place.js';
import { AT_MAGIC, BYTES, DEAF, HEARING, LOADED, MAGIC, STATE, STOP, STOPPED, TOKEN } from './memory.js';

const KEY = 'millrace:ffmpeg-log';
const THREAD = './ffmpeg-log.js';
/** Longest time in ms that the end waits for the thread to have loaded the addon: ending it meanwhile aborts the process. */
const LOAD_WITHIN = 5000;
/** The same for what it has still to hear. */
const STOP_WITHIN = 1000;

export interface LogThreadData {
  readonly memory: SharedArrayBuffer;
  /** File of the addon; undefined if that is not known. */
  readonly addon: string | undefined;
}

let memory: Int32Array | undefined;
/** The thread that hears, where it was started. */
let hearing: Worker | undefined;

/** What the process shares with the thread that hears; undefined if there is none. */
export function logMemory(): Int32Array | undefined {
  if (memory !== undefined) return memory;
  const buffer = getEnvironmentData(KEY);
  if (!(buffer instanceof SharedArrayBuffer)) return undefined;
  const found = new Int32Array(buffer);
  if (found[AT_MAGIC] === MAGIC) memory = found;
  return memory;
}

/**
 * Has FFmpeg's log heard from here on, for this process and the threads that it starts later. Without effect in a thread, where
 * FFmpeg writes to stderr by itself already (the thread that was started finds that out), and the second time.
 */
export function startLog(): void {
  if (!isMainThread || logMemory() !== undefined) return;
  // Without it errors lack FFmpeg's lines, and everything else is as it is.
  if (whyMissing(THREAD, import.meta.url) !== undefined) return;
  const buffer = new SharedArrayBuffer(BYTES);
  const made = new Int32Array(buffer);
  made[AT_MAGIC] = MAGIC;
  made[TOKEN] = Math.floor(Math.random() * 2 ** 31);
  setEnvironmentData(KEY, buffer);
  memory = made;
  const data: LogThreadData = { memory: buffer, addon: addonFile() };
  let thread: Worker;
  try {
    thread = new Worker(new URL(THREAD, import.meta.url), { workerData: data, execArgv: [] });
  } catch {
    // The system allows no more threads: who needs one for more than this says so, and the next start tries again.
    setEnvironmentData(KEY, undefined);
    memory = undefined;
    return;
  }
  hearing = thread;
  thread.unref();
  // Without it errors lack FFmpeg's lines, and everything else is as it was.
  thread.on('error', () => {
    deafen(made);
    Atomics.store(made, LOADED, 1);
  });
  process.on('exit', () => closeLog(made));
}

/** Number of the thread that hears, which is none of a graph, once this thread has started it. */
export function logThreadId(): number | undefined {
  return hearing?.threadId;
}

/** Nobody is to wait for the log any more. */
export function deafen(shared: Int32Array): void {
  Atomics.store(shared, STATE, DEAF);
  Atomics.notify(shared, STATE);
}

/**
 * Ends the hearing before the threads are ended: a line that reached a thread which is ending would abort the process.
 */
function closeLog(shared: Int32Array): void {
  // A thread that ends while it loads the addon aborts the process as well; it may do so though nobody hears it any more.
  Atomics.wait(shared, LOADED, 0, LOAD_WITHIN);
  const state = Atomics.exchange(shared, STATE, DEAF);
  Atomics.notify(shared, STATE);
  if (state === HEARING) resetCallback();
  Atomics.store(shared, STOP, 1);
  Atomics.notify(shared, STOP);
  if (state === HEARING) Atomics.wait(shared, STOPPED, 0, STOP_WITHIN);
}

/** By the binary alone: whatever else of node-av there is may not have been loaded here. */
function resetCallback(): void {
  const loaded = createRequire(nodeAvUrl)(addonFile() ?? 'node-av/lib') as { Log: typeof Log };
  loaded.Log.resetCallback();
}
