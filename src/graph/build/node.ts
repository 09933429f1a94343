/** What `module()` takes of the node itself: its inputs, name, thread, copies. */
import * as v from 'valibot';
import { ConfigError, type Problem } from '../../errors/errors.js';
import type { InputManagerSpec, OnError } from '../../module/contract.js';
import { entriesOf } from '../../schema/option-row.js';
import { problemsFrom } from '../../schema/problems.js';
import { type Schema, strictOptions } from '../../schema/schema.js';
import { nodeOptionRows } from '../options/node-options.js';
import type { Stream } from './stream.js';

/** Parameters of a node; docs/options.md has them in a table. */
export interface NodeParameters {
  /** Streams for inputs 0, 1, …; `null` leaves one unconnected. */
  readonly inputs?: readonly (Stream | null)[] | undefined;
  /** Name of the node in errors, statistics and drawings; unique in its graph. Default `<module>_<id>`. */
  readonly alias?: string | undefined;
  /** Index of the thread the node runs on. Default: placed automatically. */
  readonly scheduler?: number | undefined;
  /** Name of a thread; nodes with the same name share it. Not together with `scheduler`. */
  readonly thread?: string | undefined;
  /** How packets of several inputs are put together. Default: what the module asks for, else `immediate`. */
  readonly inputManager?: InputManagerSpec | undefined;
  /** The same by the name that graph files have. */
  readonly input_manager?: InputManagerSpec | undefined;
  /** Packets that may wait on each input. Default: the graph's `queue_length_limit`. */
  readonly queueLimit?: number | undefined;
  /**
   * What ends when the node fails: the graph, or its own branch only. Then its consumers see the end of the stream, what
   * feeds it goes on for the others, and the error is in `report.dropped` and among the warnings. Default 'fail'.
   */
  readonly on_error?: OnError | undefined;
  /**
   * Parallel copies of the node, each on a thread of its own; the order of the packets is kept. For modules with one input and
   * one output that treat every packet alike. Default 1.
   */
  readonly distNums?: number | undefined;
  /** The same by the name that graph files have. */
  readonly dist_nums?: number | undefined;
  /** Answers `ctx.callback(key, value)` of the module, on the calling thread. */
  readonly callback?: ((key: string | number, value: unknown) => unknown) | undefined;
}

const parametersSchema = v.pipe(
  strictOptions({
    ...entriesOf(nodeOptionRows),
    inputs: v.optional(nodeOptionRows.inputs.schema as Schema<readonly (Stream | null)[]>),
  }),
  v.check(
    ({ scheduler, thread }) => scheduler === undefined || thread === undefined,
    'scheduler and thread contradict each other: give one of them',
  ),
);

export type CheckedParameters = v.InferOutput<typeof parametersSchema>;

/**
 * Checks the parameters of a new node.
 * @throws ConfigError naming everything that is wrong.
 */
export function checkParameters(parameters: unknown, what: string): CheckedParameters {
  const result = v.safeParse(parametersSchema, withBuilderNames(parameters));
  if (result.success) return result.output;
  throw new ConfigError(`wrong parameters of ${what}`, problemsFrom('', result.issues).map(named));
}

/** What graph files call by another name than the builder. */
const FILE_NAMES = { dist_nums: 'distNums', input_manager: 'inputManager' };

/** Of two names for the same the one that is not known stays, and is refused. */
function withBuilderNames(parameters: unknown): unknown {
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return parameters;
  const renamed: Record<string, unknown> = { ...parameters };
  for (const [inFile, name] of Object.entries(FILE_NAMES)) {
    if (renamed[inFile] === undefined || renamed[name] !== undefined) continue;
    renamed[name] = renamed[inFile];
    delete renamed[inFile];
  }
  return renamed;
}

function named(problem: Problem): Problem {
  return problem.path === '' ? { ...problem, path: 'parameters' } : problem;
}
