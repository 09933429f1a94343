/** Figures as people read them. */
import { stripVTControlCharacters } from 'node:util';
import type { Report } from '../scheduler/run/report.js';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** "1.5 MB": powers of 1000. */
export function bytes(count: number): string {
  const power = Math.min(UNITS.length - 1, count > 0 ? Math.floor(Math.log10(count) / 3) : 0);
  const value = count / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${UNITS[power]}`;
}

/** "0:42.5", "1:02:03"; tenths below a minute's sense of precision are kept only where `digits` asks for them. */
export function clock(seconds: number, digits = 0): string {
  const rounded = Number(seconds.toFixed(digits));
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor((rounded % 3600) / 60);
  const rest = (rounded % 60).toFixed(digits).padStart(digits > 0 ? 3 + digits : 2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

/** One line about a finished run. */
export function reportLine(name: string, report: Report): string {
  const seconds = report.milliseconds / 1000;
  const position = Math.max(0, ...report.nodes.map((node) => node.position)) / 1e6;
  const parts = [
    ...(report.frames > 0 ? [`${report.frames} ${report.frames === 1 ? 'frame' : 'frames'}`] : []),
    ...(report.bytes > 0 ? [bytes(report.bytes)] : []),
    `${seconds.toFixed(2)} s`,
    ...(report.frames > 0 ? [`${Math.round(report.frames / seconds)} fps`] : []),
    ...(position > 0 ? [`speed ${(position / seconds).toPrecision(3)}x`] : []),
    `${report.threads} ${report.threads === 1 ? 'thread' : 'threads'}`,
  ];
  return `${name}: ${parts.join(', ')}${report.stopped ? ' (stopped early)' : ''}`;
}

/** Rows as left-aligned columns, two spaces apart; the last one is not padded. */
export function columns(rows: readonly (readonly string[])[]): string {
  const length = (cell: string): number => stripVTControlCharacters(cell).length;
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map((row) => length(row[i] ?? ''))));
  const pad = (cell: string, i: number, row: readonly string[]): string =>
    i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - length(cell));
  return rows.map((row) => `${row.map(pad).join('  ')}\n`).join('');
}

/** Writes to the standard output at the pace of whoever reads it. @returns false when that one has left. */
export async function written(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.writable || stdout.destroyed) return false;
  if (stdout.write(text)) return true;
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of EVENTS) stdout.off(event, settle);
      resolve(stdout.writable && !stdout.destroyed);
    };
    for (const event of EVENTS) stdout.once(event, settle);
  });
}

const EVENTS = ['drain', 'close', 'error'] as const;
