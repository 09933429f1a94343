/** Tests that need a program which not every machine has. They are skipped by name, never left out in silence. */
import { spawnSync } from 'node:child_process';
import type { Test } from 'uvu';

const MARK = 'skipped here: ';

/**
 * Registers a test that needs programs of the machine; where one is missing it is skipped and named.
 * @param programs each with an argument that makes it end at once, such as `{ gcc: '--version' }`.
 */
export function testWith(test: Test, programs: Readonly<Record<string, string>>, name: string, run: () => void): void {
  const missing = Object.entries(programs).filter(([program, argument]) => spawnSync(program, [argument]).error);
  if (missing.length === 0) return void test(name, run);
  console.log(`${MARK}${name} (${missing.map(([program]) => program).join(' and ')} not installed)`);
  test.skip(name, run);
}

/** What a test file's output names as skipped. */
export function skippedIn(output: string): string[] {
  return [...output.matchAll(new RegExp(`^${MARK}(.*)$`, 'gm'))].map((match) => match[1]!);
}
