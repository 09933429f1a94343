/** What `server.submit()` takes beside the job. */
import * as v from 'valibot';
import { checked } from '../../schema/problems.js';
import { strictOptions } from '../../schema/schema.js';
import { signalSchema } from '../options/options.js';

const submitSchema = strictOptions({ signal: v.optional(signalSchema) });

/** @throws ConfigError naming everything that is wrong. */
export function checkSubmitOptions(options: unknown): { signal?: AbortSignal | undefined } {
  return checked(submitSchema, options, 'options of submit');
}
