/** Conversion of a picture to another size or pixel format by libswscale. */
import {
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_RANGE_UNSPECIFIED,
  AVCOL_SPC_RGB,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_UNSPECIFIED,
  type AVColorRange,
  type AVColorSpace,
  type AVPixelFormat,
} from 'node-av/constants';
import { type Frame, Rational as NativeRational, SoftwareScaleContext } from 'node-av/lib';
import { check, pixelFormat, pixelFormatName } from '../ffmpeg.js';
import { nearest } from '../fractions.js';
import { ledger } from '../ledger.js';
import { isGray, isRgb } from './color.js';
import { allocPicture } from './picture-memory.js';

/** What is wanted of the colours of a picture; absent: as it follows from the source and the formats. */
export interface Colour {
  readonly space?: AVColorSpace | undefined;
  readonly range?: AVColorRange | undefined;
}

/**
 * A new node-av frame, owned by the caller, with all other properties of `source`; the pixel aspect ratio changes with
 * the size so that the picture keeps its shape, as FFmpeg's scale filter has it. Its colour tags are those its pixels
 * have: full range in RGB and grey, the luma of the source in grey, BT.601 and limited range in YUV made of RGB.
 */
export function scalePicture(
  source: Frame,
  width: number,
  height: number,
  format: AVPixelFormat,
  colour: Colour = {},
): Frame {
  const [from, to] = [nameOf(source), pixelFormatName(format)];
  const limited = isGray(from) && !isGray(to) && source.colorRange === AVCOL_RANGE_MPEG;
  if (!limited) return convert(source, width, height, format, colour);
  // libswscale takes all grey for full range. With flat chroma the same numbers are limited luma.
  const luma = pixelFormat(`yuv${from.startsWith('ya') ? 'a' : ''}444p${/8|gray$|^mono/.test(from) ? '' : '16le'}`);
  const coloured = convert(source, source.width, source.height, luma, { range: AVCOL_RANGE_JPEG });
  try {
    coloured.colorRange = AVCOL_RANGE_MPEG;
    return convert(coloured, width, height, format, colour);
  } finally {
    coloured.free();
  }
}

function convert(
  source: Frame,
  width: number,
  height: number,
  format: AVPixelFormat,
  { space, range = rangeOf(source, pixelFormatName(format)) }: Colour,
): Frame {
  const from = `${source.width}x${source.height} ${nameOf(source)}`;
  const what = `Cannot convert a picture from ${from} to ${width}x${height} ${pixelFormatName(format)}`;
  const target = allocPicture(format, width, height);
  const scaler = new SoftwareScaleContext();
  // Not getContext: a context without parameters takes them from the frames, colour matrix and range included.
  scaler.allocContext();
  ledger.opened('scaler');
  const matrix = source.colorSpace;
  try {
    check(target.copyProps(source), what);
    target.colorSpace = space ?? matrixOf(source, nameOf(target));
    target.colorRange = range;
    setAspect(target, source);
    // libswscale makes grey by BT.601: read as such, the luma stays what it is.
    if (isGray(nameOf(target))) source.colorSpace = AVCOL_SPC_UNSPECIFIED;
    check(scaler.scaleFrameSync(target, source), what);
    return target;
  } catch (error) {
    target.free();
    throw error;
  } finally {
    source.colorSpace = matrix;
    scaler.freeContext();
    ledger.closed('scaler');
  }
}

/** RGB and grey have no matrix to choose; YUV made of them is that of libswscale. */
function matrixOf(source: Frame, to: string): AVColorSpace {
  if (isRgb(to)) return AVCOL_SPC_RGB;
  if (isGray(to)) return AVCOL_SPC_UNSPECIFIED;
  return isRgb(nameOf(source)) ? AVCOL_SPC_SMPTE170M : source.colorSpace;
}

/** What libswscale makes: grey and RGB are of full range, and so are the YUV formats with a j. */
function rangeOf(source: Frame, to: string): AVColorRange {
  const from = nameOf(source);
  if (isRgb(to) || to.startsWith('yuvj')) return AVCOL_RANGE_JPEG;
  if (isGray(to)) return isGray(from) && source.colorRange === AVCOL_RANGE_MPEG ? AVCOL_RANGE_MPEG : AVCOL_RANGE_JPEG;
  if (from.startsWith('yuvj')) return AVCOL_RANGE_JPEG;
  const untagged = source.colorRange === AVCOL_RANGE_UNSPECIFIED;
  return isRgb(from) || (isGray(from) && untagged) ? AVCOL_RANGE_MPEG : source.colorRange;
}

function nameOf(frame: Frame): string {
  return pixelFormatName(frame.format as AVPixelFormat);
}

function setAspect(target: Frame, source: Frame): void {
  const { num, den } = source.sampleAspectRatio;
  if (num <= 0 || den <= 0) return;
  const scaledNum = BigInt(num) * BigInt(target.height) * BigInt(source.width);
  const scaledDen = BigInt(den) * BigInt(target.width) * BigInt(source.height);
  // FFmpeg's fractions are of 32 bits.
  const aspect = nearest(scaledNum, scaledDen, 2 ** 31 - 1);
  target.sampleAspectRatio = new NativeRational(aspect.num, aspect.den);
}
