/** Packets, payloads and time. */
export { AudioFrame, type AudioFrameOptions } from './audio-frame.js';
export { Bundle } from './bundle.js';
export { isGray, isYuv } from './color.js';
export { EncodedPacket, type EncodedPacketOptions } from './encoded-packet.js';
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
export { alone, awaitLog, linesOf, markLog, NO_CODEC, nameContext, startLog } from './ffmpeg-log.js';
export type { FrameTime, Plane } from './frame-base.js';
export { ledger } from './ledger.js';
export { type ControlTag, Packet } from './packet.js';
export { releasePicturePools } from './picture-memory.js';
export { isAspect, StreamInfo, type StreamInfoData } from './stream-info.js';
export { Tensor, type TensorData, type TensorType } from './tensor.js';
export {
  isTimeBase,
  MICROSECONDS,
  NANOSECONDS,
  type Rational,
  type Rounding,
  rescale,
  toMicroseconds,
  toNanoseconds,
} from './time.js';
export { VideoFrame, type VideoFrameOptions } from './video-frame.js';
