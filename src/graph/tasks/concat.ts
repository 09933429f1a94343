/** `concat`: streams of a graph end to end, or whole files into one. */
import * as v from 'valibot';
import type { MediaInfo, MediaStream } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { openSource } from '../../media/bytes/source.js';
import { checked } from '../../schema/problems.js';
import { integer, strictOptions } from '../../schema/schema.js';
import { type ConcatOptions, concat as concatStreams, type Segment } from '../build/concat.js';
import { encode } from '../build/encode.js';
import type { Named } from '../build/filters/call.js';
import { type NodeHandle, Stream } from '../build/stream.js';
import type { Graph } from '../graph.js';
import { isCover, toldRest } from './mapping.js';
import { outletOf, type TaskOutput, type TaskResult, target } from './output.js';
import {
  encoding,
  type OpenInput,
  openInput,
  type TaskEncoding,
  type TaskInput,
  type TaskOptions,
  taskEntries,
  taskGraph,
  write,
} from './task.js';

export interface ConcatFilesOptions<O = TaskOutput | undefined> extends TaskOptions {
  /** Default: none; the file is in the result, as `data`: an MP4, unless `encode.format` says otherwise. */
  readonly output?: O;
  /** Pixels of the pictures; others are scaled, with bars where their shape is another. Default: those of the first. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Options of the encoder: `{ video_params: { crf: 20 } }`. */
  readonly encode?: TaskEncoding | undefined;
}

const schema = strictOptions({
  ...taskEntries,
  output: v.optional(target),
  width: v.optional(integer({ min: 2, max: 16_384 })),
  height: v.optional(integer({ min: 2, max: 16_384 })),
  encode: v.optional(encoding, {}),
});

/**
 * Plays segments of a graph one after another. `concat([a.video, b.video])` joins videos,
 * `concat([[a.video, a.audio], [b.video, b.audio]])` joins pairs, and a flat list with `v` and `a` is read as FFmpeg
 * reads it: for each segment its `v` videos, then its `a` audios. For audio only: `concat([x, y], { v: 0, a: 1 })`.
 * @returns A handle whose outputs are the `v` videos, then the `a` audios; `.video` and `.audio` are the first of each.
 * @throws MillraceError ERR_MILLRACE_CONFIG when the streams do not make whole segments.
 */
export function concat(streams: readonly Stream[] | readonly Segment[], named?: Named<ConcatOptions>): NodeHandle;
/**
 * Encodes files one after another into one. The first decides the size of the pictures; where one has no sound (or no
 * pictures) and another one has, there is silence (or black) as long as it lasts. Chapters come along, each in its place.
 *
 * ```ts
 * await concat(['a.mp4', 'b.mov'], { output: 'both.mp4' });
 * ```
 * @throws MillraceError ERR_MILLRACE_CONFIG for wrong options, ERR_MILLRACE_INPUT, ERR_MILLRACE_OUTPUT,
 * ERR_MILLRACE_ABORTED; GraphError of what fails meanwhile.
 */
export function concat<O extends TaskOutput | undefined = undefined>(
  inputs: readonly TaskInput[],
  options?: ConcatFilesOptions<O>,
): Promise<TaskResult<O>>;
export function concat(
  first: readonly Stream[] | readonly Segment[] | readonly TaskInput[],
  second: Named<ConcatOptions> | ConcatFilesOptions = {},
): NodeHandle | Promise<TaskResult<TaskOutput | undefined>> {
  return areInputs(first)
    ? concatFiles(first, second as ConcatFilesOptions)
    : concatStreams(first, second as Named<ConcatOptions>);
}

function areInputs(list: readonly unknown[]): list is readonly TaskInput[] {
  const isInput = (one: unknown): boolean =>
    typeof one === 'string' || one instanceof URL || (!Array.isArray(one) && openSource(one) !== undefined);
  return Array.isArray(list) && list.length > 0 && list.every((one) => !(one instanceof Stream) && isInput(one));
}

