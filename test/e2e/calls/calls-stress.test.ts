import { suite } from 'uvu';
import { times } from '../../kit/long.js';
import { cutOff, KINDS, spawnAndClose } from './calls-stress.js';

const stress = suite('actors that come and go');

stress('nothing is left of actors that were spawned and closed', async () => {
  await spawnAndClose(times(48, 150));
});

stress('nothing is left of calls that were cut off, in threads of their own and in shared ones', async () => {
  await cutOff(times(KINDS, 2 * KINDS));
});

stress.run();
