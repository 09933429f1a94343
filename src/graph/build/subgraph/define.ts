/** Sub-graphs: parts of a graph that are described once and used wherever a module is. */

import * as v from 'valibot';
import { ConfigError, MillraceError, type Problem } from '../../../errors/errors.js';
import { describeValue } from '../../../errors/naming.js';
import { messageOf } from '../../../errors/wire.js';
import { GraphTemplate } from '../../../module/graph-template.js';
import type { ModuleRef } from '../../../module/ref.js';
import type { KeyCallback } from '../../../scheduler/plan/spec.js';
import { checked, problemsFrom } from '../../../schema/problems.js';
import { integer, parsed, strictOptions, text } from '../../../schema/schema.js';
import type { OptionSchema } from '../../../schema/standard.js';
import type { Graph } from '../../graph.js';
import { copyOptions } from '../module-source.js';
import { checkParameters, type NodeParameters } from '../node.js';
import { NodeHandle, Stream } from '../stream.js';
import type { Inherited } from './scope.js';

/** What a sub-graph gives out: its output 0, or its outputs 0, 1, …, or those behind `.video` and `.audio`; nothing if it has none. */
export type GraphOutputs =
  | Stream
  | readonly Stream[]
  | { readonly video?: Stream | undefined; readonly audio?: Stream | undefined }
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing makes a sub-graph without outputs.
  | void;

/** What is known of a sub-graph before it is built. */
export interface GraphFacts<Options> {
  /** What it is called in errors and default aliases. Default: the name it is registered by, or of its function. */
  readonly name?: string | undefined;
  /** How many inputs it has, all of which are to be connected. Default: as many as are. */
  readonly inputs?: number | undefined;
  /** Options are checked against it; what it returns is what the function gets. Not an asynchronous one. */
  readonly schema?: OptionSchema<Options> | undefined;
}

const factsSchema = strictOptions({
  name: v.optional(text('a name')),
  inputs: v.optional(integer({ min: 0, max: 1024 })),
  schema: v.optional(
    parsed<OptionSchema<unknown>>('anything with the Standard Schema interface', (value) =>
      typeof (value as { '~standard'?: { validate?: unknown } } | null)?.['~standard']?.validate === 'function'
        ? (value as OptionSchema<unknown>)
        : undefined,
    ),
  ),
});

/**
 * A sub-graph, to be used wherever a module is: `graph.module(template, options, { inputs, alias })`, `stream.module(template)`,
 * `registerModule(name, template)`, or as the export of a file.
 * @param build Adds its nodes to `graph` with the methods a graph has, and returns its outputs. It is called each time the
 *   sub-graph is used. `inputs` are the streams connected to the inputs 0, 1, … (undefined where none is), `options` a copy.
 *   Aliases inside are its own: from outside `scale` in the sub-graph `left` is `left/scale`.
 * @throws ConfigError for what is no function.
 * @example
 * const thumbnail = defineGraph((graph, [video], { width = 160 }) => video.fps(1).scale(width, -2));
 * input.video.module(thumbnail, { width: 320 }, { alias: 'small' }).encode(null, { output_path: '%03d.jpg' });
 */
export function defineGraph<Options extends object = Record<string, unknown>>(
  build: (graph: Graph, inputs: readonly Stream[], options: Options) => GraphOutputs,
  facts: GraphFacts<Options> = {},
): GraphTemplate<Options> {
  if (typeof build !== 'function') {
    throw new ConfigError('wrong arguments of defineGraph', [
      { path: 'build', message: `must be a function (graph, inputs, options) => outputs, not ${describeValue(build)}` },
    ]);
  }
  const { name = build.name || 'graph', inputs } = checked(factsSchema, facts, 'facts of defineGraph');
  return new GraphTemplate<Options>(name, build as GraphTemplate['build'], inputs, facts.schema);
}

/** What the definition of a graph does for a sub-graph. */
export interface SubgraphHost {
  /** A name that no node and no sub-graph has. @throws MillraceError ERR_MILLRACE_CONFIG if it was asked for, and is taken. */
  freeAlias(name: string, isAsked: boolean): string;
  /** Builds, or takes back what was added. @returns what `build` has, and the node that was added last. */
  inside<T>(alias: string, inherited: Inherited, build: () => T): { built: T; last: number | undefined };
  /** From now on it is found by its alias. */
  note(alias: string, handle: NodeHandle): void;
}

/**
 * Builds a sub-graph into a graph, in the place of a node.
 * @returns a handle for its outputs.
 * @throws ConfigError for parameters and options that are wrong; what its function throws, with the alias before it.
 */
