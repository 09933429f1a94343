/**
 * What it costs to hand a picture to another thread, per frame in steady state, the pixels untouched: by what the graph
 * option `transport` does, by copying, and by postMessage. The long form also hands over a million 1080p frames and
 * looks at what that leaves in memory.
 *
 *   npm run bench:hop [-- --long]
 */
import { type HopCase, hopRows, measureHops, PICTURES, WAYS } from './core/hop.js';
import { machine, table } from './core/kit.js';
import { built, long } from './kit.js';

const rounds = long ? 5 : 3;
const milliseconds = long ? 3000 : 300;

const cases = WAYS.flatMap((way) => PICTURES.map((picture): HopCase => ({ way, picture, frames: 100, milliseconds })));
const results = await measureHops(built, rounds, cases);
console.log(`${machine()}; median of ${rounds}, at most 8 frames in flight, one core for each side if there are two\n`);
console.log(table(hopRows(results)));

if (long) {
  const frames = 1_000_000;
  const [result] = await measureHops(built, 1, [{ way: 'auto', picture: PICTURES[1], frames, milliseconds }]);
  const { microseconds, growth } = result!;
  console.log(
    `\n${frames} hops at 1080p: ${microseconds.toFixed(1)} us each, resident memory ${growth.toFixed(1)} MB more`,
  );
}
