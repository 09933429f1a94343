/** What benchmarks share: the machine line, turns, medians, tables. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Graph } from '../../src/graph/graph.js';

/**
 * The built package that is measured. Handed in, because the benchmarks of the repository run from the sources and
 * threads start from built files only.
 */
export interface Built {
  Graph: typeof Graph;
  /** Folder of the built files, with a slash at its end. */
  dist: URL;
}

/** Processors and versions: figures mean nothing without them. */
export function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  return `${processors.length} x ${model}, Node ${process.version}, ${process.platform} ${process.arch}`;
}

/** A folder that goes with the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The value below which the given share of the values lies; 0.5 is the median. NaN of none. */
export function quantile(values: ArrayLike<number>, share = 0.5): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * Runs every contender once per round, one after another, so that a slow minute of the machine hits all of them alike.
 * @returns What each run gave, by contender, in the order of the rounds.
 */
export async function inTurns<C, R>(
  contenders: readonly C[],
  rounds: number,
  run: (contender: C) => Promise<R>,
): Promise<Map<C, R[]>> {
  const results = new Map<C, R[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) results.get(contender)!.push(await run(contender));
  }
  return results;
}

/** A ratio for a table; '-' where there is nothing to compare with. */
export function ratio(value: number, to: number | undefined, digits = 2): string {
  return to === undefined || !Number.isFinite(value / to) ? '-' : (value / to).toFixed(digits);
}

export type Row = Record<string, string | number>;

/** Rows as a Markdown table, the columns being the first row's keys; columns of numbers are set to the right. */
export function table(rows: readonly Row[]): string {
  const keys = Object.keys(rows[0] ?? {});
  const right = keys.map((key) => rows.every((row) => /^([\d.,]+|-|hung)$/.test(String(row[key] ?? '0'))));
  const widths = keys.map((key) => Math.max(3, key.length, ...rows.map((row) => String(row[key] ?? '').length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (right[i] ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|');
  return [line(keys), `|${rule}|`, ...rows.map((row) => line(keys.map((key) => String(row[key] ?? ''))))].join('\n');
}
