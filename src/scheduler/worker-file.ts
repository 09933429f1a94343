/**
 * The file that worker threads load. It lies beside ours; a bundler that took our code into one file of its own did not
 * take it along, and its folder may hold another file of that name. A thread that loads nothing of ours could never say
 * so to a caller that blocks, so it is found out before a thread is started.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../error-wire.js';
import { GraphError } from '../errors.js';

/** What only our file exports. */
const MARK = 'isWorkerOfMillrace';

const checked = new Set<string>();

/**
 * @returns the URL of the file.
 * @param base URL of the module that asks.
 * @throws GraphError ERR_MILLRACE_WORKER_DIED when it is not there.
 */
export function workerFile(base: string): string {
  // A bundle may have no place in the file system at all.
  const href = URL.canParse('./worker.js', base) ? new URL('./worker.js', base).href : './worker.js';
  if (checked.has(href)) return href;
  let why = 'it is another file';
  try {
    if (readFileSync(fileURLToPath(href), 'utf8').includes(MARK)) {
      checked.add(href);
      return href;
    }
  } catch (error) {
    why = messageOf(error);
  }
  const message =
    `the file of millrace's worker threads is not at ${href} (${why}). Was the package bundled? Keep it out of the bundle: ` +
    "mark 'millrace' as external, so that it is loaded from node_modules";
  throw new GraphError('ERR_MILLRACE_WORKER_DIED', message, { phase: 'load' });
}
