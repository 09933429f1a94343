/** However a process leaves while a graph waits for its user, it ends, and soon. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, type Options, type Result, temporaryFolder } from '../../cli/kit.js';
import { crossed } from '../../kit/long.js';

const script = fileURLToPath(new URL('../../fixtures/scripts/leave.mjs', import.meta.url));
const output = join(temporaryFolder(), 'left.mp4');

/** The process is killed, and the test fails, if it does not end. */
function leave(how: string, where: string, options: Options = {}): Promise<Result> {
  return node(script, [how, where, output], options);
}

const CODES: Record<string, number> = { exit: 3, throw: 1, reject: 1, abort: 0, forceClose: 0 };

const leaving = suite('leaving');

for (const [where, hows] of crossed(['idle', 'pushing', 'pull', 'bytes'], Object.keys(CODES), 2)) {
  leaving(`${where}: by ${hows.join(', ')}`, async () => {
    const results = await Promise.all(hows.map((how) => leave(how, where)));
    results.forEach(({ code, signal, stdout, stderr }, index) => {
      const how = hows[index]!;
      assert.equal({ how, code, signal }, { how, code: CODES[how], signal: null }, stderr);
      assert.is(stdout, 'ready\n');
    });
  });
}

leaving('by an interrupt, also in a blocking push', async () => {
  const interrupt: Options = { signals: [{ name: 'SIGINT', when: ({ stdout }) => stdout.includes('ready') }] };
  const results = await Promise.all(
    ['idle', 'pushing', 'bytes', 'blocked'].map((where) =>
      leave(where === 'blocked' ? 'block' : 'stay', where === 'blocked' ? 'idle' : where, interrupt),
    ),
  );
  for (const { signal } of results) assert.is(signal, 'SIGINT');
});

leaving.run();
