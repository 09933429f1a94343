/** What the system's refusals of a file or a peer mean, and what would help. One table each for Node's errors and FFmpeg's. */
import { constants } from 'node:os';
import {
  AVERROR_HTTP_BAD_REQUEST,
  AVERROR_HTTP_FORBIDDEN,
  AVERROR_HTTP_NOT_FOUND,
  AVERROR_HTTP_SERVER_ERROR,
  AVERROR_HTTP_TOO_MANY_REQUESTS,
  AVERROR_HTTP_UNAUTHORIZED,
  AVERROR_PROTOCOL_NOT_FOUND,
} from 'node-av/constants';
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

/** What helps where the peer of a connection, or the way to it, is the reason. */
const peers: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens there: check the host and the port, and whether the server runs',
  ECONNRESET: 'The peer has closed the connection: look into its log',
  ECONNABORTED: 'The peer has closed the connection: look into its log',
  EPIPE: 'The peer has closed the connection: look into its log',
  ETIMEDOUT: 'Nobody answers there: check the host, the port and the firewalls between',
  EHOSTUNREACH: 'There is no way to that host: check its address and the network',
  ENETUNREACH: 'There is no way to that network: check the address and the network',
  EADDRINUSE: 'Another program uses that port: end it, or choose another port',
  EADDRNOTAVAIL: 'This machine has no such address: check the host',
  EACCES: 'The system allows this program no such connection: ports below 1024 and broadcasts need permission',
};

const answers: Readonly<Record<number, string>> = {
  [AVERROR_HTTP_BAD_REQUEST]:
    'The server does not understand the request: check the URL and the options of the protocol',
  [AVERROR_HTTP_UNAUTHORIZED]: 'The server wants to know who asks: http://name:password@host',
  [AVERROR_HTTP_FORBIDDEN]: 'The server does not allow it: check the rights, and the headers it wants',
  [AVERROR_HTTP_NOT_FOUND]: 'The server has nothing of that name: check the path of the URL',
  [AVERROR_HTTP_TOO_MANY_REQUESTS]: 'The server wants fewer requests: try again later',
  [AVERROR_HTTP_SERVER_ERROR]: "The reason is the server's: look into its log, or try again later",
};

/** @param code Of an error of Node: 'ENOENT'. */
export function refusalByCode(code: unknown): FileRefusal | undefined {
  return typeof code === 'string' && Object.hasOwn(refusals, code) ? refusals[code] : undefined;
}

/** @param cause Whatever a call of node:fs threw. */
export function refusalOf(cause: unknown): FileRefusal | undefined {
  return isError(cause) && 'code' in cause ? refusalByCode(cause.code) : undefined;
}

/** @param averror A negative result of FFmpeg, AVERROR(errno) if the system refused a file. */
export function refusalByResult(averror: number): FileRefusal | undefined {
  return refusalByCode(codeOf(averror));
}

/** What would help where the other end of a connection is the reason; undefined if it is not, or nothing is known. */
export function peerHint(averror: number): string | undefined {
  return answers[averror] ?? peers[codeOf(averror) ?? ''];
}

/** What would help where FFmpeg could not open, read or write something. @param isFile whether it is the path of a file. */
export function hintByResult(averror: number, path: string, isFile: boolean): string | undefined {
  if (averror === AVERROR_PROTOCOL_NOT_FOUND) return `Is it a file? Then write file:${path}`;
  return isFile ? refusalByResult(averror)?.hint : peerHint(averror);
}

function codeOf(averror: number): string | undefined {
  return Object.entries(constants.errno).find(([, value]) => value === -averror)?.[0];
}
