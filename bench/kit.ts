/** What the benchmarks of this folder share beyond bench/core/kit.ts. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { Graph } from 'millrace';
import { type Built, temporaryFolder } from './core/kit.js';
import { ffmpegVersion } from './core/transcode.js';

/** `-- --long` was given. */
export const long = process.argv.includes('--long');

/**
 * The command line of a benchmark of clips.
 * @param short seconds of the short form, @param longForm of the long one; `--seconds N` makes it N.
 * @param titles the benchmark has several tables, of which a part of a title chooses some.
 */
export function clipArguments(short: number, longForm: number, titles: boolean): { seconds: number; only: string } {
  const { values, positionals } = parseArgs({
    allowPositionals: titles,
    options: { long: { type: 'boolean' }, seconds: { type: 'string' } },
  });
  const seconds = values.seconds === undefined ? (long ? longForm : short) : Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds <= 0) {
    throw new Error(`--seconds is a whole number above 0, not ${values.seconds}`);
  }
  return { seconds, only: positionals[0] ?? '' };
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
