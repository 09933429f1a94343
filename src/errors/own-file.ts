/**
 * The files that threads load. They lie beside ours; a bundler that took our code into one file of its own did not take
 * them along, and its folder may hold other files of those names, or ours without what they import. A thread that loads
 * nothing of ours could never say so to a caller that blocks, so it is found out before a thread is started.
 */
import { accessSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GraphError } from './errors.js';
import { messageOf } from './wire.js';

/** What only our files export. */
const MARK = 'isThreadOfMillrace';
/** Parts that our build has split off, as it names them. */
const PART = /["'](\.\/[\w-]+-[A-Z0-9]{8}\.js)["']/g;
/** The module of which a script is made (src/code-cache/scripts.ts): what it imports, the script's file imports. */
const MODULE = /"file":"([\w-]+\.js)"/;

/** Files that are there, with all of their parts. */
const checked = new Set<string>();

/**
 * @param name of the file, './worker.js'.
 * @param base URL of the module that asks.
 * @throws GraphError ERR_MILLRACE_WORKER_DIED when it is not there.
 */
export function ownFile(name: string, base: string | undefined): URL {
  const why = whyMissing(name, base);
  if (why === undefined) return new URL(name, base);
  const message =
    `a file of millrace's threads is missing: ${why}. Was the package bundled? Keep it out of the bundle: mark 'millrace' ` +
    'as external, so that it is loaded from node_modules';
  throw new GraphError('ERR_MILLRACE_WORKER_DIED', message, { phase: 'load' });
}

/** @returns why the file cannot be used; undefined if it can. */
export function whyMissing(name: string, base: string | undefined): string | undefined {
  // A bundle may have no place in the file system at all: one in CommonJS does not know its own.
  if (!URL.canParse(name, base)) return `${name} has no place that is known`;
  const url = new URL(name, base);
  if (checked.has(url.href)) return undefined;
  try {
    const text = readFileSync(fileURLToPath(url), 'utf8');
    if (!text.includes(MARK)) return `${url.href} is another file`;
    checkParts(text, url);
  } catch (error) {
    return `${url.href} (${messageOf(error)})`;
  }
  checked.add(url.href);
  return undefined;
}

/** @throws the system's error for a part that is not there. */
function checkParts(text: string, url: URL): void {
  const [, module] = MODULE.exec(text) ?? [];
  if (module !== undefined) accessSync(new URL(module, url));
  for (const [, name] of text.matchAll(PART)) {
    const part = new URL(name!, url);
    if (checked.has(part.href)) continue;
    const itsText = readFileSync(fileURLToPath(part), 'utf8');
    checked.add(part.href);
    checkParts(itsText, part);
  }
}
