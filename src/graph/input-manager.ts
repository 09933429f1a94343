/** The `inputManager` of a node, in the API and in graph files. */
import * as v from 'valibot';
import type { Schema } from '../../actors/options.js';
import { choice, strictOptions } from '../../actors/options.js';
import type { InputManagerSpec } from '../module/contract.js';

const mode = choice('immediate', 'default', 'framesync', 'clocksync');

const settings = strictOptions({ mode });

export const inputManagerSchema: Schema<InputManagerSpec> = v.lazy(
  (value): Schema<InputManagerSpec> => (typeof value === 'object' && value !== null ? settings : mode),
);
