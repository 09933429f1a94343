/** The tree keeps to its own rules (ARCHITECTURE.md): who may import whom, how large a room may be, what is in use. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { circles, type Import, readTree, root } from './tree.js';

const tree = readTree(['ringbuffer', 'src', 'actors', 'bench/core']);
const MAX_FILES = 15;

/** From the ground up: each room imports only those before it. */
const ORDER = ['ringbuffer', 'errors', 'schema', 'media', 'sync', 'module', 'catalog', 'thread', 'scheduler', 'graph'];
/** Rooms that stand on top of all others and import any of them. */
const TOPS = ['index.ts', 'testing', 'cli'];

/**
 * The fluent builder: a graph makes streams, streams make nodes, and each leads back to the other (`stream.graph.run()`).
 * Who serves a graph, starts it or reads its definition knows both.
 */
const BUILDER: readonly string[] = [
  'src/graph/build/burn.ts',
  'src/graph/build/concat.ts',
  'src/graph/build/definition.ts',
  'src/graph/build/encode.ts',
  'src/graph/build/filters/audio.ts',
  'src/graph/build/filters/call.ts',
  'src/graph/build/filters/video.ts',
  'src/graph/build/node.ts',
  'src/graph/build/outputs.ts',
  'src/graph/build/stream.ts',
  'src/graph/build/subgraph/define.ts',
  'src/graph/build/subgraph/graph-files.ts',
  'src/graph/graph.ts',
  'src/graph/lifecycle.ts',
  'src/graph/ports/input-stream.ts',
  'src/graph/serve/serving.ts',
];

function roomOf(file: string): string {
  const [top, room] = file.split('/') as [string, string];
  return top === 'src' ? room : top;
}

function arrows(wanted: (file: string, imported: Import) => boolean): string[] {
  const found: string[] = [];
  for (const [file, imports] of tree) {
    for (const imported of imports) if (wanted(file, imported)) found.push(`${file} -> ${imported.file}`);
  }
  return [...new Set(found)].sort();
}

const structure = suite('structure');

structure('a room imports only the rooms below it', () => {
  const up = arrows((file, imported) => {
    const to = roomOf(imported.file);
    const from = ORDER.indexOf(roomOf(file));
    return from >= 0 && (ORDER.indexOf(to) > from || TOPS.includes(to));
  });
  assert.equal(up, [], `the order is ${ORDER.join(', ')}`);
});

structure('the product takes nothing from the built-in modules but through the catalogue', () => {
  const taken = arrows((file, imported) => {
    return file.startsWith('src/') && roomOf(file) !== 'catalog' && imported.file.startsWith('actors/');
  });
  assert.equal(
    taken,
    [],
    'src/catalog/builtin.ts says what others must know of a module, src/catalog/ffmpeg.ts what of FFmpeg',
  );
});

structure('built-in modules know nothing of threads, schedulers and graphs', () => {
  const above = ['catalog', 'thread', 'scheduler', 'graph', ...TOPS];
  assert.equal(
    arrows((file, imported) => file.startsWith('actors/') && above.includes(roomOf(imported.file))),
    [],
  );
});

structure('no files import each other in a circle, types included', () => {
  assert.equal(circles(tree), [BUILDER]);
});

structure(`no room has more than ${MAX_FILES} files`, () => {
  const rooms = new Map<string, number>();
  for (const file of tree.keys()) rooms.set(dirname(file), (rooms.get(dirname(file)) ?? 0) + 1);
  assert.equal(
    [...rooms].filter(([, files]) => files > MAX_FILES),
    [],
  );
});

/** Files that the build makes an entry of, or puts in itself. */
function entriesOf(): string[] {
  const build = ['tsup.config.ts', 'tsup.plugins.ts'].map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  const named = build.matchAll(/'(?:\.\/)?((?:src|actors|ringbuffer|bench)\/[^']+\.ts)'/g);
  return [...named].map((match) => match[1]!);
}

structure('every file is reached from an entry of the package', () => {
  const entries = entriesOf();
  assert.ok(entries.length > 5);
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const imported of tree.get(file) ?? []) visit(imported.file);
  };
  for (const entry of entries) visit(entry);
  assert.equal(
    [...tree.keys()].filter((file) => !reached.has(file)),
    [],
  );
});

structure('what a file exports, another one imports', () => {
  const all = readTree(['ringbuffer', 'src', 'actors', 'bench', 'test', 'scripts', 'examples']);
  const words = new Map(
    [...all.keys()].map((file) => [file, new Set(readFileSync(join(root, file), 'utf8').match(/\w+/g))]),
  );
  const importers = new Map<string, string[]>();
  for (const [file, imports] of all) {
    for (const { file: to } of imports) importers.set(to, [...(importers.get(to) ?? []), file]);
  }
  const entries = entriesOf();
  const unused: string[] = [];
  // Types that are part of what a file exports count as used with it.
  const EXPORTED = /^export (?:async )?(?:abstract )?(?:function\*?|class|const|let) (\w+)/gm;
  for (const file of tree.keys()) {
    if (entries.includes(file)) continue;
    for (const [, name] of readFileSync(join(root, file), 'utf8').matchAll(EXPORTED)) {
      const isImported = importers.get(file)?.some((other) => words.get(other)!.has(name!));
      if (!isImported) unused.push(`${file}: ${name}`);
    }
  }
  assert.equal(unused, [], 'leave out the word export, or what it exports');
});

structure('only the command itself loads what `millrace bench` needs, and only when it is called', () => {
  assert.equal(
    arrows(
      (file, { file: to }) => to.startsWith('bench/') && !file.startsWith('bench/') && file !== 'src/cli/bench.ts',
    ),
    [],
  );
  assert.equal(
    arrows((file, { file: to, late }) => to === 'src/cli/bench.ts' && !late && file !== 'src/cli/program/program.ts'),
    [],
  );
  assert.match(
    readFileSync(join(root, 'src/cli/program/program.ts'), 'utf8'),
    /import type \{[^}]*\} from '\.\.\/bench\.js'/,
  );
});

const GUIDES = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'];

structure('every path that the guides name exists', () => {
  for (const guide of GUIDES) {
    const text = readFileSync(join(root, guide), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map((match) => match[1]!);
    const names = [...text.matchAll(/`((?:src|actors|ringbuffer|bench|test|docs|scripts|examples)\/[\w./-]*)`/g)];
    const paths = [...links, ...names.map((match) => match[1]!)];
    assert.ok(paths.length > 0, guide);
    for (const path of paths) assert.ok(existsSync(join(root, path)), `${guide} names ${path}`);
  }
});

structure('every file that a comment names exists', () => {
  const files = [...tree.keys(), ...readTree(['test', 'bench']).keys()];
  const isThere = (name: string): boolean => files.some((file) => file === name || file.endsWith(`/${name}`));
  const missing: string[] = [];
  for (const file of tree.keys()) {
    for (const line of readFileSync(join(root, file), 'utf8').split('\n')) {
      if (!/^\s*(\*|\/\/|\/\*)/.test(line)) continue;
      for (const [, name] of line.matchAll(/(?<![\w./-])((?:[\w-]+\/)*[\w-]+\.ts)\b/g)) {
        if (!isThere(name!)) missing.push(`${file}: ${name}`);
      }
    }
  }
  assert.equal(missing, []);
});

structure('every command that the guides name exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  for (const guide of GUIDES) {
    for (const [, name] of readFileSync(join(root, guide), 'utf8').matchAll(/npm run ([\w:-]+)/g)) {
      assert.ok(name! in scripts, `${guide} names npm run ${name}`);
    }
  }
});

structure.run();
