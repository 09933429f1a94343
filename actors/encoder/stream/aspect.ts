/** `aspect`, as the ffmpeg command's -aspect: the shape of the whole picture, from which that of one pixel follows. */
import type { Rational } from '../../../src/media/index.js';

/** Width to height of one pixel of a picture that is to be shown in the shape `whole`. */
export function pixelAspect(whole: Rational, width: number, height: number): Rational {
  const num = whole.num * height;
  const den = whole.den * width;
  const divisor = greatestCommonDivisor(num, den);
  return { num: num / divisor, den: den / divisor };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
