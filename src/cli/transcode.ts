/** `millrace transcode IN... OUT` */
import { chooseTarget, defaultCodec, localPath, type MediaInfo } from '../catalog/ffmpeg.js';
import { encode } from '../graph/build/encode.js';
import type { DecoderOptions, EncoderOptions } from '../graph/build/module-options.js';
import type { Stream } from '../graph/build/stream.js';
import { Graph } from '../graph/graph.js';
import type { Rates, SizeJob } from '../graph/rate/fit-size.js';
import type { Pass } from '../graph/rate/two-pass.js';
import { isCover, type MappedStream, type Mapping, mapStreams, streamsOf, toldLeft } from '../graph/tasks/mapping.js';
import { type Pick, pickFrom } from '../graph/tasks/sources.js';
import { UsageError } from './errors.js';
import { execute, type Feed } from './execute.js';
import { type Input, isStandardOutput, openAgain, openInput } from './look.js';
import { buildComplex, type ComplexOutput } from './transcode/complex.js';
import {
  bytesOf,
  isWanted,
  type Kind,
  nameOf,
  refusePaths,
  refuseSameFile,
  refuseUnused,
  type TranscodeFlags,
  withCopy,
} from './transcode/flags.js';
import { type Maps, readMaps } from './transcode/maps.js';
import { performPasses } from './transcode/passes.js';
import { openSubtitles, refuseUnheld, type SubtitleFile, withLanguages } from './transcode/subtitles.js';
import { readTexts } from './transcode/texts.js';

const SEGMENT_SECONDS = 6;

/** What is read of an input. */
type Range = { readonly [key in 'start_time' | 'end_time']?: DecoderOptions[key] };

/** All that was found out before anything is built. */
interface Job {
  readonly output: string;
  readonly flags: TranscodeFlags;
  readonly inputs: readonly Input[];
  readonly infos: readonly MediaInfo[];
  readonly maps: Maps | undefined;
  /** Files that are no inputs. */
  readonly embedded: readonly SubtitleFile[];
  readonly burnt: readonly SubtitleFile[];
}

/** A graph that does it. */
interface Built {
  readonly graph: Graph;
  readonly feeds: readonly Feed[];
  readonly warnings: readonly string[];
  readonly codec: string | undefined;
  readonly videos: number;
  /** Streams of the inputs, and how many sounds there are beside them. */
  readonly sounds: readonly MappedStream[];
  readonly made: number;
}

export async function transcode(paths: readonly string[], output: string, given: TranscodeFlags): Promise<number> {
  const flags = withCopy(given);
  refusePaths(paths, output, flags);
  refuseUnused(flags, output);
  const bytes = flags.toSize === undefined ? undefined : bytesOf(flags.toSize);
  const isAgain = flags.twoPass === true || bytes !== undefined;
  const inputs: Input[] = [];
  for (const path of paths) inputs.push(await (isAgain ? openAgain(path) : openInput(path)));
  const infos = inputs.map(({ info }) => info);
  const embedded = await openSubtitles(flags.subtitles ?? [], '--subtitles');
  const burnt = await openSubtitles(flags.burnSubtitles ?? [], '--burn-subtitles');
  for (const { path } of [...embedded, ...burnt]) refuseSameFile(path, output);
  const maps = flags.map && readMaps(flags.map, infos);
  const job = { output, flags, inputs, infos, maps, embedded, burnt };
  // What is wrong is told by the first that is built, before anything runs.
  const built = build(job);
  const all = { ...flags, toStdout: isStandardOutput(output) };
  if (!isAgain) return execute(built.graph, output, { ...all, feeds: built.feeds }, built.warnings);
  return performPasses({
    output,
    flags: all,
    warnings: built.warnings,
    size: bytes === undefined ? undefined : sizeOf(job, built, bytes),
    build: (pass, rates) => build(job, pass, rates).graph,
  });
}

