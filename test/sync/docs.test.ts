/** docs/sync.md and its pictures are what the built synchroniser does. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { node, temporaryFolder } from '../cli/kit.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const script = join(root, 'scripts/draw-sync.mjs');
const test = suite('the page on synchronisation');

test('has the tables and the pictures that the synchroniser makes', async () => {
  const { code, stderr } = await node(script, ['--check']);
  assert.is(stderr, '');
  assert.is(code, 0);
});

test('would be found out if a number in it were another', async () => {
  const folder = temporaryFolder();
  for (const part of ['docs', 'dist']) cpSync(join(root, part), join(folder, part), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'scripts'));
  copyFileSync(script, join(folder, 'scripts/draw-sync.mjs'));
  const page = join(folder, 'docs/sync.md');
  writeFileSync(page, readFileSync(page, 'utf8').replace('| 33333333 | 50000000 | 0 * |', '| 33333333 | 0 * | 0 * |'));
  const { code, stderr } = await node(join(folder, 'scripts/draw-sync.mjs'), ['--check']);
  assert.match(stderr, /^docs\/sync\.md is not what the synchroniser does/);
  assert.is(code, 1);
});

test.run();
