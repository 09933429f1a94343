#!/usr/bin/env node
/** Entry of the `millrace` command: what takes longest to begin is begun before the command itself is found and compiled. */

// First of all: what is imported after it comes from the cache.
import '../thread/compile-cache.js';
import { startLog } from '../media/log/start.js';

/** Commands whose first call into FFmpeg would wait for the thread that hears its log. */
const USE_FFMPEG = 'transcode run inspect list thumbnail sprite gif trim concat extract-audio waveform';

// Who is called with something to do; the commands start it by themselves as well, in vain then.
const [command = '', ...rest] = process.argv.slice(2);
const isHelp = rest.some((argument) => argument === '-h' || argument === '--help');
if (rest.length > 0 && !isHelp && USE_FFMPEG.split(' ').includes(command)) startLog();

const { main } = await import('./program/program.js');
await main();
