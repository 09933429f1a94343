/** Options of a run in one table: what is accepted, and the text from which docs/options.md is made. */
import * as v from 'valibot';
import type { Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { traceFile } from '../../scheduler/plan/graph-options.js';
import { FakeClock } from '../../scheduler/run/fake-clock.js';
import type { Progress } from '../../scheduler/run/report.js';
import { entriesOf, type OptionRow } from '../../schema/option-row.js';
import { checked } from '../../schema/problems.js';
import { callable, choice, strictOptions } from '../../schema/schema.js';

/** What is wrong with an `onLog`, which is no plain data and so goes beside the other options. */
export function checkOnLog(value: unknown, path: string): Problem[] {
  if (value === undefined || typeof value === 'function') return [];
  return [{ path, message: `must be a function, not ${describeValue(value)}` }];
}

/** Of whatever can be aborted. */
export const signalSchema = v.instance(AbortSignal, 'must be an AbortSignal');

/** Options of `graph.run()`. */
const ofEveryRun = {
  signal: {
    type: 'AbortSignal',
    default: 'none',
    meaning: 'Aborts the run: `run()` rejects with ERR_MILLRACE_ABORTED, what was begun is finalised.',
    schema: signalSchema,
  },
  onProgress: {
    type: 'function',
    default: 'none',
    meaning: 'Called with the progress while the graph runs.',
    schema: callable<(progress: Progress) => void>(),
  },
  trace: { type: '0 or path', default: "the graph's", meaning: 'Trace file to write.', schema: traceFile },
  clock: {
    type: 'FakeClock',
    default: 'real time',
    meaning: 'Running time that a test moves by hand ([modules.md](modules.md#time-in-tests)).',
    schema: v.instance(FakeClock, 'must be a FakeClock of millrace/testing'),
  },
} as const satisfies Record<string, OptionRow>;

/** Options of `graph.run()` and `graph.start()`. */
export const runOptionRows = {
  ...ofEveryRun,
  mode: {
    type: "'normal', 'push', 'generator'",
    default: 'none',
    meaning:
      'Only of `start()`: refuses a graph without input streams (push), without readers (generator), with input streams (normal).',
    schema: choice('normal', 'push', 'generator'),
  },
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

const runOptionsSchema = strictOptions(entriesOf(ofEveryRun));
const startOptionsSchema = strictOptions(entriesOf(runOptionRows));

/** @throws ConfigError naming everything that is wrong. */
export function checkRunOptions(options: unknown): RunOptions {
  return checked(runOptionsSchema, options, 'options of run');
}

/** @throws ConfigError naming everything that is wrong. */
export function checkStartOptions(options: unknown): StartOptions {
  return checked(startOptionsSchema, options, 'options of start');
}
