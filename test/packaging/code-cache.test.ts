/** What threads and the command run from: scripts whose compiled code is kept on disk, for this user alone. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeCached } from '../../tsup.cached.js';
import { millrace, node, temporaryFolder } from '../cli/kit.js';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const sizeOf = (path: string): number => statSync(path).size;
const clip = fileURLToPath(new URL('../fixtures/media/everything.mkv', import.meta.url));
const folder = temporaryFolder();
mkdirSync(join(folder, 'node_modules'));
symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(folder, 'node_modules', 'millrace'));

const test = suite('compiled code on disk');

interface Kept {
  readonly name: string;
  readonly path: string;
  readonly times: number;
  readonly bytes: Buffer;
}

/** What lies in the folder of a `NODE_COMPILE_CACHE`. */
function keptIn(cache: string): Kept[] {
  const [own] = readdirSync(cache).filter((name) => name.startsWith('millrace'));
  if (own === undefined) return [];
  return readdirSync(join(cache, own)).map((name) => {
    const path = join(cache, own, name);
    const bytes = readFileSync(path);
    return { name, path, times: bytes.length < 8 ? 0 : bytes.readUInt32LE(4), bytes };
  });
}

let jobs = 0;
/** Sound of a tenth of a second, by the command with one thread. */
async function transcode(cache: string, env: Record<string, string> = {}): Promise<Buffer> {
  const output = join(folder, `${jobs++}.wav`);
  const settings = ['--no-video', '--acodec', 'pcm_s16le', '--end', '0.1', '--threads', '1', '--quiet'];
  const { code, stderr } = await millrace(['transcode', clip, output, ...settings], {
    env: { NODE_COMPILE_CACHE: cache, ...env },
  });
  assert.is(stderr, '');
  assert.is(code, 0);
  return readFileSync(output);
}

let whole: Buffer;
test('is kept by the command and by its threads, and taken by the next ones, five times at most', async () => {
  const cache = join(folder, 'taken');
  const times = (): number[] => [...new Set(keptIn(cache).map((file) => file.times))];
  whole = await transcode(cache);
  assert.equal(times(), [1]);
  assert.ok((await transcode(cache)).equals(whole));
  // Whoever does not take it begins with 1 again.
  assert.equal(times(), [2]);
  for (const { path, bytes } of keptIn(cache)) {
    bytes.writeUInt32LE(5, 4);
    writeFileSync(path, bytes);
  }
  const inodes = (): number[] => keptIn(cache).map(({ path }) => statSync(path).ino);
  const before = inodes();
  assert.ok((await transcode(cache)).equals(whole));
  assert.equal(inodes(), before);
  const users = new Set(keptIn(cache).map(({ name }) => name.split('-').at(-2)));
  assert.equal([...users].sort(), ['thread', 'transcode']);
  if (process.platform === 'win32') return;
  for (const { path } of keptIn(cache)) assert.is(statSync(path).mode & 0o777, 0o600);
});

test('that is damaged is not taken and replaced, and what is old goes', async () => {
  const cache = join(folder, 'taken');
  const harms: ((bytes: Buffer) => Buffer)[] = [
    (bytes) => bytes.fill(bytes[bytes.length >> 1]! ^ 4, bytes.length >> 1, (bytes.length >> 1) + 1),
    (bytes) => bytes.subarray(0, bytes.length - 8),
    () => Buffer.alloc(0),
    (bytes) => bytes.fill(0),
  ];
  const kept = keptIn(cache);
  const own = join(kept[0]!.path, '..');
  const old = join(own, kept[0]!.name.replace(/-[0-9a-f]+-/, '-abc123-'));
  const others = ['notes.txt', 'folder'].map((name) => join(own, name));
  writeFileSync(old, 'code');
  writeFileSync(others[0]!, 'of somebody');
  mkdirSync(others[1]!);
  for (const path of [old, ...others]) utimesSync(path, 0, 0);
  for (const [i, { path, bytes }] of kept.entries()) writeFileSync(path, harms[i % harms.length]!(bytes));
  assert.ok((await transcode(cache)).equals(whole));
  for (const other of others) rmSync(other, { recursive: true });
  assert.equal([...new Set(keptIn(cache).map(({ times }) => times))], [1]);
  assert.not.ok(existsSync(old));
});

