/** What a picture looks like, and the tags that say how its numbers are colours. */
import {
  AVCOL_RANGE_UNSPECIFIED,
  AVCOL_SPC_UNSPECIFIED,
  type AVColorRange,
  type AVColorSpace,
  type AVPixelFormat,
} from 'node-av/constants';
import type { Frame } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { pixelFormatName } from '../ffmpeg.js';
import { colorRangeNumber, colorSpaceNumber, isRgb, isYuv } from './color.js';
import type { Colour } from './scale.js';

/** What a picture looks like: BMF's MediaDesc. */
export interface PictureDescription {
  /** Pixels. */
  width: number;
  height: number;
  /** FFmpeg pixel format, e.g. 'yuv420p'. */
  format: string;
  /** FFmpeg's name of the matrix, such as 'bt709'. */
  colorSpace: string;
  /** 'tv' (limited) or 'pc' (full). */
  colorRange: string;
}

/** @throws MillraceError ERR_MILLRACE_PAYLOAD */
export function wantedColour({ colorSpace, colorRange }: Partial<PictureDescription>, format: string): Colour {
  const space = colorSpace === undefined ? undefined : colorSpaceNumber(colorSpace);
  const range = colorRange === undefined ? undefined : colorRangeNumber(colorRange);
  if ((colorSpace !== undefined && space === undefined) || (colorRange !== undefined && range === undefined)) {
    const wrong = space === undefined && colorSpace !== undefined ? { colorSpace } : { colorRange };
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `A picture cannot become ${describeValue(wrong)}`, {
      hint: "FFmpeg's names: colorSpace 'bt709', 'smpte170m', 'bt2020nc', …, colorRange 'tv' or 'pc'",
    });
  }
  // Of the others the format says it.
  if (!isYuv(format) || format.startsWith('yuvj')) return {};
  return {
    space: space === AVCOL_SPC_UNSPECIFIED ? undefined : (space as AVColorSpace | undefined),
    range: range === AVCOL_RANGE_UNSPECIFIED ? undefined : (range as AVColorRange | undefined),
  };
}

/**
 * The tags of a picture that belong to its pixels, before another frame's properties are copied onto it.
 * @returns puts those back that it has or that do not fit its pixels, after they were copied from that frame.
 */
export function pictureTags(av: Frame): (from: Frame) => void {
  const { colorRange, colorPrimaries, colorTrc, colorSpace, chromaLocation, alphaMode } = av;
  const own = { colorRange, colorPrimaries, colorTrc, colorSpace, chromaLocation, alphaMode };
  const aspect = av.sampleAspectRatio;
  const says = Object.values(own).some((value) => value !== 0 && value !== AVCOL_SPC_UNSPECIFIED);
  return (from) => {
    if (says || isOfRgb(av) !== isOfRgb(from)) Object.assign(av, own);
    const sized = av.width === from.width && av.height === from.height;
    if ((aspect.num > 0 && aspect.den > 0) || !sized) av.sampleAspectRatio = aspect;
  };
}

function isOfRgb(av: Frame): boolean {
  return isRgb(pixelFormatName(av.format as AVPixelFormat));
}
