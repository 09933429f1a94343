/**
 * Graphs whose threads end in the middle of handing frames on by reference: aborted, by a throw, by process.exit in a
 * worker, at random moments. What a thread reads of one that is gone is a crash of the process; what nobody releases is
 * counted. The short form runs inside `npm test`, the long one ends 500 graphs and hands on a million frames:
 *
 *   npm run stress:reference
 */
import { fileURLToPath } from 'node:url';
import { Graph, GraphError } from 'millrace';
import { LeakWatch } from 'millrace/testing';

const FILE = fileURLToPath(new URL('../fixtures/modules/references.mjs', import.meta.url));
export const reference = (entry: string) => ({ name: entry.toLowerCase(), path: FILE, entry });

const ENDS = ['abort', 'throw', 'reject', 'uncaught', 'exit'] as const;
const CODES: Record<(typeof ENDS)[number], string> = {
  abort: 'ERR_MILLRACE_ABORTED',
  throw: 'ERR_MILLRACE_MODULE',
  reject: 'ERR_MILLRACE_MODULE',
  uncaught: 'ERR_MILLRACE_MODULE',
  exit: 'ERR_MILLRACE_WORKER_DIED',
};

/** keeper -> two branches, each through a thread of its own -> a sink for both. The first branch ends as told. */
async function end(how: (typeof ENDS)[number], after: number): Promise<void> {
  const graph = new Graph({ threads: 4, transport: 'reference' });
  const source = graph.module(reference('Keeper'), {}, { scheduler: 0 });
  const [first, second] = [1, 2].map((scheduler) =>
    source.module(reference('Ender'), scheduler === 1 ? { how, after } : {}, { scheduler }),
  );
  graph.module('null_sink', {}, { inputs: [first!, second!], scheduler: 3 });
  const controller = new AbortController();
  const leaks = new LeakWatch();
  const ended = graph.run({ signal: controller.signal });
  if (how === 'abort') setTimeout(() => controller.abort(), after);
  const error = await ended.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof GraphError) || error.code !== CODES[how]) throw error ?? new Error(`${how}: it went on`);
  leaks.check(error);
}

/** @returns how many ended in which way. @throws Error when one ends otherwise, or leaves anything behind. */
export async function stress(graphs: number): Promise<Record<string, number>> {
  const ended: Record<string, number> = {};
  for (let i = 0; i < graphs; i++) {
    const how = ENDS[i % ENDS.length]!;
    await end(how, 1 + Math.floor(Math.random() * 60));
    ended[how] = (ended[how] ?? 0) + 1;
  }
  return ended;
}

/** Hands `frames` references to one picture to another thread. @returns MB by which resident memory has grown. */
export async function handOn(frames: number): Promise<number> {
  const run = async (count: number): Promise<number> => {
    const graph = new Graph({ threads: 2, transport: 'reference' });
    const source = graph.module(reference('Keeper'), { count, width: 1920, height: 1080 }, { scheduler: 0 });
    source.module('null_sink', {}, { scheduler: 1 });
    const leaks = new LeakWatch();
    leaks.check(await graph.run());
    return process.memoryUsage.rss() / 2 ** 20;
  };
  const before = await run(Math.ceil(frames / 10));
  return (await run(frames)) - before;
}

if (process.argv.includes('--long')) {
  console.log(await stress(500));
  const growth = await handOn(1_000_000);
  console.log(`1,000,000 frames handed on: resident memory ${growth.toFixed(1)} MB more`);
  // A reference that is lost has some hundred bytes of native memory: a million of them would be far more.
  if (growth > 64) throw new Error('memory grows with every frame');
}
