/** What a media file holds, as `probe` tells it. */
import type { Rational } from '../../src/media/index.js';
import type { StreamKind } from '../../src/media/packet/stream-info.js';

export interface MediaInfo {
  /** As it was given. */
  path: string;
  /** FFmpeg's name of the demuxer, e.g. 'mov,mp4,m4a,3gp,3g2,mj2'. */
  format: string;
  /** Seconds; undefined if unknown. */
  duration?: number;
  /** Seconds on the container's clock. */
  start?: number;
  streams: MediaStream[];
}

export interface MediaStream {
  index: number;
  kind: StreamKind;
  /** FFmpeg's name of the codec. */
  codec: string;
  /** Bits per second; undefined if unknown, like all that follows. */
  bitRate?: number;
  /** Seconds. */
  duration?: number;
  /** As the container counts them. */
  frames?: number;
  language?: string;
  /** The one of its kind to play when nobody chooses. */
  default: boolean;
  /** A cover picture, not a video. */
  cover: boolean;
  /** Seconds per unit of the timestamps. */
  timeBase: Rational;
  /** Pixels. */
  width?: number;
  height?: number;
  pixelFormat?: string;
  frameRate?: Rational;
  /** Pixel aspect. */
  sampleAspectRatio?: Rational;
  /** Degrees clockwise by which players, and the decoder, turn the picture; width and height are those before. */
  rotation?: number;
  /** Hz. */
  sampleRate?: number;
  channels?: number;
  channelLayout?: string;
  sampleFormat?: string;
}
