/** millrace: media graphs in Node.js. The public API; `millrace/ringbuffer` and `millrace/testing` are entries of their own. */

export { type BuiltinModule, builtinModules } from './catalog/builtin.js';
export {
  type Capabilities,
  type Chapter,
  type CodecCapability,
  type CodecKind,
  type CoderCapability,
  devices,
  type FFmpegOption,
  type FFmpegVersion,
  type FilterCapability,
  type FormatCapability,
  type MasteringDisplay,
  type MediaColor,
  type MediaDevice,
  type MediaFormat,
  type MediaHdr,
  type MediaInfo,
  type MediaStream,
  type PixelFormatCapability,
  type ProbeOptions,
  type Program,
  type ProtocolCapability,
} from './catalog/ffmpeg.js';
export { type ModuleDefinition, type ModuleFile, registerModule } from './catalog/registry.js';
export {
  ConfigError,
  type ErrorCode,
  FFmpegError,
  GraphError,
  MillraceError,
  type Phase,
  type Problem,
} from './errors/errors.js';
export type { ConcatOptions, Segment } from './graph/build/concat.js';
export { type Clip, type ConcatClipsOptions, concatClips, type Transition } from './graph/build/edit/clips.js';
export { type AudioTrack, type MixAudioOptions, mixAudio } from './graph/build/edit/mix.js';
export { type ImageOverlay, type OverlayImagesOptions, overlayImages } from './graph/build/edit/overlays.js';
export { type EncodeStreams, encode, type StreamOrStreams } from './graph/build/encode.js';
export type { FilterArguments, FilterValue } from './graph/build/filters/args.js';
export type { FilterInput, Named, Rate, Size, Time } from './graph/build/filters/call.js';
export type {
  AudioParams,
  AVOptions,
  BurnOptions,
  ChapterTexts,
  DecoderOptions,
  EncoderOptions,
  FilterEntry,
  FilterOptions,
  HlsEncryption,
  OutputVariants,
  ReconnectOptions,
  StreamTexts,
  SubtitleParams,
  VideoParams,
} from './graph/build/module-options.js';
export type { ModuleOptions, ModuleSource } from './graph/build/module-source.js';
export type { NodeParameters } from './graph/build/node.js';
export type { OutputOptions, SharedEncoding } from './graph/build/outputs.js';
export { NodeHandle, overlay, Stream } from './graph/build/stream.js';
export type { StreamSelection, StreamsOfKind } from './graph/build/stream-selection.js';
export { defineGraph, type GraphFacts, type GraphOutputs } from './graph/build/subgraph/define.js';
export { createModule, type WarmParameters } from './graph/call/create-module.js';
export { process, type SyncParameters, sendEof, syncModule } from './graph/call/sync-module.js';
export type { GraphConfig, NodeConfig, StreamConfig } from './graph/file/format.js';
export type { Allowed } from './graph/file/trust.js';
export type { UpdateConfig, UpdateNode } from './graph/file/update.js';
export { Graph } from './graph/graph.js';
export { ladder } from './graph/ladder/ladder.js';
export type {
  AudioRendition,
  LadderInput,
  LadderOptions,
  LadderSource,
  LadderStreams,
  Rendition,
} from './graph/ladder/options.js';
export type { GraphOptionsInput } from './graph/options/graph-options.js';
export type { PacketsOptions } from './graph/options/packets.js';
export type { RunOptions, StartMode, StartOptions } from './graph/options/run-options.js';
export {
  type CollectedOptions,
  type CollectedStreams,
  toBlob,
  toBuffer,
  toResponse,
} from './graph/output/collect.js';
export type { ByteOutput, SeekableSink } from './graph/output/open-sink.js';
export type { InputStream } from './graph/ports/input-stream.js';
export type { PacketReader } from './graph/ports/packet-reader.js';
export type { PushSource } from './graph/ports/push-source.js';
export { type ProbeInput, probe, probeSync } from './graph/probe.js';
export { type Loudness, type LoudnessTarget, measureLoudness } from './graph/rate/loudness.js';
export { type ToSizeOptions, type ToSizeResult, toSize } from './graph/rate/to-size.js';
export { type Pass, type PassGraph, type PassProgress, type TwoPassOptions, twoPass } from './graph/rate/two-pass.js';
export { Runtime, type RuntimeOptions, type RuntimeStats, SpawnedActor, type SpawnSpec } from './graph/runtime.js';
export { type Job, JobResult, type JobSource } from './graph/serve/job.js';
export type { JobFile } from './graph/serve/job-file.js';
export type { JobOutcome } from './graph/serve/outcomes.js';
export { Server, type ServerReport, type SubmitOptions } from './graph/serve/server.js';
export type { ServeOptions } from './graph/serve/serving.js';
export { type ConcatFilesOptions, concat } from './graph/tasks/concat.js';
export { type GifOptions, gif } from './graph/tasks/gif.js';
export type { FileInMemory, SentFile, TaskOutput, TaskResult, WrittenFile } from './graph/tasks/output.js';
export type { Peaks } from './graph/tasks/peaks.js';
export type { EncodedPicture, PictureOptions } from './graph/tasks/pictures.js';
export { type Sprite, type SpriteCue, type SpriteOptions, sprite } from './graph/tasks/sprite.js';
export type { TaskEncoding, TaskInput, TaskOptions } from './graph/tasks/task.js';
export { type Thumbnail, type Thumbnails, type ThumbnailsOptions, thumbnails } from './graph/tasks/thumbnails.js';
export type { TimeRange } from './graph/tasks/time-range.js';
export { type ExtractAudioOptions, extractAudio, type TrimOptions, trim } from './graph/tasks/trim.js';
export { type Waveform, type WaveformOptions, type WaveformOutputs, waveform } from './graph/tasks/waveform.js';
export type { Bytes, SeekableSource } from './media/bytes/source.js';
export {
  AudioFrame,
  type AudioFrameOptions,
  type ControlTag,
  EncodedPacket,
  type EncodedPacketOptions,
  type LogLevel,
  Packet,
  type PictureDescription,
  type Plane,
  type Rational,
  type Rectangle,
  StreamInfo,
  type StreamInfoData,
  Subtitle,
  type SubtitleData,
  type SubtitleOptions,
  Tensor,
  type TensorData,
  type TensorType,
  VideoFrame,
  type VideoFrameOptions,
} from './media/index.js';
export {
  defineModule,
  type Log,
  type Meter,
  type Module,
  type ModuleClass,
  type ModuleContext,
  type OnError,
  type OutputPort,
  type Task,
  type TracePhase,
} from './module/contract.js';
export type { GraphTemplate } from './module/graph-template.js';
export type { LogEntry, LogListener, LogSeverity } from './module/log.js';
export type { WrittenPacket } from './module/written-packet.js';
export { type SyncInputs, SyncModule, type SyncResult } from './scheduler/call/sync-module.js';
export type { PlacedNode, PlacedThread, PlacementExplanation } from './scheduler/plan/explain.js';
export type { GraphFileOptions } from './scheduler/plan/graph-options.js';
export type { CallbackAsked, KeyCallback } from './scheduler/plan/spec.js';
export type {
  DroppedBranch,
  GraphStats,
  LatencyStats,
  LinkStats,
  NodeStats,
  OutputProgress,
  Progress,
  Report,
  SleepStats,
  WaitStats,
} from './scheduler/run/report.js';
export type { GraphPhase, GraphStatus, NodeState, QueueState, ThreadStatus } from './scheduler/run/status.js';
export type { WarmModule } from './scheduler/warm/warm-module.js';
export type { OptionSchema } from './schema/standard.js';
