/** `overlayImages`: pictures and clips over another one, each at its place and in its time. */
import * as v from 'valibot';
import { number, parsed, strictOptions, text } from '../../../schema/schema.js';
import type { NodeHandle, Stream } from '../stream.js';
import { defineGraph } from '../subgraph/define.js';
import { checkedList, exact, fading, seconds, someOf, someSeconds, streamSchema } from './checks.js';

/** What lies over the base. */
export interface ImageOverlay {
  stream: Stream;
  /** Pixels from the left and the top, or expressions of FFmpeg's `overlay` ('W-w-10'). Default 0. */
  x?: number | string | undefined;
  y?: number | string | undefined;
  /** Pixels, or expressions of `scale`; one alone keeps the shape. Default: its own size. */
  width?: number | string | undefined;
  height?: number | string | undefined;
  /** 0 to 1. Default 1. */
  opacity?: number | undefined;
  /** Seconds of the base at which it appears, with its first picture. Default 0. */
  start?: number | undefined;
  /** Seconds for which it is seen. Default: to the end of the base; its last picture stands. */
  duration?: number | undefined;
  /** Seconds in which it appears and disappears; the latter needs a `duration`. Default 0. */
  fadeIn?: number | undefined;
  fadeOut?: number | undefined;
}

export interface OverlayImagesOptions {
  /** Alias of the sub-graph that it makes. Default 'overlays'. */
  alias?: string | undefined;
}

const place = parsed<number | string>('pixels or an expression', (value) =>
  (typeof value === 'number' && Number.isFinite(value)) || (typeof value === 'string' && value !== '')
    ? value
    : undefined,
);

const overlaySchema = fading(
  strictOptions({
    stream: streamSchema,
    x: v.optional(place, 0),
    y: v.optional(place, 0),
    width: v.optional(place),
    height: v.optional(place),
    opacity: v.optional(number({ min: 0, max: 1 }), 1),
    start: v.optional(seconds, 0),
    duration: v.optional(someSeconds),
    fadeIn: v.optional(seconds, 0),
    fadeOut: v.optional(seconds, 0),
  }),
);

const optionsSchema = strictOptions({ alias: v.optional(text('a name'), 'overlays') });

type Checked = v.InferOutput<typeof overlaySchema>;

/**
 * Lays pictures or clips over `base`, the first one lowest.
 * @returns the picture; it is as long as the base.
 * @throws ConfigError naming everything that is wrong.
 * @example
 * const logo = graph.decode({ input_path: 'logo.png' }).video;
 * overlayImages(input.video, [{ stream: logo, x: 'W-w-20', y: 20, width: 120, start: 2, duration: 5, fadeIn: 0.5, fadeOut: 0.5 }]);
 */
export function overlayImages(
  base: Stream,
  overlays: readonly ImageOverlay[],
  options: OverlayImagesOptions = {},
): NodeHandle {
  const { alias } = checkedList(optionsSchema, options, 'overlayImages', () => []);
  const below = checkedList(streamSchema, base, 'overlayImages', () => []);
  const list = checkedList(someOf(overlaySchema), overlays, 'overlayImages', () => []);
  const template = defineGraph(
    (_, [lowest, ...others]) => list.reduce((under, one, index) => over(under, others[index]!, one), lowest!),
    { name: 'overlays' },
  );
  return below.graph.module(template, {}, { inputs: [below, ...list.map(({ stream }) => stream)], alias });
}

function over(base: Stream, picture: Stream, { x, y, start, duration, ...look }: Checked): Stream {
  const top = looking(picture, { start, duration, ...look });
  const end = duration === undefined ? undefined : exact(start + duration);
  const when = end === undefined ? {} : { enable: `between(t,${exact(start)},${end})` };
  // Before its first picture the base is seen alone. The overlay has no end, so that the base is what ends first.
  return base.overlay(top, { x, y, shortest: true, ...when });
}

function looking(
  picture: Stream,
  { width, height, opacity, start, duration, fadeIn, fadeOut }: Omit<Checked, 'x' | 'y' | 'stream'>,
): Stream {
  let top = picture;
  if (width !== undefined || height !== undefined) top = top.scale({ w: width ?? -1, h: height ?? -1 });
  const isFading = fadeIn > 0 || fadeOut > 0;
  // The last picture stands, for ever; a still one becomes many, which can fade.
  top = top.setpts('PTS-STARTPTS').filter('tpad', { stop_mode: 'clone', stop: -1 });
  if (opacity < 1 || isFading) top = top.filter('format', 'yuva444p');
  if (opacity < 1) top = top.filter('colorchannelmixer', { aa: opacity });
  if (fadeIn > 0) top = top.filter('fade', { type: 'in', start_time: 0, duration: exact(fadeIn), alpha: 1 });
  if (fadeOut > 0)
    top = top.filter('fade', {
      type: 'out',
      start_time: exact(duration! - fadeOut),
      duration: exact(fadeOut),
      alpha: 1,
    });
  return start > 0 ? top.setpts(`PTS+${exact(start)}/TB`) : top;
}
