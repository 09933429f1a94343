/** millrace: media graphs in Node.js. The public API; `millrace/ringbuffer` and `millrace/testing` are entries of their own. */

export { type BuiltinModule, builtinModules } from './catalog/builtin.js';
export type {
  Chapter,
  MasteringDisplay,
  MediaColor,
  MediaFormat,
  MediaHdr,
  MediaInfo,
  MediaStream,
  ProbeOptions,
  Program,
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
export { type EncodeStreams, encode, type StreamOrStreams } from './graph/build/encode.js';
export type { FilterArguments, FilterValue } from './graph/build/filters/args.js';
export type { FilterInput, Named, Rate, Size, Time } from './graph/build/filters/call.js';
export type {
  AudioParams,
  AVOptions,
  ChapterTexts,
  DecoderOptions,
  EncoderOptions,
  FilterEntry,
  FilterOptions,
  StreamTexts,
  SubtitleParams,
  VideoParams,
} from './graph/build/module-options.js';
export type { ModuleOptions, ModuleSource } from './graph/build/module-source.js';
export type { NodeParameters } from './graph/build/node.js';
export { NodeHandle, overlay, Stream } from './graph/build/stream.js';
export type { StreamSelection, StreamsOfKind } from './graph/build/stream-selection.js';
export { defineGraph, type GraphFacts, type GraphOutputs } from './graph/build/subgraph/define.js';
export { process, type SyncParameters, sendEof, syncModule } from './graph/call/sync-module.js';
export type { GraphConfig, NodeConfig, StreamConfig } from './graph/file/format.js';
export type { Allowed } from './graph/file/trust.js';
export type { UpdateConfig, UpdateNode } from './graph/file/update.js';
export { Graph } from './graph/graph.js';
export type { GraphOptionsInput } from './graph/options/graph-options.js';
export type { RunOptions, StartMode, StartOptions } from './graph/options/options.js';
export type { PacketsOptions } from './graph/options/packets.js';
export type { InputStream } from './graph/ports/input-stream.js';
export type { PacketReader } from './graph/ports/packet-reader.js';
export type { PushSource } from './graph/ports/push-source.js';
export { type ProbeInput, probe, probeSync } from './graph/probe.js';
export { Runtime, type RuntimeOptions, type RuntimeStats, SpawnedActor, type SpawnSpec } from './graph/runtime.js';
export { type Job, JobResult, type JobSource } from './graph/serve/job.js';
export { Server, type ServerReport, type SubmitOptions } from './graph/serve/server.js';
export type { ServeOptions } from './graph/serve/serving.js';
export { type ConcatFilesOptions, concat } from './graph/tasks/concat.js';
export { type GifOptions, gif } from './graph/tasks/gif.js';
export type { Peaks } from './graph/tasks/peaks.js';
export type { EncodedPicture, PictureOptions } from './graph/tasks/pictures.js';
export { type Sprite, type SpriteCue, type SpriteOptions, sprite } from './graph/tasks/sprite.js';
export type { TaskEncoding, TaskInput, TaskOptions, WrittenFile } from './graph/tasks/task.js';
export { type Thumbnail, type Thumbnails, type ThumbnailsOptions, thumbnails } from './graph/tasks/thumbnails.js';
export type { TimeRange } from './graph/tasks/time-range.js';
export { type ExtractAudioOptions, extractAudio, type TrimOptions, trim } from './graph/tasks/trim.js';
export { type Waveform, type WaveformOptions, waveform } from './graph/tasks/waveform.js';
export type { Bytes, SeekableSource } from './media/bytes/source.js';
export {
  AudioFrame,
  type AudioFrameOptions,
  type ControlTag,
  EncodedPacket,
  type EncodedPacketOptions,
  type LogLevel,
  Packet,
  type Plane,
  type Rational,
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
  LinkStats,
  NodeStats,
  OutputProgress,
  Progress,
  Report,
  SleepStats,
  WaitStats,
} from './scheduler/run/report.js';
export type { GraphPhase, GraphStatus, NodeState, QueueState, ThreadStatus } from './scheduler/run/status.js';
export type { OptionSchema } from './schema/standard.js';
