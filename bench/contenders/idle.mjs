// What the runtime takes before it does anything: threads with the package and FFmpeg loaded that wait half a second.
// Usage: node bench/contenders/idle.mjs THREADS
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { Graph, VideoFrame } from '../../dist/index.js';

/** Touches FFmpeg, so that it is loaded, and waits. */
export default class Idle {
  init() {
    VideoFrame.alloc({ width: 16, height: 16, format: 'yuv420p' }).close();
  }
  async process(task) {
    await sleep(500);
    task.done();
  }
}

if (isMainThread) {
  const threads = Number(process.argv[2]);
  const graph = new Graph({ threads });
  for (let i = 0; i < threads; i++) graph.module(import.meta.url, {}, { scheduler: i });
  const report = await graph.run();
  if (report.threads !== threads) throw new Error(`${report.threads} threads, not ${threads}`);
}
