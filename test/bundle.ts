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

/**
 * Failures tell lines of the sources. The workers do without: reading the maps would take a third of their time. Where the
 * system tells it, the seconds of CPU go to the runner at the end: those of this process and of all that it has waited for.
 * A file that is run by hand has no runner, and no descriptor 3.
 */
const START = `import { readFileSync, writeSync } from 'node:fs';
process.setSourceMapsEnabled(true);
process.once('exit', () => {
  if (process.platform !== 'linux' || process.env.MILLRACE_TEST_RUNNER !== String(process.ppid)) return;
  const ticks = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\\) /, '').split(' ').slice(11, 15);
  writeSync(3, String(ticks.reduce((sum, n) => sum + Number(n), 0) / 100));
});
await import(process.argv[2]);
`;

export interface Bundles {
  /** The caller removes it. */
  folder: string;
  /** Arguments of node that run a test file: `e2e/push.test.ts`. */
  argumentsOf(file: string): string[];
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
  return { folder, argumentsOf: (file) => [start, join(folder, file.replace(/\.ts$/, '.js'))] };
}
