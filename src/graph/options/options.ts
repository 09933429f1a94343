/**
 * Options of a node, of a run and of a server: what is accepted, and the text from which docs/options.md is made. Those of a
 * graph are in src/scheduler/plan/graph-options.ts; options of the built-in modules are their own affair
 * (actors/<module>/options.ts).
 */
import * as v from 'valibot';
import type { Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { type OptionRow, traceFile } from '../../scheduler/plan/graph-options.js';
import { FakeClock } from '../../scheduler/run/fake-clock.js';
import type { Progress } from '../../scheduler/run/report.js';
import { checked } from '../../schema/problems.js';
import { callable, choice, strictOptions } from '../../schema/schema.js';

/** What is wrong with an `onLog`, which is no plain data and so goes beside the other options. */
export function checkOnLog(value: unknown, path: string): Problem[] {
  if (value === undefined || typeof value === 'function') return [];
  return [{ path, message: `must be a function, not ${describeValue(value)}` }];
}

/** Options of a node: the last argument of `module()` and the node's keys in a graph file. */
export const nodeOptionRows = {
  alias: {
    type: 'string',
    default: '`<module>_<id>`',
    meaning: 'Name of the node in errors, statistics and drawings; unique in its graph.',
  },
  inputs: {
    type: 'streams',
    default: 'none',
    meaning: 'Streams for inputs 0, 1, …; `null` leaves an input unconnected. File: `input_streams`.',
  },
  scheduler: { type: 'whole number', default: 'automatic', meaning: 'Index of the thread the node runs on.' },
  thread: {
    type: 'string',
    default: 'automatic',
    meaning: 'Name of a thread; nodes with the same name share it. Not together with `scheduler`.',
  },
  inputManager: {
    type: 'name, or object with `mode`',
    default: "what the module asks for, else `'immediate'`",
    meaning: 'How packets of several inputs are put together: docs/input-managers.md. File: `input_manager`.',
  },
  queueLimit: {
    type: 'packets',
    default: "the graph's",
    meaning: "Packets that may wait on each of the node's inputs. File: `meta_info.queue_length_limit`.",
  },
  on_error: {
    type: "'fail', 'drop-branch'",
    default: "`'fail'`",
    meaning:
      'What ends when the node fails: the graph, or its own branch only ([failure.md](failure.md#optional-branches)). Of built-in modules also among their options.',
  },
  callback: {
    type: 'function',
    default: 'none',
    meaning:
      'Answers `ctx.callback(key, value)` of the module, on the calling thread, for every key that `addCallback` gave the node none for ([modules.md](modules.md#callbacks)). Not in files.',
  },
  distNums: {
    type: 'whole number',
    default: '1',
    meaning:
      'Parallel copies of the node, each on a thread of its own beside those of `threads`; the order of its packets is kept. For modules with one input and one output that treat every packet alike. File: `dist_nums`.',
  },
} as const satisfies Record<string, OptionRow>;

/** Options of `graph.run()`. */
export const runOptionRows = {
  signal: {
    type: 'AbortSignal',
    default: 'none',
    meaning: 'Aborts the run: `run()` rejects with ERR_MILLRACE_ABORTED, what was begun is finalised.',
  },
  onProgress: { type: 'function', default: 'none', meaning: 'Called with the progress while the graph runs.' },
  trace: { type: '0 or path', default: "the graph's", meaning: 'Trace file to write.' },
  clock: {
    type: 'FakeClock',
    default: 'real time',
    meaning: 'Running time that a test moves by hand ([modules.md](modules.md#time-in-tests)).',
  },
  mode: {
    type: "'normal', 'push', 'generator'",
    default: 'none',
    meaning:
      'Only of `start()`: refuses a graph without input streams (push), without readers (generator), with input streams (normal).',
  },
} as const satisfies Record<string, OptionRow>;

/** Options of `graph.serve()`. */
export const serveOptionRows = {
  outputs: {
    type: 'streams: list, or object by names',
    default: "the graph file's `output_streams`",
    meaning: 'Streams whose packets are in the result of every job.',
  },
  queueLimit: {
    type: 'jobs',
    default: '100',
    meaning: 'Jobs that may wait; one more is refused (ERR_MILLRACE_QUEUE_FULL).',
  },
  signal: { type: 'AbortSignal', default: 'none', meaning: 'Closes the server at once, as `forceClose()`.' },
} as const satisfies Record<string, OptionRow>;

/** Options of `graph.run()`. */
export interface RunOptions {
  /** Aborts the run: `run()` rejects with ERR_MILLRACE_ABORTED; outputs already begun are finalised. */
  readonly signal?: AbortSignal | undefined;
  /** Called about four times a second while the graph runs, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Path of the trace file to write, for Perfetto; 0: none. Default: the graph's option. */
  readonly trace?: 0 | false | string | undefined;
  /** For tests: a clock of `millrace/testing` that is moved by hand, and by which the running time goes. Default: real time. */
  readonly clock?: FakeClock | undefined;
}

/** What a graph that is started is expected to do; BMF's names of its modes. */
export type StartMode = 'normal' | 'push' | 'generator';

/** Options of `graph.start()`. */
export interface StartOptions extends RunOptions {
  readonly mode?: StartMode | undefined;
}

/** Of whatever can be aborted. */
export const signalSchema = v.instance(AbortSignal, 'must be an AbortSignal');

const runEntries = {
  signal: v.optional(signalSchema),
  onProgress: v.optional(callable<(progress: Progress) => void>()),
  trace: v.optional(traceFile),
  clock: v.optional(v.instance(FakeClock, 'must be a FakeClock of millrace/testing')),
};
const runOptionsSchema = strictOptions(runEntries);
const startOptionsSchema = strictOptions({ ...runEntries, mode: v.optional(choice('normal', 'push', 'generator')) });

/** @throws ConfigError naming everything that is wrong. */
export function checkRunOptions(options: unknown): RunOptions {
  return checked(runOptionsSchema, options, 'options of run');
}

/** @throws ConfigError naming everything that is wrong. */
export function checkStartOptions(options: unknown): StartOptions {
  return checked(startOptionsSchema, options, 'options of start');
}
