/** The C++ neighbour of the rings (native/spsc.cpp), built into a temporary folder where g++ is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './core/kit.js';

export interface Native {
  compiler: string;
  /** Milliseconds the records took, after a warm-up of a quarter of them. */
  throughput(size: number, batch: number, records: number): number;
  /** Microseconds there and back. */
  latency(waiting: 'poll' | 'sleep', rounds: number): { p50: number; p99: number };
}

const SOURCE = fileURLToPath(new URL('./native/spsc.cpp', import.meta.url));

/** @returns undefined when there is no g++. @throws Error when it does not compile. */
export function buildNative(): Native | undefined {
  const version = spawnSync('g++', ['-dumpfullversion'], { encoding: 'utf8' });
  if (version.error) return undefined;
  const program = join(temporaryFolder(), 'spsc');
  execFileSync('g++', ['-std=c++20', '-O2', '-pthread', SOURCE, '-o', program], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const run = (...args: (string | number)[]): number[] =>
    execFileSync(program, args.map(String), { encoding: 'utf8' }).trim().split(' ').map(Number);
  return {
    compiler: `g++ ${version.stdout.trim()}`,
    throughput: (size, batch, records) => run('throughput', size, batch, records >> 2, records)[0]!,
    latency(waiting, rounds) {
      const [p50, p99] = run('latency', waiting, rounds >> 2, rounds);
      return { p50: p50!, p99: p99! };
    },
  };
}
