/** From the options a user gave to the ones the scheduler runs with: validated, environment and defaults applied. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { Problem } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import type { LogLevel } from '../../media/ffmpeg.js';
import type { GraphOptions } from '../../scheduler/plan/spec.js';
import { automaticSpin } from '../../scheduler/threads/prestart.js';
import { problemsFrom } from '../../schema/problems.js';
import { graphOptionRows, graphOptionsSchema, type OptionRow } from './options.js';

export interface ResolvedOptions {
  readonly name: string;
  readonly options: GraphOptions;
  /** Path of the graph file to write when the run starts. */
  readonly dumpPath: string | undefined;
  readonly loglevel: LogLevel | undefined;
  /** Path of the trace file. */
  readonly tracePath: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

type FileOptions = v.InferOutput<typeof graphOptionsSchema>;

/** Options of every graph and runtime of the process: the JSON file that MILLRACE_CONFIG names. */
function configuration(env: Environment, problems: Problem[]): FileOptions {
  const path = env.MILLRACE_CONFIG;
  if (path === undefined || path === '') return {};
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = messageOf(cause);
    problems.push({ path: 'environment variable MILLRACE_CONFIG', message: `${path} cannot be read: ${why}` });
    return {};
  }
  const result = v.safeParse(graphOptionsSchema, content);
  if (result.success) return result.output;
  problems.push(...problemsFrom(path, result.issues));
  return {};
}

/**
 * Validates the options of a graph and fills in environment variables (for options not given) and defaults.
 * @param path JSON path of the options, for problems.
 * @returns The options, undefined if there are problems.
 */
export function resolveGraphOptions(
  input: unknown,
  path = 'option',
  env: Environment = process.env,
): { resolved: ResolvedOptions | undefined; problems: Problem[] } {
  if (Array.isArray(input)) {
    return { resolved: undefined, problems: [{ path, message: 'must be an object of options, not a list' }] };
  }
  const parsed = v.safeParse(graphOptionsSchema, input ?? {});
  const problems = problemsFrom(path, parsed.issues ?? []);
  if (!parsed.success) return { resolved: undefined, problems };
  const given = parsed.output;

  const file = configuration(env, problems);
  const configured: Record<string, unknown> = {
    ...file,
    threads: file.threads ?? file.scheduler_count,
    'wait.spin': file.wait?.spin,
  };
  /** The given value, else the environment's, else the configuration file's, else undefined. */
  const value = <Key extends keyof typeof graphOptionRows>(
    key: Key,
    own: v.InferOutput<(typeof graphOptionRows)[Key]['schema']> | undefined,
  ): v.InferOutput<(typeof graphOptionRows)[Key]['schema']> | undefined => {
    if (own !== undefined) return own;
    const row: OptionRow = graphOptionRows[key];
    const text = row.env === undefined ? undefined : env[row.env];
    if (row.env === undefined || text === undefined || text === '') return fromFile(key);
    const result = v.safeParse(graphOptionRows[key].schema, text);
    if (result.success) return result.output as v.InferOutput<(typeof graphOptionRows)[Key]['schema']>;
    problems.push(...problemsFrom(`environment variable ${row.env}`, result.issues));
    return undefined;
  };

  function fromFile<Key extends keyof typeof graphOptionRows>(
    key: Key,
  ): v.InferOutput<(typeof graphOptionRows)[Key]['schema']> | undefined {
    // It was checked with the rest of the file.
    return configured[key] as v.InferOutput<(typeof graphOptionRows)[Key]['schema']> | undefined;
  }

  if (given.threads !== undefined && given.scheduler_count !== undefined && given.threads !== given.scheduler_count) {
    problems.push({
      path: `${path}.scheduler_count`,
      message: `is ${given.scheduler_count} while threads is ${given.threads}`,
      hint: 'They are two names of one option; give one of them',
    });
  }
  const spin = value('wait.spin', given.wait?.spin) ?? 'auto';
  const name = given.graph_name ?? file.graph_name ?? 'graph';
  const dump = value('dump_graph', given.dump_graph) ?? false;
  const resolved: ResolvedOptions = {
    name,
    options: {
      threads: value('threads', given.threads ?? given.scheduler_count) ?? 'auto',
      transport: value('transport', given.transport) ?? 'auto',
      spin: spin === 'auto' ? automaticSpin() : spin,
      optimizeGraph: value('optimize_graph', given.optimize_graph) ?? true,
      queueLengthLimit: value('queue_length_limit', given.queue_length_limit) ?? 8,
      queueBytesLimit: value('queue_bytes_limit', given.queue_bytes_limit) ?? 64 * 2 ** 20,
      hardCap: value('hard_cap', given.hard_cap) ?? 2 ** 30,
      stopGrace: value('stop_grace', given.stop_grace) ?? 5000,
      timeOut: (value('time_out', given.time_out) ?? 0) * 1000,
    },
    dumpPath: dump === true ? `original_${name}.json` : dump === false ? undefined : dump,
    loglevel: value('loglevel', given.loglevel),
    tracePath: value('trace', given.trace) || undefined,
  };
  return problems.length > 0 ? { resolved: undefined, problems } : { resolved, problems };
}
