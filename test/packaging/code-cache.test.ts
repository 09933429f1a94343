/** What threads and the command run from: scripts whose compiled code is kept on disk, for this user alone. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { millrace, node, temporaryFolder } from '../cli/kit.js';

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

test('that is damaged is not taken, and replaced', async () => {
  const cache = join(folder, 'taken');
  const harms: ((bytes: Buffer) => Buffer)[] = [
    (bytes) => bytes.fill(bytes[bytes.length >> 1]! ^ 4, bytes.length >> 1, (bytes.length >> 1) + 1),
    (bytes) => bytes.subarray(0, bytes.length - 8),
    () => Buffer.alloc(0),
    (bytes) => bytes.fill(0),
  ];
  for (const [i, { path, bytes }] of keptIn(cache).entries()) writeFileSync(path, harms[i % harms.length]!(bytes));
  assert.ok((await transcode(cache)).equals(whole));
  assert.equal([...new Set(keptIn(cache).map(({ times }) => times))], [1]);
});

test('is neither read nor written where others may write, or where it is forbidden', async () => {
  const forbidden = join(folder, 'forbidden');
  await transcode(forbidden, { NODE_DISABLE_COMPILE_CACHE: '1' });
  assert.not.ok(readdirSync(folder).includes('forbidden') && keptIn(forbidden).length > 0);
  if (process.platform === 'win32') return;
  const own = join(folder, 'open', `millrace-${process.getuid!()}`);
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
    ctx.callback('seen', { from, stack });
  }
  process(task) {
    for (const packet of task.inputs.get(0) ?? []) packet.close();
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
}

async function seenWith(flags: readonly string[], env: Record<string, string> = {}): Promise<Seen> {
  const cache = { NODE_COMPILE_CACHE: join(folder, 'application') };
  const [first, ...rest] = [...flags, join(folder, 'program.mjs'), join(folder, 'probe.mjs')];
  const { code, stdout, stderr } = await node(first!, rest, { env: { ...cache, ...env } });
  assert.is(stderr, '');
  assert.is(code, 0);
  return JSON.parse(stdout);
}

const [scripts, modules] = [
  ['cached-index.js', 'cached-testing.js'],
  ['index.js', 'testing.js'],
];

test('is code at the same places: what is thrown in it says the same as from the modules', async () => {
  const [cached, plain] = await Promise.all([seenWith([]), seenWith([], { NODE_DISABLE_COMPILE_CACHE: '1' })]);
  assert.equal(cached.from, scripts);
  assert.equal(plain.from, modules);
  assert.ok(plain.stack.length > 1);
  assert.equal(cached.stack, plain.stack);
});

test('is not what runs where somebody wants source maps, coverage, or has flags for threads', async () => {
  const of = async (...settings: Parameters<typeof seenWith>): Promise<readonly string[]> =>
    (await seenWith(...settings)).from;
  const coverage = { NODE_V8_COVERAGE: join(folder, 'coverage') };
  const asked = [of(['--enable-source-maps']), of([], coverage), of([], { NODE_OPTIONS: '--no-warnings' })];
  assert.equal(await Promise.all(asked), [modules, modules, modules]);
  assert.equal(await of(['--max-old-space-size=500'], { NODE_OPTIONS: '--max-semi-space-size=8' }), scripts);
});

test.run();
