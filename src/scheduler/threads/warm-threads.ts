/**
 * Threads that the called modules of this process share by name, without a runtime. One that nobody uses any more is kept
 * for a while: a program that makes a module, calls it and closes it, again and again under one name, would otherwise
 * start a thread each time, which takes longer than most calls.
 *
 * A thread that is kept holds nothing: the process ends without it, and as soon as more are kept than there are cores,
 * the one that has been idle longest is ended.
 */

import { clearTimeout, setTimeout, type Timer } from '../../../ringbuffer/clock.js';
import type { ThreadLease } from '../call/thread-backend.js';
import { startThread, type Thread } from './thread.js';
import { MAX_IDLE } from './thread-pool.js';
import { countIdleBy } from './warm-count.js';

/** Milliseconds that a thread is kept when nobody uses it any more, unless it is told otherwise. */
const IDLE_TIMEOUT = 10_000;
const named = new Map<string, Thread>();
/** Those that nobody uses, the one that has been idle longest first, and what ends them. */
const idle = new Map<Thread, Timer>();

/** Those of them that were told to end, until they have. */
const ending = new Set<Thread>();

countIdleBy(() => [...idle.keys(), ...ending].filter((thread) => !thread.exited).length);

/**
 * The thread of that name, started if there is none.
 * @param idleTimeout ms for which it is kept when its last module has gone; 0: it ends with that.
 * @throws as `startThread`
 */
export function leaseThread(name: string, spin: number, idleTimeout = IDLE_TIMEOUT): ThreadLease {
  let thread = named.get(name);
  if (thread === undefined || thread.ended) {
    if (thread !== undefined) void forget(name, thread);
    thread = startThread(spin);
    named.set(name, thread);
  }
  stayAwake(thread);
  const leased = thread;
  return { thread: leased, release: () => keep(name, leased, idleTimeout) };
}

/** It is used again, or ended. */
function stayAwake(thread: Thread): void {
  clearTimeout(idle.get(thread));
  idle.delete(thread);
}

/** A module has left the thread. Resolves when a thread that ends with it has gone. */
function keep(name: string, thread: Thread, idleTimeout: number): Promise<void> {
  if (!thread.idle) return Promise.resolve();
  if (thread.ended || idleTimeout === 0) return forget(name, thread);
  stayAwake(thread);
  const timer = setTimeout(() => void forget(name, thread), idleTimeout);
  timer.unref();
  idle.set(thread, timer);
  if (idle.size > MAX_IDLE) endOldest();
  return Promise.resolve();
}

function endOldest(): void {
  const [oldest] = idle.keys();
  for (const [name, thread] of named) if (thread === oldest) void forget(name, thread);
}

function forget(name: string, thread: Thread): Promise<void> {
  if (named.get(name) === thread) named.delete(name);
  if (idle.has(thread)) ending.add(thread);
  stayAwake(thread);
  return thread.terminate().finally(() => ending.delete(thread));
}
