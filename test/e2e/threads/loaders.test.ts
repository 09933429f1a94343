/** Threads run with the options of their process, its loaders among them: these must not give them other classes. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long } from '../../kit/long.js';

const script = fileURLToPath(new URL('../../fixtures/scripts/under-loader.mjs', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

const loaders = suite('under loaders');

// Without any it is like every other test.
for (const options of [...(long ? [[]] : []), ['--import', 'tsx'], ['--enable-source-maps']]) {
  loaders(`node ${options.join(' ')}: frames reach modules in threads, and are released`, () => {
    const child = spawnSync(process.execPath, [...options, script], { cwd: root, encoding: 'utf8', timeout: 60_000 });
    assert.is(child.status, 0, child.stderr);
    assert.equal(JSON.parse(child.stdout), Array(40).fill('video'));
  });
}

loaders.run();
