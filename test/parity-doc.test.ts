/** docs/bmf-parity.md names tests that there are, and counts right. */
import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const page = readFileSync(new URL('../docs/bmf-parity.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `\w+` \| (.*) \|$/gm)].map(([, cell]) => cell!);
const parity = suite('docs/bmf-parity.md');

parity('every test that it names exists', () => {
  const named = [
    ...page.matchAll(/`([a-z0-9]+(?:\/[a-z0-9-]+)+)`/g),
    ...rows.join('\n').matchAll(/`(errors-doc|examples)`/g),
  ];
  const missing = named
    .map(([, name]) => name!)
    .filter((name) => !existsSync(new URL(`${name}.test.ts`, import.meta.url)));
  assert.equal([...new Set(missing)], []);
  assert.ok(named.length > 200);
});

parity('its figures are those of its tables', () => {
  const figure = (what: string): number => Number(new RegExp(`^\\| ${what}[^|]*\\| (\\d+) \\|$`, 'm').exec(page)![1]);
  const [none, part] = [/^none: /, /^in part: /].map((kind) => rows.filter((cell) => kind.test(cell)).length);
  assert.equal(
    [figure('covered'), figure('covered in part'), figure('not covered')],
    [rows.length - none! - part!, part, none],
  );
});

parity.run();
