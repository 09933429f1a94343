/**
 * Runs a small media graph many times in one process, then aborts many at random moments, and watches threads, native
 * objects and memory. The short form runs inside `npm test`; the long one is 1,000 runs and 200 aborts:
 *
 *   npm run soak
 */
import { Graph, type GraphError } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';

function graphOf(threads: number, frames: number): Graph {
  const graph = new Graph({ threads });
  const video = new TestSource({ count: frames, kind: 'video', width: 320, height: 180 });
  const stream = graph.module(video.spec, video.options).scale(160, 90);
  stream.encode(null, { null_output: true, video_params: { codec: 'mpeg4', threads: 1 } });
  const sink = new TestSink();
  stream.module(sink.spec, sink.options, { callback: sink.callback });
  return graph;
}

const megabytes = (): number => {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
};

export interface SoakResult {
  runs: number;
  aborted: number;
  /** Resident MB after the first tenth and at the end. */
  before: number;
  after: number;
}

/** @throws Error when a run fails, or leaves threads or native objects behind. */
export async function soak(runs: number, aborts: number): Promise<SoakResult> {
  const leaks = new LeakWatch();
  let before = 0;
  const settled = Math.max(1, Math.floor(runs / 10));
  for (let i = 0; i < runs; i++) {
    const report = await graphOf(i % 3, 12).run();
    leaks.check(report);
    if (i + 1 === settled) before = megabytes();
  }
  let aborted = 0;
  for (let i = 0; i < aborts; i++) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), Math.random() * 250);
    try {
      await graphOf(i % 3, 100_000).run({ signal: controller.signal });
      throw new Error('an endless graph ended by itself');
    } catch (error) {
      if ((error as GraphError).code !== 'ERR_MILLRACE_ABORTED') throw error;
      aborted++;
    }
    leaks.check();
  }
  return { runs, aborted, before, after: megabytes() };
}

if (process.argv.includes('--long')) {
  const { runs, aborted, before, after } = await soak(1000, 200);
  console.log(`${runs} runs and ${aborted} aborts; resident memory ${before.toFixed(0)} MB -> ${after.toFixed(0)} MB`);
  // What malloc and the JavaScript heap keep settles in the first runs; growth with every run would be 100 times this.
  if (after > before * 1.25 + 16) throw new Error('memory grows with every run');
}
