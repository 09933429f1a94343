/** Side data about brightness and colour of a whole stream, as numbers. */
import type { MasteringDisplay, MediaHdr } from './media-info.js';

/**
 * AVMasteringDisplayMetadata: pairs of int32, numerator and denominator, of x and y of red, green, blue and white, of the
 * least and the greatest luminance; then whether there are primaries, and luminances.
 */
export function masteringDisplay(data: Buffer | undefined): MasteringDisplay | undefined {
  if (data === undefined || data.length < 88) return undefined;
  const at = (index: number): number => data.readInt32LE(8 * index) / data.readInt32LE(8 * index + 4);
  const point = (index: number): [number, number] => [at(index), at(index + 1)];
  const [hasPrimaries, hasLuminance] = [data.readInt32LE(80) !== 0, data.readInt32LE(84) !== 0];
  if (!hasPrimaries && !hasLuminance) return undefined;
  return {
    ...(hasPrimaries && { red: point(0), green: point(2), blue: point(4), white: point(6) }),
    ...(hasLuminance && { minLuminance: at(8), maxLuminance: at(9) }),
  };
}

/** AVContentLightMetadata: two uint32, cd/m². */
export function contentLight(data: Buffer | undefined): MediaHdr['contentLight'] {
  if (data === undefined || data.length < 8) return undefined;
  return { max: data.readUInt32LE(0), average: data.readUInt32LE(4) };
}

/** AVDOVIDecoderConfigurationRecord: a byte for each field. */
export function dolbyVision(data: Buffer | undefined): MediaHdr['dolbyVision'] {
  if (data === undefined || data.length < 8) return undefined;
  return {
    profile: data[2]!,
    level: data[3]!,
    compatibility: data[7]!,
    baseLayer: data[6] !== 0,
    enhancementLayer: data[5] !== 0,
  };
}
