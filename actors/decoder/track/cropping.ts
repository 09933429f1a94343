/** The part of the picture that a container wants shown: `clap` of mp4 and mov, PixelCrop of Matroska. */
import { AV_PKT_DATA_FRAME_CROPPING } from 'node-av/constants';
import type { FilterSpec } from '../../shared/filter-line.js';
import type { SourceStream } from '../input/source-stream.js';

/** Whose wish to crop is followed; names and meaning are those of the ffmpeg command's `-apply_cropping`. */
export const CROPPING = ['none', 'all', 'codec', 'container'] as const;
export type Cropping = (typeof CROPPING)[number];

/** Cropping of the codec (the conformance window of H.264 and HEVC) is the decoder's own business. */
export function croppedByCodec(cropping: Cropping): boolean {
  return cropping === 'all' || cropping === 'codec';
}

/** The filter that the ffmpeg command crops with, before it turns a picture; undefined if there is nothing to crop. */
export function containerCropping(stream: SourceStream, cropping: Cropping): FilterSpec | undefined {
  if (cropping === 'none' || cropping === 'codec') return undefined;
  const data = stream.codecpar.getCodedSideData(AV_PKT_DATA_FRAME_CROPPING);
  if (data === null || data.length < 16) return undefined;
  const [top, bottom, left, right] = [0, 4, 8, 12].map((at) => data.readUInt32LE(at));
  if ([top, bottom, left, right].every((edge) => edge === 0)) return undefined;
  return ['crop', `w=iw-${left}-${right}:h=ih-${top}-${bottom}:x=${left}:y=${top}`];
}
