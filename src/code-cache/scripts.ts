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
import { isMainThread } from 'node:worker_threads';
import { runFromScripts } from './allowed.js';
import { crc32, keepCompiled, keepLater, readKept } from './files.js';
import { type Place, scriptText } from './text.js';

let listens = false;

/**
 * The script of a module: its function.
 * @throws Error when the module's file is not as long as the one that was built.
 */
export function scriptOf(place: Place): (...imports: unknown[]) => unknown[] {
  const { file, size, head } = place;
  const url = new URL(file, import.meta.url);
  const bytes = readFileSync(fileURLToPath(url));
  if (bytes.length !== size) {
    const message = `${url.href} is not the file that millrace was built with: run without --conditions=millrace-cached, or install it anew`;
    throw new Error(message);
  }
  // V8 itself compares the lengths of texts alone, and what was kept has the file's place in it, for traces.
  const hash = `${file.replace(/(-\w{8})?\.js$/, '')}-${crc32(JSON.stringify([place, url.href]), crc32(bytes)).toString(16)}`;
  const before = readKept(hash);
  const script = new Script(scriptText(place, bytes.toString('latin1')), {
    filename: url.href,
    columnOffset: -head.length,
    ...(before && { cachedData: before.code }),
  });
  // A thread does so when its work is done: nothing of it runs when it is ended.
  if (isMainThread && !listens) process.on('exit', keepCompiled);
  listens = true;
  runFromScripts();
  keepLater(hash, script, script.cachedDataRejected === false ? before : undefined);
  return script.runInThisContext() as (...imports: unknown[]) => unknown[];
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
