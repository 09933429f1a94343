/** `trim` and `extractAudio`: a part of a file, and its sound, as a file. */
import * as v from 'valibot';
import { chooseTarget, defaultCodec, type MediaInfo, type MediaStream } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { checked } from '../../schema/problems.js';
import { boolean, integer, strictOptions, text } from '../../schema/schema.js';
import { encode } from '../build/encode.js';
import { isCover, mapStreams, streamsOf, takesCover, toldLeft, toldRest } from './mapping.js';
import { type Outlet, outletOf, type TaskOutput, type TaskResult, target } from './output.js';
import { pickFrom } from './sources.js';
import {
  encoding,
  openInput,
  type TaskEncoding,
  type TaskInput,
  type TaskOptions,
  taskEntries,
  taskGraph,
  write,
} from './task.js';
import { checkRange, type TimeRange, timeRangeEntries } from './time-range.js';

export interface TrimOptions<O = TaskOutput | undefined> extends TimeRange, TaskOptions {
  /** Default: none; the file is in the result, as `data`: an MP4, unless `encode.format` says otherwise. */
  readonly output?: O;
  /**
   * Video and audio are copied: quick and without loss, but the file begins at the key frame before `start`; in MP4 and MOV
   * players pass over what is before `start`. Default false: they are encoded anew, to the frame.
   */
  readonly copy?: boolean | undefined;
  /** Options of the encoder: `{ video_params: { crf: 20 } }`. */
  readonly encode?: TaskEncoding | undefined;
}

const trimSchema = strictOptions({
  ...timeRangeEntries,
  ...taskEntries,
  output: v.optional(target),
  copy: v.optional(boolean(), false),
  encode: v.optional(encoding, {}),
});

/**
 * A part of a file with all streams, tags and chapters that its format can hold.
 *
 * ```ts
 * await trim('in.mp4', { start: 60, end: 90, output: 'part.mp4' });
 * await trim('in.mp4', { start: 60, duration: 30, copy: true, output: 'part.mkv' });
 * ```
 * @throws as `thumbnails`.
 */
export async function trim<O extends TaskOutput | undefined = undefined>(
  input: TaskInput,
  options: TrimOptions<O> = {},
): Promise<TaskResult<O>> {
  const given = checked(trimSchema, options, 'options of trim');
  const { copy } = given;
  const outlet = outletOf(given.output, given.encode.format ?? 'mp4');
  const range = checkRange('trim', given);
  const { info, source } = await openInput(input, 'trim', given);
  const chosen = chooseTarget(targetOf(outlet, given.encode));
  const has = (kind: 'video' | 'audio'): boolean =>
    info.streams.some((stream) => stream.kind === kind && !isCover(stream)) && defaultCodec(chosen, kind) !== undefined;
  const wanted = { video: has('video'), audio: has('audio') };
  if (!wanted.video && !wanted.audio) {
    throw new MillraceError(
      'ERR_MILLRACE_INPUT',
      `trim: ${info.path} has no video or audio that could go into ${outlet.name}`,
    );
  }
  const mapped = mapStreams(streamsOf([info]), chosen.format.name ?? '', wanted, { video: false });
  const graph = taskGraph(given);
  const { pick } = pickFrom([info], () => graph.decode({ ...source, ...range }));
  const copied = (streams: typeof mapped.video) => streams.map((one) => pick(one, true));
  const own = (streams: typeof mapped.video) => streams.map((one) => pick(one, copy));
  encode(
    {
      video: [...own(mapped.video), ...copied(mapped.covers)],
      audio: own(mapped.audio),
      subtitle: copied(mapped.subtitles),
      attachment: copied(mapped.attachments),
    },
    { ...given.encode, ...outlet.options },
  );
  return write<O>(graph, outlet, given, toldLeft(mapped, [info]));
}

