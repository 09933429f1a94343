/**
 * What modules say through `ctx.log`, on its way to whoever listens (`onLog` of a graph, a runtime, a called module).
 * Lines are strings before they leave the module's thread: nothing else is sure to cross.
 */
import { inspect } from 'node:util';

export type LogSeverity = 'debug' | 'info' | 'warn' | 'error';

/** One line of the log, as `onLog` gets it. */
export interface LogEntry {
  readonly level: LogSeverity;
  /** Alias of the node it is about; undefined where nobody can know. */
  readonly node: string | undefined;
  /** Who speaks: the name of the module. */
  readonly context: string;
  readonly text: string;
}

export type LogListener = (entry: LogEntry) => void;

/** Whether a line of that level is among the warnings of a report, or of a called module. */
export function isWarning(level: LogSeverity): boolean {
  return level === 'warn' || level === 'error';
}

/** What was given to `ctx.log`, as text. Never throws: a log line must not fail a module. */
export function logText(message: unknown): string {
  if (typeof message === 'string') return message;
  try {
    return inspect(message);
  } catch (odd) {
    return `a value that cannot be shown (${typeof odd})`;
  }
}
