/** Synchronisation policies as pure state machines, after NNStreamer's tensor_mux and tensor_merge. */
export { ConfigError, type ErrorCode, MillraceError, type Problem } from '../errors/errors.js';
export {
  type BasePadOption,
  parseSyncMode,
  parseSyncOption,
  SYNC_MODES,
  type SynchronizerOptions,
} from './options.js';
export { Synchronizer } from './synchronizer.js';
export type {
  DropPolicy,
  DropReason,
  PadCounters,
  PerPad,
  SyncBuffer,
  SyncEvent,
  SyncInput,
  SyncMode,
  SyncOutput,
} from './types.js';
