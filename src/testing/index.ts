/** `millrace/testing`: what one needs to test modules and graphs. Our own tests use nothing else. */

import { subscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { fileToRun } from '../code-cache/allowed.js';
import { ownFile } from '../errors/own-file.js';
import { ledger } from '../media/ledger.js';
import { logThreadId } from '../media/log/start.js';
import type { Report } from '../scheduler/run/report.js';
import { idleThreads } from '../scheduler/threads/warm-count.js';
import type { SeenPacket, TestSourceOptions } from './types.js';

export { FakeClock } from '../scheduler/run/fake-clock.js';
export type { SeenPacket, TestSourceOptions } from './types.js';

/** @throws GraphError ERR_MILLRACE_WORKER_DIED when a bundler has left it behind. */
function modules(): string {
  return ownFile(fileToRun('./testing-modules.js'), import.meta.url).href;
}

/**
 * A source with predictable packets, for the head of a graph:
 *
 * ```ts
 * const source = new TestSource({ count: 25, kind: 'video' });
 * graph.module(source.spec, source.options)
 * ```
 * It pushes the same sequence to every output that is consumed.
 */
export class TestSource {
  readonly spec = { name: 'test_source', path: modules(), entry: 'SourceModule' };
  readonly options: Record<string, unknown>;
  constructor(options: TestSourceOptions = {}) {
    this.options = { ...options };
  }
}

/**
 * A sink that tells what arrived, once the graph has ended:
 *
 * ```ts
 * const sink = new TestSink();
 * stream.module(sink.spec, sink.options, { callback: sink.callback });
 * await graph.run();
 * sink.packets
 * ```
 */
export class TestSink {
  readonly spec = { name: 'test_sink', path: modules(), entry: 'SinkModule' };
  readonly options: Record<string, unknown>;
  /** In order of arrival; of several inputs only the order within each is certain. */
  packets: SeenPacket[] = [];
  /** Input ids in the order in which they ended. */
  ends: number[] = [];

  /** @param options.delay milliseconds to sleep in every call; `limit`: be done after that many packets. */
  constructor(options: { delay?: number; limit?: number } = {}) {
    this.options = { ...options };
  }

  readonly callback = (_key: string | number, value: unknown): void => {
    const { packets, ends } = value as { packets: SeenPacket[]; ends: number[] };
    this.packets = packets;
    this.ends = ends;
  };
}

/**
 * Watches for what a graph might leave behind. Make it before the graph runs, call `check` after.
 *
 * Counts native objects of this thread (frames, packets, contexts that were not released), worker threads, and, given
 * the report or the GraphError, the native objects of the graph's own threads.
 */
export class LeakWatch {
  private readonly native = ledger.snapshot();
  private readonly finalised = ledger.finalised;
  private readonly workers = countWorkers();

  /** @throws Error that lists everything left behind. */
  check(result?: Pick<Report, 'leaked'>): void {
    const left: string[] = [];
    for (const [kind, more] of Object.entries(ledger.since(this.native))) {
      left.push(`${more} x ${kind} on the calling thread`);
    }
    for (const [kind, count] of Object.entries(result?.leaked ?? {}))
      left.push(`${count} x ${kind} in the graph's threads`);
    const finalised = ledger.finalised - this.finalised;
    if (finalised > 0) left.push(`${finalised} objects that only the garbage collector released`);
    const workers = countWorkers() - this.workers;
    if (workers > 0) left.push(`${workers} worker threads`);
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  }
}

/**
 * Threads of this process that were started since this module was loaded and have not ended. Unreferenced ones are in no
 * list of resources; a diagnostic report has them, but takes 30 ms and stops each of them.
 */
const workers = new Set<Worker>();
subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  workers.add(worker);
  worker.once('exit', () => workers.delete(worker));
});

/** Those that are kept on purpose for the next module of their name are no leak, nor is the one that hears FFmpeg's log. */
function countWorkers(): number {
  return [...workers].filter(({ threadId }) => threadId !== logThreadId()).length - idleThreads();
}
