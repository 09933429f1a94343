/** Runs every block marked `js runnable` in the README and the guide. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeClip, node, temporaryFolder } from './cli/kit.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = temporaryFolder();
await makeClip(join(folder, 'clip.mp4'));

const test = suite('snippets');

/** Blocks that run: ```js runnable. They find clip.mp4 in the current directory. */
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
// Inside the package, so that a snippet finds it by its name.
const scripts = join(root, '.tmp', `snippets-${process.pid}`);
mkdirSync(scripts, { recursive: true });
process.on('exit', () => rmSync(scripts, { recursive: true, force: true }));
let found = 0;
for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  for (const [index, [, code]] of [...text.matchAll(/^```js runnable\n(.*?)^```$/gms)].entries()) {
    found++;
    test(`${page} ${index + 1}`, async () => {
      const script = join(scripts, `${page.replaceAll('/', '-')}-${index + 1}.mjs`);
      writeFileSync(script, code!);
      const { code: exit, stderr } = await node(script, [], { cwd: folder });
      assert.is(stderr, '');
      assert.is(exit, 0);
    });
  }
}

test('there are some', () => {
  assert.ok(found >= 5, `${found} snippets`);
});

test.run();
