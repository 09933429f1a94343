/** What a graph consists of, as it was built: its nodes, links and names, checked and written to a file. */
import { writeFileSync } from 'node:fs';
import { builtinOf } from '../../catalog/builtin.js';
import { ConfigError, MillraceError, type Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import { messageOf } from '../../errors/wire.js';
import type { GraphSpec, KeyCallback, LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { didYouMean } from '../../schema/schema.js';
import type { GraphConfig } from '../file/format.js';
import type { ReadGraph } from '../file/read.js';
import { streamName, writeConfig } from '../file/write.js';
import type { Graph } from '../graph.js';
import type { GraphOptionsInput } from '../options/graph-options.js';
import type { ResolvedOptions } from '../options/resolve.js';
import type { GraphPorts } from '../ports/graph-ports.js';
import { callbackProblems, checkCallback, uncalled } from './callbacks.js';
import { defaultAlias } from './draw.js';
import { copyOptions, type ModuleSource, moduleReference } from './module-source.js';
import { checkParameters, type NodeParameters } from './node.js';
import { Stream } from './stream.js';
import { validate } from './validate.js';

export class GraphDefinition {
  readonly nodes: NodeSpec[] = [];
  readonly links: LinkSpec[] = [];
  /** Streams that a graph file names as its outputs. */
  readonly declared: LinkSpec['from'][] = [];
  /** Ids of the nodes that a graph file has. */
  private readonly filed = new Set<number>();
  private streamAliases: ReadonlyMap<string, string> = new Map();
  /** Of the graph, by key. */
  private readonly callbacks = new Map<string, KeyCallback>();

  constructor(
    private readonly graph: Graph,
    private readonly options: GraphOptionsInput,
    readonly resolved: ResolvedOptions,
    private readonly session: GraphPorts,
  ) {}

  // --- building -----------------------------------------------------------------------------------------------------

  /** What a graph file has. */
  adopt({ nodes, inputs, outputs, links, streamAliases }: Omit<ReadGraph, 'options'>): void {
    this.nodes.push(...nodes);
    for (const { id } of nodes) this.filed.add(id);
    this.links.push(...links);
    for (const name of inputs) this.session.input(name);
    this.declared.push(...outputs);
    this.streamAliases = streamAliases;
  }

  /** Adds a node. @returns its id. @throws ConfigError for parameters that are wrong. */
  add(source: ModuleSource, options: unknown, parameters: NodeParameters): number {
    const module = moduleReference(source);
    const isByName = !module.path && !module.definition;
    const own = copyOptions(options, module, module.name);
    const given = isByName && 'on_error' in own ? { on_error: own.on_error, ...parameters } : parameters;
    if (isByName) delete own.on_error;
    const { inputs, ...checked } = checkParameters(given, module.name);
    const id = this.nodes.reduce((highest, node) => Math.max(highest, node.id), -1) + 1;
    const links = this.linksInto(id, module.name, inputs ?? []);
    let { alias } = checked;
    // BMF's builder takes the alias among the options, and graph files have it there.
    if (isByName && typeof own.alias === 'string') {
      alias ??= own.alias || undefined;
      delete own.alias;
    }
    const { scheduler, thread, inputManager, queueLimit, distNums, callback, on_error: onError } = checked;
    this.nodes.push({
      id,
      alias: alias ?? defaultAlias({ id, module }),
      module,
      options: own,
      ...(inputManager !== undefined && { inputManager }),
      ...(scheduler !== undefined && { scheduler }),
      ...(thread !== undefined && { thread }),
      ...(queueLimit !== undefined && { queueLimit }),
      ...(onError !== undefined && { onError }),
      ...(distNums !== undefined && distNums > 1 && { distNums }),
      ...(callback !== undefined && { callback }),
    });
    this.links.push(...links);
    return id;
  }

  /** @param node Alias or id of the node whose callback it is; absent: the graph's. @throws ConfigError for what is none. */
  addCallback(key: string | number, callback: KeyCallback | string, node?: string | number): void {
    checkCallback(key, callback, node !== undefined);
    if (node === undefined) this.callbacks.set(String(key), callback as KeyCallback);
    else {
      const spec = this.find(node);
      spec.callbacks = new Map([...(spec.callbacks ?? []), [String(key), callback]]);
    }
  }

  private linksInto(id: number, name: string, inputs: readonly (Stream | null)[]): LinkSpec[] {
    return inputs.flatMap((stream, input): LinkSpec[] => {
      if (stream === null || stream === undefined) return [];
      if (!(stream instanceof Stream)) {
        throw new MillraceError('ERR_MILLRACE_CONFIG', `input ${input} of ${name} is no stream`, {
          hint: 'Streams are what decode(), module() and their methods return; null leaves an input unconnected',
        });
      }
      if (stream.graph !== this.graph) {
        throw new MillraceError('ERR_MILLRACE_CONFIG', `input ${input} of ${name} is a stream of another graph`, {
          hint: 'Build both nodes from one Graph',
        });
      }
      return [{ from: { node: stream.nodeId, output: stream.index }, to: { node: id, input } }];
    });
  }

  // --- names --------------------------------------------------------------------------------------------------------

  /** The node with that alias or id. @throws MillraceError ERR_MILLRACE_CONFIG if there is none. */
  find(alias: string | number): NodeSpec {
    const node = this.nodes.find((candidate) => candidate.alias === alias || candidate.id === alias);
    if (node) return node;
    throw new MillraceError('ERR_MILLRACE_CONFIG', `the graph has no node '${alias}'`, {
      hint: didYouMean(
        String(alias),
        this.nodes.map((candidate) => candidate.alias),
        `Nodes are ${this.nodes.map((candidate) => candidate.alias).join(', ') || 'none'}`,
      ),
    });
  }

  /** Name of the stream with that alias. @throws MillraceError ERR_MILLRACE_CONFIG if there is none. */
  streamCalled(alias: string): string {
    for (const [name, known] of this.streamAliases) if (known === alias) return name;
    throw new MillraceError('ERR_MILLRACE_CONFIG', `the graph has no stream '${alias}'`, {
      hint: didYouMean(String(alias), this.streamAliases.values(), 'Stream aliases come from graph files'),
    });
  }

  /** Name of a node's output in graph files. */
  streamName(nodeId: number, output: number): string {
    const node = this.spec().nodes.find(({ id }) => id === nodeId);
    if (node === undefined) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `the graph has no node with the id ${describeValue(nodeId)}`);
    }
    return streamName(node, output);
  }

  /** JSON path of a node by its place in the specification. */
  readonly pathOf = (index: number): string => {
    const { id, module, alias } = this.spec().nodes[index]!;
    return id < 0 ? `${module.name} "${alias}"` : `nodes[${index}] (${module.name} "${alias}")`;
  };

  // --- as a whole ---------------------------------------------------------------------------------------------------

  /** The graph with its input streams and readers. */
  spec(): GraphSpec {
    const { name, options } = this.resolved;
    const nodes = [...this.nodes.map((node) => this.asRun(node)), ...this.session.nodes];
    return { name, options, nodes, links: [...this.links, ...this.session.links], callbacks: this.callbacks };
  }

  /** With what its module assumes of nodes in graph files, if it came from one. */
  asRun(node: NodeSpec): NodeSpec {
    const assumed = this.filed.has(node.id) ? builtinOf(node.module)?.inFiles : undefined;
    return assumed ? { ...node, options: { ...assumed, ...node.options } } : node;
  }

  /** What is wrong with it; `later` is what asynchronous schemas have to say. */
  check({ nodes, links } = this.spec()): ReturnType<typeof validate> {
    const { problems, later } = validate({ nodes, links, pathOf: this.pathOf });
    // What stands behind the graph for the time of a run (outputs of jobs) has none, and no path either.
    const unbound = nodes.flatMap((node, index) =>
      node.callbacks === undefined ? [] : callbackProblems(node, this.pathOf(index), this.callbacks),
    );
    return { problems: [...problems, ...unbound, ...this.session.problems(links)], later };
  }

  /** @throws ConfigError with the problems, if there are any. */
  refuse(problems: readonly Problem[]): void {
    if (problems.length === 0) return;
    const name = this.options.graph_name === undefined ? 'the graph' : `graph '${this.resolved.name}'`;
    throw new ConfigError(`${name} cannot run`, problems);
  }

  /** What was given and has no effect. */
  get idle(): string[] {
    return uncalled(this.nodes, this.callbacks).map((key) => `no module of the graph calls the callback '${key}'`);
  }

  toConfig(): GraphConfig {
    const { config, problems } = this.written();
    if (problems.length > 0) throw new ConfigError('the graph cannot be written to a file', problems);
    return config;
  }

  private written(): ReturnType<typeof writeConfig> {
    const inputs = [...this.session.inputs.values()].map(({ node }) => node);
    const outputs = [...this.declared, ...this.session.links.map(({ from }) => from)];
    return writeConfig(this.options, this.nodes, inputs, outputs, this.links, this.streamAliases, this.pathOf);
  }

  /**
   * Writes the file that `dump_graph` asks for. What a file cannot hold does not keep the graph from running.
   * @returns warnings of what is not in the file.
   * @throws MillraceError ERR_MILLRACE_OUTPUT
   */
  dump(): string[] {
    const { dumpPath } = this.resolved;
    if (dumpPath === undefined) return [];
    const { config, problems } = this.written();
    const text = `${JSON.stringify(config, null, 2)}\n`;
    try {
      writeFileSync(dumpPath, text);
    } catch (cause) {
      const why = messageOf(cause);
      throw new MillraceError('ERR_MILLRACE_OUTPUT', `the graph file ${dumpPath} cannot be written: ${why}`, {
        cause,
        hint: 'dump_graph is 0, 1 or a path that can be written',
      });
    }
    return problems.map(
      ({ path, message, hint }) =>
        `dump_graph: ${path} ${message}, and is not in ${dumpPath}${hint === undefined ? '' : ` (${hint})`}`,
    );
  }
}
