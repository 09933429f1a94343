/**
 * Pipes as inputs: FIFOs by their paths, and what the process was started with (`pipe:0`, `-`, `fd:`, `/dev/stdin`). They are opened
 * without waiting, neither for somebody at the other end, which is what opening a FIFO does by itself, nor for bytes: the
 * system tells libuv when there are some, so that a pipe can be left at every moment.
 *
 * Nothing is read before the system says that something can be: a read of a FIFO that nobody has opened for writing yet
 * would say that it has ended. Once there was a writer, the end of the last one is told, and then it is one.
 */
import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { AVFMT_NOFILE } from 'node-av/constants';
import type { InputFormat } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { refusalOf } from '../../../src/errors/file-error.js';
import { messageOf } from '../../../src/errors/wire.js';
import { localPath } from '../../shared/location.js';
import { protocolOf } from '../../shared/protocols/protocols.js';

/** What is opened. */
export type PipeName = { readonly path: string } | { readonly descriptor: number };

/** @returns undefined for the name of anything else. @throws MillraceError ERR_MILLRACE_INPUT for a descriptor that is no pipe. */
export function pipeOf(path: string, demuxer: InputFormat | null): PipeName | undefined {
  if (namesDescriptor(path)) {
    const descriptor = descriptorOf(path);
    const found = statDescriptor(descriptor, path);
    if (found.isFIFO() || found.isSocket()) return { descriptor };
    if (found.isFile()) return undefined;
    throw refusal(`Cannot open ${path}: descriptor ${descriptor} is a ${kindOf(found)}`, 'Pipe a media file into it');
  }
  const file = localPath(path);
  if (file === undefined || takesNoFile(demuxer)) return undefined;
  const found = statOf(file, path);
  const descriptor = descriptorIn(file);
  if (found?.isFIFO()) return descriptor === undefined ? { path: file } : { descriptor };
  return found?.isSocket() && descriptor !== undefined ? { descriptor } : undefined;
}

/** A demuxer with its own ideas of names: filters, devices. */
export function takesNoFile(demuxer: InputFormat | null): boolean {
  return ((demuxer?.flags ?? 0) & AVFMT_NOFILE) !== 0;
}

export function namesDescriptor(path: string): boolean {
  return ['pipe', 'fd'].includes(protocolOf(path));
}

function descriptorOf(path: string): number {
  const number = path === '-' ? '' : path.slice(path.indexOf(':') + 1);
  if (/^\d{0,9}$/.test(number)) return Number(number);
  throw refusal(`Cannot open ${path}: '${number}' is no number of a descriptor`, "The standard input is 'pipe:0'");
}

/** The descriptor that a path stands for. */
function descriptorIn(file: string): number | undefined {
  if (file === '/dev/stdin') return 0;
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(file)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** The file that the shell has opened as a descriptor (`< in.mp4`) can be read from anywhere in it: its path, or the name as it is. */
export function fileBehind(path: string): string {
  if (!namesDescriptor(path)) return path;
  const descriptor = descriptorOf(path);
  return statDescriptor(descriptor, path).isFile() ? `/dev/fd/${descriptor}` : path;
}

/** @throws MillraceError ERR_MILLRACE_INPUT for a descriptor that may not be read: FFmpeg, which would refuse it, does not open it. */
export function refuseForeignPipe(path: string, demuxer: InputFormat | null, whitelist: string | undefined): void {
  if (whitelist === undefined) return;
  const protocol = namesDescriptor(path) ? protocolOf(path) : 'pipe';
  if (whitelist.split(',').includes(protocol)) return;
  const pipe = pipeOf(path, demuxer);
  if (!namesDescriptor(path) && (pipe === undefined || 'path' in pipe)) return;
  throw refusal(`Cannot open ${path}: '${protocol}' is not among the protocols that may be opened`, 'Name a file');
}

/**
 * For reading. What there is goes with the socket when that is destroyed.
 * @throws MillraceError ERR_MILLRACE_INPUT
 */
export function openPipe(name: string, pipe: PipeName): Socket {
  const fd = 'path' in pipe ? openFifo(name, pipe.path) : ownDescriptor(pipe.descriptor);
  return new Socket({ fd, readable: true, writable: false });
}

function openFifo(name: string, path: string): number {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(name, cause);
  }
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw refusal(`Cannot open ${name}: it was a pipe, and is none any more`, 'Open it again');
}

/**
 * A descriptor that only this reader has. One that was given to the process is shared with whoever gave it, and must neither stop to
 * block for them nor be closed by us: the pipe behind it is opened once more. A socket cannot be, nor a pipe that
 * belongs to another user, nor any where there is no /proc: these are read as they are.
 */
function ownDescriptor(descriptor: number): number {
  if (!fstatSync(descriptor).isFIFO()) return descriptor;
  try {
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return descriptor;
  }
}

function statDescriptor(descriptor: number, path: string): Stats {
  try {
    return fstatSync(descriptor);
  } catch (cause) {
    const message = `Cannot open ${path}: the process has no descriptor ${descriptor}`;
    throw new MillraceError('ERR_MILLRACE_INPUT', message, { cause, hint: "The standard input is 'pipe:0'" });
  }
}

export function statOf(file: string, path: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): MillraceError {
  const { why = messageOf(cause), hint } = refusalOf(cause) ?? {};
  return new MillraceError('ERR_MILLRACE_INPUT', `Cannot open ${path}: ${why}`, { cause, hint });
}

/** What is no regular file. */
export function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'directory';
  if (found.isFIFO()) return 'pipe';
  return found.isSocket() ? 'socket' : 'device';
}

export function refusal(message: string, hint: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_INPUT', message, { hint });
}
