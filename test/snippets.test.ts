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
/** Runs scripts one after another, each when nothing of the one before keeps the process going, and marks their ends. */
const launcher = join(scripts, 'launcher.mjs');
const MARK = '\u0001ended: ';
writeFileSync(
  launcher,
  `const scripts = process.argv.splice(2);
  process.on('beforeExit', () => {
    process.stderr.write('${MARK}' + (process.exitCode ?? 0) + '\\n');
    if (scripts.length > 0) import(scripts.shift());
  });
  import(scripts.shift());`,
);

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

interface Ended {
  code: number | null;
  stderr: string;
}

/** How each script ended that has been started; the last of them may have ended its process. */
const ends: Ended[] = [];

/** Scripts share processes: starting one with the package takes longer than most of them. */
async function endOf(script: number): Promise<Ended> {
  if (script >= ends.length) {
    const { code, stderr } = await node(launcher, names.slice(script).map(pathOf), { cwd: folder, limit: 60_000 });
    const parts = stderr.split(new RegExp(`${MARK}(\\d+)\\n`));
    for (let at = 0; at + 1 < parts.length; at += 2) ends.push({ stderr: parts[at]!, code: Number(parts[at + 1]) });
    if (ends.length < names.length) ends.push({ stderr: parts.at(-1)!, code });
  }
  return ends[script]!;
}

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
