/** The bundlers of Vite and webpack, as their users call them for Node.js: see bundles.test.ts for esbuild. */
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { long } from '../kit/long.js';
import { APPLICATION, folder, refusedFor, results, root } from './application.js';

const ENTRY = join(folder, 'application.mjs');
writeFileSync(ENTRY, APPLICATION);
// As it is installed: what is linked counts as the application's own code.
mkdirSync(join(folder, 'node_modules', 'millrace'));
for (const name of ['package.json', 'dist']) {
  cpSync(join(root, name), join(folder, 'node_modules', 'millrace', name), { recursive: true });
}

type Bundler = (name: string, inlined: boolean) => Promise<string>;

const BUNDLERS: Record<string, Bundler> = {
  // A server's build keeps packages out unless it is told otherwise.
  async Vite(name, inlined) {
    await vite({
      root: folder,
      logLevel: 'silent',
      configFile: false,
      build: {
        ssr: ENTRY,
        outDir: join(folder, name),
        emptyOutDir: false,
        rollupOptions: { output: { format: 'es' }, treeshake: false },
      },
      ...(inlined && { ssr: { noExternal: ['millrace'], external: ['node-av', 'piscina'] } }),
    });
    return join(folder, name, 'application.js');
  },
  async webpack(name, inlined) {
    const external = inlined ? /^(node-av|piscina)(\/|$)/ : /^(millrace|node-av|piscina)(\/|$)/;
    const compiler = webpack({
      mode: long ? 'development' : 'none',
      devtool: false,
      target: 'node20',
      context: folder,
      entry: ENTRY,
      experiments: { outputModule: true },
      externalsType: 'module',
      externals: [({ request }, done) => (external.test(request ?? '') ? done(undefined, request) : done())],
      output: { path: join(folder, name), filename: 'application.mjs', module: true, chunkFormat: 'module' },
    });
    await new Promise<void>((resolve, reject) => {
      compiler!.run((error, stats) => {
        if (error || stats?.hasErrors()) reject(error ?? new Error(stats!.toString('errors-only')));
        else resolve();
      });
    });
    return join(folder, name, 'application.mjs');
  },
};

const bundlers = suite('bundlers');

bundlers('a bundle of which the package was kept out runs', async () => {
  const scripts = await Promise.all(Object.entries(BUNDLERS).map(([name, bundle]) => bundle(`${name}-outside`, false)));
  for (const { bytes, network, ...told } of await results(...scripts)) {
    assert.equal(told, { inThreads: 2, here: 2, blocking: 2, kit: 2 });
    assert.match(String(bytes), /^ERR_MILLRACE_INPUT/);
    assert.match(String(network), /^ERR_MILLRACE_INPUT/);
  }
});

bundlers('a bundle with the package inside says how to keep it out', async () => {
  // Vite takes as long for it as all else here.
  const asked = Object.entries(BUNDLERS).filter(([name]) => long || name !== 'Vite');
  const scripts = await Promise.all(asked.map(([name, bundle]) => bundle(`${name}-whole`, true)));
  // A bundle of webpack knows the files by where they lay when it was made: it is used elsewhere.
  renameSync(join(folder, 'node_modules', 'millrace'), join(folder, 'hidden'));
  const [worker, modules] = [/threads is missing: file:.*\/worker\.js \(ENOENT/, /testing-modules\.js \(ENOENT/];
  const files = { inThreads: worker, blocking: worker, bytes: /demuxer\.js/, network: /reader\.js/, kit: modules };
  for (const told of await results(...scripts)) refusedFor(files, told);
});

bundlers.run();
