/** The command measures; what it finds is not asserted, only that everything was measured. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long } from '../kit/long.js';
import { millraceEach, type Result } from './kit.js';

interface Output {
  machine: string;
  rounds: number;
  sections: { title: string; rows: Record<string, string | number>[]; notes: string[] }[];
}

/** Measuring keeps both cores busy: on a machine that is loaded already it takes many times as long. */
const LIMIT = 120_000;
const LITTLE = ['--rounds', '1', '--seconds', '1', '--quick'];

let done: Promise<Result[]> | undefined;
async function bench(n: number): Promise<string> {
  done ??= millraceEach(
    [
      ['bench', 'ring', 'hop', ...LITTLE, '--json'],
      ['PATH=/nonexistent', 'bench', 'transcode', ...LITTLE],
    ],
    { limit: LIMIT },
  );
  const { code, stdout, stderr } = (await done)[n]!;
  assert.is(stderr, '');
  assert.is(code, 0);
  return stdout;
}

const positive = (value: string | number | undefined): void => assert.ok(Number(value) > 0, String(value));

const test = suite('millrace bench');

test('ring: throughput and latency of rings and messages', async () => {
  const { machine, rounds, sections } = JSON.parse(await bench(0)) as Output;
  assert.match(machine, process.version);
  assert.is(rounds, 1);
  assert.is(sections.length, 3);
  const [throughput, latency] = sections;
  assert.equal([...new Set(throughput?.rows.map((row) => row.transport))], ['millrace', 'postMessage']);
  for (const row of throughput!.rows) positive(row['M records/s']);
  assert.equal([...new Set(latency?.rows.map((row) => row.transport))], ['millrace', 'Atomics.wait', 'postMessage']);
  for (const row of latency!.rows) positive(row['p50 us']);
});

test('hop: every way; quickly at one size each, every size in turn', async () => {
  const [, , hop] = (JSON.parse(await bench(0)) as Output).sections;
  assert.is(hop!.rows.length, 4);
  const sizes = hop!.rows.map((row) => ['360p', '1080p', '4K'].filter((size) => row[`${size} us`] !== '-'));
  assert.equal(sizes, [['360p'], ['1080p'], ['4K'], ['360p']]);
  for (const [n, row] of hop!.rows.entries()) positive(row[`${sizes[n]![0]!} us`]);
});

if (long) {
  const inFull = async (what: string): Promise<Output['sections'][number]> => {
    const command = ['bench', what, '--rounds', '1', '--seconds', '1', '--json'];
    const [{ code, stdout, stderr }] = (await millraceEach([command], { limit: LIMIT })) as [Result];
    assert.equal([code, stderr], [0, '']);
    return (JSON.parse(stdout) as Output).sections[0]!;
  };

  test('transcode: every number of threads', async () => {
    const commands = (await inFull('transcode')).rows.map(({ command }) => String(command));
    for (const threads of ['0', '1', '2', 'auto'])
      assert.ok(commands.includes(`millrace --threads ${threads}`), threads);
  });

  test('hop: every way at every size', async () => {
    const { rows } = await inFull('hop');
    assert.is(rows.length, 4);
    for (const row of rows) for (const size of ['360p', '1080p', '4K']) positive(row[`${size} us`]);
  });
}

test('transcode: numbers of threads as a table; ffmpeg is left out by name where it is not installed', async () => {
  const stdout = await bench(1);
  const rows = [...stdout.matchAll(/^\| (millrace --threads \w+|ffmpeg \S+) +\| +\d+\.\d\d \|/gm)].map((row) => row[1]);
  assert.equal(
    rows,
    ['0', 'auto'].map((threads) => `millrace --threads ${threads}`),
  );
  assert.match(stdout, /^left out: ffmpeg is not installed$/m);
});

test.run();
