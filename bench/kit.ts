/** What benchmarks share: the machine line, tables, and workers as plain JavaScript so that no loader is measured. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  return `${processors.length} x ${model}, Node ${process.version}, ${process.platform} ${process.arch}`;
}

/** Bundles a TypeScript worker into a temporary file, which is removed when the process ends; returns its path. */
export async function bundleWorker(entry: URL): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'worker.mjs');
  await build({ entryPoints: [fileURLToPath(entry)], outfile, bundle: true, platform: 'node', format: 'esm' });
  return outfile;
}

export type Row = Record<string, string | number>;

/** Prints rows as a Markdown table, the columns being the first row's keys; numbers to the right. */
export function printTable(rows: readonly Row[]): void {
  const keys = Object.keys(rows[0] ?? {});
  const right = keys.map((key) => rows.every((row) => /^[\d.,]+( |x|$)/.test(String(row[key] ?? '0'))));
  const widths = keys.map((key) => Math.max(3, key.length, ...rows.map((row) => String(row[key] ?? '').length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  console.log(line(keys));
  console.log(
    `|${widths.map((width, i) => (right[i] ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`,
  );
  for (const row of rows) console.log(line(keys.map((key) => String(row[key] ?? ''))));
}
