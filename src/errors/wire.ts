/** Errors cross threads as plain data: structured clone keeps neither our classes nor the codes of a cause. */
import { types } from 'node:util';
import { type ErrorCode, FFmpegError, GraphError, MillraceError, type Phase } from './errors.js';

export interface ErrorWire {
  name: string;
  message: string;
  stack?: string;
  code?: string;
  /** FFmpegError */
  averror?: number;
  text?: string;
  lines?: readonly string[];
  /** GraphError */
  nodeId?: number;
  alias?: string;
  module?: string;
  phase?: Phase;
  cause?: ErrorWire;
}

/** An error of any realm: those of Node's core are of another one where the program runs in a context of its own (Jest). */
export function isError(value: unknown): value is Error {
  return (
    value instanceof Error ||
    types.isNativeError(value) ||
    Object.prototype.toString.call(value) === '[object DOMException]' // aborts and time-outs of the core
  );
}

const DEPTH = 5;

/** Never throws: whoever packs an error has no other way to tell of it. */
export function packError(error: unknown, depth = DEPTH): ErrorWire {
  try {
    return pack(error, depth);
  } catch (odd) {
    return { name: 'Error', message: `what was thrown cannot be read: ${messageOf(odd)}` };
  }
}

function pack(error: unknown, depth: number): ErrorWire {
  if (!isError(error)) return { name: 'Error', message: `thrown: ${describeThrown(error)}` };
  // Strings, whatever the module has made of them: nothing else is sure to cross threads.
  const wire: ErrorWire = { name: String(error.name), message: String(error.message) };
  if (error.stack !== undefined) wire.stack = String(error.stack);
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') wire.code = code;
  if (error instanceof FFmpegError) {
    wire.averror = error.averror;
    wire.text = error.text;
    wire.lines = [...error.lines];
  }
  if (error instanceof GraphError) {
    if (error.nodeId !== undefined) wire.nodeId = error.nodeId;
    if (error.alias !== undefined) wire.alias = error.alias;
    if (error.module !== undefined) wire.module = error.module;
    if (error.phase !== undefined) wire.phase = error.phase;
  }
  if (error.cause !== undefined && depth > 0) wire.cause = packError(error.cause, depth - 1);
  return wire;
}

export function unpackError(wire: ErrorWire): Error {
  const cause = wire.cause === undefined ? undefined : unpackError(wire.cause);
  const error = build(wire, cause);
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

function build(wire: ErrorWire, cause: Error | undefined): Error {
  const code = wire.code as ErrorCode;
  if (wire.name === 'GraphError') {
    const { nodeId, alias, module, phase } = wire;
    return new GraphError(code, wire.message, {
      ...(nodeId === undefined ? {} : { nodeId }),
      ...(alias === undefined ? {} : { alias }),
      ...(module === undefined ? {} : { module }),
      ...(phase === undefined ? {} : { phase }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
  const details = cause === undefined ? {} : { cause };
  if (wire.name === 'FFmpegError' && wire.averror !== undefined) {
    const error = new FFmpegError('', wire.averror, wire.text ?? '', { code, lines: wire.lines ?? [], ...details });
    error.message = wire.message;
    return error;
  }
  if (wire.code?.startsWith('ERR_MILLRACE_')) return new MillraceError(code, wire.message, details);
  const error = new Error(wire.message, details);
  error.name = wire.name;
  if (wire.code !== undefined) Object.assign(error, { code: wire.code });
  return error;
}

/** What was thrown, as an error. Never throws itself. */
export function errorOf(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(messageOf(thrown));
}

/** The message of whatever was thrown, also of what throws when it is asked. */
export function messageOf(thrown: unknown): string {
  try {
    return isError(thrown) ? String(thrown.message) : describeThrown(thrown);
  } catch (odd) {
    return `what was thrown cannot be read (${typeof odd})`;
  }
}

function describeThrown(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return String(value); // circular, or a bigint inside
  }
}
