/** The `inputManager` of a node, in the API and in graph files. */
import * as v from 'valibot';
import { queueLimits, timeouts } from '../../catalog/ffmpeg.js';
import { INPUT_MANAGERS, type InputManagerSettings, type InputManagerSpec } from '../../module/contract.js';
import { choice, parsed, type Schema, strictOptions } from '../../schema/schema.js';
import { parseSyncOption, SYNC_MODES } from '../../sync/index.js';

const mode = choice(...INPUT_MANAGERS);

const option = parsed<NonNullable<InputManagerSettings['option']>>(
  '"N:D", N the index of the base pad and D the duration in nanoseconds, such as "0:33333333"',
  (value) => {
    if (typeof value === 'string') return parseSyncOption(value) && value;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  },
);
const maxQueue = v.optional(queueLimits);
const dropPolicy = v.optional(choice('oldest', 'newest', 'fail'));

const settings: Schema<InputManagerSettings> = v.pipe(
  strictOptions({
    mode,
    option: v.optional(option),
    end: v.optional(choice('any', 'all')),
    timeout: v.optional(timeouts),
    maxQueue,
    max_queue: maxQueue,
    dropPolicy,
    drop_policy: dropPolicy,
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    const refuse = (key: string, message: string): void =>
      addIssue({
        message,
        path: [{ type: 'object', origin: 'value', input, key, value: input[key as keyof typeof input] }],
      });
    const { mode, ...given } = input;
    const isPolicy = SYNC_MODES.some((policy) => policy === mode);
    for (const [key, value] of Object.entries(given)) {
      if (value === undefined || isPolicy) continue;
      refuse(key, `belongs to ${SYNC_MODES.join(', ')}; the input manager ${mode} has no settings`);
    }
    for (const [camel, snake] of [['maxQueue', 'max_queue'] as const, ['dropPolicy', 'drop_policy'] as const]) {
      if (given[camel] !== undefined && given[snake] !== undefined) refuse(snake, `is given as ${camel} too`);
    }
  }),
  v.transform(({ max_queue, drop_policy, ...rest }) => ({
    ...rest,
    maxQueue: rest.maxQueue ?? max_queue,
    dropPolicy: rest.dropPolicy ?? drop_policy,
  })),
);

export const inputManagerSchema: Schema<InputManagerSpec> = v.lazy(
  (value): Schema<InputManagerSpec> => (typeof value === 'object' && value !== null ? settings : mode),
);

/** The form it has in graph files. */
export function writeInputManager(spec: InputManagerSpec | undefined): string | Record<string, unknown> {
  if (spec === undefined || typeof spec === 'string') return spec ?? 'immediate';
  const { mode, option, end, timeout, maxQueue, dropPolicy } = spec;
  const text = typeof option === 'object' ? `${option.basePad ?? 0}:${String(option.duration ?? 0)}` : option;
  const entries = Object.entries({ mode, option: text, end, timeout, max_queue: maxQueue, drop_policy: dropPolicy });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
