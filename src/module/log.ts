/**
 * What modules say through `ctx.log`, on its way to whoever listens (`onLog` of a graph, a runtime, a called module).
 * Lines are strings before they leave the module's thread: nothing else is sure to cross.
 */
import { inspect } from 'node:util';
import { FFmpegError } from '../errors/errors.js';
import { withoutSecrets } from '../errors/secrets.js';
import type { Log } from './contract.js';

export type LogSeverity = 'debug' | 'info' | 'warn' | 'error';

/** One line of the log, as `onLog` gets it. */
export interface LogEntry {
  readonly level: LogSeverity;
  /** Alias of the node it is about; undefined where nobody can know. */
  readonly node: string | undefined;
  /** Who speaks: the name of the module, or 'ffmpeg'. */
  readonly context: string;
  readonly text: string;
}

export type LogListener = (entry: LogEntry) => void;

/** FFmpeg, as `context` of a line. */
export const FFMPEG = 'ffmpeg';

/** What FFmpeg's own log says of what was thrown. */
export function ffmpegLines(thrown: unknown): readonly string[] {
  return thrown instanceof FFmpegError ? thrown.lines : [];
}

/** Whether a line of that level is among the warnings of a report, or of a called module. */
export function isWarning(level: LogSeverity): boolean {
  return level === 'warn' || level === 'error';
}

/** What was given to `ctx.log`, as text. Never throws: a log line must not fail a module. */
export function logText(message: unknown): string {
  if (typeof message === 'string') return withoutSecrets(message);
  try {
    return withoutSecrets(inspect(message));
  } catch (odd) {
    return `a value that cannot be shown (${typeof odd})`;
  }
}

/** What a module logs by, as `ctx.log`. */
export function logTo(say: (level: LogSeverity, message: unknown) => void): Log {
  const at = (level: LogSeverity) => (message: unknown) => say(level, message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
