/**
 * Which test files share a process, and in which order they begin. A process with the package in it takes longer to start
 * than most tests of single parts: those share one, several at a time. What is about a process as a whole has its own, such
 * as threads and native code that kills it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that mostly wait, then those that take longest. The files that share come last: the lanes then end together. */
const EARLY = [
  ...['e2e/calls/calls-given-up', 'e2e/flow/idle-calls', 'e2e/observe/watchdog', 'cli/bench', 'e2e/threads/leaving'],
  ...['e2e/media/media-placement', 'e2e/bytes/bytes.', 'examples', 'e2e/push/push-output', 'e2e/media/media-transcode'],
  ...[
    'cli/transcode',
    'e2e/calls/sync-calls',
    'e2e/media/media-joins',
    'e2e/calls/sync-media',
    'cli/usage',
    'snippets',
  ],
  ...['e2e/media/media-unfinished', 'packaging/package', 'e2e/filters/long-chains', 'e2e/network/network-leaving'],
];
/** Tests of single parts. */
const SHARING = /^(actors|graph|media|ringbuffer|scheduler|schema|sync|thread)\b/;
/** What a file counts, starts or changes of the process it is in. */
const OF_THE_PROCESS = /\b(child_process|worker_threads|finalised|opened|process\.(chdir|env|exit|kill|off|on|once))\b/;
/** Of few files each, so that no lane is left alone with one, and a crash sends few of them to another process. */
const SHARED_BY = 10;

function turn(file: string): number {
  const early = EARLY.findIndex((prefix) => file.startsWith(prefix));
  return early >= 0 ? early : EARLY.length;
}

/** @param folder which the paths of the files start from. */
export function groupsOf(folder: string, files: readonly string[]): string[][] {
  const sorted = [...files].sort((a, b) => turn(a) - turn(b) || (a < b ? -1 : 1));
  const shares = (file: string): boolean =>
    SHARING.test(file) && !OF_THE_PROCESS.test(readFileSync(join(folder, file), 'utf8'));
  const groups = sorted.filter((file) => !shares(file)).map((file) => [file]);
  const together = sorted.filter(shares);
  for (let at = 0; at < together.length; at += SHARED_BY) groups.push(together.slice(at, at + SHARED_BY));
  return groups;
}