export function addSubgraph(
  graph: Graph,
  host: SubgraphHost,
  { name: called, graph: template }: Pick<ModuleRef, 'name'> & { readonly graph: GraphTemplate<object> },
  options: unknown,
  parameters: NodeParameters & Pick<Inherited, 'protocolWhitelist'>,
): NodeHandle {
  const { protocolWhitelist, ...own } = parameters;
  const { alias: asked, inputs: connected = [], ...rest } = checkParameters(own, called);
  const alias = host.freeAlias(asked ?? called, asked !== undefined);
  const what = `the sub-graph ${alias === called ? alias : `${alias} (${called})`}`;
  const { scheduler, thread, callback, ...refused } = rest;
  const inputs = connected.map((stream) => stream ?? undefined);
  const problems = [...problemsOf(refused, inputs, template)];
  const { value, wrong } = optionsOf(template, options, alias);
  if (problems.length + wrong.length > 0) throw new ConfigError(`${what} cannot be built`, [...problems, ...wrong]);
  const inherited: Inherited = { scheduler, thread, callback, protocolWhitelist };
  const { built, last } = host.inside(alias, inherited, () => {
    try {
      const build = template.build as (graph: Graph, inputs: unknown, options: unknown) => unknown;
      return outputsOf(build(graph, inputs, value), graph);
    } catch (cause) {
      if (cause instanceof ConfigError)
        throw new ConfigError(`${what}: ${cause.message.split('\n')[0]}`, cause.problems);
      throw new MillraceError('ERR_MILLRACE_CONFIG', `${what}: ${messageOf(cause)}`, { cause });
    }
  });
  // A sub-graph without outputs stands for its last node: it is called by a name, and has nothing else to give.
  const sink = last === undefined ? undefined : new Stream(graph, last, 0);
  const stream = built instanceof NodeHandle ? built : (built.streams[0] ?? sink);
  if (stream === undefined) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${what} is empty: it added no node and returned no stream`);
  }
  const handle = new SubgraphHandle(stream, alias, what, built);
  host.note(alias, handle);
  return handle;
}

/** The outputs of a node, or streams of several ones as if they were outputs of one. */
class SubgraphHandle extends NodeHandle {
  constructor(
    stream: Stream,
    private readonly alias: string,
    private readonly what: string,
    private readonly made: NodeHandle | Outputs,
  ) {
    super(stream.graph, stream.nodeId, stream.index);
    if (!(made instanceof NodeHandle)) this.withMedia(made.video, made.audio);
  }

  override get video(): Stream {
    return this.made instanceof NodeHandle ? this.made.video : super.video;
  }

  override get audio(): Stream {
    return this.made instanceof NodeHandle ? this.made.audio : super.audio;
  }

  override output(index: number): Stream {
    if (this.made instanceof NodeHandle) return this.made.output(index);
    const { streams } = this.made;
    const stream = streams[index];
    if (stream !== undefined) return stream;
    const { length } = streams;
    const has = length === 0 ? 'It has none' : length === 1 ? 'It has output 0' : `It has outputs 0 to ${length - 1}`;
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${this.what} has no output ${index}`, { hint: has });
  }

  /** Of all nodes inside that may call it. */
  override addCallback(key: string | number, callback: KeyCallback<never> | string): this {
    this.graph.addCallback(key, callback, this.alias);
    return this;
  }
}

function* problemsOf(
  refused: Omit<NodeParameters, 'inputs' | 'alias'>,
  inputs: readonly (Stream | undefined)[],
  template: GraphTemplate<object>,
): Generator<Problem> {
  for (const [key, value] of Object.entries(refused)) {
    if (value === undefined) continue;
    yield { path: key, message: 'belongs to a node, and this is a sub-graph', hint: 'Give it to the nodes inside' };
  }
  const { inputs: count } = template;
  if (count === undefined) return;
  const missing = Array.from({ length: count }, (_, i) => i).filter((i) => inputs[i] === undefined);
  if (missing.length > 0)
    yield { path: 'inputs', message: `has ${count}, and nothing is connected to ${missing.join(', ')}` };
  if (inputs.length > count) yield { path: 'inputs', message: `has ${count}, and ${inputs.length} are connected` };
}

function optionsOf(
  template: GraphTemplate<object>,
  options: unknown,
  alias: string,
): { value: unknown; wrong: readonly Problem[] } {
  // They stay in this thread, as those of a module of this process.
  const value = copyOptions(options, { name: template.name, graph: template }, alias);
  const schema = template.schema as OptionSchema<unknown> | undefined;
  if (schema === undefined) return { value, wrong: [] };
  const result = schema['~standard'].validate(value);
  if (result instanceof Promise) {
    const message = 'has an asynchronous schema, and a graph is built at once';
    return { value, wrong: [{ path: 'option', message }] };
  }
  if (result.issues === undefined) return { value: result.value, wrong: [] };
  return { value, wrong: problemsFrom('option', result.issues) };
}

interface Outputs {
  readonly streams: readonly Stream[];
  /** Places in `streams`. */
  readonly video?: number | undefined;
  readonly audio?: number | undefined;
}

/** @throws MillraceError ERR_MILLRACE_CONFIG for what are no streams of the graph. */
function outputsOf(returned: unknown, graph: Graph): NodeHandle | Outputs {
  if (returned === undefined || returned === null) return { streams: [] };
  const isNamed = isMedia(returned);
  const { video, audio } = isNamed ? returned : {};
  const list: unknown[] = isNamed ? [video, audio].filter((stream) => stream !== undefined) : [returned].flat();
  if (!list.every((item) => item instanceof Stream)) throw noOutputs(returned);
  const foreign = list.find((stream) => stream.graph !== graph);
  if (foreign) throw new MillraceError('ERR_MILLRACE_CONFIG', `it returned ${foreign.name}, a stream of another graph`);
  // A node as a whole: the outputs are those that it has.
  if (returned instanceof NodeHandle) return returned;
  if (!isNamed) return { streams: list, video: 0, audio: 1 };
  return {
    streams: list,
    video: video === undefined ? undefined : 0,
    audio: audio === undefined ? undefined : list.length - 1,
  };
}

function isMedia(value: unknown): value is { readonly video?: unknown; readonly audio?: unknown } {
  if (typeof value !== 'object' || value === null || value instanceof Stream) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => key === 'video' || key === 'audio');
}

function noOutputs(returned: unknown): MillraceError {
  const isLate = returned instanceof Promise;
  // Whatever becomes of it comes too late, and is none of the graph's.
  if (isLate) returned.catch(() => {});
  return new MillraceError('ERR_MILLRACE_CONFIG', `it returned ${describeValue(returned)}`, {
    hint: isLate
      ? 'A graph is built at once: wait for what it needs before, and give it as options'
      : 'It returns a stream, a list of streams, { video, audio }, or nothing',
  });
}
