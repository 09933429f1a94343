/** From the options a user gave to the ones the scheduler runs with: validated, environment and defaults applied. */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { ConfigError, type Problem } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import type { LogLevel } from '../../media/ffmpeg.js';
import {
  type GraphOptions,
  type GraphOptionValues,
  graphOptionRows,
  graphOptionsSchema,
  toldOf,
} from '../../scheduler/plan/graph-options.js';
import { problemsFrom } from '../../schema/problems.js';

export interface ResolvedOptions {
  readonly name: string;
  readonly options: GraphOptions;
  /** Path of the graph file to write when the run starts. */
  readonly dumpPath: string | undefined;
  readonly loglevel: LogLevel | undefined;
  /** The output streams of a graph file count. */
  readonly outputStreams: boolean;
  /** What was given and has no effect. */
  readonly idle: readonly string[];
  /** Path of the trace file. */
  readonly tracePath: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Options of every graph and runtime of the process: the JSON file that MILLRACE_CONFIG names. */
function configuration(env: Environment, problems: Problem[]): GraphOptionValues {
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

/** As `resolveGraphOptions`. @param further what else is wrong. @throws ConfigError with everything. */
export function requireGraphOptions(input: unknown, further: readonly Problem[] = []): ResolvedOptions {
  const { resolved, problems } = resolveGraphOptions(input);
  problems.push(...further);
  if (!resolved || problems.length > 0) throw new ConfigError('wrong graph options', problems);
  return resolved;
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
  /** The given value, else the environment's, else the configuration file's, else the default. */
  function value<Key extends keyof GraphOptionValues>(key: Key): GraphOptionValues[Key] {
    const { env: variable, schema, value: assumed } = graphOptionRows[key];
    const saidBy = (values: GraphOptionValues) =>
      key === 'threads' ? (values.threads ?? values.scheduler_count) : values[key];
    const own = saidBy(given);
    if (own !== undefined) return own as GraphOptionValues[Key];
    const text = variable === undefined ? '' : (env[variable] ?? '');
    if (text !== '') {
      const result = v.safeParse(schema, text);
      if (result.success) return result.output as GraphOptionValues[Key];
      problems.push(...problemsFrom(`environment variable ${variable}`, result.issues));
    }
    return (saidBy(file) ?? assumed) as GraphOptionValues[Key];
  }

  if (given.threads !== undefined && given.scheduler_count !== undefined && given.threads !== given.scheduler_count) {
    problems.push({
      path: `${path}.scheduler_count`,
      message: `is ${given.scheduler_count} while threads is ${given.threads}`,
      hint: 'They are two names of one option; give one of them',
    });
  }
  const name = value('graph_name') ?? 'graph';
  const dump = value('dump_graph');
  const resolved: ResolvedOptions = {
    name,
    options: toldOf(value),
    dumpPath: dump === true ? `original_${name}.json` : dump || undefined,
    loglevel: value('loglevel'),
    outputStreams: !value('no_output_stream'),
    idle: value('hungry_check')
      ? []
      : ['hungry_check: 0 has no effect: no source runs ahead of those who take its packets'],
    tracePath: value('trace') || undefined,
  };
  return problems.length > 0 ? { resolved: undefined, problems } : { resolved, problems };
}
