/** Tests of what not every machine can do. There they are skipped by name, never left out in silence. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import type { Test } from 'uvu';

const MARK = 'skipped here: ';

/**
 * Registers a test, or skips and names it.
 * @param lacking what this machine lacks for it; undefined: nothing.
 */
export function testUnless(
  test: Test,
  lacking: string | undefined,
  name: string,
  run: () => void | Promise<void>,
): void {
  if (lacking === undefined) return void test(name, run);
  console.log(`${MARK}${name} (${lacking})`);
  test.skip(name, run);
}

/** @param programs each with an argument that makes it end at once, such as `{ gcc: '--version' }`. */
export function lackingPrograms(programs: Readonly<Record<string, string>>): string | undefined {
  const missing = Object.entries(programs).filter(([program, argument]) => spawnSync(program, [argument]).error);
  return missing.length === 0 ? undefined : `${missing.map(([program]) => program).join(' and ')} not installed`;
}

/** What draws text takes its font from the system. Elsewhere than on Linux there always is one. */
export function lackingFont(): string | undefined {
  const folder = '/usr/share/fonts';
  if (process.platform !== 'linux') return undefined;
  const files = existsSync(folder) ? (readdirSync(folder, { recursive: true }) as string[]) : [];
  return files.some((file) => /\.(ttf|otf|pfb)$/i.test(file)) ? undefined : 'no font installed';
}

/** What a test file's output names as skipped. */
export function skippedIn(output: string): string[] {
  return [...output.matchAll(new RegExp(`^${MARK}(.*)$`, 'gm'))].map((match) => match[1]!);
}
