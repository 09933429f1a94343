import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
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
      for (const part of ['import.meta.url', ask]) {
        if (!text.includes(part)) throw new Error(`${path} no longer has: ${part}`);
      }
      const importOf = (name: string, file: string) =>
        `import { ${name} } from ${JSON.stringify(resolve(root, file))};`;
      const contents = text
        .replace(
          ask,
          importOf('createRequire', 'src/errors/node-require.ts') +
            importOf('nodeAvUrl', 'src/media/native/node-av-place.ts'),
        )
        .replaceAll('import.meta.url', 'nodeAvUrl')
        // Bundles of applications often declare `__dirname` themselves.
        .replaceAll('__dirname', 'nodeAvFolder');
      return { contents, loader: 'js' };
    });
  },
};
