/**
 * Every error class of the runtime, each with a stable `code`. `instanceof` recognises those of another copy of the package as
 * well (brand.ts).
 */

import { brand } from './brand.js';
import { withoutSecrets } from './secrets.js';

export type ErrorCode =
  | 'ERR_MILLRACE_CONFIG' // a graph, option or graph file is wrong; nothing was started
  | 'ERR_MILLRACE_OPTION' // a module refused its options
  | 'ERR_MILLRACE_FFMPEG' // FFmpeg returned an error
  | 'ERR_MILLRACE_INPUT' // an input cannot be opened or read, or is not media
  | 'ERR_MILLRACE_OUTPUT' // an output cannot be created or written
  | 'ERR_MILLRACE_PAYLOAD' // a packet carries a payload the module cannot use
  | 'ERR_MILLRACE_MODULE' // a module threw something that is not ours
  | 'ERR_MILLRACE_MODULE_LOAD' // a module file cannot be imported or has no such export
  | 'ERR_MILLRACE_WORKER_DIED' // a worker thread ended before its graph
  | 'ERR_MILLRACE_ABORTED' // the caller's signal
  | 'ERR_MILLRACE_TIMEOUT' // a call was not answered within its timeout
  | 'ERR_MILLRACE_ASYNC_INLINE' // a blocking call on a module of this thread that turned out asynchronous
  | 'ERR_MILLRACE_STALLED' // nothing moved for `time_out` seconds
  | 'ERR_MILLRACE_LINK_OVERFLOW' // a relieved link reached the hard memory cap
  | 'ERR_MILLRACE_QUEUE_FULL' // a synchroniser's queue is full and may drop nothing, or more was pushed without waiting than is kept
  | 'ERR_MILLRACE_WOULD_DEADLOCK' // a blocking call that would wait for its own thread
  | 'ERR_MILLRACE_CALLBACK' // a callback of the caller threw
  | 'ERR_MILLRACE_STATE' // an API call in the wrong state
  | 'ERR_MILLRACE_CLOSED' // a frame or packet was used after close(), or a server was given a job
  | 'ERR_MILLRACE_RECORD_TOO_LARGE' // a ring record larger than the ring's limit
  | 'ERR_MILLRACE_RING'; // shared memory that is no ring, or of another version

export interface ErrorDetails {
  cause?: unknown;
  /** What would be right, in one sentence. Appended to the message. */
  hint?: string;
}

export class MillraceError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options: ErrorDetails = {}) {
    super(
      withoutSecrets(options?.hint ? `${String(message)}. ${options?.hint}` : String(message)),
      options?.cause === undefined ? undefined : { cause: options?.cause },
    );
    this.name = 'MillraceError';
    this.code = code;
  }
}

export interface FFmpegErrorDetails extends ErrorDetails {
  /** Instead of ERR_MILLRACE_FFMPEG. */
  code?: ErrorCode;
  /** What FFmpeg's log says of it, the last line last. Appended to the message; the `cause` where there is no other. */
  lines?: readonly string[];
}

/**
 * FFmpeg returned a negative code. `averror` is that code, `text` what av_strerror says of it, `lines` what FFmpeg's log
 * says of it: its last errors, none if it gave none.
 */
export class FFmpegError extends MillraceError {
  readonly averror: number;
  readonly text: string;
  readonly lines: readonly string[];
  constructor(what: string, averror: number, text: string, options: FFmpegErrorDetails = {}) {
    const { code = 'ERR_MILLRACE_FFMPEG', lines = [] } = options;
    super(code, `${String(what)}: ${String(text)}`, { ...options, ...withLines(options, lines) });
    this.name = 'FFmpegError';
    this.averror = averror;
    this.text = text;
    this.lines = lines;
  }
}

/** What an error says and holds of FFmpeg's own lines on it, where there is no code of FFmpeg. */
export function withLines({ hint, cause }: ErrorDetails, lines: readonly string[]): ErrorDetails {
  const words = lines.length > 0 ? `FFmpeg says: ${lines.join('; ')}` : undefined;
  const parts = [hint, words].filter((part) => part !== undefined && part !== '');
  return { hint: parts.join(/[.?!]$/.test(hint ?? '') ? ' ' : '. '), cause: cause ?? logOf(lines) };
}

function logOf(lines: readonly string[]): Error | undefined {
  if (lines.length === 0) return undefined;
  const log = new Error(lines.join('\n'));
  log.name = 'FFmpegLog';
  return log;
}

/** One thing that is wrong in a graph or its options. `path` is a JSON path such as `nodes[2].option.crf`. */
export interface Problem {
  path: string;
  message: string;
  /** What would be right. */
  hint?: string;
}

/** A graph was refused as a whole before any thread started; `problems` lists everything that is wrong with it. */
export class ConfigError extends MillraceError {
  readonly problems: readonly Problem[];
  constructor(what: string, problems: readonly Problem[]) {
    if (!Array.isArray(problems)) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', 'a ConfigError is made of a text and a list of problems');
    }
    const lines = problems.map((p) => `  ${p.path}: ${p.message}${p.hint ? ` (${p.hint})` : ''}`);
    super('ERR_MILLRACE_CONFIG', `${what}\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems.map(({ path, message, hint }) => ({
      ...{ path, message: withoutSecrets(String(message)) },
      ...(hint !== undefined && { hint: withoutSecrets(String(hint)) }),
    }));
  }
}

export type Phase = 'load' | 'init' | 'process' | 'reset' | 'close' | 'transport' | 'run';

/** A running graph failed. The first failure wins; later ones are among its `warnings`. */
export class GraphError extends MillraceError {
  /** What else was worth knowing of the run: what a report lists as warnings, and later failures. */
  warnings: readonly string[] = [];
  /** Native objects still alive in the graph's threads after their modules were closed, by kind; see `Report.leaked`. */
  leaked: Readonly<Record<string, number>> = {};
  readonly nodeId: number | undefined;
  readonly alias: string | undefined;
  readonly module: string | undefined;
  readonly phase: Phase | undefined;
  constructor(
    code: ErrorCode,
    message: string,
    where: { nodeId?: number; alias?: string; module?: string; phase?: Phase; cause?: unknown } = {},
  ) {
    super(code, message, { cause: where?.cause });
    this.name = 'GraphError';
    this.nodeId = where?.nodeId;
    this.alias = where?.alias;
    this.module = where?.module;
    this.phase = where?.phase;
  }
}

/**
 * What a module that does the work of several nodes throws, to tell whose part has failed. The engine takes it apart: the
 * graph fails as if that node had thrown `cause`.
 */
export class MemberError extends Error {
  /** @param node Index of the node on the graph's board. */
  constructor(
    readonly node: number,
    override readonly cause: unknown,
  ) {
    super(`node ${node} of a chain failed`, { cause });
    this.name = 'MemberError';
  }
}

brand(MillraceError, 'MillraceError');
brand(FFmpegError, 'FFmpegError');
brand(ConfigError, 'ConfigError');
brand(GraphError, 'GraphError');
