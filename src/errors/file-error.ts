/** What the system's refusals of a file mean, in words, and what would help. One table for Node's errors and FFmpeg's. */
import { constants } from 'node:os';
import { isError } from './wire.js';

export interface FileRefusal {
  /** Follows `Cannot open NAME: `. */
  readonly why: string;
  readonly hint: string;
}

const refusals: Readonly<Record<string, FileRefusal>> = {
  EACCES: { why: 'permission denied', hint: 'Check the permissions of the file and of the folders it is in' },
  EPERM: { why: 'operation not permitted', hint: 'Check who owns the file and whether it may be changed' },
  EROFS: { why: 'the file system is read-only', hint: 'Choose another place, or have it mounted for writing' },
  ENOENT: { why: 'no such file or directory', hint: 'Check the path; a relative one starts at the working directory' },
  ENOTDIR: { why: 'a part of the path is not a directory', hint: 'Check the path' },
  EISDIR: { why: 'it is a directory', hint: 'Name a file in it' },
  ENOSPC: { why: 'no space left on the device', hint: 'Make room, or choose another place' },
  EDQUOT: { why: 'the disk quota is used up', hint: 'Make room, or choose another place' },
  EFBIG: { why: 'the file is too large', hint: 'The file system or a limit (ulimit -f) allows no larger one' },
  ENAMETOOLONG: { why: 'the name is too long', hint: 'Most file systems allow 255 bytes a name and 4096 a path' },
  ELOOP: { why: 'its symbolic links go round in a circle', hint: 'Check where the links point' },
  EMFILE: { why: 'this process has too many files open', hint: 'Close some, or raise its limit (ulimit -n)' },
  ENFILE: { why: 'the system has too many files open', hint: 'Close some, or raise the limit (fs.file-max)' },
  EBUSY: { why: 'it is in use', hint: 'Wait until it is free' },
  ETXTBSY: { why: 'it is a program that is running', hint: 'Choose another place' },
};

/** @param code Of an error of Node: 'ENOENT'. */
export function refusalByCode(code: unknown): FileRefusal | undefined {
  return typeof code === 'string' && Object.hasOwn(refusals, code) ? refusals[code] : undefined;
}

/** @param cause Whatever a call of node:fs threw. */
export function refusalOf(cause: unknown): FileRefusal | undefined {
  return isError(cause) && 'code' in cause ? refusalByCode(cause.code) : undefined;
}

/** @param averror A negative result of FFmpeg, AVERROR(errno) if the system refused. */
export function refusalByResult(averror: number): FileRefusal | undefined {
  const [code] = Object.entries(constants.errno).find(([, value]) => value === -averror) ?? [];
  return refusalByCode(code);
}
