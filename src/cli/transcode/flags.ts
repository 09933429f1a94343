/** Flags of `millrace transcode`, and which of them have no place beside others. */
import { resolve } from 'node:path';
import { type chooseTarget, defaultCodec, localPath, type MediaInfo } from '../../catalog/ffmpeg.js';
import { amountOf } from '../../graph/rate/amounts.js';
import { entryAt } from '../entry.js';
import { UsageError } from '../errors.js';
import type { OutputFlags } from '../execute.js';
import { isStandard, isStandardOutput } from '../look.js';
import type { PictureSize } from '../program/arguments.js';

export interface TranscodeFlags extends OutputFlags {
  readonly format?: string;
  readonly scale?: PictureSize;
  readonly vf?: string;
  readonly af?: string;
  readonly filterComplex?: string;
  readonly map?: readonly string[];
  readonly metadata?: readonly string[];
  /** Files whose subtitles go along, and files whose subtitles are drawn; a language may stand behind each. */
  readonly subtitles?: readonly string[];
  readonly burnSubtitles?: readonly string[];
  readonly copy?: boolean;
  readonly vcodec?: string;
  readonly preset?: string;
  readonly crf?: string;
  readonly bitrate?: string;
  readonly twoPass?: boolean;
  /** Bytes. */
  readonly toSize?: string;
  readonly acodec?: string;
  /** Seconds of a segment; true where the flag stands alone. */
  readonly hls?: number | true;
  /** False with --no-video and --no-audio. */
  readonly video: boolean;
  readonly audio: boolean;
  readonly start?: number;
  readonly end?: number;
  readonly threads?: number | 'auto';
}

export type Kind = 'video' | 'audio';

/** Flags that are about one medium. */
const FLAGS: Record<Kind, readonly (keyof TranscodeFlags & string)[]> = {
  video: ['vcodec', 'scale', 'vf', 'burnSubtitles', 'preset', 'crf', 'bitrate', 'twoPass', 'toSize'],
  audio: ['acodec', 'af'],
};

/** As it is written: burnSubtitles is --burn-subtitles. */
function spelled(flag: string): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `--copy` is both codecs. @throws UsageError where one of them is given as well. */
export function withCopy(flags: TranscodeFlags): TranscodeFlags {
  if (!flags.copy) return flags;
  const other = (['vcodec', 'acodec'] as const).find((name) => flags[name] !== undefined);
  if (other) throw new UsageError(`--copy and --${other} contradict each other`);
  return { ...flags, vcodec: 'copy', acodec: 'copy' };
}

export function refusePaths(inputs: readonly string[], output: string, { trace, json }: TranscodeFlags): void {
  for (const input of inputs) {
    refuseSameFile(input, output);
    if (trace !== undefined) refuseSameFile(input, trace);
  }
  if (trace !== undefined && resolve(trace) === resolve(output)) {
    throw new UsageError(`--trace ${trace} is the output itself`);
  }
  if (inputs.filter(isStandard).length > 1) throw new UsageError('the standard input can be read once only');
  if (isStandardOutput(output) && json) {
    throw new UsageError('--json and the output would both go to the standard output');
  }
}

/** What is written would be emptied before it is read, or written by two. */
export function refuseSameFile(input: string, output: string): void {
  const [from, to] = [input, output].map((path) => entryAt(localPath(path) ?? path));
  if (from && to?.isFile() && from.ino === to.ino && from.dev === to.dev) {
    throw new UsageError(`${output} is the input itself. Write to another file`);
  }
}

/**
 * Whether the output gets this medium: what the input has and the container carries, unless it is left out by flag.
 * @throws UsageError when it does not and a flag is about it.
 */
export function isWanted(
  kind: Kind,
  isThere: boolean,
  infos: readonly MediaInfo[],
  output: string,
  target: ReturnType<typeof chooseTarget>,
  flags: TranscodeFlags,
): boolean {
  const codec = kind === 'video' ? flags.vcodec : flags.acodec;
  const reason = !flags[kind]
    ? `--no-${kind} leaves the ${kind} out`
    : !isThere
      ? `${flags.map ? `--map chooses no ${kind}` : `${nameOf(infos)} has no ${kind}`}`
      : (codec === undefined || flags.copy) && defaultCodec(target, kind) === undefined
        ? `${output} is of a format that carries no ${kind}`
        : undefined;
  if (reason === undefined) return true;
  const flag = FLAGS[kind].find((name) => flags[name] !== undefined);
  if (flag !== undefined && !flags.copy) throw new UsageError(`${spelled(flag)} has no effect: ${reason}`);
  return false;
}

export function nameOf(infos: readonly MediaInfo[]): string {
  return infos.map(({ path }) => path).join(' and ');
}

/** Nothing is accepted and ignored. */
export function refuseUnused(flags: TranscodeFlags, output: string): void {
  for (const [kind, codec] of [
    ['video', 'vcodec'],
    ['audio', 'acodec'],
  ] as const) {
    if (flags[codec] !== 'copy') continue;
    const flag = FLAGS[kind].find((name) => name !== codec && flags[name] !== undefined);
    if (flag) {
      const how = flags.copy ? '--copy' : `--${codec} copy`;
      throw new UsageError(`${spelled(flag)} has no effect with ${how}: copied ${kind} is not encoded`);
    }
  }
  if (flags.end !== undefined && flags.end <= (flags.start ?? 0)) {
    throw new UsageError('--end must be later than --start');
  }
  if (flags.hls !== undefined && (flags.format ?? 'hls') !== 'hls') {
    throw new UsageError(`--hls and --format ${flags.format} contradict each other`);
  }
  if (flags.hls !== undefined && flags.subtitles !== undefined) {
    throw new UsageError(
      '--hls writes one rendition, whose playlist names no subtitles: draw them with --burn-subtitles, or use ladder() of the package',
    );
  }
  if (flags.hls !== undefined && !/\.m3u8$/i.test(output)) {
    throw new UsageError(`--hls writes a playlist and segments beside it: name the output *.m3u8, not ${output}`);
  }
  refusePasses(flags, output);
}

function refusePasses({ twoPass, toSize, crf, bitrate, hls, trace }: TranscodeFlags, output: string): void {
  const asked = toSize === undefined ? twoPass && '--two-pass' : '--to-size';
  if (!asked) return;
  if (crf !== undefined) {
    throw new UsageError(
      `${asked} and --crf contradict each other: with a constant quality there is no rate to be reached`,
    );
  }
  if (trace !== undefined) throw new UsageError(`--trace has no place beside ${asked}: each pass is a run of its own`);
  if (toSize === undefined) {
    if (bitrate === undefined)
      throw new UsageError('--two-pass needs a rate to be reached: give --bitrate, or --to-size');
    return;
  }
  if (bitrate !== undefined) throw new UsageError('--to-size finds the bit rate: --bitrate contradicts it');
  if (hls !== undefined) throw new UsageError('--to-size is about one file, and --hls writes many');
  if (isStandardOutput(output) || localPath(output) === undefined) {
    throw new UsageError(
      `--to-size looks at the file that it made, and makes it again where it must: ${output} is no file`,
    );
  }
}

/** Bytes of `--to-size`: 8000000, '8M', '700k', '8MiB'. */
export function bytesOf(toSize: string): number {
  const bytes = amountOf(toSize);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`--to-size: '${toSize}' is no number of bytes, such as 8M, 700k or 8MiB`);
}
