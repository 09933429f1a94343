import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const SCRIPT = fileURLToPath(new URL('../../scripts/model.mjs', import.meta.url));
const present = (tool: string, flag: string) => spawnSync(tool, [flag]).error === undefined;

const test = suite('model of the ring protocol');

// The full check with all sizes and broken variants is `npm run model`.
if (present('spin', '-V') && present('gcc', '--version')) {
  test('spin finds no lost wake-up, overwrite or early read in a small size', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, '--short'], { encoding: 'utf8' });
    assert.is(status, 0, stdout + stderr);
    assert.match(stdout, /^ok: .* \d+ states$/m);
  });
} else {
  console.log('skipped: spin or gcc is not installed, the model is not checked here');
}

test.run();
