/** A process that leaves while modules are being called ends by itself, soon, with its code, and is never aborted. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node } from '../../cli/kit.js';
import { crossed, long } from '../../kit/long.js';

const script = fileURLToPath(new URL('../../fixtures/scripts/leave-calls.mjs', import.meta.url));
const CODES: Record<string, number> = { exit: 3, throw: 1, reject: 1 };

const leaving = suite('leaving in the midst of calls');

const PLACES = {
  native: 'native calls in two threads',
  'after-await': 'native calls between asynchronous steps',
  bytes: 'a demuxer that waits for bytes',
  'bytes-inline': 'a demuxer that waits for bytes, for a module on the calling thread',
  hung: 'a module that does not return',
  closing: 'a module that was closed a moment ago',
  starting: 'a thread that starts',
};
type Place = keyof typeof PLACES;

/** What goes on at the same time; in the long form one alone. */
const SITUATIONS: readonly (readonly Place[])[] = long
  ? Object.keys(PLACES).map((place) => [place as Place])
  : [
      ['native', 'after-await'],
      ['bytes', 'bytes-inline'],
      ['hung', 'closing', 'starting'],
    ];

for (const [places, hows] of crossed(SITUATIONS, Object.keys(CODES), 1)) {
  leaving(`${places.map((place) => PLACES[place]).join(', ')}: by ${hows.join(', ')}`, async () => {
    const results = await Promise.all(hows.map((how) => node(script, [how, ...places])));
    results.forEach(({ code, signal, stdout, stderr }, index) => {
      const how = hows[index]!;
      assert.equal({ how, code, signal, stdout }, { how, code: CODES[how], signal: null, stdout: 'ready\n' }, stderr);
    });
  });
}

leaving.run();
