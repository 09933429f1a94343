/** Reading and writing pieces of a file, whole or not at all. */
import { readSync, writeSync } from 'node:fs';
import { MillraceError } from '../../../src/errors/errors.js';

/** @throws MillraceError ERR_MILLRACE_OUTPUT where the file ends before. */
export function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const count = readSync(file, bytes, done, length - done, position + done);
    if (count === 0) throw new MillraceError('ERR_MILLRACE_OUTPUT', 'The file ends within its header');
    done += count;
  }
  return bytes;
}

export function writeAt(file: number, position: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}

/** The text that keeps a place free until the file is complete. */
export const PLACE = 'millrace-chapters:';

export function placeText(length: number): string {
  return PLACE.padEnd(length, '.');
}

/** What is to be found was not. */
export function placeLost(): MillraceError {
  return new MillraceError('ERR_MILLRACE_OUTPUT', 'The place for the chapters is not where it was put');
}
