#!/usr/bin/env node
/** Entry of the `millrace` command: what takes longest to begin is begun before the command itself is found and compiled. */

// First of all: what is imported after it comes from the cache.
import '../thread/compile-cache.js';
import { startLog } from '../media/log/start.js';

/** Commands that use nothing of FFmpeg. */
const WITHOUT = new Set(['graph', 'modules', 'init-module', 'schema', 'bench']);

// The first call into FFmpeg waits for the thread that hears its log. Whoever starts it by itself later does it in vain.
const [command = '-', ...rest] = process.argv.slice(2);
const isAsked = [command, ...rest].some((argument) => argument === '-h' || argument === '--help');
if (!command.startsWith('-') && rest.length > 0 && !WITHOUT.has(command) && !isAsked) startLog();

const { main } = await import('./program/program.js');
await main();
