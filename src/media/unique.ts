import { threadId } from 'node:worker_threads';

let count = 0;

/**
 * A name that nothing else in this process has, whichever thread or copy of the package made it. A UUID would be one as well, but
 * Node takes longer to load what makes them than to start a thread.
 */
export function uniqueName(prefix: string): string {
  count += 1;
  return `${prefix} ${threadId}.${count}.${Math.random().toString(36).slice(2)}`;
}
