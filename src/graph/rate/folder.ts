/** A folder for what a run leaves for the one after it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function removeAll(): void {
  for (const folder of folders) remove(folder);
}

/** It goes when the work has settled, and with a process that exits before. @param name In its name. */
export async function withFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `millrace-${name}-`));
  if (folders.size === 0) process.once('exit', removeAll);
  folders.add(folder);
  try {
    return await work(folder);
  } finally {
    folders.delete(folder);
    if (folders.size === 0) process.off('exit', removeAll);
    remove(folder);
  }
}
