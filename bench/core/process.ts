/** Runs a command and measures the whole process: what a user of it would wait for and pay. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { clearInterval, clearTimeout, performance, setInterval, setTimeout } from '../../ringbuffer/clock.js';

export interface Cost {
  /** Seconds from the start of the process to its end. */
  wall: number;
  /** Processor seconds of all its threads and of the processes it started and waited for. NaN where there is no /proc. */
  cpu: number;
  /** Most resident memory in MB, its own and that of the processes it started, added up. NaN where there is no /proc. */
  rss: number;
}

export interface MeasureOptions {
  env?: NodeJS.ProcessEnv;
  /** Seconds after which the process is killed. Default: 300. */
  limit?: number;
}

/** The process had to be killed. */
export class HungError extends Error {}

/** Clock ticks per second in /proc: USER_HZ, 100 on every Linux. */
const TICKS = 100;

/** @throws Error with the command's standard error when it fails, HungError when it does not end. */
export async function measure(command: string, args: readonly string[], options: MeasureOptions = {}): Promise<Cost> {
  const { env, limit = 300 } = options;
  const before = childrenSeconds();
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  // The memory of an ended process cannot be read any more; the last look before its end is at most this old.
  const peaks = new Map<number, number>();
  const look = setInterval(() => readPeaks(child.pid, peaks), 10);
  let hung = false;
  const watchdog = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, limit * 1000);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => {
    clearInterval(look);
    clearTimeout(watchdog);
  });
  const wall = (performance.now() - started) / 1000;
  const line = [command, ...args].join(' ');
  if (hung) throw new HungError(`${line} did not end within ${limit} s`);
  if (code !== 0) throw new Error(`${line} ended with code ${code}:\n${stderr}`);
  const rss = peaks.size === 0 ? Number.NaN : [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
  return { wall, cpu: childrenSeconds() - before, rss };
}

/** Processor seconds of all processes this one has started and that have ended, theirs included (cutime + cstime). */
function childrenSeconds(): number {
  if (process.platform !== 'linux') return Number.NaN;
  // The name in parentheses may hold anything; what is counted comes behind it.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS;
}

/** Notes the highest memory so far of a process and of its children, in MB by process. */
function readPeaks(pid: number | undefined, peaks: Map<number, number>): void {
  if (pid === undefined || process.platform !== 'linux') return;
  try {
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    if (peak === null) return; // a zombie: it has ended
    peaks.set(pid, Number(peak[1]) / 1024);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    for (const child of children === '' ? [] : children.split(' ')) readPeaks(Number(child), peaks);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error; // those two: it ended between two looks
  }
}
