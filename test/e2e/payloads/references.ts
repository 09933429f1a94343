/**
 * Graphs in which frames by reference are under way when something ends: at random moments they are aborted, throw, lose
 * a thread, lose their consumer. Nothing may crash, hang, or be left behind. The short form runs inside `npm test`; the
 * long one is 500 rounds and 1,000,000 frames across a thread:
 *
 *   npm run stress:reference
 */
import { fileURLToPath } from 'node:url';
import { AudioFrame, Graph, type GraphError, type GraphOptionsInput, type NodeHandle, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';

export const FILE = fileURLToPath(new URL('../../fixtures/modules/frames.mjs', import.meta.url));

export function frameNode(
  graph: Graph,
  entry: string,
  options: Record<string, unknown>,
  where: Parameters<Graph['module']>[2] = {},
): NodeHandle {
  return graph.module({ name: entry.toLowerCase(), path: FILE, entry }, options, where);
}

export const MOMENTS = ['abort', 'throw', 'exit', 'uncaught', 'leave'] as const;
export type Moment = (typeof MOMENTS)[number];

const EXPECTED: Record<Moment, string> = {
  abort: 'ERR_MILLRACE_ABORTED',
  throw: 'ERR_MILLRACE_MODULE',
  exit: 'ERR_MILLRACE_WORKER_DIED',
  uncaught: 'ERR_MILLRACE_MODULE',
  leave: '',
};

/** How many it runs on, beside the calling one. */
export const THREADS = 3;
const ownThreads = (options: GraphOptionsInput): Graph => new Graph({ threads: THREADS, ...options });

/**
 * An endless source of pictures and sound, a node that goes off at a random frame, and behind it two consumers; each on a thread of its own,
 * one consumer on the calling thread. So at that moment frames are under way to and from the node.
 * @param graphOn Makes the graph; on threads of its own unless it is given.
 */
export async function goOff(moment: Moment, graphOn = ownThreads): Promise<void> {
  const leaks = new LeakWatch();
  const graph = graphOn({ queue_length_limit: 1 + Math.floor(Math.random() * 12) });
  const source = frameNode(graph, 'Painter', { count: -1, large: true, kind: 'both' }, { scheduler: 0 });
  const bomb = frameNode(graph, 'Bomb', { where: moment, within: 200 }, { scheduler: 1, inputs: [source] });
  frameNode(graph, 'Bomb', { where: 'never', within: 0 }, { scheduler: 2, inputs: [bomb] });
  let sum = 0;
  graph.module(
    {
      process(task) {
        for (const { payload } of task.inputs.get(0) ?? []) {
          if (payload instanceof VideoFrame || payload instanceof AudioFrame) sum += payload.planes()[0]!.data[77]!;
        }
      },
    },
    {},
    { inputs: [bomb] },
  );
  const controller = new AbortController();
  const timer = moment === 'abort' ? setTimeout(() => controller.abort(), Math.random() * 200) : undefined;
  let code = '';
  let result: Parameters<LeakWatch['check']>[0];
  try {
    result = await graph.run({ signal: controller.signal });
  } catch (error) {
    ({ code } = error as GraphError);
    result = error as GraphError;
  }
  clearTimeout(timer);
  if (code !== EXPECTED[moment])
    throw new Error(`${moment}: ended with '${code}', expected '${EXPECTED[moment]}'`, { cause: result });
  leaks.check(result);
  if (Number.isNaN(sum)) throw new Error('a consumer saw no frames');
}

const megabytes = (): number => {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
};

/**
 * Sends frames to another thread.
 * @param graphOn Makes the graph; on threads of its own unless it is given.
 * @returns resident MB after a tenth of them and at the end, and microseconds per frame.
 */
export async function hops(
  count: number,
  graphOn = ownThreads,
): Promise<{ before: number; after: number; microseconds: number }> {
  const graph = graphOn({ queue_length_limit: 8 });
  const source = frameNode(graph, 'Carousel', { count, width: 1920, height: 1080 }, { scheduler: 0 });
  let before = 0;
  let taken = 0;
  const callback = (): void => {
    taken++;
    if (taken === 1) before = megabytes();
  };
  frameNode(graph, 'Turnstile', { every: Math.ceil(count / 10) }, { scheduler: 1, inputs: [source], callback });
  const report = await graph.run();
  if (Object.keys(report.leaked).length > 0) throw new Error(`left behind: ${JSON.stringify(report.leaked)}`);
  const { packets, held } = report.links[0]!;
  if (packets !== count + 1 || held !== 0) throw new Error(`${packets} packets, ${held} held`);
  return { before, after: megabytes(), microseconds: (report.milliseconds * 1000) / count };
}

if (process.argv.includes('--long')) {
  const rounds = 500;
  for (let round = 0; round < rounds; round++) {
    await goOff(MOMENTS[round % MOMENTS.length]!);
    if ((round + 1) % 50 === 0) console.log(`${round + 1} rounds; resident memory ${megabytes().toFixed(0)} MB`);
  }
  const { before, after, microseconds } = await hops(1_000_000);
  console.log(
    `1,000,000 hops at 1080p: ${microseconds.toFixed(1)} µs each; ${before.toFixed(0)} MB -> ${after.toFixed(0)} MB`,
  );
  if (after > before * 1.1 + 16) throw new Error('memory grows with every hop');
}
