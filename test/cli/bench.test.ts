/** The command measures; what it finds is not asserted, only that everything was measured. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { millrace } from './kit.js';

interface Output {
  machine: string;
  rounds: number;
  sections: { title: string; rows: Record<string, string | number>[]; notes: string[] }[];
}

/** Measuring keeps both cores busy: on a machine that is loaded already it takes many times as long. */
const LIMIT = 60_000;

async function bench(...args: string[]): Promise<Output> {
  const { code, stdout, stderr } = await millrace(
    ['bench', ...args, '--rounds', '1', '--seconds', '1', '--quick', '--json'],
    {
      limit: LIMIT,
    },
  );
  assert.is(stderr, '');
  assert.is(code, 0);
  return JSON.parse(stdout) as Output;
}

const positive = (value: string | number | undefined): void => assert.ok(Number(value) > 0, String(value));

const test = suite('millrace bench');

test('ring: throughput and latency of rings and messages', async () => {
  const { machine, rounds, sections } = await bench('ring');
  assert.match(machine, process.version);
  assert.is(rounds, 1);
  const [throughput, latency] = sections;
  assert.equal([...new Set(throughput?.rows.map((row) => row.transport))], ['millrace', 'postMessage']);
  for (const row of throughput!.rows) positive(row['M records/s']);
  assert.equal([...new Set(latency?.rows.map((row) => row.transport))], ['millrace', 'Atomics.wait', 'postMessage']);
  for (const row of latency!.rows) positive(row['p50 us']);
});

test('hop: every way at every size', async () => {
  const { sections } = await bench('hop');
  assert.is(sections.length, 1);
  assert.is(sections[0]!.rows.length, 4);
  for (const row of sections[0]!.rows) for (const size of ['360p', '1080p', '4K']) positive(row[`${size} us`]);
});

test('transcode: every number of threads as a table; ffmpeg is left out by name where it is not installed', async () => {
  const args = ['bench', 'transcode', '--rounds', '1', '--seconds', '1', '--quick'];
  const { code, stdout, stderr } = await millrace(args, { env: { PATH: '/nonexistent' }, limit: LIMIT });
  assert.is(stderr, '');
  assert.is(code, 0);
  const rows = [...stdout.matchAll(/^\| (millrace --threads \w+|ffmpeg \S+) +\| +\d+\.\d\d \|/gm)].map((row) => row[1]);
  assert.equal(
    rows,
    ['0', '1', '2', 'auto'].map((threads) => `millrace --threads ${threads}`),
  );
  assert.match(stdout, /^left out: ffmpeg is not installed$/m);
});

test.run();
