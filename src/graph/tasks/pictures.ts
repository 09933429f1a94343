/** Pictures out of a video, encoded one by one: what `thumbnails` and `sprite` have in common. */
import * as v from 'valibot';
import type { MediaInfo, MediaStream } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import { StreamInfo } from '../../media/packet/stream-info.js';
import type { Report } from '../../scheduler/run/report.js';
import { callable, choice, integer, number } from '../../schema/schema.js';
import { seconds } from '../../schema/seconds.js';
import type { NodeHandle, Stream } from '../build/stream.js';
import { isCover } from './mapping.js';
import { type Target, type TaskOutput, target, writeWhole } from './output.js';
import { pictures, rangesOf } from './picker.js';
import { openInput, read, type TaskInput, type TaskOptions, taskGraph } from './task.js';

export interface PictureOptions {
  /** Seconds from one picture to the next. */
  readonly every?: number | undefined;
  /** That many pictures, spread evenly. */
  readonly count?: number | undefined;
  /** Seconds to take pictures at, also as text: `'1:30.5'`. */
  readonly at?: number | string | readonly (number | string)[] | undefined;
  /** Pixels; what is not given follows from the shape of the picture. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Default: by the name of the output, else 'jpeg'. */
  readonly format?: 'jpeg' | 'png' | 'webp' | undefined;
  /** 1 to 100, of JPEG and WebP. Default 85. */
  readonly quality?: number | undefined;
  /**
   * Files to write: `%d` or `%03d` stands for their number, from 1 on. Or what takes the bytes of the only one; or a function
   * that is given the number and says where that one goes. Default: none.
   */
  readonly output?: TaskOutput | ((number: number) => TaskOutput) | undefined;
}

export const pictureEntries = {
  every: v.optional(number({ min: 0.001 })),
  count: v.optional(integer({ min: 1, max: 100_000 })),
  at: v.optional(
    v.union(
      [seconds(), v.array(seconds())],
      'must be a number of seconds from 0, [h:]m:s such as "1:30.5", or a list of them',
    ),
  ),
  width: v.optional(integer({ min: 2, max: 16_384 })),
  height: v.optional(integer({ min: 2, max: 16_384 })),
  format: v.optional(choice('jpeg', 'png', 'webp')),
  quality: v.optional(integer({ min: 1, max: 100 })),
  output: v.optional(
    v.union(
      [callable<(number: number) => TaskOutput>(), target],
      'must be a path or URL, { write(bytes, offset) }, a writable stream, or a function of the number that returns one of them',
    ),
  ),
};

/** A picture that was encoded. */
export interface EncodedPicture {
  /** The bytes of the picture's file. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Of the file, where one was written. */
  readonly path?: string | undefined;
}

export interface PicturesJob {
  readonly info: MediaInfo;
  /** Seconds, ascending. */
  readonly times: readonly number[];
  readonly made: readonly EncodedPicture[];
  /** Seconds of those pictures that were found, ascending. */
  readonly found: readonly number[];
  readonly report: Report;
}

type Checked = v.InferOutput<v.StrictObjectSchema<typeof pictureEntries, undefined>> & TaskOptions;

/**
 * @param what Names the function in errors.
 * @param arrange What becomes of the pictures before they are encoded.
 */
export async function makePictures(
  what: string,
  input: TaskInput,
  options: Checked,
  arrange: (pictures: Stream, times: readonly number[]) => Stream,
): Promise<PicturesJob> {
  const codec = codecOf(what, options);
  const { info, source } = await openInput(input, what, options, 'video');
  const stream = info.streams.find((one) => one.kind === 'video' && !isCover(one))!;
  const times = timesOf(what, info, options);
  const graph = taskGraph(options);
  const rate = stream.frameRate && stream.frameRate.num / stream.frameRate.den;
  const { video } = graph.decode({ ...source, copyts: true, durations: rangesOf(times, info.format.name, rate) });
  const picker = pictures(times, info.format.start ?? 0);
  const picked = video.module(picker.module);
  const encoder = arrange(sized(picked, stream, options), times).encode(null, {
    push_output: 2,
    video_params: { ...codec, vsync: 'passthrough' },
  });
  const made: EncodedPicture[] = [];
  let size = { width: 0, height: 0 };
  const report = await read<StreamInfo | EncodedPacket>(encoder, options, async (payload) => {
    if (payload instanceof StreamInfo) size = { width: payload.width, height: payload.height };
    if (!(payload instanceof EncodedPacket)) return;
    const data = payload.data.slice();
    const place = placeOf(what, options.output, made.length + 1);
    if (place !== undefined) await writeWhole(place, data);
    made.push({ data, ...size, path: typeof place === 'string' ? place : undefined });
  });
  if (picker.times.length < times.length) {
    report.warnings.push(`${what}: ${info.path} has pictures for ${picker.times.length} of ${times.length} times`);
  }
  return { info, times, made, found: picker.times, report };
}

