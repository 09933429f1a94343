/** What `stream.packets()` takes. */
import * as v from 'valibot';
import { checked } from '../../schema/problems.js';
import { strictOptions } from '../../schema/schema.js';
import { nodeOptionRows } from './node-options.js';
import { signalSchema } from './run-options.js';

export interface PacketsOptions {
  /** Aborts the graph: the loop rejects with ERR_MILLRACE_ABORTED. */
  readonly signal?: AbortSignal | undefined;
  /** Packets that may wait for the reader. Default: the graph's `queue_length_limit`. */
  readonly queueLimit?: number | undefined;
}

const optionsSchema = strictOptions({
  signal: v.optional(signalSchema),
  queueLimit: v.optional(nodeOptionRows.queueLimit.schema),
});

/** @throws ConfigError naming everything that is wrong. */
export function checkPacketsOptions(options: unknown): PacketsOptions {
  return checked(optionsSchema, options, 'options of packets');
}
