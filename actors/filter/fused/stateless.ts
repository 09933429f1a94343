/** Filters that may be joined with their neighbours into one FFmpeg graph at any moment, since they remember nothing. */
import type { Plan } from '../plan/plan.js';

/** Variables and functions of FFmpeg's expressions by which a frame depends on the ones before it. */
export const COUNTING = /(?:^|[^\w.])(?:n|random|randomi|st|ld)(?![\w=])/;

/**
 * One picture in, one picture out at the same time with the same duration, that depends on nothing but the one picture
 * and the arguments. Looked up in FFmpeg's sources: a filter that is not here works alone and is as right, a filter that
 * should not be here is wrong.
 */
const ONE_PICTURE = new Set([
  'avgblur',
  'boxblur',
  'colorbalance',
  'colorchannelmixer',
  'colorlevels',
  'convolution',
  'copy',
  'crop',
  'curves',
  'drawbox',
  'drawgrid',
  'eq',
  'format',
  'gblur',
  'hflip',
  'hue',
  'lut',
  'lutrgb',
  'lutyuv',
  'negate',
  'null',
  'pad',
  'perspective',
  'pixelize',
  'rotate',
  'scale',
  'setdar',
  'setsar',
  'shuffleplanes',
  'smartblur',
  'sobel',
  'transpose',
  'unsharp',
  'vflip',
]);

/** Makes sizes that change from picture to picture, or a dither that goes on from one picture to the next. */
const CHANGING = /eval\s*=\s*frame|dither|error_diffusion/;

/** crop computes its x from the y of the picture before. */
const CROP_FROM_LAST = /(?:^|[^\w.])[xy](?![\w=])/;

/** Whether the plan is of one such filter. */
export function worksOnOnePicture({ filters, pads, unused, scaleOptions }: Plan): boolean {
  const [filter] = filters;
  const [ends] = pads;
  if (filter === undefined || ends === undefined || filters.length > 1 || scaleOptions !== undefined) return false;
  const { name, args = '' } = filter;
  return (
    ONE_PICTURE.has(name) &&
    !COUNTING.test(args) &&
    !CHANGING.test(args) &&
    !(name === 'crop' && CROP_FROM_LAST.test(args)) &&
    unused.length === 0 &&
    ends.inputs.length === 1 &&
    ends.inputs[0] === 'video' &&
    ends.outputs.length === 1
  );
}

/**
 * Pixel formats of few bits, to which libswscale converts by diffusing an error that goes on from one picture to the next
 * (SWS_DITHER_ED without SWS_BITEXACT), or that have a palette.
 */
export const FEW_BITS = /^(?:mono[wb]|pal8|(?:rgb|bgr)(?:4|8|444|555|565)(?:_byte|[lb]e)?)$/;
