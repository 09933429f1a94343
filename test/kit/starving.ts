/** How long the threads of this process waited for a processor: what a time on a busy machine does not say by itself. */
import { readdirSync, readFileSync } from 'node:fs';

/** ms between two looks; what a thread that ends has waited since the last one is not known. */
const EVERY = 50;

/** ms of each thread; empty where the system does not tell. */
function delays(): Map<string, number> {
  const found = new Map<string, number>();
  if (process.platform !== 'linux') return found;
  for (const id of readdirSync('/proc/self/task')) {
    try {
      const [, delay] = readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8').split(' ');
      found.set(id, Number(delay) / 1e6);
    } catch {
      // It has ended.
    }
  }
  return found;
}

/** Until `end` is called, which has the sum of all threads in ms. */
export function starving(): { end(): number } {
  const first = delays();
  const last = new Map(first);
  const look = (): void => {
    for (const [id, delay] of delays()) last.set(id, delay);
  };
  const timer = setInterval(look, EVERY).unref();
  return {
    end: () => {
      clearInterval(timer);
      look();
      let sum = 0;
      for (const [id, delay] of last) sum += delay - (first.get(id) ?? 0);
      return sum;
    },
  };
}
