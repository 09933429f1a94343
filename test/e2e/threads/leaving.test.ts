/** However a process leaves while a graph waits for its user, it ends, and soon. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, type Options, type Result, resultsOfEach, temporaryFolder } from '../../cli/kit.js';
import { crossed, long } from '../../kit/long.js';

const script = fileURLToPath(new URL('../../fixtures/scripts/leave.mjs', import.meta.url));
const output = join(temporaryFolder(), 'left.mp4');

/** The process is killed, and the test fails, if it does not end. */
function leave(how: string, where: string, options: Options = {}): Promise<Result> {
  return node(script, [how, where, output], options);
}

const PLACES = ['idle', 'pushing', 'pull', 'bytes'];
const CODES: Record<string, number> = { exit: 3, throw: 1, reject: 1 };

const leaving = suite('leaving');

for (const [where, hows] of crossed(PLACES, Object.keys(CODES), 1)) {
  leaving(`${where}: by ${hows.join(', ')}`, async () => {
    const results = await Promise.all(hows.map((how) => leave(how, where)));
    results.forEach(({ code, signal, stdout, stderr }, index) => {
      const how = hows[index]!;
      assert.equal({ how, code, signal }, { how, code: CODES[how], signal: null }, stderr);
      assert.is(stdout, 'ready\n');
    });
  });
}

// Their processes end by themselves: the next one begins when nothing of the one before keeps its process going.
const ends = crossed(PLACES, ['abort', 'forceClose'], 1).flatMap(([where, hows]) => hows.map((how) => [how, where]));
const resultOf = resultsOfEach(ends.map(([how, where]) => [script, how!, where!, output]));
for (const [number, [how, where]] of ends.entries()) {
  leaving(`${where}: by ${how}`, async () => {
    const { code, signal, stdout, stderr } = await resultOf(number);
    assert.equal({ code, signal, stdout }, { code: 0, signal: null, stdout: 'ready\n' }, stderr);
  });
}

leaving('by an interrupt, also in a blocking push', async () => {
  const interrupt: Options = { signals: [{ name: 'SIGINT', when: ({ stdout }) => stdout.includes('ready') }] };
  const results = await Promise.all(
    [...(long ? ['idle', 'bytes'] : []), 'pushing', 'blocked'].map((where) =>
      leave(where === 'blocked' ? 'block' : 'stay', where === 'blocked' ? 'idle' : where, interrupt),
    ),
  );
  for (const { signal } of results) assert.is(signal, 'SIGINT');
});

leaving.run();
