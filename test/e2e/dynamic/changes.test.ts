/** The short form of `npm run stress:dynamic`. */
import { suite } from 'uvu';
import { times } from '../../kit/long.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { changeAtRandom } from './random-changes.js';

const changing = suite('random changes of running graphs');
const graphOn = await sharedThreads(2);

for (const threads of [0, 1, 2]) {
  changing(`threads: ${threads}: every operation ends, who stays gets every packet, nothing is left`, async () => {
    for (let seed = 1; seed <= times(2, 4); seed++)
      await changeAtRandom(100 * threads + seed, { threads, steps: 8, graphOn });
  });
}

changing.run();
