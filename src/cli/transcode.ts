/** `millrace transcode IN... OUT` */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { chooseTarget, defaultCodec, localPath, type MediaInfo } from '../catalog/ffmpeg.js';
import { encode } from '../graph/build/encode.js';
import type { EncoderOptions } from '../graph/build/module-options.js';
import type { Stream } from '../graph/build/stream.js';
import { Graph } from '../graph/graph.js';
import { isCover, type MappedStream, type Mapping, mapStreams, streamsOf, toldLeft } from '../graph/tasks/mapping.js';
import { type Pick, pickFrom } from '../graph/tasks/sources.js';
import type { PictureSize } from './arguments.js';
import { UsageError } from './errors.js';
import { execute, type Feed, type OutputFlags } from './execute.js';
import { type Input, isStandard, openInput } from './look.js';
import { buildComplex, type ComplexOutput } from './transcode/complex.js';
import { type Maps, readMaps } from './transcode/maps.js';
import { readTexts } from './transcode/texts.js';

export interface TranscodeFlags extends OutputFlags {
  readonly format?: string;
  readonly scale?: PictureSize;
  readonly vf?: string;
  readonly af?: string;
  readonly filterComplex?: string;
  readonly map?: readonly string[];
  readonly metadata?: readonly string[];
  readonly copy?: boolean;
  readonly vcodec?: string;
  readonly preset?: string;
  readonly crf?: string;
  readonly bitrate?: string;
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

type Kind = 'video' | 'audio';

/** Flags that are about one medium. */
const FLAGS: Record<Kind, readonly (keyof TranscodeFlags & string)[]> = {
  video: ['vcodec', 'scale', 'vf', 'preset', 'crf', 'bitrate'],
  audio: ['acodec', 'af'],
};

const SEGMENT_SECONDS = 6;

export async function transcode(paths: readonly string[], output: string, given: TranscodeFlags): Promise<number> {
  const flags = withCopy(given);
  refusePaths(paths, output, flags);
  refuseUnused(flags, output);
  const inputs: Input[] = [];
  for (const path of paths) inputs.push(await openInput(path));
  const infos = inputs.map(({ info }) => info);
  const maps = flags.map && readMaps(flags.map, infos);

  const graph = new Graph({ threads: flags.threads ?? (isBrief(infos) ? 0 : undefined) });
  const feeds: Feed[] = [];
  const range = { start_time: flags.start, end_time: flags.end };
  const { pick, unused } = pickFrom(infos, (input) => {
    const { path, bytes } = inputs[input]!;
    if (path !== undefined) return graph.decode({ input_path: path, ...range });
    const stream = graph.inputStream('standard input');
    feeds.push({ stream, source: bytes! });
    return stream.decode(range);
  });
  const made = flags.filterComplex === undefined ? [] : buildComplex(graph, flags.filterComplex, infos, pick);
  const complex = chosenOutputs(made, maps);
  for (const { kind } of complex) {
    const codec = kind === 'video' ? 'vcodec' : 'acodec';
    if (flags[codec] !== 'copy') continue;
    const how = flags.copy ? '--copy' : `--${codec} copy`;
    throw new UsageError(`${how}: the ${kind} that --filter-complex makes has to be encoded`);
  }
  const hls = flags.hls === undefined ? {} : { format: 'hls' };
  const target = chooseTarget({ output_path: output, format: flags.format, ...hls });
  const among = maps
    ? maps.streams
    : streamsOf(infos).filter(({ stream }) => !complex.some(({ kind }) => kind === stream.kind));
  const wanted = { video: true, audio: true };
  for (const kind of ['video', 'audio'] as const) {
    const isThere =
      complex.some((one) => one.kind === kind) || among.some(({ stream }) => stream.kind === kind && !isCover(stream));
    wanted[kind] = isWanted(kind, isThere, infos, output, target, flags);
  }
  const mapped = mapStreams(among, target.format.name ?? '', wanted, { video: !flags.video });
  if (!wanted.video && !wanted.audio && mapped.subtitles.length === 0) {
    throw new UsageError(`nothing to do: ${nameOf(infos)} has no video or audio that could go into ${output}`);
  }
  refuseAsked(mapped, maps, infos);
  encodeAll(output, flags, wanted, mapped, complex, pick);
  const toStdout = isStandardOutput(output);
  const warnings = [
    ...toldLeft(mapped, infos),
    ...unused().map((input) => `no stream of ${infos[input]!.path} goes into ${output}`),
  ];
  return execute(graph, output, { ...flags, toStdout, feeds }, warnings);
}

function encodeAll(
  output: string,
  flags: TranscodeFlags,
  wanted: Record<Kind, boolean>,
  mapped: Mapping,
  complex: readonly ComplexOutput[],
  pick: Pick,
): void {
  const { vcodec, preset, crf, bitrate, acodec, vf, af, scale } = flags;
  const copied = (streams: readonly MappedStream[]): Stream[] => streams.map((one) => pick(one, true));
  const filtered = (stream: Stream, text: string | undefined): Stream =>
    text === undefined ? stream : stream.module('c_ffmpeg_filter', { graph: text });
  const scaled = (stream: Stream): Stream => (scale ? stream.scale(scale.width, scale.height) : stream);
  const fromGraph = (kind: Kind): Stream[] =>
    wanted[kind] ? complex.filter((one) => one.kind === kind).map(({ stream }) => stream) : [];
  const video = vcodec === 'copy' ? copied(mapped.video) : mapped.video.map((one) => filtered(pick(one), vf));
  const audio = acodec === 'copy' ? copied(mapped.audio) : mapped.audio.map((one) => filtered(pick(one), af));
  for (const [flag, kind] of [
    ['vf', 'video'],
    ['af', 'audio'],
  ] as const) {
    if (flags[flag] !== undefined && mapped[kind].length === 0) {
      throw new UsageError(`--${flag} has no effect: no ${kind} comes from an input itself`);
    }
  }
  const segment = flags.hls === true ? SEGMENT_SECONDS : flags.hls;
  const options: EncoderOptions = {
    output_path: output,
    format: segment === undefined ? flags.format : 'hls',
    ...(segment !== undefined && { mux_params: { hls_time: segment, hls_playlist_type: 'vod' } }),
    ...readTexts(flags.metadata ?? []),
    ...(wanted.video && {
      video_params: {
        codec: vcodec,
        preset,
        crf,
        bit_rate: bitrate,
        // Segments begin with key frames only.
        ...(segment !== undefined && vcodec !== 'copy' && { force_key_frames: `expr:gte(t,n_forced*${segment})` }),
      },
    }),
    ...(wanted.audio && { audio_params: { codec: acodec } }),
  };
  encode(
    {
      video: [...(vcodec === 'copy' ? video : [...fromGraph('video'), ...video].map(scaled)), ...copied(mapped.covers)],
      audio: [...fromGraph('audio'), ...audio],
      subtitle: copied(mapped.subtitles),
      attachment: copied(mapped.attachments),
    },
    options,
  );
}

/** Of `--filter-complex`: those named by `--map`, those without a label, and all of them without `--map`. */
function chosenOutputs(made: readonly ComplexOutput[], maps: Maps | undefined): readonly ComplexOutput[] {
  const unknown = maps?.labels.find((label) => !made.some((one) => one.label === label));
  if (unknown !== undefined) {
    const labels = made.flatMap(({ label }) => (label === undefined ? [] : [`[${label}]`]));
    const known = labels.length > 0 ? `its outputs are ${labels.join(', ')}` : 'it has no outputs with labels';
    throw new UsageError(`--map [${unknown}] is no output of --filter-complex: ${known}`);
  }
  const left = maps && made.find(({ label }) => label !== undefined && !maps.labels.includes(label));
  if (left) throw new UsageError(`the output [${left.label}] of --filter-complex is in no --map`);
  if (maps === undefined) return made;
  const rank = ({ label }: ComplexOutput): number => (label === undefined ? -1 : maps.labels.indexOf(label));
  return [...made].sort((a, b) => rank(a) - rank(b));
}

function nameOf(infos: readonly MediaInfo[]): string {
  return infos.map(({ path }) => path).join(' and ');
}

/** What was asked for by name is not left out with a warning. */
function refuseAsked(mapped: Mapping, maps: Maps | undefined, infos: readonly MediaInfo[]): void {
  if (maps === undefined) return;
  const left = mapped.left.filter(({ input, stream }) =>
    [...maps.asked].some((one) => one.input === input && one.stream === stream),
  );
  const [first] = toldLeft({ left }, infos);
  if (first !== undefined) throw new UsageError(`--map: ${first}. With ? behind it, it may be`);
}

/** Seconds times pixels of 12 frames of 720p at 25 a second, or of a minute of sound: less work than starting a thread for it. */
const BRIEF_PIXELS = 0.5 * 1280 * 720;
const BRIEF_SOUND = 60;

/** Whether it is done sooner without a thread, unless settings from outside say how many there are. */
function isBrief(infos: readonly MediaInfo[]): boolean {
  const { MILLRACE_THREADS, MILLRACE_CONFIG } = process.env;
  if (MILLRACE_THREADS || MILLRACE_CONFIG) return false;
  const durations = infos.map(({ format }) => format.duration ?? Number.POSITIVE_INFINITY);
  const work = infos.map(({ streams }, n) => {
    const pixels = streams.map(({ width = 0, height = 0 }) => width * height);
    return durations[n]! * Math.max(0, ...pixels);
  });
  return Math.max(...durations) <= BRIEF_SOUND && work.reduce((sum, one) => sum + one) <= BRIEF_PIXELS;
}

/** `--copy` is both codecs. @throws UsageError where one of them is given as well. */
function withCopy(flags: TranscodeFlags): TranscodeFlags {
  if (!flags.copy) return flags;
  const other = (['vcodec', 'acodec'] as const).find((name) => flags[name] !== undefined);
  if (other) throw new UsageError(`--copy and --${other} contradict each other`);
  return { ...flags, vcodec: 'copy', acodec: 'copy' };
}

function isStandardOutput(output: string): boolean {
  return ['-', 'pipe:', 'pipe:1'].includes(output);
}

function refusePaths(inputs: readonly string[], output: string, { trace, json }: TranscodeFlags): void {
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
function isWanted(
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
      : codec === undefined && defaultCodec(target, kind) === undefined
        ? `${output} is of a format that carries no ${kind}`
        : undefined;
  if (reason === undefined) return true;
  const flag = FLAGS[kind].find((name) => flags[name] !== undefined);
  if (flag !== undefined && !flags.copy) throw new UsageError(`--${flag} has no effect: ${reason}`);
  return false;
}

/** Nothing is accepted and ignored. */
function refuseUnused(flags: TranscodeFlags, output: string): void {
  for (const [kind, codec] of [
    ['video', 'vcodec'],
    ['audio', 'acodec'],
  ] as const) {
    if (flags[codec] !== 'copy') continue;
    const flag = FLAGS[kind].find((name) => name !== codec && flags[name] !== undefined);
    if (flag) {
      const how = flags.copy ? '--copy' : `--${codec} copy`;
      throw new UsageError(`--${flag} has no effect with ${how}: copied ${kind} is not encoded`);
    }
  }
  if (flags.end !== undefined && flags.end <= (flags.start ?? 0)) {
    throw new UsageError('--end must be later than --start');
  }
  if (flags.hls !== undefined && (flags.format ?? 'hls') !== 'hls') {
    throw new UsageError(`--hls and --format ${flags.format} contradict each other`);
  }
  if (flags.hls !== undefined && !/\.m3u8$/i.test(output)) {
    throw new UsageError(`--hls writes a playlist and segments beside it: name the output *.m3u8, not ${output}`);
  }
}
