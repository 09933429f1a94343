/** One application for all bundlers, and what came of each of its uses. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { nodeEach, temporaryFolder } from '../cli/kit.js';

export const root = fileURLToPath(new URL('../..', import.meta.url));
/** The application's own, with what it needs installed beside it. */
export const folder = temporaryFolder();
mkdirSync(join(folder, 'node_modules'));
for (const name of ['node-av', 'piscina'])
  symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');

/** Each use says what came of it. */
export const APPLICATION = `
import { Graph, Packet, syncModule } from 'millrace';
import { TestSink } from 'millrace/testing';
const source = (threads) => new Graph({ threads }).filter('testsrc2', { size: '64x36', duration: 1 });
const uses = {
  async inThreads() { return (await source(2).module('null_sink').graph.run()).nodes.length; },
  async here() { return (await source(0).module('null_sink').graph.run()).nodes.length; },
  blocking() {
    const parameters = ['c_ffmpeg_filter', { name: 'testsrc2', para: 'size=64x36:duration=1' }, [], [0]];
    const [packet] = syncModule(...parameters, { thread: 'w0' }).process().outputs[0];
    packet.close();
    return 2;
  },
  async bytes() {
    const graph = new Graph({ threads: 0 });
    const input = graph.inputStream('bytes');
    input.decode({}).video.module('null_sink');
    await graph.start({ mode: 'push' });
    await input.push(new Packet(Uint8Array.of(1, 2, 3)));
    await graph.close();
  },
  async network() {
    const graph = new Graph({ threads: 0 });
    graph.decode({ input_path: 'tcp://127.0.0.1:9/none' }).video.module('null_sink');
    await graph.run();
  },
  kit() { return new TestSink() && 2; },
};
(async () => {
  const results = {};
  for (const [name, use] of Object.entries(uses)) {
    try { results[name] = await use(); } catch (error) { results[name] = error.code + ': ' + error.message; }
  }
  console.log(JSON.stringify(results));
})();
`;

/** What each of the scripts tells, one after another in one process. */
export async function results(...scripts: readonly string[]): Promise<Record<string, unknown>[]> {
  const ends = await nodeEach(
    scripts.map((script) => [script]),
    { cwd: folder, limit: 60_000 },
  );
  return scripts.map((script, n) => {
    const { code, stdout, stderr } = ends[n] ?? {
      code: undefined,
      stdout: '',
      stderr: 'one before it ended the process',
    };
    assert.is(code, 0, `${script}: ${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  });
}

export function refusedFor(missing: Record<string, RegExp>, told: Record<string, unknown>): void {
  assert.is(told.here, 2);
  for (const [use, what] of Object.entries(missing)) {
    assert.match(String(told[use]), /^ERR_MILLRACE_WORKER_DIED: .*mark 'millrace' as external/, use);
    assert.match(String(told[use]), what, use);
  }
}
