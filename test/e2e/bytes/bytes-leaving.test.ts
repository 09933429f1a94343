/** Leaving while a demuxer waits for bytes: the process ends by itself, soon, and is never aborted. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { media } from '../../kit/media.js';

const SCRIPT = fileURLToPath(new URL('../../fixtures/modules/leaving.mjs', import.meta.url));
const test = suite('leaving while bytes are awaited');

interface End {
  code: number | null;
  signal: string | null;
  output: string;
}

function leave(how: string, threads: number): Promise<End> {
  const child = spawn(process.execPath, [SCRIPT, media('fragmented.mp4'), how, String(threads)], {
    // A process that hangs is killed, which the assertions see.
    timeout: 12_000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, output })));
}

const cases: readonly [how: string, code: number | null, signal: string | null, words: RegExp][] = [
  ['exit', 3, null, /^$/],
  ['throw', 1, null, /Error: uncaught/],
  ['signal', 0, null, /rejected ERR_MILLRACE_ABORTED/],
  ['interrupt', null, 'SIGINT', /^$/],
  ['stop', 0, null, /^$/],
];

for (const [how, code, signal, words] of cases) {
  for (const threads of [0, 1]) {
    test(`${how}, ${threads === 0 ? 'on the calling thread' : 'in a thread'}`, async () => {
      const end = await leave(how, threads);
      assert.equal([end.code, end.signal], [code, signal], end.output);
      assert.match(end.output, words);
    });
  }
}

test('the thread of the decoder ends itself', async () => {
  const end = await leave('thread-exit', 1);
  assert.equal([end.code, end.signal], [0, null], end.output);
  assert.match(end.output, /^rejected ERR_MILLRACE_(MODULE|WORKER_DIED)\n$/);
});

test('the thread of the decoder does not return, and is terminated', async () => {
  const end = await leave('thread-stuck', 1);
  assert.equal([end.code, end.signal], [0, null], end.output);
  assert.match(end.output, 'rejected ERR_MILLRACE_ABORTED');
});

test.run();
