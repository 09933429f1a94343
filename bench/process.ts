/** Runs a command and measures the whole process: what a user of it would wait for and pay. Linux only (/proc). */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cost {
  /** Seconds from the start of the process to its end. */
  wall: number;
  /** Seconds of all its threads on all cores. */
  cpu: number;
  /** Most resident memory in MB. */
  rss: number;
}

/** @throws Error with the command's standard error when it fails. */
export async function measure(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Cost> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  // The figures of an ended process are gone; the last look before its end is at most this old.
  let cost = { cpu: 0, rss: 0 };
  const look = setInterval(() => {
    cost = readCost(child.pid) ?? cost;
  }, 5);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(look);
  const wall = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with code ${code}:\n${stderr}`);
  return { wall, ...cost };
}

function readCost(pid: number | undefined): { cpu: number; rss: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const peak = /VmHWM:\s+(\d+)/.exec(status);
    if (peak === null) return undefined; // a zombie: it has ended
    return { cpu: ticks / 100, rss: Number(peak[1]) / 1024 };
  } catch {
    return undefined; // it has ended between two looks
  }
}
