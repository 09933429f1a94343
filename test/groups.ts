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
    'comparisons',
  ],
  ...['e2e/media/media-unfinished', 'packaging/package', 'e2e/filters/long-chains', 'e2e/network/network-leaving'],
];
/**
 * How many files share a process, by where they lie: tests of single parts, and graphs that are soon over. Few, so that no
 * lane is left alone with one for long, and a crash sends few of them to another process.
 */
const SHARING: readonly (readonly [where: RegExp, count: number])[] = [
  [/^(actors|graph|media|ringbuffer|scheduler|schema|sync|thread)\b/, 10],
  [/^e2e\b/, 4],
];
/** What a file counts, starts or changes of the process it is in. */
const OF_THE_PROCESS =
  /\b(child_process|worker_threads|finalised|opened|process\.(chdir|env|exit|kill|off|on|once)|kit\/(no-threads|program))\b/;

function turn(file: string): number {
  const early = EARLY.findIndex((prefix) => file.startsWith(prefix));
  return early >= 0 ? early : EARLY.length;
}

/** @param folder which the paths of the files start from. */
export function groupsOf(folder: string, files: readonly string[]): string[][] {
  const sorted = [...files].sort((a, b) => turn(a) - turn(b) || (a < b ? -1 : 1));
  const mayShare = (file: string): boolean =>
    turn(file) === EARLY.length && !OF_THE_PROCESS.test(readFileSync(join(folder, file), 'utf8'));
  let rest = sorted;
  const shared = SHARING.flatMap(([where, count]) => {
    const together = rest.filter((file) => where.test(file) && mayShare(file));
    rest = rest.filter((file) => !together.includes(file));
    return Array.from({ length: Math.ceil(together.length / count) }, (_, n) =>
      together.slice(n * count, (n + 1) * count),
    );
  });
  return [...rest.map((file) => [file]), ...shared.reverse()];
}
