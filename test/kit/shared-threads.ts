/**
 * Threads that the graphs of a test file share, and those of the files before it in the same process: starting one takes
 * longer than most graphs. Files whose subject is how threads start and end do without, and so do tests that end one.
 */
import { fileURLToPath } from 'node:url';
import { Graph, type GraphOptionsInput, Runtime } from 'millrace';

const FILE = fileURLToPath(new URL('../fixtures/modules/plain.mjs', import.meta.url));

/** By the number of threads that have no names. */
const runtimes = new Map<number, Runtime>();

/**
 * Starts so many threads, and those of the names. Those of an earlier file that has ended one are replaced.
 * @returns what makes graphs on them; all of them, unless it is told otherwise.
 */
export async function sharedThreads(
  count: number,
  names: readonly string[] = [],
): Promise<(options?: GraphOptionsInput) => Graph> {
  const runtime = runtimes.get(count) ?? new Runtime({ threads: count });
  runtimes.set(count, runtime);
  // They are there before any test looks for threads that are left behind.
  const graph = new Graph({ runtime });
  const places = [
    ...Array.from({ length: count }, (_, scheduler) => ({ scheduler })),
    ...names.map((thread) => ({ thread })),
  ];
  for (const place of places)
    graph.module({ name: 'first', path: FILE, entry: 'Scatter' }, { count: 1, outputs: 1 }, place);
  await graph.run();
  return (options) => new Graph({ ...options, runtime });
}
