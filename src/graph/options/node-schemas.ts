/** Options of a node as builder, called modules, readers and graph files check them. */
import * as v from 'valibot';
import type { Problem } from '../../errors/errors.js';
import { ON_ERROR } from '../../module/contract.js';
import type { ModuleRef } from '../../module/ref.js';
import { MAX_THREADS } from '../../scheduler/plan/graph-options.js';
import { MAX_COPIES } from '../../scheduler/plan/parallel-copies.js';
import { problemsFrom } from '../../schema/problems.js';
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

/**
 * BMF has the number of copies among the options of the module, whatever module it is: it is taken out of them.
 * @param path JSON path of the options.
 */
export function takeDistNums(
  { definition }: Pick<ModuleRef, 'definition'>,
  options: Record<string, unknown>,
  path: string,
): { readonly distNums?: number; readonly problems: readonly Problem[] } {
  const { dist_nums: given } = options;
  // A module of this process is none of BMF's, and may call its options as it likes.
  if (definition !== undefined || given === undefined) return { problems: [] };
  delete options.dist_nums;
  const result = v.safeParse(nodeSchemas.distNums, given);
  if (result.success) return { distNums: result.output, problems: [] };
  return { problems: problemsFrom(`${path}.dist_nums`, result.issues) };
}
