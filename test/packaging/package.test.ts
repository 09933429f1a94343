/** The tarball of `npm pack`, installed into an empty project. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resultsOfEach, temporaryFolder } from '../cli/kit.js';
import { long } from '../kit/long.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = temporaryFolder();
const modules = join(project, 'node_modules');
const installed = join(modules, 'millrace');

function run(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/**
 * Unpacks the tarball as npm would; of the other packages exactly those it depends on are reachable, as links to ours,
 * so that no registry is needed.
 */
function install(): string[] {
  const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], root);
  const [{ filename, files }] = JSON.parse(packed) as [{ filename: string; files: { path: string }[] }];
  mkdirSync(installed, { recursive: true });
  // Unpacked here: tar would need another program for it.
  const archive = gunzipSync(readFileSync(join(project, filename)));
  execFileSync('tar', ['-x', '--strip-components=1', '-C', installed], { input: archive });
  const { dependencies, bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  mkdirSync(join(modules, '.bin'));
  symlinkSync(join(installed, bin.millrace), join(modules, '.bin', 'millrace'));
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  return files.map((file) => file.path);
}

function write(name: string, text: string): string {
  const path = join(project, name);
  writeFileSync(path, text);
  return path;
}

const files = install();
const test = suite('the installed package');

test('holds what is needed and nothing else', () => {
  for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/worker.js',
    'dist/demuxer.js',
    'dist/cli.js',
    'README.md',
    'LICENSE',
  ]) {
    assert.ok(files.includes(file), file);
  }
  const strays = files.filter(
    (file) =>
      !/^(dist|docs|examples)\/|^(package\.json|LICENSE|(README|CHANGELOG|ARCHITECTURE|CONTRIBUTING|SECURITY)\.md)$/.test(
        file,
      ),
  );
  assert.equal(strays, []);
});

const graph = write(
  'graph.mjs',
  `import { Graph } from 'millrace';
   const graph = new Graph({ threads: 2 });
   const picture = graph.filter('testsrc2', { size: '64x36', duration: 1 });
   picture.vflip().encode(null, { output_path: 'out.mp4' });
   const { frames, threads, leaked } = await graph.run();
   console.log(JSON.stringify({ frames, threads, leaked }));`,
);
const entries = write(
  'entries.mjs',
  `import { RingBuffer } from 'millrace/ringbuffer';
   import { Synchronizer } from 'millrace/sync';
   import { Graph } from 'millrace';
   import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
   const watch = new LeakWatch();
   const [source, sink] = [new TestSource({ count: 7, kind: 'video' }), new TestSink()];
   const graph = new Graph({ threads: 1 });
   graph.module(source.spec, source.options).module(sink.spec, sink.options, { callback: sink.callback });
   watch.check(await graph.run());
   const synchronizer = new Synchronizer({ mode: 'nosync', pads: 1 });
   const [{ inputs }] = synchronizer.push(0, { pts: 0n, value: 'in step' });
   console.log(typeof RingBuffer.create, sink.packets.length, inputs[0].value);`,
);
const command = join(modules, '.bin', 'millrace');
const resultOf = resultsOfEach([[graph], [entries], [command, 'inspect', '--json', 'out.mp4']], { cwd: project });
async function outputOf(script: number): Promise<string> {
  const { code, stdout, stderr } = await resultOf(script);
  assert.is(stderr, '');
  assert.is(code, 0);
  return stdout;
}

test('runs a graph in threads of its own', async () => {
  assert.equal(JSON.parse(await outputOf(0)), { frames: 25, threads: 2, leaked: {} });
  assert.ok(existsSync(join(project, 'out.mp4')));
});

test('imports its rings, its policies and its test kit by themselves', async () => {
  assert.is(await outputOf(1), 'function 7 in step\n');
});

