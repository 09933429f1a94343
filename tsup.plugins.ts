import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

const root = import.meta.dirname ?? process.cwd();

/**
 * Of files that several entries share, esbuild makes one part for every set of entries that reaches them, and each part is
 * a file that every thread has to find, read and compile by itself. So an entry is given everything that another one has:
 * then they reach the same, which is one part.
 * @param roots Entry to the file whose imports it is given. They must be in the same build.
 */
export function oneFileOf(roots: Readonly<Record<string, string>>): Plugin {
  const byPath = new Map(Object.entries(roots).map(([entry, given]) => [resolve(root, entry), resolve(root, given)]));
  return {
    name: 'one-file-of',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const given = byPath.get(path);
        if (given === undefined) return undefined;
        const text = await readFile(path, 'utf8');
        // Behind the text: lines keep their numbers.
        return { contents: `${text}\nimport ${JSON.stringify(given)};\n`, loader: 'ts' };
      });
    },
  };
}

/**
 * node-av's JavaScript is built in: of its 62 files a thread needs a quarter, and finds it with ours. Its native binary stays in
 * its own package and is found from node-av's place, as node-av itself does it, wherever a package manager has put the two.
 */
export const nodeAv: Plugin = {
  name: 'node-av',
  setup(build) {
    const inside = { alreadyInside: true };
    build.onResolve({ filter: /^(node-av(\/|$)|\.)/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (pluginData === inside || (path.startsWith('.') && !/[\\/]node-av[\\/]dist[\\/]/.test(importer)))
        return undefined;
      const { path: file, errors } = await build.resolve(path, { kind, importer, resolveDir, pluginData: inside });
      // Nothing happens when its files are loaded, so those nobody uses are left out. Its package.json does not say so.
      return errors.length > 0 ? { errors } : { path: file, sideEffects: false };
    });
    build.onLoad({ filter: /[\\/]node-av[\\/]dist[\\/]lib[\\/]binding\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const ask = "import { createRequire } from 'node:module';";
      const load = 'const bindings = loadBinding();\n';
      for (const part of ['import.meta.url', ask, load]) {
        if (!text.includes(part)) throw new Error(`${path} no longer has: ${part}`);
      }
      const importOf = (name: string, file: string) =>
        `import { ${name} } from ${JSON.stringify(resolve(root, file))};`;
      const contents = text
        .replace(
          ask,
          importOf('createRequire', 'src/errors/node-require.ts') +
            importOf('nodeAvUrl', 'src/media/native/node-av-place.ts') +
            importOf('isLoadedNow, loadsWhenUsed', 'src/media/native/addon.ts'),
        )
        .replaceAll('import.meta.url', 'nodeAvUrl')
        .replace(load, whenFirstUsed(await bindingNames(dirname(path))))
        // Bundles of applications often declare `__dirname` themselves.
        .replaceAll('__dirname', 'nodeAvFolder');
      return { contents, loader: 'js' };
    });
    // The system's errors as FFmpeg numbers them are asked of the binary as soon as the file is loaded; Node knows them as well.
    build.onLoad({ filter: /[\\/]node-av[\\/]dist[\\/]lib[\\/]error\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const numbers = text.replaceAll(/= getCachedError\(PosixError\.(\w+)\)/g, '= -constants.errno.$1');
      if (numbers === text) throw new Error(`${path} no longer asks for the numbers of errors`);
      return { contents: `import { constants } from 'node:os';\n${numbers}`, loader: 'js' };
    });
  },
};

/**
 * commander is CommonJS in six files, which the command would find and load one after the other; as modules they are part of its
 * own file. The start of processes, which takes as long to load as commander and is for commands in files of their own, is
 * loaded when one is started.
 */
export const commander: Plugin = {
  name: 'commander',
  setup(build) {
    build.onLoad({ filter: /[\\/]commander[\\/]esm\.mjs$/ }, () => {
      const files = { argument: 'Argument', command: 'Command', option: 'Option' };
      const lines = Object.entries(files).map(([file, name]) => `export { ${name} } from './lib/${file}.js';`);
      lines.push("export { CommanderError, InvalidArgumentError } from './lib/error.js';");
      return { contents: lines.join('\n'), loader: 'js' };
    });
    build.onLoad({ filter: /[\\/]commander[\\/]lib[\\/]\w+\.js$/ }, async ({ path }) => {
      const contents = (await readFile(path, 'utf8'))
        .replace("const childProcess = require('node:child_process');\n", '')
        // An import of it opens the standard input at once.
        .replace("const process = require('node:process');\n", '')
        .replaceAll('childProcess.', "process.getBuiltinModule('node:child_process').")
        .replaceAll(
          /^const EventEmitter = require\('node:events'\)\.EventEmitter;/gm,
          "import { EventEmitter } from 'node:events';",
        )
        .replaceAll(/^const (\{[^}]+\}|\w+) = require\(('[^']+')\);/gm, 'import $1 from $2;')
        .replaceAll(/^exports\.(\w+) = \1;/gm, 'export { $1 };');
      const left = /\b(require\(|childProcess\b|exports\b)/.exec(contents.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''));
      if (left !== null) throw new Error(`${path} has another form than before: ${left[0]}`);
      return { contents, loader: 'js' };
    });
  },
};

/** What node-av's JavaScript takes from its native binary. */
async function bindingNames(lib: string): Promise<string[]> {
  const names = new Set<string>();
  const folder = dirname(lib);
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    for (const [, name] of (await readFile(join(folder, file), 'utf8')).matchAll(/\bbindings\.(\w+)/g))
      names.add(name!);
  }
  return [...names].sort();
}

/**
 * The native binary is loaded when something of it is used for the first time: whoever imports the package for something else, or
 * only describes a graph, goes without. From then on `bindings` is what it was before, so that no use of it is slower.
 */
function whenFirstUsed(names: readonly string[]): string {
  return `let bindings = {};
function loadNow() {
  bindings = loadBinding();
  isLoadedNow();
}
loadsWhenUsed(loadNow);
for (const name of ${JSON.stringify(names)}) {
  Object.defineProperty(bindings, name, { get: () => (loadNow(), bindings[name]) });
}
`;
}
