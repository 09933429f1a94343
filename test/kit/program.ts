/** A program given as text: what it writes to its own stderr, and how it ends, can be seen from outside only. */
import { spawnSync } from 'node:child_process';

/** Runs a module in a process of its own, and blocks until it has ended. */
export function program(text: string) {
  const { stderr, stdout, status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stderr, stdout, status, signal };
}