test('brings the command', async () => {
  const listed = run(process.execPath, [command, 'modules'], project);
  assert.match(listed, /^c_ffmpeg_decoder .*\nc_ffmpeg_filter /);
  assert.is(JSON.parse(await outputOf(2)).streams[0].width, 64);
});

test('brings its types', () => {
  const typed = write(
    'typed.ts',
    `import { type Report, defineModule, Graph, GraphError, type Packet } from 'millrace';
     import { RingBuffer } from 'millrace/ringbuffer';
     import { Synchronizer, type SyncOutput } from 'millrace/sync';
     import { TestSink } from 'millrace/testing';
     const graph = new Graph({ threads: 'auto' });
     const { video, audio } = graph.decode({ input_path: 'in.mp4' });
     video.scale(640, 360).encode(audio, { output_path: 'out.mp4', video_params: { crf: 23 } });
     const [left] = video.split(2);
     left.module(defineModule<{ gain: number }>({
       process(task) { for (const packet of task.inputs.get(0) ?? []) task.output(0).push(packet satisfies Packet); },
     }), { gain: 2 });
     export const report: Promise<Report> = graph.run({ onProgress: ({ fps }) => console.log(fps) });
     export const code = (error: unknown): string => (error instanceof GraphError ? error.code : '');
     export const others = [RingBuffer, TestSink];
     const synchronizer = new Synchronizer<string>({ mode: 'basepad', pads: 2, option: '0:33333333' });
     export const outputs: SyncOutput<string>[] = synchronizer.push(0, { pts: 0n, value: 'a' });
     export const values: string[] = outputs.flatMap(({ inputs }) => inputs.map(({ value }) => value));
     new Synchronizer<string, null>({ mode: 'slowest', pads: 2, timeout: 10n }).tick(0n)[0]?.inputs[0]?.value;
     // @ts-expect-error an output may then lack a pad, and the type has to say so
     new Synchronizer<string>({ mode: 'slowest', pads: 2, timeout: 10n });
     // @ts-expect-error an option that does not exist
     graph.decode({ inputpath: 'in.mp4' });
     // @ts-expect-error no such method
     video.scle(1, 2);`,
  );
  mkdirSync(join(modules, '@types'));
  symlinkSync(join(root, 'node_modules/@types/node'), join(modules, '@types/node'));
  const options: ts.CompilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, noEmit: true },
    ...{
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts'],
      types: ['node'],
      typeRoots: [join(modules, '@types')],
    },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  };
  const compiler = ts.createCompilerHost(options);
  // Comments say nothing of types here, and are most of what there is to read.
  compiler.jsDocParsingMode = ts.JSDocParsingMode.ParseNone;
  const program = ts.createProgram([typed], options, compiler);
  // Those of the package, and the file that uses them; in the long form also what they take from others.
  const looked = program
    .getSourceFiles()
    .filter(({ fileName }) => long || /^(?!.*node_modules\/(?!millrace\/))/.test(fileName));
  assert.ok(looked.some(({ fileName }) => fileName.endsWith('millrace/dist/index.d.ts')));
  assert.ok(looked.includes(program.getSourceFile(typed)!));
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...looked.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  const host = { getCanonicalFileName: String, getCurrentDirectory: () => project, getNewLine: () => '\n' };
  assert.is(ts.formatDiagnostics(found, host), '');
});

const locked = suite('the lock file');

// npm writes a lock file without the packages its registry did not serve at that moment, and npm ci then refuses it.
locked('has an entry for every package it mentions, those of other platforms too', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dependencies?: object; optionalDependencies?: object }>;
  };
  const missing: string[] = [];
  for (const [place, { dependencies, optionalDependencies }] of Object.entries(packages)) {
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      let folder: string | undefined = place;
      while (folder !== undefined && !packages[join(folder, 'node_modules', name)]) {
        folder = folder === '' ? undefined : folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')));
      }
      if (folder === undefined) missing.push(`${name} of ${place}`);
    }
  }
  assert.equal(missing, []);
});

locked.run();
test.run();
