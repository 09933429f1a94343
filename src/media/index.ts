/** Packets, payloads and time. */

import { markCopy } from '../errors/brand.js';
import { nameClasses } from '../errors/naming.js';
import { AudioFrame } from './frame/audio-frame.js';
import { VideoFrame } from './frame/video-frame.js';
import { EncodedPacket } from './packet/encoded-packet.js';
import { Packet } from './packet/packet.js';
import { StreamInfo } from './packet/stream-info.js';
import { Tensor } from './packet/tensor.js';
import { Subtitle } from './subtitle/subtitle.js';

export {
  automaticKinds,
  type ChosenDevice,
  closeIdleDevices,
  DEVICE_KINDS,
  type Device,
  type DeviceKind,
  downloading,
  kindOf,
  kindOfFormat,
  openDevice,
  readDevice,
  requireDevice,
  typeOf,
  uploadable,
  uploading,
} from './device/device.js';
export { download, type FramesOf, framesOf, HeldFrames } from './device/frames.js';
export {
  check,
  errorText,
  failure,
  fromNativeTimestamp,
  isAgain,
  isEof,
  isLogLevel,
  LOG_LEVELS,
  type LogLevel,
  pixelFormat,
  pixelFormatName,
  sampleFormat,
  sampleFormatName,
  setLogLevel,
  toNativeTimestamp,
} from './ffmpeg.js';
export { AudioFrame, type AudioFrameOptions } from './frame/audio-frame.js';
export { isGray, isYuv } from './frame/color.js';
export type { Rectangle } from './frame/crop.js';
export type { PictureDescription } from './frame/description.js';
export { type FrameTime, type Plane, timeBaseOf } from './frame/frame-base.js';
export { VideoFrame, type VideoFrameOptions } from './frame/video-frame.js';
export { ledger } from './ledger.js';
export { alone, awaitLog, linesOf, markLog, NO_CODEC, nameContext } from './log/ffmpeg-log.js';
export { recorded } from './log/recording.js';
export { startLog } from './log/start.js';
export { Bundle } from './packet/bundle.js';
export { EncodedPacket, type EncodedPacketOptions } from './packet/encoded-packet.js';
export { type ControlTag, Packet } from './packet/packet.js';
export { isAspect, StreamInfo, type StreamInfoData } from './packet/stream-info.js';
export { Tensor, type TensorData, type TensorType } from './packet/tensor.js';
export {
  type AssEvent,
  assTokens,
  DEFAULT_STYLE,
  escapeText,
  eventOf,
  parseEvent,
  plainText,
  writeEvent,
} from './subtitle/ass-text.js';
export {
  eventOfSubtitle,
  originOf,
  Subtitle,
  type SubtitleData,
  type SubtitleOptions,
  type SubtitleOrigin,
  withOrigin,
} from './subtitle/subtitle.js';
export {
  isSameUnit,
  isTimeBase,
  MICROSECONDS,
  NANOSECONDS,
  type Rational,
  type Rounding,
  rescale,
  toMicroseconds,
  toNanoseconds,
} from './time.js';

const CLASSES = { AudioFrame, EncodedPacket, Packet, StreamInfo, Subtitle, Tensor, VideoFrame };
nameClasses(CLASSES);
for (const made of Object.values(CLASSES)) markCopy(made);
