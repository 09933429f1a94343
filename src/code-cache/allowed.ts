/**
 * Whether a thread of ours, or the command, runs from scripts whose compiled code lies on disk (scripts.ts), or from the
 * modules they were made of, which Node compiles as it does any.
 */
import { cacheFolder } from './files.js';

/** What a thread that runs from scripts is started with: under this condition of package.json the package is the scripts. */
export const FLAG = '--conditions=millrace-cached';

/** Settings of V8 for the whole process. Any other of Node's a thread has of its own, and would have to be given again. */
const OF_THE_PROCESS = /^--(max|min|initial|semi)-[\w-]*(size|space)[\w-]*(=\d+)?$|^--expose[-_]gc$/;

let allowed: boolean | undefined;

/**
 * Not where somebody wants to see what is compiled: source maps and coverage are known of modules alone. Not with flags of Node's,
 * which a thread inherits as long as it is given none. And not without a folder that is ours alone.
 */
export function mayUseCodeCache(): boolean {
  allowed ??= isAsked() && cacheFolder() !== undefined;
  return allowed && !process.sourceMapsEnabled;
}

function isAsked(): boolean {
  const { NODE_OPTIONS = '', NODE_V8_COVERAGE, NODE_DISABLE_COMPILE_CACHE } = process.env;
  if (NODE_V8_COVERAGE || NODE_DISABLE_COMPILE_CACHE) return false;
  return [...process.execArgv, ...NODE_OPTIONS.split(/\s+/)].every(
    (flag) => flag === '' || flag === FLAG || OF_THE_PROCESS.test(flag),
  );
}
