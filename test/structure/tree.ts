/**
 * The source files of the product and what each imports, read from their text: enough for rules about the tree, and
 * forty times faster than a compiler.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Import {
  readonly file: string;
  /** Only a promise of the file: `import('./file.js')`. */
  readonly late: boolean;
}

const STATIC = /^\s*(?:import|export)\s[^'"`;]*?from\s*['"](\.[^'"]+)['"]|^\s*import\s*['"](\.[^'"]+)['"]/gm;
const LATE = /\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/g;

function withoutComments(text: string): string {
  return text.replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** Every file under these folders of the checkout, with what it imports of the checkout. */
export function readTree(folders: readonly string[]): Map<string, Import[]> {
  const tree = new Map<string, Import[]>();
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.ts')) tree.set(`${folder}/${name}`, []);
    }
  }
  for (const [file, imports] of tree) {
    const text = withoutComments(readFileSync(join(root, file), 'utf8'));
    const add = (path: string, late: boolean): void => {
      const target = normalize(join(dirname(file), path)).replace(/\.js$/, '.ts');
      if (existsSync(join(root, target))) imports.push({ file: target, late });
      else throw new Error(`${file} imports ${path}, which is not there`);
    };
    for (const match of text.matchAll(STATIC)) add((match[1] ?? match[2]) as string, false);
    for (const match of text.matchAll(LATE)) add(match[1] as string, true);
  }
  return tree;
}

/** The groups of files that reach each other (Tarjan), each sorted. */
export function circles(tree: ReadonlyMap<string, readonly Import[]>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const open = new Set<string>();
  const visit = (file: string): void => {
    order.set(file, order.size);
    low.set(file, order.get(file) as number);
    stack.push(file);
    open.add(file);
    for (const { file: next, late } of tree.get(file) ?? []) {
      if (late) continue;
      if (!order.has(next)) visit(next);
      if (open.has(next)) low.set(file, Math.min(low.get(file) as number, low.get(next) as number));
    }
    if (low.get(file) !== order.get(file)) return;
    const group: string[] = [];
    let last: string;
    do {
      last = stack.pop() as string;
      open.delete(last);
      group.push(last);
    } while (last !== file);
    if (group.length > 1) found.push(group.sort());
  };
  for (const file of tree.keys()) if (!order.has(file)) visit(file);
  return found;
}
