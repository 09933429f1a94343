#!/usr/bin/env node
/** Entry of the `millrace` command: what takes longest to begin is begun before the command itself is found and compiled. */

// First of all: what is imported after it comes from the cache.
import '../thread/compile-cache.js';
import { mayUseScripts } from '../code-cache/allowed.js';
import { keepAs } from '../code-cache/files.js';
import { startLog } from '../media/log/start.js';

/** Commands whose first call into FFmpeg would wait for the thread that hears its log. */
const USE_FFMPEG = 'transcode run inspect list thumbnail sprite gif trim concat extract-audio waveform'.split(' ');

// Who is called with something to do; the commands start it by themselves as well, in vain then.
const [command = '', ...rest] = process.argv.slice(2);
const isHelp = rest.some((argument) => argument === '-h' || argument === '--help');
const usesFFmpeg = rest.length > 0 && !isHelp && USE_FFMPEG.includes(command);
if (usesFFmpeg) startLog();

const { main } = await import(programFile());
await main();

/** Others are over soon, or let modules in that import the package as it is. */
function programFile(): string {
  const lets = rest.some((argument) => argument.startsWith('--allow-modules'));
  if (!usesFFmpeg || lets || !mayUseScripts()) return './program.js';
  keepAs(command);
  return './cached-program.js';
}
