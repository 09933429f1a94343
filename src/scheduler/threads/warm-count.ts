/** How many threads are kept though nothing is on them (warm-threads.ts), for those who look for threads left behind. */
let count = (): number => 0;

export function countIdleBy(counter: () => number): void {
  count = counter;
}

export function idleThreads(): number {
  return count();
}
