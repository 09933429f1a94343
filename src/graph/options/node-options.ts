/** Options of a node in one table: builder, called modules, readers and graph files check them by it. */
import * as v from 'valibot';
import type { Problem } from '../../errors/errors.js';
import { ON_ERROR } from '../../module/contract.js';
import type { ModuleRef } from '../../module/ref.js';
import { MAX_THREADS } from '../../scheduler/plan/graph-options.js';
import { MAX_COPIES } from '../../scheduler/plan/parallel-copies.js';
import type { NodeSpec } from '../../scheduler/plan/spec.js';
import type { OptionRow } from '../../schema/option-row.js';
import { problemsFrom } from '../../schema/problems.js';
import { callable, choice, integer, parsed, text } from '../../schema/schema.js';
import { inputManagerSchema } from './input-manager.js';

/** The last argument of `module()`, and the node's keys in a graph file. */
export const nodeOptionRows = {
  alias: {
    type: 'string',
    default: '`<module>_<id>`',
    meaning: 'Name of the node in errors, statistics and drawings; unique in its graph.',
    schema: text('a name'),
  },
  inputs: {
    type: 'streams',
    default: 'none',
    meaning: 'Streams for inputs 0, 1, …; `null` leaves an input unconnected. File: `input_streams`.',
    schema: parsed<readonly unknown[]>('a list of streams (null for an unconnected input)', (value) =>
      Array.isArray(value) ? value : undefined,
    ),
  },
  scheduler: {
    type: 'whole number',
    default: 'automatic',
    meaning: 'Index of the thread the node runs on.',
    schema: integer({ min: 0, max: MAX_THREADS - 1 }),
  },
  thread: {
    type: 'string',
    default: 'automatic',
    meaning: 'Name of a thread; nodes with the same name share it. Not together with `scheduler`.',
    schema: text('the name of a thread'),
  },
  inputManager: {
    type: 'name, or object with `mode`',
    default: "what the module asks for, else `'immediate'`",
    meaning:
      'How packets of several inputs are put together: docs/input-managers.md. File, and here as well: `input_manager`.',
    schema: inputManagerSchema,
  },
  queueLimit: {
    type: 'packets',
    default: "the graph's",
    meaning: "Packets that may wait on each of the node's inputs. File: `meta_info.queue_length_limit`.",
    schema: integer({ min: 1, max: 1e6 }),
  },
  on_error: {
    type: "'fail', 'drop-branch'",
    default: "`'fail'`",
    meaning:
      'What ends when the node fails: the graph, or its own branch only ([failure.md](failure.md#optional-branches)). Of built-in modules also among their options.',
    schema: choice(...ON_ERROR),
  },
  callback: {
    type: 'function',
    default: 'none',
    meaning:
      'Answers `ctx.callback(key, value)` of the module, on the calling thread, for every key that `addCallback` gave the node none for ([modules.md](modules.md#callbacks)). Not in files.',
    schema: callable<NonNullable<NodeSpec['callback']>>(),
  },
  distNums: {
    type: 'whole number',
    default: '1',
    meaning:
      'Parallel copies of the node, each on a thread of its own beside those of `threads`; the order of its packets is kept. For modules with one input and one output that treat every packet alike. File, and here as well: `dist_nums`.',
    schema: integer({ min: 1, max: MAX_COPIES }),
  },
} as const satisfies Record<string, OptionRow>;

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
  const result = v.safeParse(nodeOptionRows.distNums.schema, given);
  if (result.success) return { distNums: result.output, problems: [] };
  return { problems: problemsFrom(`${path}.dist_nums`, result.issues) };
}
