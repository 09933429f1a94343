import { suite } from 'uvu';
import { SYNC_MODES } from '../../src/sync/index.js';
import { checkCase } from './properties.js';

const test = suite('synchronisation of random pads, short form');

for (const mode of SYNC_MODES) {
  test(`${mode} keeps its promises`, () => {
    for (let seed = 1; seed <= 1500; seed++) checkCase(mode, seed);
  });
}

test.run();
