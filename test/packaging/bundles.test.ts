/** An application in one file: what a bundler left behind is told at the first use, and nothing waits for it. */
import { copyFileSync, cpSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { APPLICATION, folder, refusedFor, results, root } from './application.js';

/** What code that was CommonJS finds in a bundle that is none, by the usual banner. */
const BANNER = `import { createRequire as bannerRequire } from 'node:module';
const require = bannerRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`;

async function bundle(name: string, format: 'esm' | 'cjs', external: string[]): Promise<string> {
  const outfile = join(folder, name, format === 'esm' ? 'app.js' : 'app.cjs');
  await build({
    stdin: { contents: APPLICATION, resolveDir: root },
    outfile,
    bundle: true,
    platform: 'node',
    format,
    external: ['node-av', 'node-av/*', ...external],
    logLevel: 'silent',
    ...(format === 'esm' && { banner: { js: BANNER } }),
  });
  return outfile;
}

/** Beside which all files lie. */
async function beside(name: string): Promise<string> {
  const script = await bundle(name, 'esm', []);
  cpSync(join(root, 'dist'), join(folder, name), { recursive: true });
  return script;
}

/** Beside which some files lie, without their parts, and one that is another. */
async function parts(): Promise<string> {
  const script = await bundle('parts', 'esm', ['piscina']);
  for (const file of ['worker', 'demuxer', 'ffmpeg-log', 'testing-modules']) {
    copyFileSync(join(root, 'dist', `${file}.js`), join(folder, 'parts', `${file}.js`));
  }
  writeFileSync(join(folder, 'parts', 'network-reader.js'), 'export default () => {};\n');
  return script;
}

const BUNDLES = {
  whole: () => bundle('whole', 'esm', []),
  common: () => bundle('common', 'cjs', []),
  parts,
  beside: () => beside('beside'),
  outside: () => bundle('outside', 'esm', ['millrace', 'millrace/*']),
};
symlinkSync(root, join(folder, 'node_modules', 'millrace'));
let done: Promise<Record<string, unknown>[]> | undefined;
async function toldBy(name: keyof typeof BUNDLES): Promise<Record<string, unknown>> {
  done ??= Promise.all(Object.values(BUNDLES).map((make) => make())).then((scripts) => results(...scripts));
  return (await done)[Object.keys(BUNDLES).indexOf(name)]!;
}

const bundles = suite('bundles');

bundles('of everything say which file is missing', async () => {
  const [worker, modules] = [/threads is missing: file:.*\/whole\/worker\.js \(ENOENT/, /testing-modules\.js \(ENOENT/];
  const files = { inThreads: worker, blocking: worker, bytes: /demuxer\.js/, network: /reader\.js/, kit: modules };
  refusedFor(files, await toldBy('whole'));
});

bundles('in CommonJS, which do not know their place, say so', async () => {
  const worker = /worker\.js has no place that is known/;
  refusedFor(
    { inThreads: worker, blocking: worker, bytes: /demuxer\.js has/, network: /reader\.js has/, kit: /has/ },
    await toldBy('common'),
  );
});

bundles('beside which the files lie without their parts, or others of their names, say so', async () => {
  const part = /worker\.js \(ENOENT: .*chunk-\w+\.js/;
  const [missing, other] = [/\.js \(ENOENT: .*chunk-\w+\.js/, /network-reader\.js is another file/];
  const told = await toldBy('parts');
  refusedFor({ inThreads: part, blocking: part, network: other, kit: missing }, told);
  // This thread's file has no parts.
  assert.match(String(told.bytes), /^ERR_MILLRACE_INPUT/);
});

bundles('beside which all files lie run, and wait for no thread that is another', async () => {
  const { inThreads, here, blocking, kit } = await toldBy('beside');
  assert.equal({ inThreads, here, blocking, kit }, { inThreads: 2, here: 2, blocking: 2, kit: 2 });
});

bundles('of which the package was kept out run', async () => {
  const { bytes, network, ...told } = await toldBy('outside');
  assert.equal(told, { inThreads: 2, here: 2, blocking: 2, kit: 2 });
  assert.match(String(bytes), /^ERR_MILLRACE_INPUT/);
  assert.match(String(network), /^ERR_MILLRACE_INPUT/);
});

bundles('without the package of the threads say so', async () => {
  const script = await beside('alone');
  renameSync(join(folder, 'node_modules/piscina'), join(folder, 'no-piscina'));
  const [{ inThreads, blocking }] = (await results(script)) as [Record<string, unknown>];
  for (const told of [inThreads, blocking]) {
    assert.match(String(told), /^ERR_MILLRACE_WORKER_DIED: the package 'piscina'.*mark 'millrace' as external/);
  }
});

bundles.run();
