/** Pictures out of a video, encoded one by one: what `thumbnails` and `sprite` have in common. */
import * as v from 'valibot';
import type { MediaInfo, MediaStream } from '../../catalog/ffmpeg.js';
import { MillraceError } from '../../errors/errors.js';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import { StreamInfo } from '../../media/packet/stream-info.js';
import type { Report } from '../../scheduler/run/report.js';
import { choice, integer, number } from '../../schema/schema.js';
import type { NodeHandle, Stream } from '../build/stream.js';
import { isCover } from './mapping.js';
import { pictures, rangesOf } from './picker.js';
import {
  openInput,
  read,
  requireKind,
  type TaskInput,
  type TaskOptions,
  target,
  taskGraph,
  writeWhole,
} from './task.js';

export interface PictureOptions {
  /** Seconds from one picture to the next. */
  readonly every?: number | undefined;
  /** That many pictures, spread evenly. */
  readonly count?: number | undefined;
  /** Seconds to take pictures at. */
  readonly at?: number | readonly number[] | undefined;
  /** Pixels; what is not given follows from the shape of the picture. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Default: by the name of the output, else 'jpeg'. */
  readonly format?: 'jpeg' | 'png' | 'webp' | undefined;
  /** 1 to 100, of JPEG and WebP. Default 85. */
  readonly quality?: number | undefined;
  /** Files to write: `%d` or `%03d` stands for their number, from 1 on. Default: none. */
  readonly output?: string | URL | undefined;
}

export const pictureEntries = {
  every: v.optional(number({ min: 0.001 })),
  count: v.optional(integer({ min: 1, max: 100_000 })),
  at: v.optional(
    v.union([number({ min: 0 }), v.array(number({ min: 0 }))], 'must be a number of seconds from 0, or a list of them'),
  ),
  width: v.optional(integer({ min: 2, max: 16_384 })),
  height: v.optional(integer({ min: 2, max: 16_384 })),
  format: v.optional(choice('jpeg', 'png', 'webp')),
  quality: v.optional(integer({ min: 1, max: 100 })),
  output: v.optional(target),
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
  const { info, source } = await openInput(input, what, options);
  requireKind(info, 'video', what);
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
    const file = options.output === undefined ? undefined : numbered(options.output, made.length + 1);
    if (file !== undefined) await writeWhole(file, data);
    made.push({ data, ...size, path: file });
  });
  if (picker.times.length < times.length) {
    report.warnings.push(`${what}: ${info.path} has pictures for ${picker.times.length} of ${times.length} times`);
  }
  return { info, times, made, found: picker.times, report };
}

function codecOf(what: string, { format, quality, output }: Checked): Record<string, string | number> {
  const kind = format ?? (/\.(png|webp)$/i.exec(output ?? '')?.[1]?.toLowerCase() as 'png' | 'webp') ?? 'jpeg';
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

/** @throws MillraceError ERR_MILLRACE_CONFIG where several files would have one name. */
export function requireNumber(what: string, output: string | undefined, count: number): void {
  if (output === undefined || count < 2 || NUMBER.test(output)) return;
  throw new MillraceError('ERR_MILLRACE_CONFIG', `${what}: ${count} pictures cannot all be written to ${output}`, {
    hint: `Put their number into its name: ${output.replace(/(\.\w+)?$/, '-%03d$1')}`,
  });
}

/** The name of the file with this number. */
export function numbered(output: string, number: number): string {
  return output.replace(NUMBER, (_, digits?: string) => String(number).padStart(Number(digits ?? 0), '0'));
}
