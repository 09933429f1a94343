/** Leaving while a demuxer waits for bytes: the process ends by itself, soon, and is never aborted. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, resultsOfEach } from '../../cli/kit.js';
import { crossed } from '../../kit/long.js';
import { media } from '../../kit/media.js';

const SCRIPT = fileURLToPath(new URL('../../fixtures/modules/leaving.mjs', import.meta.url));
const test = suite('leaving while bytes are awaited');

const THREADS = [0, 1];
const at = (threads: number): string => (threads === 0 ? 'on the calling thread' : 'in a thread');
const argumentsOf = (how: string, threads: number): string[] => [media('fragmented.mp4'), how, String(threads)];

const CASES: readonly [how: string, code: number | null, signal: string | null, words: RegExp][] = [
  ['exit', 3, null, /^$/],
  ['throw', 1, null, /Error: uncaught/],
  ['interrupt', null, 'SIGINT', /^$/],
];

for (const [[how, code, signal, words], places] of crossed(CASES, THREADS, 1)) {
  for (const threads of places) {
    test(`${how}, ${at(threads)}`, async () => {
      const end = await node(SCRIPT, argumentsOf(how, threads));
      assert.equal([end.code, end.signal], [code, signal], end.stderr);
      assert.match(end.stdout + end.stderr, words);
    });
  }
}

const ABORTED = /^rejected ERR_MILLRACE_ABORTED\n$/;

/** Their processes end by themselves: the next one begins when nothing of the one before keeps its process going. */
const ENDS: readonly [how: string, threads: number, words: RegExp][] = [
  ['signal', 0, ABORTED],
  ['signal', 1, ABORTED],
  ['stop', 0, /^$/],
  ['stop', 1, /^$/],
  // The thread of the decoder ends itself; it does not return, and is terminated.
  ['thread-exit', 1, /^rejected ERR_MILLRACE_(MODULE|WORKER_DIED)\n$/],
  ['thread-stuck', 1, ABORTED],
];
const resultOf = resultsOfEach(ENDS.map(([how, threads]) => [SCRIPT, ...argumentsOf(how, threads)]));
for (const [number, [how, threads, words]] of ENDS.entries()) {
  test(`${how}, ${at(threads)}`, async () => {
    const end = await resultOf(number);
    assert.equal([end.code, end.signal], [0, null], end.stderr);
    assert.match(end.stdout + end.stderr, words);
  });
}

test.run();