/** What pictures are written as, by option or by the name of the output. */
export function formatOf({ format, output }: Pick<Checked, 'format' | 'output'>): 'jpeg' | 'png' | 'webp' {
  if (format !== undefined) return format;
  const [, known] = /\.(png|webp)$/i.exec(typeof output === 'string' ? output : '') ?? [];
  return (known?.toLowerCase() as 'png' | 'webp' | undefined) ?? 'jpeg';
}

function codecOf(what: string, options: Checked): Record<string, string | number> {
  const { quality } = options;
  const kind = formatOf(options);
  if (kind === 'png') {
    if (quality === undefined) return { codec: 'png' };
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${what}: quality has no effect on PNG, which loses nothing`);
  }
  const percent = quality ?? 85;
  if (kind === 'webp') return { codec: 'libwebp', quality: percent };
  // FFmpeg's scale goes from 31 down to 2.
  return { codec: 'mjpeg', qscale: Math.max(2, Math.round(31 - percent * 0.29)) };
}

function timesOf(what: string, info: MediaInfo, { every, count, at }: Checked): number[] {
  const given = Object.entries({ every, count, at }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length !== 1) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${what}: ${given.join(' and ') || 'nothing'} says which pictures`, {
      hint: 'Give one of: every (seconds), count (how many), at (times in seconds)',
    });
  }
  if (at !== undefined) return [...new Set([at].flat())].sort((a, b) => a - b);
  const { duration } = info.format;
  if (duration === undefined) {
    throw new MillraceError('ERR_MILLRACE_INPUT', `${what}: how long ${info.path} is, is not known`, {
      hint: `Give the times in 'at' in place of '${given[0]}'`,
    });
  }
  const n = count ?? Math.max(1, Math.ceil(duration / every! - 1e-6));
  const step = every ?? duration / n;
  // Evenly spread, each stands in the middle of its part.
  return Array.from({ length: n }, (_, i) => (count === undefined ? i : i + 0.5) * step);
}

/** Square pixels, in the size wanted. */
function sized(picked: NodeHandle, { sampleAspectRatio: shape }: MediaStream, { width, height }: Checked): Stream {
  const square =
    shape && shape.num !== shape.den ? picked.filter('scale', 'trunc(iw*sar/2)*2', 'ih').filter('setsar', 1) : picked;
  return width === undefined && height === undefined ? square : square.scale(width ?? -2, height ?? -2);
}

const NUMBER = /%(?:0(\d))?d/;

/** @throws MillraceError ERR_MILLRACE_CONFIG where several pictures would go to one place. */
export function requireNumber(what: string, output: Checked['output'], count: number): void {
  if (output === undefined || typeof output === 'function' || count < 2) return;
  const isPath = typeof output === 'string';
  if (isPath && NUMBER.test(output)) return;
  const where = isPath ? `be written to ${output}` : 'go into one output';
  throw new MillraceError('ERR_MILLRACE_CONFIG', `${what}: ${count} pictures cannot all ${where}`, {
    hint: isPath
      ? `Put their number into its name: ${output.replace(/(\.\w+)?$/, '-%03d$1')}`
      : 'Give a function that says where each goes: output: (number) => …',
  });
}

/** The name of the file with this number. */
export function numbered(output: string, number: number): string {
  return output.replace(NUMBER, (_, digits?: string) => String(number).padStart(Number(digits ?? 0), '0'));
}

/** @throws MillraceError ERR_MILLRACE_CONFIG for a function that returns no place. */
function placeOf(what: string, output: Checked['output'], number: number): Target | undefined {
  if (typeof output === 'string') return numbered(output, number);
  if (typeof output !== 'function') return output;
  const given: unknown = output(number);
  const { success, output: place } = v.safeParse(target, given);
  if (success) return place;
  throw new MillraceError('ERR_MILLRACE_CONFIG', `${what}: output returned ${describeValue(given)} for ${number}`, {
    hint: 'It returns a path, a URL, { write(bytes, offset) } or a writable stream',
  });
}
