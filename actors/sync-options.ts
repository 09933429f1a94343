/** The options by which `mux` and `merge` choose a synchronisation policy, spelt as NNStreamer spells them. */
import * as v from 'valibot';
import type { InputManagerSpec } from '../src/module/contract.js';
import { parseSyncMode, parseSyncOption, SYNC_MODES, type SyncMode } from '../src/sync/index.js';
import { choice, integer, number, parsed } from './options.js';

const mode = parsed(`one of ${SYNC_MODES.join(', ')}, in any case`, (value) =>
  typeof value === 'string' ? parseSyncMode(value.trim()) : undefined,
);
const option = parsed(
  '"N:D", N the index of the base pad and D the duration in nanoseconds, such as "0:33333333"',
  (value) => (typeof value === 'string' && parseSyncOption(value) ? value : undefined),
);

export const syncOptions = {
  sync_mode: v.optional(mode),
  /** basepad: the base pad and the length of its window. */
  sync_option: v.optional(option),
  /** refresh: ends with the first input that ends (any), or when all have. */
  end: v.optional(choice('any', 'all')),
  /** Seconds without a packet after which an input no longer holds the others. */
  timeout: v.optional(number({ min: 0.001 })),
  /** Packets that may wait on one input for the others; then `drop_policy` decides instead of back-pressure. */
  max_queue: v.optional(integer({ min: 1 })),
  drop_policy: v.optional(choice('oldest', 'newest', 'fail')),
};

export type SyncOptions = v.InferOutput<v.ObjectSchema<typeof syncOptions, undefined>>;

/** The input manager these options ask for. */
export function syncManager(options: SyncOptions, byDefault: SyncMode): InputManagerSpec {
  const { sync_mode: mode = byDefault, sync_option: option, end, timeout, max_queue, drop_policy } = options;
  return { mode, option, end, timeout, maxQueue: max_queue, dropPolicy: drop_policy };
}