function build(job: Job, pass?: Pass, rates?: Rates): Built {
  const { output, flags, inputs, infos, maps, embedded, burnt } = job;
  const graph = new Graph({ threads: flags.threads ?? (isBrief(infos) ? 0 : undefined) });
  const feeds: Feed[] = [];
  const range: Range = { start_time: flags.start, end_time: flags.end };
  const { pick, unused } = pickFrom([...infos, ...embedded.map(({ info }) => info)], (input) => {
    const { path, bytes, memory } = inputs[input] ?? { path: embedded[input - inputs.length]!.path };
    if (path !== undefined) return graph.decode({ input_path: path, ...range });
    if (memory !== undefined) return graph.decode({ input: memory, ...range });
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
  const format = target.format.name ?? '';
  const among = maps
    ? maps.streams
    : streamsOf(infos).filter(({ stream }) => !complex.some(({ kind }) => kind === stream.kind));
  const wanted = { video: true, audio: true };
  for (const kind of ['video', 'audio'] as const) {
    const isThere =
      complex.some((one) => one.kind === kind) || among.some(({ stream }) => stream.kind === kind && !isCover(stream));
    wanted[kind] = isWanted(kind, isThere, infos, output, target, flags);
  }
  refuseUnheld(embedded, format);
  const beside = embedded.flatMap(({ streams }, n) => streams.map((stream) => ({ input: inputs.length + n, stream })));
  const mapped = mapStreams([...among, ...beside], format, wanted, { video: !flags.video });
  if (!wanted.video && !wanted.audio && mapped.subtitles.length === 0) {
    throw new UsageError(`nothing to do: ${nameOf(infos)} has no video or audio that could go into ${output}`);
  }
  const every = [...infos, ...embedded.map(({ info }) => info)];
  refuseAsked('--map', mapped, [...(maps?.asked ?? [])], every);
  refuseAsked('--subtitles', mapped, beside, every);
  const draw = (video: Stream): Stream => burnt.reduce((drawn, file) => burn(drawn, file, range), video);
  const videos = encodeAll({ ...job, wanted, mapped, complex, pick, draw }, pass, rates);
  const extra = complex.filter(({ kind }) => kind === 'audio').length;
  return {
    ...{ graph, feeds, videos },
    codec: flags.vcodec ?? defaultCodec(target, 'video'),
    sounds: mapped.audio,
    made: wanted.audio ? extra : 0,
    warnings: [
      ...toldLeft(mapped, infos),
      ...unused().map((input) => `no stream of ${infos[input]!.path} goes into ${output}`),
    ],
  };
}

/** Times are those of the pictures as they are decoded: they are drawn before anything else. */
function burn(video: Stream, { path, streams }: SubtitleFile, range: Range): Stream {
  const { graph } = video;
  const { index } = streams[0]!;
  const subtitles = graph.decode({ input_path: path, ...range }).select({ kind: 'subtitle', index, fonts: true });
  return graph.module('burn_subtitles', {}, { inputs: [video, subtitles] });
}

interface Encoding extends Job {
  readonly wanted: Record<Kind, boolean>;
  readonly mapped: Mapping;
  readonly complex: readonly ComplexOutput[];
  readonly pick: Pick;
  draw(video: Stream): Stream;
}

/** @returns how many videos are encoded. */
function encodeAll(
  { output, flags, wanted, mapped, complex, pick, embedded, draw }: Encoding,
  pass: Pass | undefined,
  rates: Rates | undefined,
): number {
  const { vcodec, preset, crf, bitrate, acodec, vf, af, scale } = flags;
  const copied = (streams: readonly MappedStream[]): Stream[] => streams.map((one) => pick(one, true));
  const filtered = (stream: Stream, text: string | undefined): Stream =>
    text === undefined ? stream : stream.module('c_ffmpeg_filter', { graph: text });
  const scaled = (stream: Stream): Stream => (scale ? stream.scale(scale.width, scale.height) : stream);
  const fromGraph = (kind: Kind): Stream[] =>
    wanted[kind] ? complex.filter((one) => one.kind === kind).map(({ stream }) => stream) : [];
  const video = vcodec === 'copy' ? copied(mapped.video) : mapped.video.map((one) => filtered(draw(pick(one)), vf));
  const audio = acodec === 'copy' ? copied(mapped.audio) : mapped.audio.map((one) => filtered(pick(one), af));
  for (const [flag, kind, name] of [
    ['vf', 'video', '--vf'],
    ['af', 'audio', '--af'],
    ['burnSubtitles', 'video', '--burn-subtitles'],
  ] as const) {
    if (flags[flag] !== undefined && mapped[kind].length === 0) {
      throw new UsageError(`${name} has no effect: no ${kind} comes from an input itself`);
    }
  }
  const encoded = vcodec === 'copy' ? [] : [...fromGraph('video'), ...video].map(scaled);
  const segment = flags.hls === true ? SEGMENT_SECONDS : flags.hls;
  const texts = readTexts(flags.metadata ?? []);
  const beside = embedded.reduce((count, { streams }) => count + streams.length, 0);
  const options: EncoderOptions = {
    ...pass?.(),
    output_path: output,
    format: segment === undefined ? flags.format : 'hls',
    ...(segment !== undefined && { mux_params: { hls_time: segment, hls_playlist_type: 'vod' } }),
    ...texts,
    streams: withLanguages(texts.streams, embedded, mapped.subtitles.length - beside),
    ...(wanted.video && {
      video_params: {
        codec: vcodec,
        preset,
        crf,
        bit_rate: rates?.video ?? bitrate,
        // Segments begin with key frames only.
        ...(segment !== undefined && vcodec !== 'copy' && { force_key_frames: `expr:gte(t,n_forced*${segment})` }),
      },
    }),
    ...(wanted.audio && {
      audio_params: { codec: acodec, ...(rates && acodec !== 'copy' && { bit_rate: rates.audio }) },
    }),
  };
  encode(
    {
      video: [...(vcodec === 'copy' ? video : encoded), ...copied(mapped.covers)],
      audio: [...fromGraph('audio'), ...audio],
      subtitle: copied(mapped.subtitles),
      attachment: copied(mapped.attachments),
    },
    options,
  );
  return encoded.length;
}

/** What a file of that size has to hold. */
function sizeOf(
  { output, flags, infos }: Job,
  { codec, videos, sounds, made }: Built,
  bytes: number,
): Omit<SizeJob, 'build'> {
  const { start = 0, end, acodec } = flags;
  const ends = infos.flatMap(({ format: { duration } }) => duration ?? []);
  const last = ends.length > 0 ? Math.min(Math.max(...ends), end ?? Number.POSITIVE_INFINITY) : end;
  if (last === undefined || last <= start) {
    throw new UsageError(
      last === undefined
        ? `--to-size: nobody knows how long ${nameOf(infos)} lasts; give --end`
        : `--start is behind the end of ${nameOf(infos)}`,
    );
  }
  const rates = sounds.map(({ stream }) => stream.bitRate);
  if (acodec === 'copy' && rates.some((rate) => rate === undefined)) {
    throw new UsageError(
      `--to-size: how many bits the copied audio of ${nameOf(infos)} has is not known; encode it: leave --acodec copy out`,
    );
  }
  const soundRate = acodec === 'copy' ? rates.reduce<number>((sum, rate) => sum + rate!, 0) / rates.length : undefined;
  return {
    ...{ what: '--to-size', path: localPath(output)!, bytes, seconds: last - start, codec, videos },
    sounds: sounds.length + made,
    lessSound: acodec === 'copy' ? 'without --acodec copy' : '--no-audio, or --map fewer',
    ...(sounds.length > 0 && { soundRate }),
  };
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

/** What was asked for by name is not left out with a warning. */
function refuseAsked(
  flag: '--map' | '--subtitles',
  mapped: Mapping,
  asked: readonly MappedStream[],
  infos: readonly MediaInfo[],
): void {
  const left = mapped.left.filter(({ input, stream }) =>
    asked.some((one) => one.input === input && one.stream === stream),
  );
  const [first] = toldLeft({ left }, infos);
  if (first !== undefined)
    throw new UsageError(`${flag}: ${first}${flag === '--map' ? '. With ? behind it, it may be' : ''}`);
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
