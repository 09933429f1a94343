/**
 * Which test files share a process, and in which order they begin. A process with the package in it takes longer to start
 * than most tests: files share one, as long as they know nothing of each other.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const TIMES = new URL('seconds.json', import.meta.url);

/**
 * Seconds that files took from their beginning to their end in a run of all of them, if it was more than one:
 * `UPDATE_TIMES=1 npm test` writes them anew. Only the order depends on them, so they may be old.
 */
const seconds = JSON.parse(readFileSync(TIMES, 'utf8')) as Readonly<Record<string, number>>;
const UNKNOWN_S = 0.5;

/** About as long as files go on in one process: longer, and one lane would be left alone with the last of them. */
const TOGETHER_S = 30;

/**
 * Files that share a process, the first that applies. Those that count what the garbage collector releases, or that give all
 * graphs of the process their threads, have one of their own kind.
 */
const SHARING: readonly ((file: string, text: string) => boolean)[] = [
  (_, text) => /\bledger\.finalised\b/.test(text),
  (_, text) => text.includes('process.env.MILLRACE_THREADS'),
  (file) => /^(actors|graph|media|ringbuffer|scheduler|schema|sync|testing|thread)\b/.test(file),
  (file) => file.startsWith('e2e'),
  (file) => file.startsWith('cli'),
  (file) => /^(packaging\/(parts|two-copies)|structure|[\w-]+-doc)\b/.test(file),
];

/** Takes threads from the whole process, or its folder. */
const ALONE = /\b(process\.chdir|kit\/no-threads)\b/;

/** What is about types needs those of the package. */
export function needsTypes(file: string): boolean {
  return file.startsWith('packaging/package.');
}

const timeOf = (file: string): number => seconds[file] ?? UNKNOWN_S;
const sum = (files: readonly string[]): number => files.reduce((total, file) => total + timeOf(file), 0);

/**
 * Those that take longest begin first, so that the lanes end together.
 * @param folder which the paths of the files start from.
 */
export function groupsOf(folder: string, files: readonly string[]): string[][] {
  const groups: string[][] = [];
  const open: (string[] | undefined)[] = [];
  for (const file of [...files].sort()) {
    const text = readFileSync(join(folder, file), 'utf8');
    const kind = ALONE.test(text) ? -1 : SHARING.findIndex((applies) => applies(file, text));
    const group = open[kind];
    if (group !== undefined && sum(group) + timeOf(file) <= TOGETHER_S) {
      group.push(file);
      continue;
    }
    const begun = [file];
    groups.push(begun);
    if (kind >= 0 && timeOf(file) < TOGETHER_S) open[kind] = begun;
  }
  return groups.sort((a, b) => sum(b) - sum(a));
}
