/** What threads and the command run from: scripts of the large modules, see src/code-cache/scripts.ts. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import ts from 'typescript';
import type { Place } from './src/code-cache/scripts.js';

/** Modules of fewer bytes are compiled in less time than it takes to read what was kept of them. */
const LARGE = 40_000;
const PREFIX = 'cached-';
const LOADER = 'code-cache.js';
const META = 'import.meta.url';
/** As long as what they stand for, so that everything keeps its column. */
const [PLACE, ASK] = ['import_meta_url', 'Import'] as const;

interface Parsed {
  readonly text: string;
  readonly source: ts.SourceFile;
  /** Modules beside it, imported by a statement or when needed. */
  readonly beside: ReadonlySet<string>;
}

/**
 * Writes `cached-NAME` beside NAME for the entries, and for all modules they import, that are large or import a large one: the
 * same exports, by way of the scripts.
 */
export function writeCached(dist: URL, entries: readonly string[]): void {
  const parsed = modulesOf(entries, dist);
  const isLarge = (name: string): boolean => parsed.get(name)!.text.length >= LARGE;
  const cached = new Set([...parsed.keys()].filter(isLarge));
  for (let size = -1; size !== cached.size; ) {
    size = cached.size;
    for (const [name, { beside }] of parsed) if ([...beside].some((other) => cached.has(other))) cached.add(name);
  }
  // It is there before the scripts, and they use it.
  const [before] = [...modulesOf([LOADER], dist).keys()].filter((name) => cached.has(name));
  if (before !== undefined) throw new Error(`${before} is to be a script, and is needed to run scripts`);
  for (const name of cached) {
    const module = parsed.get(name)!;
    const text = isLarge(name) ? asScript(name, module, cached) : asModule(module, cached);
    writeFileSync(new URL(PREFIX + name, dist), text);
  }
}

/** Modules and what they import, by their names. */
function modulesOf(names: readonly string[], dist: URL): Map<string, Parsed> {
  const found = new Map<string, Parsed>();
  const read = (name: string): void => {
    if (found.has(name)) return;
    const parsed = parse(name, readFileSync(new URL(name, dist), 'utf8'));
    found.set(name, parsed);
    parsed.beside.forEach(read);
  };
  names.forEach(read);
  return found;
}

function parse(name: string, text: string): Parsed {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const beside = new Set<string>();
  forEachSpecifier(
    source,
    ({ text: specifier }) => void (specifier.startsWith('./') && beside.add(specifier.slice(2))),
  );
  return { text, source, beside };
}

function forEachSpecifier(source: ts.SourceFile, use: (specifier: ts.StringLiteralLike) => void): void {
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
      use(node.moduleSpecifier as ts.StringLiteral);
    if (isImportCall(node) && ts.isStringLiteralLike(node.arguments[0]!)) use(node.arguments[0]);
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function isImportCall(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

/** The module as it is, but of the others the cached ones. */
function asModule({ source }: Parsed, cached: ReadonlySet<string>): string {
  return inPlaces(source, 0, source.end, cached).replace(/^\/\/# sourceMappingURL.*$/m, '');
}

function inPlaces(source: ts.SourceFile, from: number, to: number, cached: ReadonlySet<string>): string {
  let text = '';
  let at = from;
  forEachSpecifier(source, (specifier) => {
    const start = specifier.getStart();
    if (start < from || specifier.end > to || !cached.has(specifier.text.slice(2))) return;
    text += `${source.text.slice(at, start)}${JSON.stringify(`./${PREFIX}${specifier.text.slice(2)}`)}`;
    at = specifier.end;
  });
  return text + source.text.slice(at, to);
}

/** A module that runs the script, and exports what that returns. */
function asScript(file: string, { text, source }: Parsed, cached: ReadonlySet<string>): string {
  const imports = source.statements.filter(ts.isImportDeclaration);
  const exported = source.statements.at(-1)!;
  const isLast = source.statements.filter(ts.isExportDeclaration).length === 1 && ts.isExportDeclaration(exported);
  if (!isLast || !exported.exportClause) throw new Error(`${file} does not end with all of its exports`);
  // Offsets in bytes are those in letters.
  if (/[^\0-\x7f]/.test(text)) throw new Error(`${file} is not ASCII`);
  const params = imports.flatMap(({ importClause }) => (importClause ? namesIn(importClause) : []));
  const results = (exported.exportClause as ts.NamedExports).elements.map(({ propertyName, name }) => ({
    local: (propertyName ?? name).text,
    name: name.text,
  }));
  const map = /\/\/# sourceMappingURL=.*/.exec(text)?.[0] ?? '';
  const place: Place = {
    file,
    hash: `${file.replace(/(-\w{8})?\.js$/, '')}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`,
    length: exported.getStart(),
    edits: editsOf(source),
    head: `(function(${[...params, PLACE, ASK]}){"use strict";`,
    tail: `\nreturn[${results.map(({ local }) => local)}]})\n${map}`,
  };
  return [
    ...imports.map((one) => inPlaces(source, one.getStart(), one.end, cached)),
    `import{importedBy,scriptOf}from"./${LOADER}";`,
    `const ${PLACE}=new URL(${JSON.stringify(file)},import.meta.url).href;`,
    `const[${results.map((_, i) => `e${i}_`)}]=scriptOf(${JSON.stringify(place)})(${[...params, PLACE]},`,
    `importedBy(name=>import(name),${PLACE},${JSON.stringify([...cached])}));`,
    `export{${results.map(({ name }, i) => `e${i}_ as ${name}`)}};\n`,
  ].join('\n');
}

function namesIn({ name, namedBindings }: ts.ImportClause): string[] {
  const named =
    namedBindings === undefined ? [] : ts.isNamespaceImport(namedBindings) ? [namedBindings] : namedBindings.elements;
  return [...(name ? [name] : []), ...named].map((binding) => ('name' in binding ? binding.name : binding).text);
}

/** What a script cannot have: imports, its own place, and `import()`. */
function editsOf(source: ts.SourceFile): Place['edits'] {
  const edits: [number, string | number][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      edits.push([node.getStart(), node.end - node.getStart()]);
      return;
    }
    if (ts.isIdentifier(node) && (node.text === PLACE || node.text === ASK))
      throw new Error(`${source.fileName} has something of its own called ${node.text}`);
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) {
      const text = node.parent.getText();
      if (text !== META) throw new Error(`${source.fileName} has ${text}`);
      edits.push([node.getStart(), PLACE]);
    } else if (isImportCall(node)) edits.push([node.expression.getStart(), ASK]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edits.sort(([a], [b]) => a - b);
}
