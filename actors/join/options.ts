/** The options by which `mux` and `merge` choose a synchronisation policy, spelt as NNStreamer spells them. */
import * as v from 'valibot';
import { MillraceError } from '../../src/errors/errors.js';
import type { Packet } from '../../src/media/index.js';
import type { InputManagerSpec, Task } from '../../src/module/contract.js';
import { choice, integer, number, parsed, type Schema } from '../../src/schema/schema.js';
import { type PerPad, parseSyncMode, parseSyncOption, SYNC_MODES, type SyncMode } from '../../src/sync/index.js';

const mode = parsed(`one of ${SYNC_MODES.join(', ')}, in any case`, (value) =>
  typeof value === 'string' ? parseSyncMode(value.trim()) : undefined,
);
const option = parsed(
  '"N:D", N the index of the base pad and D the duration in nanoseconds, such as "0:33333333"',
  (value) => (typeof value === 'string' && parseSyncOption(value) ? value : undefined),
);

/** One value for all inputs, or a list with one per connected input, null for none. */
function perInput(one: Schema<number>): Schema<PerPad<number>> {
  return v.lazy((value): Schema<PerPad<number>> => (Array.isArray(value) ? v.array(v.nullable(one)) : one));
}

/** Seconds without a packet after which an input no longer holds the others. */
export const timeouts = perInput(number({ min: 0.001, max: 1e12 }));
/** Packets that may wait on an input for the others. */
export const queueLimits = perInput(integer({ min: 1 }));

export const syncOptions = {
  sync_mode: v.optional(mode),
  /** basepad: the base pad and the length of its window. */
  sync_option: v.optional(option),
  /** refresh: ends with the first input that ends (any), or when all have. */
  end: v.optional(choice('any', 'all')),
  timeout: v.optional(timeouts),
  /** What a full one gives up is decided by `drop_policy`, instead of back-pressure. */
  max_queue: v.optional(queueLimits),
  drop_policy: v.optional(choice('oldest', 'newest', 'fail')),
};

export type SyncOptions = v.InferOutput<v.ObjectSchema<typeof syncOptions, undefined>>;

/** The input manager these options ask for. */
export function syncManager(options: SyncOptions, byDefault: SyncMode): InputManagerSpec {
  const { sync_mode: mode = byDefault, sync_option: option, end, timeout, max_queue, drop_policy } = options;
  return { mode, option, end, timeout, maxQueue: max_queue, dropPolicy: drop_policy };
}

/** What a task has of each input; ends, which some managers deliver along with packets of other inputs, left out. */
export function oneOfEach({ inputs }: Task): Map<number, Packet> {
  const packets = new Map<number, Packet>();
  for (const [id, [packet]] of inputs)
    if (packet !== undefined && packet.control === undefined) packets.set(id, packet);
  return packets;
}

/**
 * For a task without a time, which is right at the end only.
 * @throws MillraceError ERR_MILLRACE_OPTION for packets that no input manager has put together.
 */
export function refuseUnaligned(task: Task, name: string): void {
  if (oneOfEach(task).size === 0) return;
  throw new MillraceError(
    'ERR_MILLRACE_OPTION',
    `${name}: the input manager 'immediate' does not put packets together`,
    {
      hint: "Leave inputManager out and choose with sync_mode, or use 'default', 'framesync' or 'clocksync'",
    },
  );
}
