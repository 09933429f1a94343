/** millrace: media graphs in Node.js. The public API; `millrace/ringbuffer` and `millrace/testing` are entries of their own. */
export {
  ConfigError,
  type ErrorCode,
  FFmpegError,
  GraphError,
  MillraceError,
  type Phase,
  type Problem,
} from './errors.js';
export { type ConcatOptions, concat, type Segment } from './graph/concat.js';
export type { GraphConfig, NodeConfig, StreamConfig } from './graph/config-file.js';
export type { FilterArguments, FilterValue } from './graph/filter-args.js';
export type { FilterInput, Named, Rate, Size, Time } from './graph/filter-call.js';
export { Graph } from './graph/graph.js';
export type { InputStream } from './graph/input-stream.js';
export { type Job, JobResult, type JobSource } from './graph/job.js';
export type {
  AudioParams,
  AVOptions,
  DecoderOptions,
  EncoderOptions,
  FilterEntry,
  FilterOptions,
  VideoParams,
} from './graph/module-options.js';
export type { ModuleOptions, ModuleSource, NodeParameters } from './graph/node.js';
export type { GraphOptionsInput, RunOptions, StartMode, StartOptions } from './graph/options.js';
export type { PacketReader, PacketsOptions } from './graph/packet-reader.js';
export type { PushSource } from './graph/push-source.js';
export { type ModuleDefinition, type ModuleFile, registerModule } from './graph/registry.js';
export { Runtime, type RuntimeOptions, type RuntimeStats, SpawnedActor, type SpawnSpec } from './graph/runtime.js';
export { Server, type ServerReport, type SubmitOptions } from './graph/server.js';
export type { ServeOptions } from './graph/serving.js';
export { encode, NodeHandle, overlay, Stream } from './graph/stream.js';
export { process, type SyncParameters, sendEof, syncModule } from './graph/sync.js';
export type { Allowed } from './graph/trust.js';
export type { LogEntry, LogListener, LogSeverity } from './log.js';
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
  type OptionSchema,
  type OutputPort,
  type Task,
} from './module/contract.js';
export { type BuiltinModule, builtinModules } from './modules.js';
export type { PlacedNode, PlacedThread, PlacementExplanation } from './scheduler/explain.js';
export type {
  GraphStats,
  LinkStats,
  NodeStats,
  Progress,
  Report,
  SleepStats,
  WaitStats,
} from './scheduler/report.js';
export { type SyncInputs, SyncModule, type SyncResult } from './scheduler/sync-module.js';
