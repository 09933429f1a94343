/** What a media file holds, as `probe` tells it. What is not known is left out: no property is ever NaN or null. */
import type { Rational } from '../../src/media/index.js';
import type { StreamKind } from '../../src/media/packet/stream-info.js';

export interface MediaInfo {
  /** As it was given: the path or URL; what bytes are called in messages. */
  path: string;
  format: MediaFormat;
  streams: MediaStream[];
}

/** What concerns all streams. */
export interface MediaFormat {
  /** FFmpeg's name of the demuxer, e.g. 'mov,mp4,m4a,3gp,3g2,mj2'. */
  name: string;
  /** Seconds. */
  duration?: number;
  /** Seconds on the container's clock. */
  start?: number;
  /** Bits per second, of all streams and the container. */
  bitRate?: number;
  /** Bytes. */
  size?: number;
  /** Title, artist and so on, by FFmpeg's names. What is not valid UTF-8 has U+FFFD in its place. */
  tags: Record<string, string>;
  /**
   * In their order; empty if there are none. Left out only if FFmpeg's log cannot be heard, by which they come: its level
   * is more than 'info', or the calling thread was there before the package.
   */
  chapters?: Chapter[];
  /** Of MPEG-TS and its kind; left out as chapters are. */
  programs?: Program[];
}

export interface Chapter {
  /** Seconds. */
  start: number;
  end: number;
  /** Most often `title`. */
  tags: Record<string, string>;
  /** Names of those tags that may be longer: FFmpeg tells 255 bytes of a line. Absent where there are none. */
  cut?: readonly string[];
}

export interface Program {
  /** As the container numbers it. */
  id: number;
  /** Most often `service_name`. */
  tags: Record<string, string>;
  /** Indices of its streams. */
  streams: number[];
}

export interface MediaStream {
  index: number;
  /** 'data' also for what FFmpeg does not know. */
  kind: StreamKind;
  /** FFmpeg's name of the codec; 'none' if it does not know it. */
  codec: string;
  /** The codec's profile, e.g. 'High' of H.264. */
  profile?: string;
  /** The codec's level, as FFmpeg counts it: 31 is level 3.1 of H.264. */
  level?: number;
  /** Three letters as a rule (ISO 639-2); 'und' is one that the container says is undetermined. */
  language?: string;
  title?: string;
  tags: Record<string, string>;
  /** FFmpeg's names of what the stream is for: 'default', 'forced', 'comment', 'attached_pic' (a cover) and so on. */
  disposition: string[];
  /** Seconds per unit of the timestamps. */
  timeBase: Rational;
  /** Seconds, on the container's clock. */
  start?: number;
  /** Seconds. */
  duration?: number;
  /** Bits per second. */
  bitRate?: number;
  /** As the container counts them; it need not. */
  frames?: number;
  /** Pixels, before rotation. */
  width?: number;
  height?: number;
  /** Pixel aspect. */
  sampleAspectRatio?: Rational;
  /** Degrees clockwise by which players, and the decoder, turn the picture; left out for 0. */
  rotation?: number;
  pixelFormat?: string;
  /** 'progressive', or which field of interlaced video comes first: 'tt', 'bb', 'tb', 'bt' (coded, displayed). */
  fieldOrder?: string;
  color?: MediaColor;
  hdr?: MediaHdr;
  /** Frames per second, on average. */
  frameRate?: Rational;
  /** Hz. */
  sampleRate?: number;
  channels?: number;
  channelLayout?: string;
  sampleFormat?: string;
  /** Bits per sample, where that is less than the format has room for, as with FLAC of 24 bits. */
  bitsPerSample?: number;
}

/** FFmpeg's names, e.g. 'bt709'. */
export interface MediaColor {
  /** 'tv' or 'pc'. */
  range?: string;
  space?: string;
  primaries?: string;
  transfer?: string;
  chromaLocation?: string;
}

/** What the container tells for the whole stream. */
export interface MediaHdr {
  masteringDisplay?: MasteringDisplay;
  /** cd/m²: the brightest pixel, and the highest average of a picture. */
  contentLight?: { max: number; average: number };
  dolbyVision?: {
    profile: number;
    level: number;
    compatibility: number;
    baseLayer: boolean;
    enhancementLayer: boolean;
  };
}

/** The screen on which the picture was graded. */
export interface MasteringDisplay {
  /** Chromaticities, x and y from 0 to 1. */
  red?: [number, number];
  green?: [number, number];
  blue?: [number, number];
  white?: [number, number];
  /** cd/m². */
  minLuminance?: number;
  maxLuminance?: number;
}
