/** What `graph.serve()` takes, what a graph must be for it, and the graph that it makes of it. */
import { extname, resolve } from 'node:path';
import * as v from 'valibot';
import { builtinOf } from '../../catalog/builtin.js';
import { ConfigError, GraphError, type Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { Module } from '../../module/contract.js';
import type { LogListener } from '../../module/log.js';
import type { GraphSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { JobTap } from '../../scheduler/ports/job-ports.js';
import type { GraphRun } from '../../scheduler/run/run.js';
import { KeptThreads } from '../../scheduler/threads/thread-pool.js';
import { entriesOf, type OptionRow } from '../../schema/option-row.js';
import { problemsFrom } from '../../schema/problems.js';
import { integer, strictOptions } from '../../schema/schema.js';
import { Stream } from '../build/stream.js';
import type { Graph } from '../graph.js';
import { signalSchema } from '../options/run-options.js';
import { isSinkModule } from '../output/sink.js';
import { feedsFiles } from '../ports/byte-streams.js';
import type { Runtime } from '../runtime.js';
import type { Served } from './server.js';

export interface ServeOptions {
  /**
   * Streams whose packets are in the result of every job, by the names they have there; of a list, by the names of the
   * streams. Default: those that a graph file names as outputs.
   */
  readonly outputs?: readonly Stream[] | Readonly<Record<string, Stream>> | undefined;
  /** Jobs that may wait. Default 100. */
  readonly queueLimit?: number | undefined;
  /** Closes the server at once, as `forceClose()`. */
  readonly signal?: AbortSignal | undefined;
}

export interface CheckedServeOptions {
  readonly outputs: ReadonlyMap<string, Stream>;
  readonly queueLimit: number;
  readonly signal: AbortSignal | undefined;
}

const QUEUE_LIMIT = 100;

/** Options of `graph.serve()` in one table. */
export const serveOptionRows = {
  outputs: {
    type: 'streams: list, or object by names',
    default: "the graph file's `output_streams`",
    meaning: 'Streams whose packets are in the result of every job.',
    // Which graph the streams are of is not for a schema to say.
    schema: v.unknown(),
  },
  queueLimit: {
    type: 'jobs',
    default: String(QUEUE_LIMIT),
    meaning: 'Jobs that may wait; one more is refused (ERR_MILLRACE_QUEUE_FULL).',
    schema: integer({ min: 1, max: 1e6 }),
  },
  signal: {
    type: 'AbortSignal',
    default: 'none',
    meaning: 'Closes the server at once, as `forceClose()`.',
    schema: signalSchema,
  },
} as const satisfies Record<string, OptionRow>;

const optionsSchema = strictOptions(entriesOf(serveOptionRows));

/** @throws ConfigError naming everything that is wrong. */
export function checkServeOptions(options: unknown, graph: Graph): CheckedServeOptions {
  const result = v.safeParse(optionsSchema, options);
  const problems: Problem[] = result.success ? [] : problemsFrom('', result.issues);
  const given = result.success ? (result.output.outputs ?? graph.outputs) : [];
  const entries: [name: string, stream: unknown, path: string][] = Array.isArray(given)
    ? given.map((stream: unknown, index) => [stream instanceof Stream ? stream.name : '', stream, `outputs[${index}]`])
    : Object.entries(given).map(([name, stream]) => [name, stream, `outputs.${name}`]);
  const outputs = new Map<string, Stream>();
  for (const [name, stream, path] of entries) {
    if (!(stream instanceof Stream)) problems.push({ path, message: `must be a stream, not ${describeValue(stream)}` });
    else if (name === '') problems.push({ path, message: 'needs a name' });
    else if (stream.graph !== graph) problems.push({ path, message: 'is a stream of another graph' });
    else if (outputs.has(name)) problems.push({ path, message: `'${name}' is there twice` });
    else outputs.set(name, stream);
  }
  if (!result.success || problems.length > 0) throw new ConfigError('wrong options of serve', problems);
  const { queueLimit = QUEUE_LIMIT, signal } = result.output;
  return { outputs, queueLimit, signal };
}

/** What keeps a graph from serving jobs. */
export function servingProblems(
  { nodes, links }: Pick<GraphSpec, 'nodes' | 'links'>,
  pathOf: (index: number) => string,
): Problem[] {
  const problems: Problem[] = [];
  const written = new Map<string, string>();
  if (!nodes.some((node) => node.outside === 'input')) {
    const hint = 'What a job consists of comes in by graph.inputStream(name)';
    problems.push({ path: 'input_streams', message: 'a graph that serves jobs needs at least one', hint });
  }
  nodes.forEach((node, index) => {
    const path = pathOf(index);
    if (node.outside === 'reader') {
      const hint = 'Name the stream: serve({ outputs: [stream] })';
      problems.push({ path, message: 'packets() reads no graph that serves jobs', hint });
    } else if (node.outside === undefined && !links.some(({ to }) => to.node === node.id)) {
      const hint = 'Everything a job works on comes in by an input stream: feed a decoder the bytes of the file';
      problems.push({ path, message: 'has no input, so it would know nothing of jobs', hint });
    }
    if (node.warm !== undefined) {
      const hint = 'Give the module itself: a graph that serves constructs it once, and resets it between two jobs';
      problems.push({ path, message: 'is a warm module, which is in one graph after the other', hint });
    }
    if (node.onError === 'drop-branch') {
      const hint =
        'A branch that is dropped would be missing in every later job. A job whose module fails is refused alone';
      problems.push({ path: `${path}.on_error`, message: "'drop-branch' is not for a graph that serves jobs", hint });
    }
    const files = filesOf(node);
    const other = files && written.get(files);
    if (other !== undefined) {
      const hint = 'Give each encoder a folder, or another format';
      problems.push({ path: `${path}.option.output_prefix`, message: `names the files of ${other} as well`, hint });
    } else if (files !== undefined) written.set(files, path);
    if (isSinkModule(node.module.definition)) {
      const hint = 'push_output: 1, and serve({ outputs: { name: encoder } }), gives each job its bytes';
      problems.push({ path, message: 'takes one file, and every job would write it', hint });
    }
    if (writesOneFile(node)) {
      const hint = 'output_prefix numbers the files; push_output gives their bytes';
      problems.push({ path: `${path}.option.output_path`, message: 'is overwritten by every job', hint });
    }
  });
  return problems;
}

function isEncoder({ module }: NodeSpec): boolean {
  return builtinOf(module)?.work === 'encoding';
}

/** What the names of the files that an encoder writes for each job depend on. */
function filesOf(node: NodeSpec): string | undefined {
  const { output_prefix: prefix, format = 'mp4' } = node.options;
  return isEncoder(node) && typeof prefix === 'string' ? `${resolve(prefix)} ${String(format)}` : undefined;
}

function writesOneFile(node: NodeSpec): boolean {
  if (!isEncoder(node)) return false;
  const { options } = node;
  const flag = (value: unknown): boolean => value !== undefined && !['0', 'false', ''].includes(String(value));
  return options.output_path !== undefined && !flag(options.null_output) && !flag(options.push_output);
}

/** What the graph gives its server beside itself. */
export interface ServeEnvironment {
  /** Path of the trace. */
  readonly trace: string | undefined;
  /** Whose threads it uses; default: threads of the server's own. */
  readonly runtime: Runtime | undefined;
  /** Is told what the modules say. */
  readonly onLog: LogListener | undefined;
  /** What there was to say before it began. */
  readonly warnings: readonly string[];
  onRun(run: GraphRun): void;
}

/** The graph with a node behind each of these outputs. */
export function withOutputs(
  graph: GraphSpec,
  outputs: CheckedServeOptions['outputs'],
  moduleOf: (name: string) => Module = () => new JobTap().module,
): GraphSpec {
  const nodes = [...graph.nodes];
  const links = [...graph.links];
  let id = Math.min(0, ...nodes.map((node) => node.id));
  for (const [name, { nodeId, index }] of outputs) {
    const module = { name: 'job_output', definition: moduleOf(name) };
    nodes.push({ id: --id, alias: name, module, options: {}, outside: 'reader' });
    links.push({ from: { node: nodeId, output: index }, to: { node: id, input: 0 } });
  }
  return { ...graph, nodes, links };
}

/** @param graph with the nodes of its input streams, in whose place those of each run are put. */
export function served(
  graph: GraphSpec,
  { outputs, queueLimit }: CheckedServeOptions,
  { trace, runtime, onLog, warnings, onRun }: ServeEnvironment,
): Served {
  const inputNodes = graph.nodes.filter(({ outside }) => outside === 'input');
  const own = runtime === undefined ? new KeptThreads(graph.options.spin) : undefined;
  return {
    inputs: inputNodes.map(({ alias }) => alias),
    files: new Set(inputNodes.filter(({ id }) => feedsFiles(graph, id)).map(({ alias }) => alias)),
    outputs: [...outputs.keys()],
    queueLimit,
    spec: ({ feeds, taps }, firstJob) => {
      const nodes = graph.nodes.map((node): NodeSpec => {
        if (node.outside !== 'input') return node;
        return { ...node, module: { ...node.module, definition: feeds.get(node.alias)!.module } };
      });
      return { ...withOutputs({ ...graph, nodes }, outputs, (name) => taps.get(name)!.module), firstJob };
    },
    gone: () => runtime?.closed ?? false,
    hooks: (number) => ({
      threads: own ?? runtime!.source(),
      ...(onLog && { onLog }),
      ...(trace !== undefined && { trace: tracePath(trace, number) }),
      ...(number === 1 && { warnings }),
    }),
    onRun,
    release: async () => own?.close(new GraphError('ERR_MILLRACE_ABORTED', 'the server was closed')),
  };
}

/** A run after a failure does not overwrite the trace of the one that failed: trace.json, trace.2.json, … */
function tracePath(path: string, number: number): string {
  if (number === 1) return path;
  const suffix = extname(path);
  return `${path.slice(0, path.length - suffix.length)}.${number}${suffix}`;
}
