/**
 * What the user's options say of the frames an encoder gets, read back from the context FFmpeg parsed them into. The
 * properties of the first frame fill in the rest: without this they would overwrite what was asked for.
 */
import type {
  AVChromaLocation,
  AVColorPrimaries,
  AVColorRange,
  AVColorSpace,
  AVColorTransferCharacteristic,
} from 'node-av/constants';
import type { CodecContext, Frame } from 'node-av/lib';
import { describeLayout } from '../../../src/media/frame/channel-layout.js';
import type { AVOptionValues, Rational } from '../../../src/schema/schema.js';

/** Absent: nothing was said. */
export interface Wishes {
  /** Pictures are converted to these two. */
  readonly colorSpace?: AVColorSpace;
  readonly colorRange?: AVColorRange;
  /** These say what the pixels mean, and change none. */
  readonly colorPrimaries?: AVColorPrimaries;
  readonly colorTrc?: AVColorTransferCharacteristic;
  readonly chromaLocation?: AVChromaLocation;
  /** Width to height of one pixel. */
  readonly pixelAspect?: Rational;
  /** FFmpeg's description of a channel layout. */
  readonly layout?: string;
}

/** @param context With the options set, not yet opened. */
export function wishesOf(context: CodecContext, av: AVOptionValues): Wishes {
  return {
    ...('colorspace' in av && { colorSpace: context.colorSpace }),
    ...('color_range' in av && { colorRange: context.colorRange }),
    ...('color_primaries' in av && { colorPrimaries: context.colorPrimaries }),
    ...('color_trc' in av && { colorTrc: context.colorTrc }),
    ...('chroma_sample_location' in av && { chromaLocation: context.chromaLocation }),
    ...('sar' in av && { pixelAspect: { num: context.sampleAspectRatio.num, den: context.sampleAspectRatio.den } }),
    ...('ch_layout' in av && { layout: describeLayout(context.channelLayout) }),
  };
}

/** Gives the context the colours of the frames, or those that were asked for. */
export function setColours(context: CodecContext, frame: Frame, wishes: Wishes): void {
  context.colorRange = wishes.colorRange ?? frame.colorRange;
  context.colorPrimaries = wishes.colorPrimaries ?? frame.colorPrimaries;
  context.colorTrc = wishes.colorTrc ?? frame.colorTrc;
  context.colorSpace = wishes.colorSpace ?? frame.colorSpace;
  context.chromaLocation = wishes.chromaLocation ?? frame.chromaLocation;
}
