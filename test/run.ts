/**
 * Runs every test file in a process of its own, three at a time, each under a watchdog, and closes with one line that
 * counts: `N passed, N failed, N skipped`. What cannot run on this machine is skipped and named above that line, with
 * what it lacks. Arguments choose files by a part of their path. Files that mostly wait come first, then those that take
 * longest, then what else starts threads and processes: the others are so short that the lanes end together.
 */
import { spawn } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests } from './bundle.js';
import { skippedIn } from './kit/skip.js';

const here = dirname(fileURLToPath(import.meta.url));
const LIMIT_MS = 150_000;
const PARALLEL = 3;
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

const wanted = process.argv.slice(2);
const files = (readdirSync(here, { recursive: true }) as string[])
  .filter((file) => file.endsWith('.test.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort((a, b) => turn(a) - turn(b) || (a < b ? -1 : 1));
const bundles = await bundleTests(files);
process.once('exit', () => rmSync(bundles.folder, { recursive: true, force: true }));

function turn(file: string): number {
  const early = EARLY.findIndex((prefix) => file.startsWith(prefix));
  if (early >= 0) return early;
  return EARLY.length + (/^(cli|e2e|packaging)\b/.test(file) ? 0 : 1);
}

let passed = 0;
let failed = 0;
const skipped: string[] = [];

function sum(output: string, label: string): number {
  return [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
    (n, match) => n + Number(match[1]),
    0,
  );
}

function runFile(file: string): Promise<void> {
  return new Promise((resolve) => {
    const started = Date.now();
    const child = spawn(process.execPath, bundles.argumentsOf(file), {
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', MILLRACE_TEST_RUNNER: String(process.pid) },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let cpu = '';
    let hung = false;
    child.stdio[3]!.on('data', (chunk: Buffer) => {
      cpu += chunk;
    });
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    child.stderr!.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    const watchdog = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    child.on('close', (code, signal) => {
      clearTimeout(watchdog);
      const total = sum(output, 'Total');
      const good = sum(output, 'Passed');
      const left = skippedIn(output);
      let bad = total - good;
      // A file that crashed, hung, ran nothing or skips a test without a name has failed, whatever it counted.
      const nothing = total === 0 && left.length === 0;
      if (bad === 0 && (code !== 0 || nothing || left.length !== sum(output, 'Skipped'))) bad = 1;
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      const name = relative(process.cwd(), join(here, file));
      passed += good;
      skipped.push(...left.map((text) => `${name}: ${text}`));
      failed += bad;
      console.log(`${bad > 0 ? 'FAIL' : 'ok  '} ${name}  ${good}/${total}  ${seconds} s${cpu && `, ${cpu} s of CPU`}`);
      if (bad > 0) {
        console.log(output.trimEnd());
        if (hung) console.log(`  did not end within ${LIMIT_MS / 1000} s`);
        else if (signal !== null) console.log(`  died of ${signal}`);
        else if (nothing) console.log(`  ran no test (exit code ${code})`);
      }
      resolve();
    });
  });
}

const queue = [...files];
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await runFile(file);
  }),
);
for (const text of skipped) console.log(`skipped ${text}`);
if (files.length === 0) {
  console.log('no test file matches');
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
