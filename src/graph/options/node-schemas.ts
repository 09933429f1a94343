/** Options of a node as builder, called modules, readers and graph files check them. */

import { ON_ERROR } from '../../module/contract.js';
import { MAX_THREADS } from '../../scheduler/plan/graph-options.js';
import { MAX_COPIES } from '../../scheduler/plan/parallel-copies.js';
import { choice, integer, text } from '../../schema/schema.js';
import { inputManagerSchema } from './input-manager.js';

export const nodeSchemas = {
  scheduler: integer({ min: 0, max: MAX_THREADS - 1 }),
  thread: text('the name of a thread'),
  queueLimit: integer({ min: 1, max: 1e6 }),
  inputManager: inputManagerSchema,
  onError: choice(...ON_ERROR),
  distNums: integer({ min: 1, max: MAX_COPIES }),
};
