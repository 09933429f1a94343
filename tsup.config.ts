import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { defineConfig, type Options } from 'tsup';
import packageJson from './package.json' with { type: 'json' };
import { checkExports, writeCached } from './tsup.cached.js';
import { commander, nodeAv, oneFileOf } from './tsup.plugins.js';

// Built in: every thread compiles what it imports, of these packages it needs a part, and one file is found faster than
// a hundred. node-av remains a dependency for its native binary, and because applications use its objects.
const BUNDLED = ['commander', 'fastest-levenshtein', 'msgpackr', 'node-av', 'ts-graphviz', 'valibot'];

/** What their licences ask for: the notice in every copy. */
function writeNotices(): void {
  const notices = BUNDLED.map((name) => {
    const folder = new URL(`node_modules/${name}/`, import.meta.url);
    const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    if (licence === undefined) throw new Error(`${name} has no licence file`);
    return `${name}\n\n${readFileSync(new URL(licence, folder), 'utf8').trim()}\n`;
  });
  writeFileSync(new URL('dist/THIRD-PARTY-NOTICES.txt', import.meta.url), notices.join(`\n${'-'.repeat(80)}\n\n`));
}

/** Source maps hold our sources, which are not in the package; those of other packages can be found there. */
function leaveOthersSources(isOurs: (name: string) => boolean): void {
  const dist = new URL('dist/', import.meta.url);
  for (const name of readdirSync(dist).filter((file) => file.endsWith('.js.map') && isOurs(file.split('.')[0]!))) {
    const map = JSON.parse(readFileSync(new URL(name, dist), 'utf8')) as {
      sources: string[];
      sourcesContent: unknown[];
    };
    map.sources.forEach((source, index) => {
      if (source.includes('node_modules/')) map.sourcesContent[index] = null;
    });
    writeFileSync(new URL(name, dist), JSON.stringify(map));
  }
}

/** The types alone are built beside the tests, which use the rest of `dist`. */
const typesAlone = process.env.MILLRACE_BUILD === 'types';

// Both builds write there at once, so neither of them can clean it.
if (!typesAlone) rmSync(new URL('dist', import.meta.url), { recursive: true, force: true });

const shared: Options = {
  format: 'esm',
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  noExternal: BUNDLED,
  removeNodeProtocol: false,
  esbuildOptions(options) {
    // Names stay as they are, in traces of errors and without what keeping them costs; lines stay short, because Node prints
    // the whole line of an error that nobody catches.
    options.minifyWhitespace = true;
    options.minifySyntax = true;
    options.lineLimit = 160;
  },
};

const BOOT = 'src/thread/boot.ts';
const INDEX = 'src/index.ts';
const PROGRAM = 'src/cli/program/program.ts';
const SCRIPTS = 'src/code-cache/scripts.ts';
const EARLY = 'src/scheduler/threads/prestart.ts';

// Threads that run nothing of an application's and share no classes with anybody: one file each.
const ALONE = {
  demuxer: 'actors/decoder/demux-thread/thread.ts',
  'network-reader': 'actors/decoder/network/reader.ts',
  'network-writer': 'actors/encoder/network/writer.ts',
  'ffmpeg-log': 'src/media/log/thread.ts',
};

/** What threads and the command load. */
const CACHED = ['index', 'ringbuffer', 'sync', 'testing', 'testing-modules', 'worker', 'program'].map(
  (name) => `${name}.js`,
);

export default defineConfig([
  {
    ...shared,
    entry: {
      index: INDEX,
      ringbuffer: 'ringbuffer/index.ts',
      sync: 'src/sync/index.ts',
      testing: 'src/testing/index.ts',
      'testing-modules': 'src/testing/modules.ts',
      cli: 'src/cli/index.ts',
      program: PROGRAM,
      'code-cache': SCRIPTS,
      // Loaded by URL when a thread starts: bundlers do not follow it, so it is an entry of its own.
      worker: 'src/thread/worker.ts',
      // What `millrace bench` runs in threads.
      'bench-worker': 'bench/core/worker.ts',
      'bench-modules': 'bench/core/modules.ts',
    },
    splitting: true,
    dts: {
      only: typesAlone,
      // Types of the tables of options; the package itself is built in.
      resolve: ['valibot'],
      entry: {
        index: INDEX,
        ringbuffer: 'ringbuffer/index.ts',
        sync: 'src/sync/index.ts',
        testing: 'src/testing/index.ts',
      },
    },
    esbuildPlugins: [
      commander,
      nodeAv,
      oneFileOf({
        [INDEX]: BOOT,
        'src/testing/index.ts': INDEX,
        'src/testing/modules.ts': BOOT,
        'bench/core/modules.ts': BOOT,
        'src/cli/bench.ts': INDEX,
        'src/cli/commands.ts': INDEX,
        'src/cli/progress.ts': INDEX,
        'bench/core/worker.ts': BOOT,
        // What starts threads is there before anything else, in all of them.
        'src/cli/index.ts': EARLY,
        [PROGRAM]: EARLY,
        'src/thread/worker.ts': EARLY,
        [BOOT]: EARLY,
        [SCRIPTS]: EARLY,
      }),
    ],
    onSuccess: async () => {
      writeNotices();
      leaveOthersSources((name) => !(name in ALONE));
      const dist = new URL('dist/', import.meta.url);
      writeCached(dist, CACHED);
      checkExports(dist, packageJson.exports, 'millrace-cached');
    },
  },
  ...(typesAlone
    ? []
    : [
        {
          ...shared,
          entry: ALONE,
          splitting: false,
          esbuildPlugins: [nodeAv],
          onSuccess: async () => leaveOthersSources((name) => name in ALONE),
        },
      ]),
]);
