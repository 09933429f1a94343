/** `gif`: a part of a video as an animated GIF with a palette of its own. */
import * as v from 'valibot';
import { checked } from '../../schema/problems.js';
import { choice, integer, number, strictOptions } from '../../schema/schema.js';
import { outletOf, type TaskOutput, type TaskResult, target } from './output.js';
import { openInput, type TaskInput, type TaskOptions, taskEntries, taskGraph, write } from './task.js';
import { checkRange, type TimeRange, timeRangeEntries } from './time-range.js';

export interface GifOptions<O = TaskOutput | undefined> extends TimeRange, TaskOptions {
  /** Default: none; the file is in the result, as `data`. */
  readonly output?: O;
  /** Pixels; what is not given follows from the shape of the picture. Default: 480 wide, or as wide as the picture if that is less. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Pictures per second. Default 12. */
  readonly fps?: number | undefined;
  /** How often it is played: 0, the default, for ever. */
  readonly plays?: number | undefined;
  /** 2 to 256, the default. */
  readonly colors?: number | undefined;
  /** How colors between those of the palette are shown. Default 'sierra2_4a'. */
  readonly dither?: (typeof DITHERS)[number] | undefined;
  /**
   * 'clip', the default: one palette for all pictures, which wait for it in memory. 'frame': one for each picture, for long
   * clips; the file is larger.
   */
  readonly palette?: 'clip' | 'frame' | undefined;
}

const DITHERS = ['none', 'bayer', 'floyd_steinberg', 'sierra2', 'sierra2_4a', 'sierra3', 'burkes', 'atkinson'] as const;

const schema = strictOptions({
  ...timeRangeEntries,
  ...taskEntries,
  output: v.optional(target),
  width: v.optional(integer({ min: 2, max: 8192 })),
  height: v.optional(integer({ min: 2, max: 8192 })),
  fps: v.optional(number({ min: 0.01, max: 50 }), 12),
  plays: v.optional(integer({ min: 0, max: 65_535 }), 0),
  colors: v.optional(integer({ min: 2, max: 256 }), 256),
  dither: v.optional(choice(...DITHERS), 'sierra2_4a'),
  palette: v.optional(choice('clip', 'frame'), 'clip'),
});

/**
 * A part of a video as an animated GIF.
 *
 * ```ts
 * await gif('in.mp4', { start: 12, end: 15, width: 320, fps: 10, output: 'out.gif' });
 * ```
 * @throws as `thumbnails`.
 */
export async function gif<O extends TaskOutput | undefined = undefined>(
  input: TaskInput,
  options: GifOptions<O> = {},
): Promise<TaskResult<O>> {
  const given = checked(schema, options, 'options of gif');
  const { fps, plays, colors, dither, palette } = given;
  const range = checkRange('gif', given);
  const { source } = await openInput(input, 'gif', given, 'video');
  const { width = given.height === undefined ? "'min(480,iw)'" : -2, height = -2 } = given;
  const graph = taskGraph(given);
  const outlet = outletOf(given.output, 'gif');
  const { video } = graph.decode({ ...source, ...range });
  const [stats, fresh] = palette === 'clip' ? ['diff', 0] : ['single', 1];
  video
    .module('c_ffmpeg_filter', {
      graph:
        `fps=${fps}:eof_action=pass,scale=${width}:${height}:flags=lanczos,split[a][b];` +
        `[b]palettegen=max_colors=${colors}:stats_mode=${stats}[p];[a][p]paletteuse=dither=${dither}:new=${fresh}`,
    })
    .encode(null, {
      ...outlet.options,
      format: 'gif',
      // FFmpeg counts repetitions: -1 for none, 0 for ever.
      mux_params: { loop: plays === 0 ? 0 : plays === 1 ? -1 : plays - 1 },
      video_params: { codec: 'gif' },
    });
  return write<O>(graph, outlet, given);
}
