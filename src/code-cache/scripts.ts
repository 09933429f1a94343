/**
 * Node compiles a module anew in every process and thread, and what it may keep of it (`module.enableCompileCache`) is the state before
 * it has run, without most of its functions. V8 can keep everything that was compiled of a script. So the build makes a script of every large
 * module of ours (tsup.cached.ts): a function whose parameters are what the module imports, and which returns what it exports. Its text is the
 * module's own, from the module's own file, and its lines and columns are those of that file.
 *
 * A module and its script are two copies of the same, so a process or a thread uses either the one or the other: allowed.ts.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { keepLater, readKept } from './files.js';

/** Where in a module's file the script is, and what stands around it. Written by the build. */
export interface Place {
  /** Name of the file, which lies beside this one. */
  readonly file: string;
  /** Changes with the text. */
  readonly hash: string;
  /** So many letters of the file are the script's: what is behind them are the exports. */
  readonly length: number;
  /** Offsets of what a module has and a script has not: what stands there instead, as long as that, or how many letters are left out. */
  readonly edits: readonly (readonly [number, string | number])[];
  readonly head: string;
  readonly tail: string;
}

/** The script of a module: its function. */
export function scriptOf(place: Place): (...imports: unknown[]) => unknown[] {
  const { file, hash, head } = place;
  const url = new URL(file, import.meta.url);
  const before = readKept(hash);
  const script = new Script(textOf(place, readFileSync(fileURLToPath(url), 'latin1')), {
    filename: url.href,
    columnOffset: -head.length,
    ...(before && { cachedData: before.code }),
  });
  keepLater(hash, script, script.cachedDataRejected === false ? before : undefined);
  return script.runInThisContext() as (...imports: unknown[]) => unknown[];
}

function textOf({ length, edits, head, tail }: Place, text: string): string {
  let script = head;
  let at = 0;
  for (const [offset, change] of edits) {
    script += text.slice(at, offset);
    at = offset + (typeof change === 'string' ? change.length : change);
    script += typeof change === 'string' ? change : text.slice(offset, at).replaceAll(/[^\n]/g, ' ');
  }
  return script + text.slice(at, length) + tail;
}

/**
 * What a script imports when it asks for something: files of ours are scripts as well.
 * @param ask `import()` of the file that asks. @param base URL of that. @param scripts names of the files beside it that are scripts,
 * under `cached-`.
 */
export function importedBy(
  ask: (specifier: string) => Promise<unknown>,
  base: string,
  scripts: readonly string[],
): (specifier: string) => Promise<unknown> {
  const folder = new URL('./', base).href;
  return (specifier) => {
    const { href } = URL.canParse(specifier, base) ? new URL(specifier, base) : { href: '' };
    const name = href.startsWith(folder) ? href.slice(folder.length) : '';
    return ask(scripts.includes(name) ? `${folder}cached-${name}` : specifier);
  };
}