test('is neither read nor written where others may write, or where it is forbidden', async () => {
  const forbidden = join(folder, 'forbidden');
  await transcode(forbidden, { NODE_DISABLE_COMPILE_CACHE: '1' });
  assert.not.ok(readdirSync(folder).includes('forbidden') && keptIn(forbidden).length > 0);
  if (process.platform === 'win32') return;
  const own = join(folder, 'open', `millrace-code-${process.getuid!()}`);
  mkdirSync(own, { recursive: true });
  chmodSync(own, 0o777);
  await transcode(join(folder, 'open'));
  assert.equal(readdirSync(own), []);
});

/** Of a module of an application: where in its thread the package comes from, and where in our files an error was thrown. */
writeFileSync(
  join(folder, 'probe.mjs'),
  `import { VideoFrame } from 'millrace';
import 'millrace/testing';
export default class Probe {
  init(ctx) {
    let thrown;
    try { VideoFrame.alloc({ width: 0, height: 0, format: 'gray' }); } catch (error) { thrown = error; }
    const stack = thrown.stack.split('\\n').filter((line) => line.includes('/dist/'));
    const from = ['millrace', 'millrace/testing'].map((name) => import.meta.resolve(name).split('/').at(-1));
    this.seen = { from, stack };
    this.ctx = ctx;
  }
  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) continue;
      this.ctx.callback('seen', { ...this.seen, same: packet.payload instanceof VideoFrame });
      packet.close();
    }
  }
}`,
);
writeFileSync(
  join(folder, 'program.mjs'),
  `import { Graph } from 'millrace';
const path = process.argv[2];
const graph = new Graph({ threads: 1 });
const picture = graph.filter('testsrc2', { size: '16x16', duration: 0.04 });
picture.module({ name: 'probe', path }, {}, { callback: (key, value) => console.log(JSON.stringify(value)) });
await graph.run();`,
);

interface Seen {
  readonly from: readonly string[];
  readonly stack: readonly string[];
  /** The thread and its module have the same classes. */
  readonly same: boolean;
}

async function seenWith(flags: readonly string[], env: Record<string, string> = {}): Promise<Seen> {
  const cache = { NODE_COMPILE_CACHE: join(folder, 'application') };
  const [first, ...rest] = [...flags, join(folder, 'program.mjs'), join(folder, 'probe.mjs')];
  const { code, stdout, stderr } = await node(first!, rest, { env: { ...cache, ...env } });
  assert.is(stderr, '');
  assert.is(code, 0);
  return JSON.parse(stdout);
}

/** What an application is run with that wants the scripts. */
const ASKS = '--conditions=millrace-cached';
const [scripts, modules] = [
  ['cached-index.js', 'cached-testing.js'],
  ['index.js', 'testing.js'],
];

test('is code at the same places: what is thrown in it says the same as from the modules', async () => {
  const cache = join(folder, 'asked');
  const [cached, plain] = await Promise.all([
    seenWith([ASKS], { NODE_COMPILE_CACHE: cache }),
    seenWith([], { NODE_COMPILE_CACHE: cache }),
  ]);
  assert.equal(cached.from, scripts);
  assert.equal(plain.from, modules);
  assert.ok(plain.stack.length > 1);
  assert.equal(cached.stack, plain.stack);
  const users = new Set(keptIn(cache).map(({ name }) => name.split('-').at(-2)));
  assert.equal([...users].sort(), ['main', 'thread']);
});

test('is one copy with what modules of an application import, whatever else is asked for', async () => {
  const coverage = { NODE_V8_COVERAGE: join(folder, 'coverage') };
  const forbidden = { NODE_DISABLE_COMPILE_CACHE: '1' };
  const found = await Promise.all([
    seenWith([ASKS, '--enable-source-maps'], forbidden),
    seenWith([ASKS], { ...coverage, NODE_OPTIONS: '--no-warnings' }),
    seenWith([], { NODE_OPTIONS: ASKS }),
  ]);
  for (const { from, same } of found) assert.equal({ from, same }, { from: scripts, same: true });
});

