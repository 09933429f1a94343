/** `sprite`: small pictures of a video on a few sheets, and a WebVTT file that tells players which stands where. */
import { basename } from 'node:path';
import * as v from 'valibot';
import { localPath } from '../../catalog/ffmpeg.js';
import type { Report } from '../../scheduler/run/report.js';
import { checked } from '../../schema/problems.js';
import { integer, strictOptions, text } from '../../schema/schema.js';
import { type TaskOutput, target, writeWhole } from './output.js';
import {
  type EncodedPicture,
  formatOf,
  makePictures,
  numbered,
  type PictureOptions,
  pictureEntries,
  requireNumber,
} from './pictures.js';
import { type TaskInput, type TaskOptions, taskEntries } from './task.js';

export interface SpriteOptions extends Omit<PictureOptions, 'at'>, TaskOptions {
  /** Pixels of one picture. Default 160. */
  readonly width?: number | undefined;
  /** Pictures side by side on a sheet. Default 10. */
  readonly columns?: number | undefined;
  /** Pictures one below the other on a sheet. Default 10. */
  readonly rows?: number | undefined;
  /** WebVTT file to write, or what takes its bytes. Default: none; the text is in the result. */
  readonly vtt?: TaskOutput | undefined;
  /**
   * What the WebVTT file calls the sheets, `%d` for their number: 'https://cdn.example/sprite-%d.jpg'. Default: the file names
   * of `output`, else 'sprite-%d.jpg' (or '.png', '.webp').
   */
  readonly url?: string | undefined;
}

/** A picture on a sheet: pixels, and seconds in which it stands for the video. */
export interface SpriteCue {
  readonly start: number;
  readonly end: number;
  /** From 0 on. */
  readonly sheet: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Sprite {
  readonly sheets: readonly EncodedPicture[];
  readonly cues: readonly SpriteCue[];
  /** The WebVTT file. */
  readonly vtt: string;
  readonly report: Report;
}

const { at: _, ...entries } = pictureEntries;
const schema = strictOptions({
  ...entries,
  ...taskEntries,
  columns: v.optional(integer({ min: 1, max: 100 }), 10),
  rows: v.optional(integer({ min: 1, max: 100 }), 10),
  width: v.optional(integer({ min: 2, max: 4096 }), 160),
  vtt: v.optional(target),
  url: v.optional(text('a URL')),
});

/**
 * Pictures every so many seconds (or so many in all) on sheets of `columns` times `rows`, as players show them above the time
 * line, with the WebVTT file they read.
 *
 * ```ts
 * await sprite('in.mp4', { every: 5, width: 160, output: 'sprite-%d.jpg', vtt: 'sprite.vtt' });
 * ```
 * @throws as `thumbnails`.
 */
export async function sprite(input: TaskInput, options: SpriteOptions): Promise<Sprite> {
  const given = checked(schema, options, 'options of sprite');
  const { output } = given;
  let [columns, rows] = [given.columns, given.rows];
  const { info, made, found, report } = await makePictures('sprite', input, given, (pictures, times) => {
    requireNumber('sprite', output, Math.ceil(times.length / (columns * rows)));
    // A single sheet is no larger than its pictures need.
    columns = Math.min(columns, times.length);
    rows = Math.min(rows, Math.ceil(times.length / columns));
    return pictures.filter('tile', `${columns}x${rows}`);
  });
  const perSheet = columns * rows;
  const [width, height] = [(made[0]?.width ?? 0) / columns, (made[0]?.height ?? 0) / rows];
  const end = Math.max(info.format.duration ?? 0, found.at(-1) ?? 0);
  const cues = found.map((start, n): SpriteCue => {
    const place = n % perSheet;
    const [x, y] = [(place % columns) * width, Math.floor(place / columns) * height];
    return { start, end: found[n + 1] ?? end, sheet: Math.floor(n / perSheet), x, y, width, height };
  });
  const unnamed = `sprite-%d.${formatOf(given).replace('jpeg', 'jpg')}`;
  const name = given.url ?? (typeof output === 'string' ? basename(localPath(output) ?? output) : unnamed);
  const vtt = webVtt(cues, (sheet) => numbered(name, sheet + 1));
  if (given.vtt !== undefined) await writeWhole(given.vtt, vtt);
  return { sheets: made, cues, vtt, report };
}

function webVtt(cues: readonly SpriteCue[], urlOf: (sheet: number) => string): string {
  const blocks = cues.map(({ start, end, sheet, x, y, width, height }) => {
    return `${clock(start)} --> ${clock(end)}\n${urlOf(sheet)}#xywh=${x},${y},${width},${height}\n`;
  });
  return ['WEBVTT\n', ...blocks].join('\n');
}

/** "00:01:02.345" */
function clock(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000);
  const parts = [3_600_000, 60_000, 1000].map((unit, n) => {
    const value = Math.floor(milliseconds / unit);
    return String(n === 0 ? value : value % 60).padStart(2, '0');
  });
  return `${parts.join(':')}.${String(milliseconds % 1000).padStart(3, '0')}`;
}