async function concatFiles(
  inputs: readonly TaskInput[],
  options: ConcatFilesOptions,
): Promise<TaskResult<TaskOutput | undefined>> {
  const given = checked(schema, options, 'options of concat');
  const opened: OpenInput[] = [];
  for (const input of inputs) opened.push(await openInput(input, 'concat', given));
  const infos = opened.map(({ info }) => info);
  const lead = infos.map((info) => streamOf(info, 'video')).find((stream) => stream !== undefined);
  const hasSound = infos.some((info) => streamOf(info, 'audio'));
  for (const info of infos) {
    if (streamOf(info, 'video') || streamOf(info, 'audio')) continue;
    throw new MillraceError('ERR_MILLRACE_INPUT', `concat: ${info.path} has no video and no audio`);
  }
  const graph = taskGraph(given);
  const size = lead && sizeOf(lead, given);
  const parts = opened.map(({ info, source }): Segment => {
    const decoder = graph.decode(source);
    const video = size && (streamOf(info, 'video') ? fitted(decoder.video, size) : black(graph, info, size));
    const audio = hasSound ? (streamOf(info, 'audio') ? decoder.audio : silence(graph, info)) : undefined;
    return [video, audio].filter((stream) => stream !== undefined);
  });
  const [v, a] = [size ? 1 : 0, hasSound ? 1 : 0];
  const joined = concatStreams(parts, { v, a });
  const chapters = given.encode.chapters ?? chaptersOf(infos);
  const outlet = outletOf(given.output, given.encode.format ?? 'mp4');
  encode(v ? joined.video : null, a ? joined.audio : null, { chapters, ...given.encode, ...outlet.options });
  const cut =
    given.encode.chapters === undefined ? infos.filter(({ format }) => format.chapters?.some((one) => one.cut)) : [];
  const told = cut.map(({ path }) => `255 bytes of a line are all that FFmpeg tells of chapters of ${path}`);
  const taken = { video: v, audio: a, cover: 0, subtitle: 0, attachment: 0, data: 0 };
  told.push(...infos.flatMap((info) => toldRest(info, taken, 'one video and one audio of each are joined')));
  return write(graph, outlet, given, told);
}

function streamOf(info: MediaInfo, kind: 'video' | 'audio'): MediaStream | undefined {
  return info.streams.find((stream) => stream.kind === kind && !isCover(stream));
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** As it is shown: turned, and with square pixels. */
function sizeOf(
  stream: MediaStream,
  { width, height }: { width?: number | undefined; height?: number | undefined },
): Size {
  const { width: w = 640, height: h = 360, sampleAspectRatio: shape, rotation = 0 } = stream;
  const wide = shape ? (w * shape.num) / shape.den : w;
  const [across, down] = rotation % 180 === 0 ? [wide, h] : [h, wide];
  const even = (pixels: number): number => Math.max(2, 2 * Math.round(pixels / 2));
  if (width !== undefined && height !== undefined) return { width, height };
  if (width !== undefined) return { width, height: even((width * down) / across) };
  if (height !== undefined) return { width: even((height * across) / down), height };
  return { width: even(across), height: even(down) };
}

function fitted(video: Stream, { width, height }: Size): Stream {
  return video.module('c_ffmpeg_filter', {
    graph:
      `scale=trunc(iw*sar/2)*2:ih,scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2,` +
      `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2,setsar=1`,
  });
}

function lengthOf({ format, path }: MediaInfo): number {
  if (format.duration !== undefined) return format.duration;
  throw new MillraceError('ERR_MILLRACE_INPUT', `concat: how long ${path} is, is not known`, {
    hint: 'So silence or black cannot be as long: give files that all have pictures and sound',
  });
}

function black(graph: Graph, info: MediaInfo, { width, height }: Size): Stream {
  return graph.filter('color', { c: 'black', s: `${width}x${height}`, r: 25, d: lengthOf(info) });
}

function silence(graph: Graph, info: MediaInfo): Stream {
  return graph.filter('anullsrc', { r: 48_000, cl: 'stereo', d: lengthOf(info) });
}

function chaptersOf(infos: readonly MediaInfo[]): EncoderChapters | false {
  let offset = 0;
  const all = infos.flatMap(({ format }) => {
    const start = offset;
    offset += format.duration ?? 0;
    return (format.chapters ?? []).map((chapter) => ({
      start: start + chapter.start,
      end: start + chapter.end,
      ...(chapter.tags.title !== undefined && { title: chapter.tags.title }),
    }));
  });
  return all.length > 0 ? all : false;
}

type EncoderChapters = Exclude<TaskEncoding['chapters'], false | undefined>;
