import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lackingPrograms, testUnless } from '../kit/skip.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/model.mjs', import.meta.url));

const test = suite('model of the ring protocol');

// The full check with all sizes and broken variants is `npm run model`.
testUnless(
  test,
  lackingPrograms({ spin: '-V', gcc: '--version' }),
  'spin finds no lost wake-up, overwrite or early read in a small size',
  () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, '--short'], { encoding: 'utf8' });
    assert.is(status, 0, stdout + stderr);
    assert.match(stdout, /^ok: .* \d+ states$/m);
  },
);

test.run();
