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
  const kinds = [/^none: /, /^in part: /, /^does not apply: /];
  const [none, part, strange] = kinds.map((kind) => rows.filter((cell) => kind.test(cell)).length) as [
    number,
    number,
    number,
  ];
  const covered = rows.length - none - part - strange;
  assert.equal(
    ['covered \\|', 'covered in part', 'not covered', 'do not apply'].map((what) => figure(what.replace(' \\|', ' '))),
    [covered, part, none, strange],
  );
  const [, apply, told, share] = /Of the (\d+) cases that apply, (\d+) are covered: (\d+) %/.exec(page)!.map(Number);
  assert.equal([apply, told], [covered + part + none, covered]);
  assert.is(share, Math.round((100 * covered) / apply!));
});

parity.run();
