/**
 * Whether the command and its threads run from scripts whose compiled code lies on disk (scripts.ts), or from the modules these
 * were made of, which Node compiles as it does any. An application runs from the modules, unless it asks for the scripts
 * by a condition of package.json: what it has imported, and what its modules import in threads, must be one copy.
 */
import { readFileSync, statSync } from 'node:fs';
import { cacheFolder } from './files.js';

let running = false;

/** This thread, and those it starts, run from the scripts: the first of them says so. */
export function runFromScripts(): void {
  running = true;
}

/** The file of that name that belongs to what this thread runs from. @param name './worker.js' */
export function fileToRun(name: `./${string}`): string {
  return running ? name.replace('./', './cached-') : name;
}

/**
 * Not where somebody wants to see what is compiled: source maps and coverage are known of modules alone. Not without a folder that is
 * ours alone. And not where the files are not those that were built: somebody has patched the modules, or taken some of the files along.
 */
export function mayUseScripts(): boolean {
  if (process.sourceMapsEnabled || process.env.NODE_V8_COVERAGE || cacheFolder() === undefined) return false;
  try {
    const sizes = JSON.parse(readFileSync(new URL('./cached.json', import.meta.url), 'utf8')) as Record<string, number>;
    return Object.entries(sizes).every(([name, size]) => statSync(new URL(name, import.meta.url)).size === size);
  } catch {
    // One of them is not there.
    return false;
  }
}
