/** What the command and its threads run from: scripts of the large modules, see src/code-cache/scripts.ts. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';
import ts from 'typescript';
import { type Place, scriptText } from './src/code-cache/text.js';

/** Modules of fewer bytes are compiled in less time than it takes to read what was kept of them. */
const LARGE = 40_000;
const PREFIX = 'cached-';
const LOADER = 'code-cache.js';
/** Apart: whoever bundles this file would put the file's own place where the words stand together. */
const URL_OF = 'url';
/** As long as what they stand for, so that everything keeps its column. */
const [PLACE, ASK] = ['import_meta_url', 'Import'] as const;

interface Parsed {
  readonly text: string;
  readonly source: ts.SourceFile;
  /** What it imports, by a statement or when needed. */
  readonly specifiers: readonly ts.StringLiteralLike[];
  /** Modules beside it among them. */
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
  // What it takes to run from scripts: src/code-cache/allowed.ts looks whether it is there.
  const files = [...parsed.keys(), ...[...cached].map((name) => PREFIX + name), LOADER];
  const sizes = Object.fromEntries(files.map((name) => [name, statSync(new URL(name, dist)).size]));
  writeFileSync(new URL('cached.json', dist), JSON.stringify(sizes));
}

/**
 * A thread has one copy of the package, so what an application imports of it under the condition has to be the scripts.
 * @throws Error when package.json says otherwise.
 */
export function checkExports(dist: URL, exported: Readonly<Record<string, unknown>>, condition: string): void {
  for (const [name, targets] of Object.entries(exported)) {
    const { default: file, [condition]: script } = targets as Record<string, string | undefined>;
    const own = PREFIX + file?.replace('./dist/', '');
    const expected = existsSync(new URL(own, dist)) ? `./dist/${own}` : undefined;
    if (script !== expected) throw new Error(`package.json: exports of ${name}: ${condition} is to be ${expected}`);
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
  const { source, checker } = bound(name, text);
  checkFinal(source, checker);
  const specifiers = specifiersOf(source);
  const beside = specifiers.filter((one) => one.text.startsWith('./')).map((one) => one.text.slice(2));
  return { text, source, specifiers, beside: new Set(beside) };
}

/** The module alone, with what each name in it stands for. */
function bound(name: string, text: string): { source: ts.SourceFile; checker: ts.TypeChecker } {
  const options: ts.CompilerOptions = { allowJs: true, noResolve: true, noLib: true, target: ts.ScriptTarget.Latest };
  const host = ts.createCompilerHost(options, true);
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  host.getSourceFile = (file) => (file === name ? source : undefined);
  return { source, checker: ts.createProgram([name], options, host).getTypeChecker() };
}

/**
 * Who imports a script has what it exported when it had run, and so have scripts what they import.
 * @throws Error when something that is exported changes later.
 */
function checkFinal(source: ts.SourceFile, checker: ts.TypeChecker): void {
  const exported = new Map<string, ts.Symbol | undefined>();
  const visit = (node: ts.Node, later: boolean): void => {
    for (const target of later ? targetsOf(node) : []) {
      if (exported.has(target.text) && exported.get(target.text) === checker.getSymbolAtLocation(target))
        throw new Error(`${source.fileName}: ${target.text} is exported, and changes later`);
    }
    const isLater = later || (ts.isFunctionLike(node) && !ts.isClassStaticBlockDeclaration(node));
    ts.forEachChild(node, (child) => visit(child, isLater));
  };
  for (const { exportClause } of source.statements.filter(ts.isExportDeclaration)) {
    for (const element of exportClause && ts.isNamedExports(exportClause) ? exportClause.elements : []) {
      const { text } = element.propertyName ?? element.name;
      exported.set(text, checker.getExportSpecifierLocalTargetSymbol(element));
    }
  }
  visit(source, false);
}

/** The names that a node assigns to, and of a pattern all that are in it. */
function targetsOf(node: ts.Node): ts.Identifier[] {
  const { FirstAssignment, LastAssignment, PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
  if (ts.isBinaryExpression(node)) {
    const { kind } = node.operatorToken;
    return kind >= FirstAssignment && kind <= LastAssignment ? namesBelow(node.left) : [];
  }
  const isStep = ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node);
  const steps = isStep && (node.operator === PlusPlusToken || node.operator === MinusMinusToken);
  return steps ? namesBelow(node.operand) : [];
}

function namesBelow(node: ts.Node): ts.Identifier[] {
  if (ts.isIdentifier(node)) return [node];
  if (!ts.isArrayLiteralExpression(node) && !ts.isObjectLiteralExpression(node) && !ts.isPropertyAssignment(node))
    return [];
  const found: ts.Identifier[] = [];
  ts.forEachChild(node, (child) => void found.push(...namesBelow(child)));
  return found;
}

function specifiersOf(source: ts.SourceFile): ts.StringLiteralLike[] {
  const found: ts.StringLiteralLike[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier)
      found.push(node.moduleSpecifier as ts.StringLiteral);
    if (isImportCall(node) && ts.isStringLiteralLike(node.arguments[0]!)) found.push(node.arguments[0]);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isImportCall(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
}

/** The module as it is, but of the others the cached ones. */
function asModule(module: Parsed, cached: ReadonlySet<string>): string {
  return inPlaces(module, 0, module.source.end, cached).replace(/^\/\/# sourceMappingURL.*$/m, '');
}

function inPlaces({ text, specifiers }: Parsed, from: number, to: number, cached: ReadonlySet<string>): string {
  let part = '';
  let at = from;
  for (const specifier of specifiers) {
    const start = specifier.getStart();
    const name = specifier.text.slice(2);
    if (start < from || specifier.end > to || !cached.has(name)) continue;
    part += text.slice(at, start) + JSON.stringify(`./${PREFIX}${name}`);
    at = specifier.end;
  }
  return part + text.slice(at, to);
}

/** A module that runs the script, and exports what that returns. */
function asScript(file: string, module: Parsed, cached: ReadonlySet<string>): string {
  const { text, source } = module;
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
    size: text.length,
    length: exported.getStart(),
    edits: editsOf(source),
    head: `(function(${[...params, PLACE, ASK]}){"use strict";`,
    tail: `\nreturn[${results.map(({ local }) => local)}]})\n${map}`,
  };
  // It is a script at all: without await at its top, say.
  new Script(scriptText(place, text));
  return [
    ...imports.map((one) => inPlaces(module, one.getStart(), one.end, cached)),
    `import{importedBy,scriptOf}from"./${LOADER}";`,
    `const ${PLACE}=new URL(${JSON.stringify(file)},import.meta.${URL_OF}).href;`,
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
      const { parent } = node;
      if (
        !ts.isPropertyAccessExpression(parent) ||
        parent.name.text !== 'url' ||
        parent.getText().length !== PLACE.length
      )
        throw new Error(`${source.fileName} has ${parent.getText()}`);
      edits.push([node.getStart(), PLACE]);
    } else if (isImportCall(node)) {
      if (node.arguments.length !== 1) throw new Error(`${source.fileName} has an import() of several arguments`);
      edits.push([node.expression.getStart(), ASK]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edits.sort(([a], [b]) => a - b);
}
