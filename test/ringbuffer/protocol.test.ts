import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Edit, loadRing } from './interleave.js';
import { scenes } from './protocol.js';

const FOLDER = new URL('../../ringbuffer/', import.meta.url);
const MODEL = new URL('../../docs/model/ring.pml', import.meta.url);
const PROTOCOL = new URL('../../docs/ring-protocol.md', import.meta.url);

const stepNames = (text: string) => [...new Set(text.match(/\[[a-z]+\.\d\]/g))].sort();
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.ts'));
const sources = files.map((file) => ({ file, text: readFileSync(new URL(file, FOLDER), 'utf8') }));

/** A step is a comment that begins with its name, above the statement that is the step. */
const STEP = /^ *\/\/ (\[[a-z]+\.\d\]).*\n(?: *\/\/.*\n)*( *\S[^;]*;\n)/gm;

/** Without the step, but with what the code after it needs to run. */
function takenOut(statement: string): string {
  const asleep = statement.replace(/Atomics\.wait\([^;]*\);/, "'ok';");
  if (asleep !== statement) return asleep;
  const pending = statement.replace(/Atomics\.waitAsync\([^;]*\);/, "{ async: false, value: 'ok' };");
  if (pending !== statement) return pending;
  const declared = /^( *const \w+ = )[^;]*;\n$/.exec(statement);
  return declared ? `${declared[1]}undefined;\n` : '';
}

const steps = sources.flatMap(({ file, text }) =>
  [...text.matchAll(STEP)].map((match) => {
    const [whole, name, statement] = match;
    const edit: Edit = { file, from: whole, to: takenOut(statement!) };
    return { name: name!, line: text.slice(0, match.index).split('\n').length, file, edit };
  }),
);

async function firstFailure(edit?: Edit): Promise<string | undefined> {
  const load = loadRing(edit);
  for (const [title, scene] of Object.entries(scenes)) {
    try {
      await scene(load);
    } catch (error) {
      return `${title}: ${(error as Error).message}`;
    }
  }
  return undefined;
}

const test = suite('ring protocol');

test('every step of the model is named in the code and every step of the code in the model', () => {
  const code = stepNames(sources.map(({ text }) => text).join('\n'));
  assert.ok(code.length >= 25, 'the steps were found');
  assert.equal(stepNames(readFileSync(MODEL, 'utf8')), code);
  assert.equal(stepNames(readFileSync(PROTOCOL, 'utf8')), code);
  assert.equal([...new Set(steps.map(({ name }) => name))].sort(), code, 'each stands above its statement');
});

for (const [title, scene] of Object.entries(scenes)) {
  test(title, async () => scene(loadRing()));
}

for (const { name, file, line, edit } of steps) {
  test(`without ${name} (${file}:${line}) a scene fails`, async () => {
    assert.ok(await firstFailure(edit), `no scene noticed that ${name} is missing`);
  });
}

test.run();
