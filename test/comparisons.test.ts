/** Runs what stands in the right columns of the tables in docs/from-ffmpeg.md and docs/from-fluent-ffmpeg.md. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encode, Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CLI, nodeEach, type Result, temporaryFolder } from './cli/kit.js';
import { long } from './kit/long.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = temporaryFolder();
const maker = new Graph({ threads: 0 });
const picture = maker.filter('testsrc2', { size: '64x48', rate: 10, duration: 0.4 });
encode(picture, maker.filter('sine', { sample_rate: 16000, duration: 0.4 }), {
  output_path: join(folder, 'in.mp4'),
  video_params: { preset: 'ultrafast' },
});
encode(maker.filter('testsrc2', { size: '64x48', duration: 0.04 }), null, { output_path: join(folder, 'picture.png') });
await maker.run();
for (const n of [1, 2]) copyFileSync(join(folder, 'picture.png'), join(folder, `picture-${n}.png`));
writeFileSync(join(folder, 'film.srt'), '1\n00:00:00,000 --> 00:00:00,300\nHello\n');
copyFileSync(join(root, 'test/fixtures/media/everything.mkv'), join(folder, 'in.mkv'));

interface Row {
  readonly page: string;
  readonly code: string;
}

/** Code of the last columns; a cell may hold several. */
function rowsOf(page: string): Row[] {
  const text = readFileSync(join(root, 'docs', page), 'utf8');
  const cells = [...text.matchAll(/^\| `.*` \| (`.*) \|$/gm)].map((match) => match[1]!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => ({ page, code: match[1]! })));
}

const rows = ['from-ffmpeg.md', 'from-fluent-ffmpeg.md'].flatMap(rowsOf);
// The flags of commands have tests of their own (test/cli): of three commands one runs here, in the long form all.
const commands = rows.filter(({ code }) => code.startsWith('millrace ')).filter((_, n) => long || n % 3 === 0);
// A pipe needs a shell; reading the standard input has a test of its own.
const programs = rows.filter(({ code }) => !/^(millrace|cat) /.test(code));

/** Words as a shell makes them, as far as the tables need it. */
function words(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!).slice(1);
}

// Inside the package, so that scripts find it by its name.
const scripts = join(root, '.tmp', `comparisons-${process.pid}`);
mkdirSync(scripts, { recursive: true });
process.on('exit', () => rmSync(scripts, { recursive: true, force: true }));
const all = join(scripts, 'all.mjs');
writeFileSync(
  all,
  `import { createReadStream } from 'node:fs';
import * as millrace from 'millrace';
const { ${'concat devices encode extractAudio gif Graph probe probeSync sprite thumbnails toSize trim twoPass waveform'.split(' ').join(', ')} } = millrace;
// Threads are not the point.
const here = (call) => (first, options) =>
  [first].flat().every((one) => typeof one === 'string') ? call(first, { threads: 0, ...options }) : call(first, options);
const AsyncFunction = (async () => {}).constructor;
const names = 'createReadStream graph input other video audio devices encode concat extractAudio gif Graph probe probeSync sprite thumbnails toSize trim twoPass waveform'.split(' ');
for (const [n, code] of ${JSON.stringify(programs.map(({ code }) => code))}.entries()) {
  const graph = new Graph({ threads: 0 });
  const opened = {};
  const open = (path) => (opened[path] ??= graph.decode({ input_path: path }));
  const given = {
    createReadStream, graph, devices, encode, Graph, toSize, twoPass, probe, probeSync, concat: here(concat), extractAudio: here(extractAudio), gif: here(gif),
    sprite: here(sprite), thumbnails: here(thumbnails), trim: here(trim), waveform: here(waveform),
    get input() { return open('in.mp4'); },
    get other() { return open('in.mkv'); },
    get video() { return open('in.mp4').video; },
    get audio() { return open('in.mp4').audio; },
  };
  try {
    // Inputs that the code does not name are not opened.
    const used = names.filter((name) => new RegExp('(?<![.\\\\w])' + name + '(?!\\\\w*:)\\\\b').test(code));
    const body = /^(const|for|if) |;/.test(code) ? code : 'return (' + code + ')';
    await new AsyncFunction(...used, body)(...used.map((name) => given[name]));
    const isBuilt = graph.status().nodes.length > 0 && !/graph\\.(run|start|close)|packets\\(/.test(code);
    // Of three graphs one runs, in the long form all; what is wrong with the others is told before a run.
    if (isBuilt) await (${long} || n % 3 === 0 ? graph.run() : graph.validate());
  } catch (error) {
    console.error(n + ': ' + (error.problems ? JSON.stringify(error.problems) : '') + error.message);
  }
}
`,
);

let ended: Promise<Result[]> | undefined;
async function results(): Promise<Result[]> {
  const runs = commands.map(({ code }) => [CLI, ...words(code)] as [string, ...string[]]);
  ended ??= nodeEach([[all], ...runs], { cwd: folder, limit: 120_000, env: { MILLRACE_THREADS: '0' } });
  return ended;
}

const test = suite('comparisons');

test('all code of the tables runs', async () => {
  const [{ code, stderr }] = (await results()) as [Result];
  const failed = stderr
    .split('\n')
    .filter((line) => /^\d+: /.test(line))
    .map((line) => `${programs[Number.parseInt(line, 10)]!.code}\n${line}`);
  assert.is(failed.join('\n\n'), '');
  assert.is(code, 0, stderr);
});

test('all commands of the tables run', async () => {
  const failed = (await results())
    .slice(1)
    .flatMap(({ code, stderr }, n) => (code === 0 ? [] : [`${commands[n]!.code}\n${stderr}`]));
  assert.is(failed.join('\n'), '');
});

test('each page has fifty rows', () => {
  for (const page of new Set(rows.map((row) => row.page))) {
    const text = readFileSync(join(root, 'docs', page), 'utf8');
    const count = [...text.matchAll(/^\| `/gm)].length;
    assert.ok(count >= 50, `${page} has ${count}`);
  }
});

test.run();
