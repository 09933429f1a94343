/** Timers and clocks of the package: in one place, whatever a test runner does to the global ones, however long. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clearInterval, clearTimeout, performance, setInterval, setTimeout, sleep } from '../../ringbuffer/clock.js';

const clock = suite('timers and clocks');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const DIRECT = [
  /(?<![\w.])(?:setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|clearImmediate|queueMicrotask)\(/,
  /(?<![\w.])performance\.(?:now|timeOrigin)/,
  /(?<![\w.])(?:new Date\(\)|Date\.now)/,
  /process\.(?:hrtime|nextTick|uptime)/,
  /globalThis\.(?:setTimeout|setInterval|setImmediate|queueMicrotask|performance)/,
  /AbortSignal\.timeout/,
  /from 'node:(?:timers|timers\/promises|perf_hooks)'/,
];

/** Names that a file has from the one place. */
function importedFrom(source: string): Set<string> {
  const names = new Set<string>();
  for (const [, list] of source.matchAll(/import \{([^}]*)\} from '[^']*\/clock\.js'/g)) {
    for (const name of list!.split(',')) names.add(name.trim());
  }
  return names;
}

function directUses(source: string): string[] {
  const own = importedFrom(source);
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(?<!:)\/\/.*/g, '');
  return code.split('\n').filter((line) =>
    DIRECT.some((pattern) => {
      const found = pattern.exec(line)?.[0];
      return found !== undefined && !own.has(found.replace(/[.(].*$/, ''));
    }),
  );
}

clock('no file takes a timer or a clock from anywhere but ringbuffer/clock.ts', () => {
  assert.equal(directUses('setTimeout(f, 1);').length, 1);
  assert.equal(directUses("import { setTimeout } from './clock.js';\nsetTimeout(f, 1); performance.now();").length, 1);
  const found: string[] = [];
  for (const folder of ['src', 'actors', 'ringbuffer']) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true }) as string[]) {
      const path = join(folder, file);
      if (!file.endsWith('.ts') || path === join('ringbuffer', 'clock.ts')) continue;
      for (const line of directUses(readFileSync(join(ROOT, path), 'utf8'))) found.push(`${path}: ${line.trim()}`);
    }
  }
  assert.equal(found, []);
});

clock('no number of milliseconds is too long for a timer', async () => {
  const warned: string[] = [];
  const note = (warning: Error): void => void warned.push(warning.name);
  process.on('warning', note);
  let fired = false;
  const fire = (): void => {
    fired = true;
  };
  const giveUp = new AbortController();
  const timers = [2 ** 31, 1e10, 1e300, Number.POSITIVE_INFINITY].map((long) => setTimeout(fire, long).unref());
  const sleeps = [2 ** 31, Number.POSITIVE_INFINITY].map((long) =>
    sleep(long, { signal: giveUp.signal }).then(fire, () => {}),
  );
  const interval = setInterval(fire, 1e10);
  // What Node cannot count it sets to 1 ms, with a warning: both would have come by now.
  await sleep(20);
  for (const timer of timers) clearTimeout(timer);
  clearInterval(interval);
  giveUp.abort();
  await Promise.all(sleeps);
  process.off('warning', note);
  assert.equal([fired, warned], [false, []]);
});

clock('a timer that was cleared does not fire, and sleep ends with its signal', async () => {
  let fired = false;
  const timer = setTimeout(() => {
    fired = true;
  }, 1);
  clearTimeout(timer);
  const before = performance.now();
  await sleep(5);
  assert.not(fired);
  assert.ok(performance.now() > before);
  const error = await sleep(1e9, { signal: AbortSignal.abort() }).catch((cause: Error) => cause);
  assert.is((error as Error).name, 'AbortError');
});

clock.run();
