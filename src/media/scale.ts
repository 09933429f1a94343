/** Conversion of a picture to another size or pixel format by libswscale. */
import {
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_UNSPECIFIED,
  AVCOL_SPC_RGB,
  AVCOL_SPC_UNSPECIFIED,
  type AVPixelFormat,
} from 'node-av/constants';
import { type Frame, Rational as NativeRational, SoftwareScaleContext } from 'node-av/lib';
import { check, pixelFormatName } from './ffmpeg.js';
import { ledger } from './ledger.js';
import { allocPicture } from './picture-memory.js';

/**
 * A new node-av frame, owned by the caller, with all other properties of `source`; the pixel aspect ratio changes with
 * the size so that the picture keeps its shape, as FFmpeg's scale filter has it.
 */
export function scalePicture(source: Frame, width: number, height: number, format: AVPixelFormat): Frame {
  const from = `${source.width}x${source.height} ${pixelFormatName(source.format as AVPixelFormat)}`;
  const what = `Cannot convert a picture from ${from} to ${width}x${height} ${pixelFormatName(format)}`;
  const target = allocPicture(format, width, height);
  const scaler = new SoftwareScaleContext();
  // Not getContext: a context without parameters takes them from the frames, colour matrix and range included.
  scaler.allocContext();
  ledger.opened('scaler');
  try {
    check(target.copyProps(source), what);
    setColour(target, source);
    setAspect(target, source);
    check(scaler.scaleFrameSync(target, source), what);
    return target;
  } catch (error) {
    target.free();
    throw error;
  } finally {
    scaler.freeContext();
    ledger.closed('scaler');
  }
}

/** RGB has no matrix to choose and full range; YUV made from it starts from FFmpeg's defaults. */
function setColour(target: Frame, source: Frame): void {
  if (isRgb(target)) {
    target.colorSpace = AVCOL_SPC_RGB;
    target.colorRange = AVCOL_RANGE_JPEG;
  } else if (isRgb(source)) {
    target.colorSpace = AVCOL_SPC_UNSPECIFIED;
    target.colorRange = AVCOL_RANGE_UNSPECIFIED;
  }
}

function setAspect(target: Frame, source: Frame): void {
  const { num, den } = source.sampleAspectRatio;
  if (num <= 0 || den <= 0) return;
  const scaledNum = BigInt(num) * BigInt(target.height) * BigInt(source.width);
  const scaledDen = BigInt(den) * BigInt(target.width) * BigInt(source.height);
  const divisor = gcd(scaledNum, scaledDen);
  target.sampleAspectRatio = new NativeRational(Number(scaledNum / divisor), Number(scaledDen / divisor));
}

function isRgb(frame: Frame): boolean {
  const name = pixelFormatName(frame.format as AVPixelFormat);
  return name === 'pal8' || (/rgb|bgr|gbr/.test(name) && !name.startsWith('bayer'));
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
