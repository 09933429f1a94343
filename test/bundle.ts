/**
 * The test files as plain JavaScript, in a folder of their own. A thread runs with the options of its process: under
 * tsx every worker of every graph would load a compiler first, which takes longer than most tests.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Fixtures lie beside the sources: those say where they are, not where they were bundled to. */
const places: Plugin = {
  name: 'places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
      loader: 'ts',
    }));
  },
};

/** Begins the line on stdout that ends a file with others after it: the exit code and the seconds of CPU until then follow. */
const MARK = '\u0001file ended: ';

/**
 * Runs the files it is given one after another. The next file begins when nothing of the one before keeps the process going,
 * so that one that leaves something open is the one that hangs. Where the system tells it, the seconds of CPU go to the
 * runner, with each mark and at the end: those of this process and of all that it has waited for. A file that is run by hand
 * has no runner, and no descriptor 3.
 */
const START = `import { readFileSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
globalThis.UVU_DEFER = true;
const { exec } = await import('uvu');
const files = process.argv.splice(2);
const run = process.env.MILLRACE_TEST_RUNNER === String(process.ppid);
function cpu() {
  if (process.platform !== 'linux') return 0;
  const ticks = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\\) /, '').split(' ').slice(11, 15);
  return ticks.reduce((sum, n) => sum + Number(n), 0) / 100;
}
process.once('exit', () => {
  if (run && process.platform === 'linux') writeSync(3, String(cpu()));
});
let running = false;
process.on('beforeExit', () => {
  // The rest of the files is not for a process with tests that nothing can end.
  if (running) process.exit(1);
  if (files.length === 0) return;
  if (run) process.stdout.write('\\n${MARK}' + (process.exitCode ?? 0) + ' ' + cpu() + '\\n');
  // What a file has left to the garbage collector would count for the next one.
  collect();
  setImmediate(() => setImmediate(next));
});
function collect() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
async function next() {
  running = true;
  // What uvu runs next: the tests of this file alone.
  globalThis.UVU_QUEUE = [[null]];
  await import(files.shift());
  await exec();
  running = false;
}
next();
`;

export interface FileEnd {
  before: string;
  code: number;
  /** Of the process, until then. */
  cpu: number;
  after: string;
}

/** The first end of a file that output tells, with what comes before and after it. */
export function fileEndIn(output: string): FileEnd | undefined {
  const match = new RegExp(`^${MARK}(\\d+) ([\\d.]+)\\n`, 'm').exec(output);
  if (match === null) return undefined;
  const after = output.slice(match.index + match[0].length);
  return { before: output.slice(0, match.index), code: Number(match[1]), cpu: Number(match[2]), after };
}

export interface Bundles {
  /** The caller removes it. */
  folder: string;
  /** Arguments of node that run test files, such as `e2e/push.test.ts`, in one process. */
  argumentsOf(files: readonly string[]): string[];
}

export async function bundleTests(files: readonly string[]): Promise<Bundles> {
  // Inside the package, so that `millrace` is this package and its dependencies are found.
  const parent = join(here, '..', '.tmp');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'tests-'));
  await build({
    entryPoints: files.map((file) => join(here, file)),
    outbase: here,
    outdir: folder,
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    sourcemap: true,
    plugins: [places],
    logLevel: 'warning',
  });
  const start = join(folder, 'start.js');
  writeFileSync(start, START);
  return { folder, argumentsOf: (some) => [start, ...some.map((file) => join(folder, file.replace(/\.ts$/, '.js')))] };
}
