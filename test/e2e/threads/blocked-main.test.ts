/** Nothing a running graph needs may wait for the thread that built it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, type GraphError } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add } from '../../kit/modules.js';

const blocked = suite('calling thread blocked');
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for 3 seconds, or longer until the file is there; its event loop has no turn meanwhile. */
function blockUntil(file: string): boolean {
  for (let waited = 0; waited < 30_000; waited += 20) {
    if (waited >= 3000 && existsSync(file)) return true;
    Atomics.wait(sleeper, 0, 0, 20);
  }
  return false;
}

function graphThatSigns(directory: string, threads: number, where?: string) {
  const graph = new Graph({ threads });
  const source = add(graph, 'Scatter', { count: 400, outputs: 2, spread: 'all' });
  const branches = [0, 1].map((id) => add(graph, 'Relay', {}, { inputs: [source.output(id)] }));
  // Needs the relief rule, too.
  const gather = add(graph, 'Gather', { order: 'sequence' }, { inputs: branches });
  const middle =
    where === undefined ? gather : add(graph, 'Failing', { where, after: 100 }, { inputs: [gather], alias: 'bad' });
  add(graph, 'Signer', { file: join(directory, 'closed') }, { inputs: [middle], thread: 'signer' });
  return graph;
}

for (const [where, threads] of [
  [undefined, 2],
  ['process', 1],
  ['exit', 2],
] as const) {
  const what = where === undefined ? 'runs to its end' : `fails properly (${where})`;
  blocked(`a graph ${what} while the calling thread does not return to its event loop`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-'));
    const leaks = new LeakWatch();
    try {
      const run = graphThatSigns(directory, threads, where).run();
      const outcome = run.then(
        (report) => ({ report, error: undefined }),
        (error: GraphError) => ({ report: undefined, error }),
      );
      assert.ok(blockUntil(join(directory, 'closed')), 'the last module was closed while this thread was blocked');
      const { report, error } = await outcome;
      const signed = JSON.parse(readFileSync(join(directory, 'closed'), 'utf8')) as { packets: number };
      if (where === undefined) assert.is(signed.packets, 800);
      else assert.is(error?.code, where === 'exit' ? 'ERR_MILLRACE_WORKER_DIED' : 'ERR_MILLRACE_MODULE');
      leaks.check(report);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

blocked.run();
