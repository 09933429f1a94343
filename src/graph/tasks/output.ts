/** Where what a short function makes goes: a file, what the program takes bytes by, or memory. */
import { writeFile } from 'node:fs/promises';
import { localPath } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { refusalOf } from '../../errors/file-error.js';
import { messageOf } from '../../errors/wire.js';
import type { Report } from '../../scheduler/run/report.js';
import { parsed, type Schema } from '../../schema/schema.js';
import { type ByteOutput, openSink } from '../output/open-sink.js';
import { WholeFile } from '../output/whole-file.js';

/** A file or URL, as text or as a URL object; or a sink or stream that is handed the bytes. */
export type TaskOutput = string | URL | ByteOutput;

/** A file that was written. */
export interface WrittenFile {
  readonly path: string;
  /** Its `warnings` have what was lost. */
  readonly report: Report;
}

/** A file that was made in memory. */
export interface FileInMemory {
  readonly data: Buffer;
  readonly report: Report;
}

/** A file whose bytes were handed to a sink or stream. */
export interface SentFile {
  readonly report: Report;
}

/** What comes of `output`: of a path a file, of nothing one in memory. */
export type TaskResult<O> = O extends string | URL ? WrittenFile : O extends undefined ? FileInMemory : SentFile;

/** A checked output: a path, or what is written into. */
export type Target = string | ByteOutput;

export const target: Schema<Target> = parsed(
  'a path or URL, { write(bytes, offset) } or a writable stream',
  (value) => {
    if (value instanceof URL) return value.href;
    if (typeof value === 'string') return value === '' ? undefined : value;
    // It is opened when it is written to: that may listen to its errors.
    const { write, getWriter } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    return typeof write === 'function' || typeof getWriter === 'function' ? (value as ByteOutput) : undefined;
  },
);

/** Of what an encoder makes. */
export interface Outlet {
  /** In messages. */
  readonly name: string;
  /** What the encoder is told. */
  readonly options: { readonly output_path?: string; readonly output?: ByteOutput; readonly format?: string };
  /** What there is when the graph has ended. */
  finish(report: Report): WrittenFile | FileInMemory | SentFile;
}

/** @param format Of what has no name that tells it. */
export function outletOf(output: Target | undefined, format: string): Outlet {
  if (typeof output === 'string') {
    return { name: output, options: { output_path: output }, finish: (report) => ({ path: output, report }) };
  }
  const name = `a ${format} file`;
  if (output !== undefined) return { name, options: { output, format }, finish: (report) => ({ report }) };
  const file = new WholeFile();
  const sink: ByteOutput = { write: async (bytes: Uint8Array, offset: number) => file.write(bytes, offset) };
  return { name, options: { output: sink, format }, finish: (report) => ({ data: file.take(), report }) };
}

/** Writes what is in memory. @throws MillraceError ERR_MILLRACE_OUTPUT. */
export async function writeWhole(output: Target, content: Uint8Array | string): Promise<void> {
  const name = typeof output === 'string' ? output : 'the output';
  try {
    if (typeof output === 'string') await writeFile(localPath(output) ?? output, content);
    else await writeInto(output, typeof content === 'string' ? Buffer.from(content) : content);
  } catch (cause) {
    const { why = messageOf(cause), hint } = refusalOf(cause) ?? {};
    throw new MillraceError('ERR_MILLRACE_OUTPUT', `Cannot write ${name}: ${why}`, { cause, ...(hint && { hint }) });
  }
}

async function writeInto(output: ByteOutput, content: Uint8Array): Promise<void> {
  const sink = openSink(output)!;
  let complete = false;
  try {
    // Whoever is handed bytes may keep them, and change them.
    await sink.write(content.slice(), 0);
    complete = true;
  } finally {
    await sink.close(complete);
  }
}