export interface ExtractAudioOptions<O = TaskOutput | undefined> extends TimeRange, TaskOptions {
  /** Default: none; the file is in the result, as `data`: an M4A, unless `encode.format` says otherwise. */
  readonly output?: O;
  /** Which of several: its number from 0 on, or its language. Default: FFmpeg's choice of the best one. */
  readonly track?: number | string | undefined;
  /**
   * An encoder, or 'copy'. Default: copied where the format of the output is made for its codec (AAC into m4a), nothing is
   * said in `encode`, and it is not cut; else encoded.
   */
  readonly codec?: string | undefined;
  /** Options of the encoder: `{ audio_params: { bit_rate: '128k' } }`. */
  readonly encode?: TaskEncoding | undefined;
}

const extractSchema = strictOptions({
  ...timeRangeEntries,
  ...taskEntries,
  output: v.optional(target),
  track: v.optional(v.union([integer({ min: 0 }), text('a language')], 'must be the number of a track, or a language')),
  codec: v.optional(text('the name of an encoder')),
  encode: v.optional(encoding),
});

/**
 * The sound of a file alone, with its tags and its cover where the format has a place for one.
 *
 * ```ts
 * await extractAudio('in.mp4', { output: 'sound.mp3', encode: { audio_params: { bit_rate: '192k' } } });
 * await extractAudio('film.mkv', { output: 'deutsch.m4a', track: 'deu' });
 * ```
 * @throws as `thumbnails`.
 */
export async function extractAudio<O extends TaskOutput | undefined = undefined>(
  input: TaskInput,
  options: ExtractAudioOptions<O> = {},
): Promise<TaskResult<O>> {
  const given = checked(extractSchema, options, 'options of extractAudio');
  const { encode: own = {} } = given;
  const outlet = outletOf(given.output, own.format ?? 'ipod');
  const range = checkRange('extractAudio', given);
  const { info, source } = await openInput(input, 'extractAudio', given, 'audio');
  const stream = trackOf(info, given.track);
  const format = chooseTarget(targetOf(outlet, own));
  const usual = defaultCodec(format, 'audio');
  const isCut = Object.keys(range).length > 0;
  const codec = given.codec ?? (stream.codec === usual && given.encode === undefined && !isCut ? 'copy' : undefined);
  const graph = taskGraph(given);
  const decoder = graph.decode({ ...source, ...range });
  const { index } = stream;
  const audio = decoder.select({ kind: 'audio', index, ...(codec === 'copy' && { codec }) });
  const [params = {}] = [own.audio_params ?? {}].flat();
  const covers = info.streams.filter((one) => isCover(one) && takesCover(format.format.name ?? '', one));
  const video = covers.map((cover) => decoder.select({ kind: 'video', index: cover.index, codec: 'copy' }));
  encode(
    { video, audio },
    {
      ...own,
      ...outlet.options,
      audio_params: codec === 'copy' ? params : { codec, ...params },
    },
  );
  const left = [
    ...toldRest(info, { cover: covers.length }, `'${format.format.name}' has no place for covers`),
    ...(given.track === undefined ? toldRest(info, { audio: 1 }, '`track` chooses another one') : []),
  ];
  return write<O>(graph, outlet, given, left);
}

/** What decides the format. */
function targetOf(
  { options }: Outlet,
  { format }: TaskEncoding,
): { output_path?: string; format?: string | undefined } {
  const { output_path } = options;
  return { ...(output_path !== undefined && { output_path }), format: options.format ?? format };
}

function trackOf(info: MediaInfo, track: number | string | undefined): MediaStream {
  const all = info.streams.filter(({ kind }) => kind === 'audio');
  if (track === undefined) return all.find(({ disposition }) => disposition.includes('default')) ?? all[0]!;
  const isNumber = /^\d+$/.test(String(track));
  const found = isNumber ? all[Number(track)] : all.find(({ language }) => language === track);
  if (found) return found;
  const known = all.map(({ language = 'und' }, n) => `${n} (${language})`).join(', ');
  throw new MillraceError('ERR_MILLRACE_INPUT', `extractAudio: ${info.path} has no audio track ${track}`, {
    hint: `It has ${known}`,
  });
}
