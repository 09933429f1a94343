/** Graphs and processes that end in the midst of frames by reference. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { goOff, MOMENTS, THREADS } from './references.js';

const test = suite('references and ends');
const graphOn = await sharedThreads(THREADS);
/** After these the threads are as they were before: every other time they are kept. */
const GENTLE: readonly string[] = ['abort', 'throw', 'leave'];

for (const moment of MOMENTS) {
  test(`at random moments: ${moment}`, async () => {
    for (let i = 0; i < times(1, 4); i++)
      await goOff(moment, i % 2 === 0 && GENTLE.includes(moment) ? graphOn : undefined);
  });
}

test('process.exit in the midst of running graphs ends the process with its code', async () => {
  const script = fileURLToPath(new URL('../../fixtures/leave-with-frames.mjs', import.meta.url));
  for (let i = 0; i < times(1, 4); i++) {
    const child = promisify(execFile)(process.execPath, [script], { timeout: 60_000 });
    const error = await child.then(
      () => undefined,
      (failure: unknown) => failure as { code: unknown; signal: unknown },
    );
    assert.equal([error?.code, error?.signal], [7, null]);
  }
});

test.run();
