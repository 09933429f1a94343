/** What the benchmarks of this folder share beyond src/cli/bench/kit.ts. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { Graph } from 'millrace';
import { type Built, temporaryFolder } from '../src/cli/bench/kit.js';
import { ffmpegVersion } from '../src/cli/bench/transcode.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { long: { type: 'boolean', default: false }, seconds: { type: 'string' } },
});

/** `-- --long` was given. */
export const { long } = values;

/** A part of the titles of the tables that are wanted; empty: all. */
export const only = positionals[0] ?? '';

/** Length of the clips: what `-- --seconds N` says, else that of the short or of the long form. */
export function clipSeconds(short: number, longForm: number): number {
  if (values.seconds === undefined) return long ? longForm : short;
  const seconds = Number(values.seconds);
  if (Number.isInteger(seconds) && seconds > 0) return seconds;
  throw new Error(`--seconds is a whole number above 0, not ${values.seconds}`);
}

/** What `npm run build` made. */
export const built: Built = { Graph, dist: new URL('../dist/', import.meta.url) };

/** Bundles a TypeScript worker into a temporary file, so that no loader is measured; returns its path. */
export async function bundleWorker(entry: URL): Promise<string> {
  const outfile = join(temporaryFolder(), 'worker.mjs');
  await build({ entryPoints: [fileURLToPath(entry)], outfile, bundle: true, platform: 'node', format: 'esm' });
  return outfile;
}

export interface FfmpegCommand {
  path: string;
  version: string;
  env?: NodeJS.ProcessEnv;
}

/** The ffmpeg of the PATH and that of FFMPEG_PATH (with FFMPEG_LIBRARY_PATH as its LD_LIBRARY_PATH), as far as they are there. */
export function ffmpegCommands(): FfmpegCommand[] {
  const { FFMPEG_PATH, FFMPEG_LIBRARY_PATH } = process.env;
  const env = FFMPEG_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH: FFMPEG_LIBRARY_PATH };
  const commands: { path: string; env: NodeJS.ProcessEnv }[] = [{ path: 'ffmpeg', env: {} }];
  if (FFMPEG_PATH === undefined) leaveOut('a second ffmpeg', 'FFMPEG_PATH is not set');
  else commands.push({ path: FFMPEG_PATH, env });
  return commands.flatMap(({ path, env }) => {
    const version = ffmpegVersion(path, env);
    if (version !== undefined) return [{ path, version, env }];
    leaveOut(path, 'it is not installed');
    return [];
  });
}

const leftOut = new Set<string>();

/** Says once that a contender is left out. */
export function leaveOut(what: string, why: string): void {
  if (!leftOut.has(what)) console.log(`left out: ${what} (${why})`);
  leftOut.add(what);
}
