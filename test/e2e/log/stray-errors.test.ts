/** What is thrown in a kept thread between two graphs, when nobody waits for anything there. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Graph, Packet, Runtime } from 'millrace';
import { TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { obeying } from '../../kit/calls.js';

const stray = suite('errors between two graphs');
const path = fileURLToPath(new URL('../../fixtures/modules/leaves-timer.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
stray.after(() => rmSync(folder, { recursive: true }));

/** A runtime on whose one thread something was thrown after the end of a graph; resolves when the process was told. */
async function thrownOn(
  file: string,
): Promise<{ runtime: Runtime; warning: Error & { code?: string; detail?: string } }> {
  const runtime = new Runtime({ threads: 1 });
  const graph = new Graph({ runtime });
  graph.module({ name: 'leaves', path, entry: 'LeavesTimer' }, { file }).module('null_sink');
  await graph.run();
  const told = once(process, 'warning');
  // Nothing of the runtime keeps the process alive.
  const alive = setInterval(() => {}, 1000);
  writeFileSync(file, '');
  const [warning] = (await told) as [Error];
  clearInterval(alive);
  return { runtime, warning };
}

stray('is a warning of the process, with its stack, and of the next graph on that thread', async () => {
  const { runtime, warning } = await thrownOn(join(folder, 'graph'));
  assert.is(warning.code, 'ERR_MILLRACE_MODULE');
  assert.match(warning.message, /uncaught exception in a worker thread on which nothing was running: left behind/);
  assert.match(warning.detail ?? '', /leaves-timer\.mjs/);
  const run = (): Graph => {
    const graph = new Graph({ runtime });
    const source = new TestSource({ count: 2 });
    graph.module(source.spec, source.options).module('null_sink');
    return graph;
  };
  const report = await run().run();
  assert.equal(report.warnings, [`before this graph: ${warning.message}`]);
  assert.equal((await run().run()).warnings, [], 'it is told once');
  await runtime.close();
});

stray('is a warning of the next module that is called there', async () => {
  const { runtime, warning } = await thrownOn(join(folder, 'call'));
  const actor = await runtime.spawn({ ...obeying('Echo'), inputs: [0], outputs: [0] });
  await actor.processAsync({ 0: [new Packet(1)] });
  assert.equal(actor.warnings, [warning.message]);
  await runtime.close();
});

stray.run();