/** The files of the build for themselves, to be changed. */
const copy = join(folder, 'copy', 'dist');
cpSync(dist, copy, { recursive: true, filter: (file) => !/\.(map|d\.ts)$/.test(file) });
symlinkSync(join(dist, '../node_modules'), join(copy, '../node_modules'));
writeFileSync(join(copy, '../package.json'), readFileSync(join(dist, '../package.json')));

test('is not what the command runs from when somebody has patched the modules, or left files out', async () => {
  const large = join(
    copy,
    readdirSync(copy).find((name) => /^chunk-/.test(name) && sizeOf(join(copy, name)) > 500_000)!,
  );
  const text = readFileSync(large, 'utf8');
  const cache = join(folder, 'patched');
  const settings = ['--no-video', '--acodec', 'pcm_s16le', '--end', '0.1', '--threads', '1', '--quiet'];
  const run = async (): Promise<void> => {
    const env = { NODE_COMPILE_CACHE: cache };
    const { code, stderr } = await node(join(copy, 'cli.js'), ['transcode', clip, join(folder, 'p.wav'), ...settings], {
      env,
    });
    assert.equal({ code, stderr }, { code: 0, stderr: '' });
    assert.equal(keptIn(cache), []);
  };
  writeFileSync(large, `// patched\n${text}`);
  await run();
  writeFileSync(large, text);
  const stub = join(copy, `cached-${large.slice(copy.length + 1)}`);
  rmSync(stub);
  await run();
});

/** Long enough to be made a script. */
const PADDING = `var padding=${JSON.stringify('x'.repeat(50_000))};`;
const made = (name: string, text: string): void => {
  writeFileSync(join(copy, name), text);
  writeCached(pathToFileURL(`${copy}/`), [name]);
};

const SMALL = "'./small.js'";
test('is made of whatever a module has', async () => {
  writeFileSync(join(copy, 'small.js'), 'export const two = 2;\nexport default 3;\n');
  made(
    'made.js',
    `import three, { two as deux } from ${SMALL}; import * as os from 'node:os';
${PADDING} import { join } from 'node:path';
var self = this, mode = (function () { return this; })(), eol = os.EOL;
let counted = 0; counted++;
class Late { static made; static { Late.made = padding.length; } }
function where() { return [new Error('here').stack.split('\\n')[1], import.meta.${'url'}]; }
const later = () => import(${SMALL});
export { deux as zwei, counted, Late, join, where, later, self, mode, eol, three as default };
`,
  );
  const compare = `
    const [module, script] = await Promise.all(['made.js', 'cached-made.js'].map((name) => import(${JSON.stringify(
      pathToFileURL(`${copy}/`).href,
    )} + name)));
    const shown = async ({ zwei, counted, Late, join, where, later, self, mode, eol, default: three }) =>
      [zwei, counted, Late.made, join('a', 'b'), where(), (await later()).two, self, mode, eol, three].map(String);
    console.log(JSON.stringify([await shown(module), await shown(script)]));`;
  writeFileSync(join(copy, 'compare.mjs'), compare);
  const { code, stdout, stderr } = await node(join(copy, 'compare.mjs'), []);
  assert.equal({ code, stderr }, { code: 0, stderr: '' });
  const [module, script] = JSON.parse(stdout);
  assert.equal(script, module);
});

test('is not made of what a script would not do as the module does', () => {
  const begin = `import 'node:os';${PADDING}`;
  for (const [text, says] of [
    ['let n=0;function step(){n++}export{n,step};', /n is exported, and changes later/],
    ['let a=0,b=0;function swap(){[a,b]=[b,a]}export{a,swap};', /a is exported, and changes later/],
    [
      "var load=()=>import('data:application/json,1',{with:{type:'json'}});export{load};",
      /import\(\) of several arguments/,
    ],
    ['var found=await 1;export{found};', /await is only valid/],
    ['var place=import.meta.dirname;export{place};', /import\.meta\.dirname/],
    ['var letter="\u00e9";export{letter};', /is not ASCII/],
  ] as const) {
    assert.throws(
      () => made('refused.js', begin + text),
      (error: Error) => says.test(error.message),
      text,
    );
  }
  // Another one of the same name inside may change.
  made('taken.js', `${begin}let n=0;function step(n){n++;return n}export{n,step};`);
});

test.run();
