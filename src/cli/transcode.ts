/** `millrace transcode IN OUT` */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { chooseTarget, defaultCodec, localPath, type MediaInfo, type MediaStream } from '../catalog/ffmpeg.js';
import { encode } from '../graph/build/encode.js';
import type { Stream } from '../graph/build/stream.js';
import { Graph } from '../graph/graph.js';
import type { PictureSize } from './arguments.js';
import { UsageError } from './errors.js';
import { execute, type OutputFlags } from './execute.js';
import { isCover, lookInto } from './look.js';
import { mapStreams } from './mapping.js';

export interface TranscodeFlags extends OutputFlags {
  readonly format?: string;
  readonly scale?: PictureSize;
  readonly vcodec?: string;
  readonly preset?: string;
  readonly crf?: string;
  readonly bitrate?: string;
  readonly acodec?: string;
  /** False with --no-video and --no-audio. */
  readonly video: boolean;
  readonly audio: boolean;
  readonly start?: number;
  readonly end?: number;
  readonly threads?: number | 'auto';
}

type Kind = 'video' | 'audio';

/** Flags that are about one medium. */
const FLAGS: Record<Kind, readonly (keyof TranscodeFlags & string)[]> = {
  video: ['vcodec', 'scale', 'preset', 'crf', 'bitrate'],
  audio: ['acodec'],
};

export async function transcode(input: string, output: string, flags: TranscodeFlags): Promise<number> {
  refuseSameFile(input, output);
  if (flags.trace !== undefined) {
    refuseSameFile(input, flags.trace);
    if (resolve(flags.trace) === resolve(output)) throw new UsageError(`--trace ${flags.trace} is the output itself`);
  }
  const toStdout = ['-', 'pipe:', 'pipe:1'].includes(output);
  if (toStdout && flags.json) throw new UsageError('--json and the output would both go to the standard output');
  const info = await lookInto(input);
  const wanted = { video: isWanted('video', info, output, flags), audio: isWanted('audio', info, output, flags) };
  if (!wanted.video && !wanted.audio) {
    throw new UsageError(`nothing to do: ${input} has no video or audio that could go into ${output}`);
  }
  refuseUnused(flags);

  const graph = new Graph({ threads: flags.threads ?? (isBrief(info) ? 0 : undefined) });
  const source = graph.decode({
    input_path: input,
    start_time: flags.start,
    end_time: flags.end,
    video_codec: wanted.video && flags.vcodec === 'copy' ? 'copy' : undefined,
    audio_codec: wanted.audio && flags.acodec === 'copy' ? 'copy' : undefined,
  });
  const format = chooseTarget({ output_path: output, format: flags.format }).format.name ?? '';
  const { left, ...mapped } = mapStreams(info, format, wanted, { video: !flags.video });
  const scaled = (stream: Stream): Stream =>
    flags.scale ? stream.scale(flags.scale.width, flags.scale.height) : stream;
  const copied = (streams: readonly MediaStream[]): Stream[] =>
    streams.map(({ kind, index }) => source.select({ kind, index, codec: 'copy' }));
  // Where there is one there is nothing to choose.
  const chosen = (streams: readonly MediaStream[], only: Stream): Stream[] =>
    streams.map(({ kind, index }) => (count(info, kind) > 1 ? source.select({ kind, index }) : only));
  const { vcodec, preset, crf, bitrate } = flags;
  encode(
    {
      video: [...chosen(mapped.video, source.video).map(scaled), ...copied(mapped.covers)],
      audio: chosen(mapped.audio, source.audio),
      subtitle: copied(mapped.subtitles),
      attachment: copied(mapped.attachments),
    },
    {
      output_path: output,
      format: flags.format,
      ...(wanted.video && { video_params: { codec: vcodec, preset, crf, bit_rate: bitrate } }),
      ...(wanted.audio && { audio_params: { codec: flags.acodec } }),
    },
  );
  return execute(graph, output, { ...flags, toStdout }, left);
}

function count(info: MediaInfo, kind: MediaStream['kind']): number {
  return info.streams.filter((stream) => stream.kind === kind && !isCover(stream)).length;
}

/** Seconds times pixels of 12 frames of 720p at 25 a second, or of a minute of sound: less work than starting a thread for it. */
const BRIEF_PIXELS = 0.5 * 1280 * 720;
const BRIEF_SOUND = 60;

/** Whether it is done sooner without a thread, unless settings from outside say how many there are. */
function isBrief(info: MediaInfo): boolean {
  const { MILLRACE_THREADS, MILLRACE_CONFIG } = process.env;
  const { duration } = info.format;
  if (MILLRACE_THREADS || MILLRACE_CONFIG || duration === undefined) return false;
  const pixels = info.streams.map((stream) => (stream.width ?? 0) * (stream.height ?? 0));
  return duration <= BRIEF_SOUND && duration * Math.max(0, ...pixels) <= BRIEF_PIXELS;
}

/** What is written would be emptied before it is read, or written by two. */
function refuseSameFile(input: string, output: string): void {
  const [from, to] = [input, output].map((path) =>
    statSync(localPath(path) ?? path, { throwIfNoEntry: false, bigint: true }),
  );
  if (from && to?.isFile() && from.ino === to.ino && from.dev === to.dev) {
    throw new UsageError(`${output} is the input itself. Write to another file`);
  }
}

/**
 * Whether the output gets this medium: what the input has and the container carries, unless it is left out by flag.
 * @throws UsageError when it does not and a flag is about it.
 */
function isWanted(kind: Kind, info: MediaInfo, output: string, flags: TranscodeFlags): boolean {
  const codec = kind === 'video' ? flags.vcodec : flags.acodec;
  const reason = !flags[kind]
    ? `--no-${kind} leaves the ${kind} out`
    : !info.streams.some((stream) => stream.kind === kind && !isCover(stream))
      ? `${info.path} has no ${kind}`
      : codec === undefined &&
          defaultCodec(chooseTarget({ output_path: output, format: flags.format }), kind) === undefined
        ? `${output} is of a format that carries no ${kind}`
        : undefined;
  if (reason === undefined) return true;
  const flag = FLAGS[kind].find((name) => flags[name] !== undefined);
  if (flag !== undefined) throw new UsageError(`--${flag} has no effect: ${reason}`);
  return false;
}

/** Nothing is accepted and ignored. */
function refuseUnused(flags: TranscodeFlags): void {
  if (flags.vcodec === 'copy') {
    const flag = FLAGS.video.find((name) => name !== 'vcodec' && flags[name] !== undefined);
    if (flag) throw new UsageError(`--${flag} has no effect with --vcodec copy: copied video is not encoded`);
  }
  if (flags.end !== undefined && flags.end <= (flags.start ?? 0)) {
    throw new UsageError('--end must be later than --start');
  }
}
