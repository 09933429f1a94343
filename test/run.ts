/**
 * Runs the test files, three processes at a time, each under a watchdog, and closes with one line that counts: `N passed,
 * N failed, N skipped`. What cannot run on this machine is skipped and named above that line, with what it lacks.
 * Arguments choose files by a part of their path. A file has a process of its own, or shares one (`groups.ts`).
 * With `--types` the types of the package are built beside the tests, which takes as long as many of them.
 */
import { spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests, fileEndIn } from './bundle.js';
import { groupsOf, needsTypes, TIMES } from './groups.js';
import { skippedIn } from './kit/skip.js';
import { withSourceLines } from './source-lines.js';

const here = dirname(fileURLToPath(import.meta.url));
const LIMIT_MS = 150_000;
const PARALLEL = 3;

const wanted = process.argv.slice(2).filter((argument) => argument !== '--types');
const files = (readdirSync(here, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
const bundles = await bundleTests(files);
process.once('exit', () => rmSync(bundles.folder, { recursive: true, force: true }));

let passed = 0;
let failed = 0;
const skipped: string[] = [];
/** From the beginning of each file to its end. */
const seconds: Record<string, number> = {};

const nameOf = (file: string): string => relative(process.cwd(), join(here, file));

function sum(output: string, label: string): number {
  return [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
    (n, match) => n + Number(match[1]),
    0,
  );
}

const since = (started: number): string => `${((Date.now() - started) / 1000).toFixed(1)} s`;

/** What is written to `dist` beside what the tests use there. */
async function buildTypes(): Promise<void> {
  const started = Date.now();
  const child = spawn(process.execPath, [join(here, '..', 'node_modules', 'tsup', 'dist', 'cli-default.js')], {
    cwd: join(here, '..'),
    env: { ...process.env, MILLRACE_BUILD: 'types', NO_COLOR: '1', FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} types of the package  ${since(started)}`);
  if (code === 0) return;
  failed++;
  console.log(output.trimEnd());
}

/** @param died what became of its process, if that ended before the file did or badly. */
function report(file: string, output: string, code: number, times: string, died?: string): void {
  const total = sum(output, 'Total');
  const good = sum(output, 'Passed');
  const left = skippedIn(output);
  let bad = total - good;
  // A file that crashed, hung, ran nothing or skips a test without a name has failed, whatever it counted.
  const nothing = total === 0 && left.length === 0;
  const wrong = died !== undefined || code !== 0 || nothing || left.length !== sum(output, 'Skipped');
  if (bad === 0 && wrong) bad = 1;
  passed += good;
  skipped.push(...left.map((text) => `${nameOf(file)}: ${text}`));
  failed += bad;
  console.log(`${bad > 0 ? 'FAIL' : 'ok  '} ${nameOf(file)}  ${good}/${total}  ${times}`);
  if (bad === 0) return;
  console.log(withSourceLines(output.trimEnd()));
  if (died !== undefined) console.log(`  ${died}`);
  else if (nothing) console.log(`  ran no test (exit code ${code})`);
}

/** Runs files one after another in one process. If that dies, those after the one that it died in have another. */
async function runTogether(group: readonly string[]): Promise<void> {
  const waiting = [...group];
  let started = Date.now();
  let counted = 0;
  let cpu = '';
  // Of the file that runs; what stdout has told may end in a part of a mark.
  let output = '';
  let stdout = '';
  let hung = false;
  const child = spawn(process.execPath, bundles.argumentsOf(group), {
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', MILLRACE_TEST_RUNNER: String(process.pid) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const watch = (): NodeJS.Timeout =>
    setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, LIMIT_MS);
  let watchdog = watch();
  const ended = (code: number, total: number, died?: string): void => {
    const ofCpu = total > 0 ? `, ${(total - counted).toFixed(2)} s of CPU` : '';
    const file = waiting.shift()!;
    seconds[file] = Math.round((Date.now() - started) / 1000);
    report(file, output, code, `${since(started)}${ofCpu}`, died);
    counted = total;
    output = '';
    started = Date.now();
    clearTimeout(watchdog);
  };
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (let end = fileEndIn(stdout); end !== undefined; end = fileEndIn(stdout)) {
      output += end.before;
      stdout = end.after;
      ended(end.code, end.cpu);
      watchdog = watch();
    }
    const whole = stdout.lastIndexOf('\n') + 1;
    output += stdout.slice(0, whole);
    stdout = stdout.slice(whole);
  });
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  child.stdio[3]!.on('data', (chunk: Buffer) => {
    cpu += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (...how) => resolve(how));
  });
  output += stdout;
  const died = hung ? `did not end within ${LIMIT_MS / 1000} s` : signal !== null ? `died of ${signal}` : undefined;
  ended(code ?? 1, Number(cpu), died);
  if (waiting.length > 0) return runTogether(waiting);
  if (group.length > 1) console.log(`     the ${group.length} files up to here in one process, ${cpu} s of CPU`);
}

const all = wanted.length === 0;
const typesAreBuilt = process.argv.includes('--types') && (all || files.some(needsTypes)) ? buildTypes() : undefined;
const queue = groupsOf(here, files);
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      if (group.some(needsTypes)) await typesAreBuilt;
      await runTogether(group);
    }
  }),
);
await typesAreBuilt;
if (all && process.env.UPDATE_TIMES === '1') {
  const long = Object.entries(seconds).filter(([, time]) => time >= 1);
  writeFileSync(TIMES, `${JSON.stringify(Object.fromEntries(long.sort(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`);
}
for (const text of skipped) console.log(`skipped ${text}`);
if (files.length === 0) {
  console.log('no test file matches');
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
