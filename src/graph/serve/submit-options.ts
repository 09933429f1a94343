/** What `server.submit()` takes beside the job. */
import * as v from 'valibot';
import { checked } from '../../schema/problems.js';
import { strictOptions, text } from '../../schema/schema.js';
import { signalSchema } from '../options/run-options.js';

const submitSchema = strictOptions({ signal: v.optional(signalSchema), name: v.optional(text('the name of a job')) });

/** @throws ConfigError naming everything that is wrong. */
export function checkSubmitOptions(options: unknown): v.InferOutput<typeof submitSchema> {
  return checked(submitSchema, options, 'options of submit');
}
