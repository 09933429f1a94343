/** Filters that may be joined with their neighbours into one FFmpeg graph at any moment, since they remember nothing. */
import { COUNTING, factsOf } from '../catalogue.js';
import type { Plan } from '../plan/plan.js';

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
    factsOf(name).stateless === 'picture' &&
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
