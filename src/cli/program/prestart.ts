/** Starts the threads a command will use while the command itself is still being loaded. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { endEarly, startEarly } from '../../scheduler/threads/prestart.js';
import { entryAt } from '../entry.js';

/** Runs a command meanwhile; those threads that its graph did not take have gone when this settles. */
export async function withThreads<T>(count: number, command: () => Promise<T>): Promise<T> {
  startEarly(count);
  try {
    return await command();
  } finally {
    await endEarly();
  }
}

/**
 * Threads that a graph with so many nodes will use, as far as that can be told before it is made: 2 at most, which have
 * begun what takes long, and 1 on two cores, where most graphs get no more. None if settings from outside may decide.
 */
function likelyThreads(threads: unknown, nodes: number): number {
  const { MILLRACE_THREADS, MILLRACE_CONFIG } = process.env;
  if (threads === undefined && (MILLRACE_THREADS || MILLRACE_CONFIG)) return 0;
  const count = threads === undefined || threads === 'auto' ? availableParallelism() / 2 : Number(threads);
  return count > 0 ? Math.min(Math.ceil(count), nodes, 2) : 0;
}

/** Files of so many bytes may be over before a thread has started: what is in them is looked at first (`isBrief`). */
const SMALL = 256 * 1024;

/** The same of a transcode. */
export function threadsToTranscode(inputs: readonly string[], threads: unknown): number {
  const isSmall = (input: string): boolean => (entryAt(input)?.size ?? SMALL + 1) <= SMALL;
  return threads === undefined && inputs.every(isSmall) ? 0 : likelyThreads(threads, 2);
}

/** The same of a graph file. None for one that cannot be read: what is wrong with it is told when it is checked. */
export function likelyThreadsOf(file: string): number {
  let graph: { option?: { threads?: unknown; scheduler_count?: unknown }; nodes?: unknown } | null;
  try {
    graph = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
  if (!Array.isArray(graph?.nodes)) return 0;
  return likelyThreads(graph.option?.threads ?? graph.option?.scheduler_count, graph.nodes.length);
}
