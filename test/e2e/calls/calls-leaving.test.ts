/** A process that leaves while modules are being called ends by itself, soon, with its code, and is never aborted. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node } from '../../cli/kit.js';
import { crossed } from '../../kit/long.js';

const script = fileURLToPath(new URL('../../fixtures/scripts/leave-calls.mjs', import.meta.url));
const CODES: Record<string, number> = { exit: 3, throw: 1, reject: 1 };

const leaving = suite('leaving in the midst of calls');

const PLACES = [
  ['native', 'native calls in two threads'],
  ['after-await', 'native calls between asynchronous steps'],
  ['bytes', 'a demuxer that waits for bytes'],
  ['bytes-inline', 'a demuxer that waits for bytes, for a module on the calling thread'],
  ['starting', 'a thread that starts'],
  ['hung', 'a module that does not return'],
  ['closing', 'a module that was closed a moment ago'],
] as const;

for (const [[where, what], hows] of crossed(PLACES, Object.keys(CODES), 1)) {
  leaving(`${what}: by ${hows.join(', ')}`, async () => {
    const results = await Promise.all(hows.map((how) => node(script, [how, where])));
    results.forEach(({ code, signal, stdout, stderr }, index) => {
      const how = hows[index]!;
      assert.equal({ how, code, signal, stdout }, { how, code: CODES[how], signal: null, stdout: 'ready\n' }, stderr);
    });
  });
}

leaving.run();
