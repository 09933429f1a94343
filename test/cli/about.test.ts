/** What the command tells of FFmpeg, this machine and graph files, and the module it writes to begin with. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { millraceEach, node, type Result, temporaryFolder } from './kit.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder();
const own = join(folder, 'add-light');

const COMMANDS: readonly (readonly string[])[] = [
  ['list', 'filters'],
  ['list', 'filters', 'drawtext'],
  ['list', 'codecs', 'libx264', '--json'],
  ['list', 'codecs', 'h264'],
  ['list', 'formats', 'mp4'],
  ['list', 'protocols', '--json'],
  ['list', 'pixel-formats', 'yuv420p'],
  ['list', 'devices'],
  ['list', 'filters', 'scal'],
  ['list', 'codecs', 'h266x'],
  ['list', 'colours'],
  ['list', 'devices', 'camera'],
  ['schema'],
  ['env'],
  ['init-module', 'add-light', '--folder', own],
  ['init-module', 'add-light', '--folder', own],
  ['init-module', '../up'],
];
let done: Promise<Result[]> | undefined;
async function result(command: string): Promise<Result> {
  done ??= millraceEach(COMMANDS.map((args) => [...args]));
  return (await done)[COMMANDS.findIndex((args) => args.join(' ').startsWith(command))]!;
}
async function output(command: string): Promise<string> {
  const { code, stdout, stderr } = await result(command);
  assert.equal([code, stderr], [0, '']);
  return stdout;
}

const test = suite('list, schema, env, init-module');

test('lists what the FFmpeg inside has', async () => {
  assert.match(await output('list filters'), /^hflip +video -> video +Horizontally flip the input video\.$/m);
  assert.match(await output('list pixel-formats'), /^yuv420p {2}12 bits per pixel\n {2}encoders {2}.* libx264 /);
  assert.ok(JSON.parse(await output('list protocols')).some(({ name }: { name: string }) => name === 'https'));
  assert.match(await output('list devices'), /^virtual +lavfi +testsrc2 +any graph of filters/m);
});

test('with a name it shows everything about it, options included', async () => {
  const filter = await output('list filters drawtext');
  assert.match(filter, /^drawtext {2}video -> video {2}Draw text .*\n/);
  assert.match(filter, /^ {4}tabsize +int +set tab size; .*default 4$/m);
  const [x264] = JSON.parse(await output('list codecs libx264'));
  assert.equal([x264.name, x264.use, x264.codec], ['libx264', 'encoder', 'h264']);
  assert.ok(x264.options.some(({ name }: { name: string }) => name === 'crf'));
  assert.match(
    await output('list codecs h264'),
    /^h264 {2}video\n {2}decoders {2}.*\n {2}encoders {2}.*\blibx264\b.*\nh264 {2}decoder of h264/,
  );
  assert.match(
    await output('list formats mp4'),
    /to read it \(dec_params\):[\s\S]*ignore_editlist[\s\S]*mux_params[\s\S]*movflags/,
  );
});

test('what is not there is refused, with what is near', async () => {
  const refused = async (command: string, says: RegExp) => {
    const { code, stdout, stderr } = await result(command);
    assert.equal([code, stdout], [2, '']);
    assert.match(stderr, says);
  };
  await refused('list filters scal', /this FFmpeg has no filter 'scal'\. Did you mean 'scale'\?/);
  await refused('list codecs h266x', /this FFmpeg has no codec 'h266x'/);
  await refused('list colours', /Allowed choices are filters, codecs, formats/);
  await refused('list devices camera', /takes no name/);
  await refused('init-module ../up', /is no name for a module/);
});

test('prints the JSON Schema of graph files, which the package exports', async () => {
  const file = createRequire(import.meta.url).resolve('millrace/graph.schema.json');
  assert.is(await output('schema'), readFileSync(file, 'utf8'));
});

test('tells of this machine what a bug report needs', async () => {
  const text = await output('env');
  assert.match(text, /^millrace +\d+\.\d+\.\d+\nNode\.js +\d+/);
  assert.match(text, /^threads +ok$/m);
  assert.match(text, /^frames go by +reference$/m);
  assert.match(text, /^configuration +.*--enable/m);
});

test('writes a module in TypeScript whose own test passes, and nothing over what is there', async () => {
  assert.match(await output('init-module add-light'), /src\/add-light\.ts\n[\s\S]*npm install && npm test\n$/);
  const again = (await done!)[COMMANDS.length - 2]!;
  assert.is(again.code, 2);
  assert.match(again.stderr, /is there and not empty/);
  // What `npm install` would do.
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const itself = join(own, 'node_modules');
  mkdirSync(itself);
  symlinkSync(root, join(itself, 'millrace'));
  const { scripts } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'));
  assert.is(scripts.test, 'node --import tsx --test test/add-light.test.ts');
  // The file alone: a runner would start a process for it.
  const { code, stdout } = await node('test/add-light.test.ts', [], {
    cwd: own,
    env: { NODE_OPTIONS: '--import tsx' },
  });
  assert.is(code, 0, stdout);
  // Of what Node.js reports by: '# pass 2', later 'ℹ pass 2'.
  assert.match(stdout, /^\S+ pass 2$/m);
});

test.run();
