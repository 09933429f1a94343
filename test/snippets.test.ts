/** Runs every block marked `js runnable` in the README and the guide. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeClip, resultsOfEach, temporaryFolder } from './cli/kit.js';
import { long } from './kit/long.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = temporaryFolder();
await makeClip(join(folder, 'clip.mp4'), { seconds: 1.2, size: '96x54' });

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
const names: string[] = [];
for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  for (const [index, [, code]] of [...text.matchAll(/^```js runnable\n(.*?)^```$/gms)].entries()) {
    names.push(`${page} ${index + 1}`);
    writeFileSync(pathOf(names.at(-1)!), code!);
  }
}

function pathOf(name: string): string {
  return join(scripts, `${name.replace(/[ /]/g, '-')}.mjs`);
}

/**
 * Where threads are the subject, and in turn for others, those that say nothing of threads have as many as is usual; in the
 * long form all. The rest takes none: starting them takes longer than what most snippets do.
 */
const hasThreads = (name: string, n: number): boolean =>
  long ||
  n % 6 === 0 ||
  /back-pressure|tuning/.test(name) ||
  readFileSync(pathOf(name), 'utf8').includes('createModule(');
const endOf = resultsOfEach(
  names.map((name, n) => [...(hasThreads(name, n) ? [] : ['MILLRACE_THREADS=0']), pathOf(name)]),
  { cwd: folder, limit: 120_000 },
);

for (const [script, name] of names.entries()) {
  test(name, async () => {
    const { code, stderr } = await endOf(script);
    assert.is(stderr, '');
    assert.is(code, 0);
  });
}

test('there are some', () => {
  assert.ok(names.length >= 5, `${names.length} snippets`);
});

test.run();
