import { suite } from 'uvu';
import { SYNC_MODES } from '../../src/sync/index.js';
import { times } from '../kit/long.js';
import { checkCase } from './properties.js';

const test = suite('synchronisation of random pads, short form');

for (const mode of SYNC_MODES) {
  test(`${mode} keeps its promises`, () => {
    const cases = times(400, 1500);
    for (let seed = 1; seed <= cases; seed++) checkCase(mode, seed);
  });
}

test.run();
