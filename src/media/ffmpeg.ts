/** Thin helpers over node-av: error codes, names of formats, the log level. */
import {
  AV_LOG_DEBUG,
  AV_LOG_ERROR,
  AV_LOG_FATAL,
  AV_LOG_INFO,
  AV_LOG_PANIC,
  AV_LOG_QUIET,
  AV_LOG_TRACE,
  AV_LOG_VERBOSE,
  AV_LOG_WARNING,
  AV_NOPTS_VALUE,
  AV_PIX_FMT_NONE,
  AV_SAMPLE_FMT_NONE,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  type AVLogLevel,
  type AVPixelFormat,
  type AVSampleFormat,
} from 'node-av/constants';
import {
  avGetPixFmtFromName,
  avGetPixFmtName,
  avGetSampleFmtFromName,
  avGetSampleFmtName,
  Log,
  FFmpegError as NativeFFmpegError,
} from 'node-av/lib';
import { FFmpegError, type FFmpegErrorDetails, MillraceError } from '../errors/errors.js';
import { remember } from './known.js';
import { linesOf, logLevelChanged, NO_CODEC } from './log/ffmpeg-log.js';
import { afterLoading } from './native/addon.js';

/** FFmpeg's text for an error code (av_strerror). */
export function errorText(averror: number): string {
  return NativeFFmpegError.strerror(averror);
}

/** How an error of FFmpeg is told, and where its own lines on it are found. */
export interface FailureDetails extends FFmpegErrorDetails {
  /** Of the codec that failed, from `nameContext`. */
  context?: number;
  /** From `markLog`: the failed call began there, and others of this thread have begun since. */
  since?: number | undefined;
}

/**
 * The error for a negative result of a call in this thread, with av_strerror's text and FFmpeg's own lines.
 * @param what Names the operation and what it was done to, e.g. `Cannot open in.mp4`.
 */
export function failure(ret: number, what: string, details: FailureDetails = {}): FFmpegError {
  const { context = NO_CODEC, since, ...rest } = details;
  return new FFmpegError(what, ret, errorText(ret), { ...rest, lines: rest.lines ?? linesOf(context, since) });
}

/**
 * Passes a result of zero or more through.
 * @throws FFmpegError as `failure` makes it if `ret` is negative.
 */
export function check(ret: number, what: string, details: FailureDetails = {}): number {
  if (ret < 0) throw failure(ret, what, details);
  return ret;
}

/** AVERROR(EAGAIN): a send is full or a receive is empty for now. */
export function isAgain(ret: number): boolean {
  return ret === AVERROR_EAGAIN;
}

/** AVERROR_EOF: nothing more will come. */
export function isEof(ret: number): boolean {
  return ret === AVERROR_EOF;
}

/** The number of an FFmpeg pixel format. @throws MillraceError ERR_MILLRACE_PAYLOAD for a name FFmpeg does not know. */
export function pixelFormat(name: string): AVPixelFormat {
  const format = typeof name === 'string' ? avGetPixFmtFromName(name) : AV_PIX_FMT_NONE;
  if (format === AV_PIX_FMT_NONE) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `FFmpeg knows no pixel format '${String(name)}'`, {
      hint: "Names are those of `ffmpeg -pix_fmts`, such as 'yuv420p', 'nv12' or 'rgba'",
    });
  }
  return format;
}

/** FFmpeg's name of a pixel format number; 'none' for a frame without one. */
export function pixelFormatName(format: AVPixelFormat): string {
  return avGetPixFmtName(format) ?? 'none';
}

/** The number of an FFmpeg sample format. @throws MillraceError ERR_MILLRACE_PAYLOAD for a name FFmpeg does not know. */
export function sampleFormat(name: string): AVSampleFormat {
  const format = typeof name === 'string' ? avGetSampleFmtFromName(name) : AV_SAMPLE_FMT_NONE;
  if (format === AV_SAMPLE_FMT_NONE) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `FFmpeg knows no sample format '${String(name)}'`, {
      hint: 'It is one of u8, s16, s32, s64, flt, dbl, each also planar with a p at the end',
    });
  }
  return format;
}

/** Every frame of sound is asked. */
const sampleFormatNames = new Map<AVSampleFormat, string>();

/** FFmpeg's name of a sample format number; 'none' for a frame without one. */
export function sampleFormatName(format: AVSampleFormat): string {
  return sampleFormatNames.get(format) ?? remember(sampleFormatNames, format, avGetSampleFmtName(format) ?? 'none');
}

/** FFmpeg marks a missing timestamp by AV_NOPTS_VALUE; here it is undefined. */
export function fromNativeTimestamp(value: bigint): bigint | undefined {
  return value === AV_NOPTS_VALUE ? undefined : value;
}

export function toNativeTimestamp(value: bigint | undefined): bigint {
  return value ?? AV_NOPTS_VALUE;
}

const logLevels = {
  quiet: AV_LOG_QUIET,
  panic: AV_LOG_PANIC,
  fatal: AV_LOG_FATAL,
  error: AV_LOG_ERROR,
  warning: AV_LOG_WARNING,
  info: AV_LOG_INFO,
  verbose: AV_LOG_VERBOSE,
  debug: AV_LOG_DEBUG,
  trace: AV_LOG_TRACE,
} satisfies Record<string, AVLogLevel>;

/** FFmpeg's names of its log levels, quietest first. */
export type LogLevel = keyof typeof logLevels;
export const LOG_LEVELS = Object.keys(logLevels) as readonly LogLevel[];

export function isLogLevel(name: string): name is LogLevel {
  return Object.hasOwn(logLevels, name);
}

/**
 * Asks for FFmpeg messages of this level and above on stderr. FFmpeg's level is one for the whole process: of several
 * requests, also of other threads, the most verbose wins, so a level only ever rises. Without any request nothing is
 * written.
 * @throws MillraceError ERR_MILLRACE_OPTION for an unknown name.
 */
export function setLogLevel(name: string): void {
  if (!isLogLevel(name)) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `FFmpeg has no log level '${name}'`, {
      hint: `It is one of ${LOG_LEVELS.join(', ')}`,
    });
  }
  // One above the message level shows the same messages and tells a requested 'info' from FFmpeg's starting value.
  const level = name === 'quiet' ? AV_LOG_QUIET : ((logLevels[name] + 1) as AVLogLevel);
  if (level <= Log.getLevel()) return;
  Log.setLevel(level);
  logLevelChanged();
}

/** Whether anybody has asked for messages of FFmpeg. */
export function isLogging(): boolean {
  return Log.getLevel() > AV_LOG_QUIET;
}

// FFmpeg starts at 'info'. Only that starting value is taken down, so that a worker which loads FFmpeg later does not silence
// what another thread, or an application through node-av, has asked for in the meantime.
afterLoading(() => {
  if (Log.getLevel() === AV_LOG_INFO) Log.setLevel(AV_LOG_QUIET);
});
