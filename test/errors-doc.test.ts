/** docs/errors.md has every code of the source, and none that nobody throws. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('..', import.meta.url));
const text = (file: string) => readFileSync(join(root, file), 'utf8');
const sources = ['src', 'actors', 'ringbuffer'].flatMap((folder) =>
  (readdirSync(join(root, folder), { recursive: true }) as string[])
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file: join(folder, file), code: text(join(folder, file)) })),
);
/** Codes that stand in code, not in comments. */
const used = (code: string) =>
  [...code.replace(/\/\*[\s\S]*?\*\//g, '').matchAll(/['"](ERR_MILLRACE_[A-Z_]+)['"]/g)].map((match) => match[1]!);

const declaring = (file: string) => ['src/errors/errors.ts', 'ringbuffer/errors.ts'].includes(file);
const declared = new Set(sources.filter(({ file }) => declaring(file)).flatMap(({ code }) => used(code)));
const thrown = new Set(sources.filter(({ file }) => !declaring(file)).flatMap(({ code }) => used(code)));
for (const { code } of sources.filter(({ file }) => declaring(file))) {
  for (const [, name] of code.matchAll(/super\(\s*['"](ERR_MILLRACE_[A-Z_]+)['"]/g)) thrown.add(name!);
}
const rows = [...text('docs/errors.md').matchAll(/^\| `(ERR_MILLRACE_[A-Z_]+)` \| (.*) \| (.*) \|$/gm)];

const test = suite('the table of error codes');

test('has each code once, with what it means and what to do', () => {
  assert.equal(rows.map(([, code]) => code).sort(), [...new Set([...declared, ...thrown])].sort());
  for (const [, code, meaning, cure] of rows) assert.ok(meaning!.length > 20 && cure!.length > 20, code);
});

test('has no code that nothing throws', () => {
  assert.equal([...declared].filter((code) => !thrown.has(code)).sort(), []);
});

test.run();
