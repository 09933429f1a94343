/** What the built-in modules know of FFmpeg and others must know as well: filters, codecs, protocols, what a file holds. */
export { IndexCheck } from '../../actors/decoder/demux-thread/mp4-index.js';
export { namesDescriptor, openPipe, pipeOf } from '../../actors/decoder/input/pipe.js';
export { encoderNames } from '../../actors/encoder/codec/codec.js';
export { MUXING } from '../../actors/encoder/options.js';
export { chooseTarget, defaultCodec, mimeTypeOf } from '../../actors/encoder/output/format.js';
export { takesSubtitle } from '../../actors/encoder/output/subtitle-codecs.js';
export { factsOf, isOfSound, type Opens } from '../../actors/filter/catalogue.js';
export { type Argument, parseArguments } from '../../actors/filter/plan/arguments.js';
export { filtersOf } from '../../actors/filter/plan/named-filters.js';
export { type OuterPad, type OuterPads, outerPads } from '../../actors/filter/plan/outer-pads.js';
export { queueLimits, timeouts } from '../../actors/join/options.js';
export { capabilities } from '../../actors/probe/capabilities/capabilities.js';
export { devices, type MediaDevice } from '../../actors/probe/capabilities/devices.js';
export type {
  Capabilities,
  CodecCapability,
  CodecKind,
  CoderCapability,
  FFmpegOption,
  FFmpegVersion,
  FilterCapability,
  FormatCapability,
  PixelFormatCapability,
  ProtocolCapability,
} from '../../actors/probe/capabilities/types.js';
export { type PacketFacts, packetsOf } from '../../actors/probe/packets.js';
export { type ProbeOptions, probeInput, probePathSync } from '../../actors/probe/probe.js';
export { findOption } from '../../actors/shared/avoptions.js';
export { localPath, nameForFFmpeg } from '../../actors/shared/location.js';
export type {
  Chapter,
  MasteringDisplay,
  MediaColor,
  MediaFormat,
  MediaHdr,
  MediaInfo,
  MediaStream,
  Program,
} from '../../actors/shared/media-info.js';
export {
  holdsProtocolList,
  isPermitted,
  PLAYLIST_PROTOCOLS,
  protocolOf,
  protocolsIn,
  unquoted,
  whitelistOf,
} from '../../actors/shared/protocols/protocols.js';
export { isLavfi, runsScripts, selfOpeningDemuxer, selfOpeningMuxer } from '../../actors/shared/self-opening.js';
