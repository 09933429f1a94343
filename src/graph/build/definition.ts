/** What a graph consists of, as it was built: its nodes and links, and the whole of them, checked and written to a file. */
import { builtinOf } from '../../catalog/builtin.js';
import { withLoader } from '../../catalog/registry.js';
import { ConfigError, MillraceError, type Problem } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { ModuleRef } from '../../module/ref.js';
import type { GraphSpec, KeyCallback, LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { WarmModule } from '../../scheduler/warm/warm-module.js';
import { didYouMean } from '../../schema/schema.js';
import { dumpGraph } from '../file/dump.js';
import { ffmpegCommand } from '../file/ffmpeg-command.js';
import type { GraphConfig } from '../file/format.js';
import type { ReadGraph } from '../file/read.js';
import type { FileSettings } from '../file/trust.js';
import type { AddedNode } from '../file/update.js';
import { streamName, writeConfig } from '../file/write.js';
import type { Graph } from '../graph.js';
import type { GraphOptionsInput } from '../options/graph-options.js';
import { takeDistNums } from '../options/node-options.js';
import type { ResolvedOptions } from '../options/resolve.js';
import { sinkModule } from '../output/sink.js';
import type { GraphPorts } from '../ports/graph-ports.js';
import { callbackProblems, checkCallback, mayCall, uncalled } from './callbacks.js';
import { Links } from './definition/links.js';
import { Names } from './definition/names.js';
import { isSound } from './definition/sound.js';
import { addUpdateNodes } from './definition/update-nodes.js';
import { defaultAlias } from './draw.js';
import { copyOptions, type ModuleSource, moduleReference } from './module-source.js';
import { checkParameters, type NodeParameters } from './node.js';
import { type ProgramOutput, splitOutput } from './program/output.js';
import { NodeHandle, Stream } from './stream.js';
import { addSubgraph } from './subgraph/define.js';
import { GraphFiles } from './subgraph/graph-files.js';
import { type Inherited, Scopes } from './subgraph/scope.js';
import { validate } from './validate.js';
import { placeWarm, warmArguments, warmProblems } from './warm.js';

export class GraphDefinition {
  readonly nodes: NodeSpec[] = [];
  private readonly wiring = new Links();
  readonly links: LinkSpec[] = this.wiring.all;
  private readonly fileOutputs: LinkSpec['from'][] = [];
  /** Ids of the nodes that a graph file has. */
  private readonly filed = new Set<number>();
  /** Ids up to this one are taken, though no node here has them. */
  private highest = -1;
  private streamAliases: ReadonlyMap<string, string> = new Map();
  private readonly scopes = new Scopes();
  private readonly files: GraphFiles;
  /** Ids of nodes that hand the bytes of encoders to the program. */
  private readonly sinks = new Set<number>();
  private readonly names = new Names<NodeHandle>(this.nodes, () => this.session.nodes, this.scopes);
  /** Of the graph, by key. */
  private readonly callbacks = new Map<string, KeyCallback>();

  constructor(
    private readonly graph: Graph,
    private options: GraphOptionsInput,
    public resolved: ResolvedOptions,
    private readonly session: GraphPorts,
  ) {
    this.files = new GraphFiles(graph, this);
  }

  // --- building -----------------------------------------------------------------------------------------------------

  /** Other options than the graph was made with. */
  setOptions(options: GraphOptionsInput, resolved: ResolvedOptions): void {
    this.options = options;
    this.resolved = resolved;
  }

  /** As they were given. */
  get given(): GraphOptionsInput {
    return this.options;
  }

  /** Streams that a graph file names as its outputs. */
  get declared(): readonly LinkSpec['from'][] {
    return this.resolved.outputStreams ? this.fileOutputs : [];
  }

  /** A sub-graph is being built. */
  get building(): boolean {
    return this.scopes.building;
  }

  /** What a graph file has. @throws as `GraphFiles.adopt`. */
  adopt(read: Omit<ReadGraph, 'options'>, settings: FileSettings): void {
    for (const name of read.inputs) this.session.input(name);
    const { outputs, streamAliases } = this.files.adopt(read, settings);
    this.fileOutputs.push(...outputs);
    this.streamAliases = streamAliases;
  }

  /** A node of a graph file, its alias as it is from outside. */
  addFiled(node: NodeSpec): void {
    this.filed.add(node.id);
    this.nodes.push({ ...node, module: this.loadable(node.module), ...said(this.scopes.inherited(node)) });
  }

  private loadable(module: ModuleRef): ModuleRef {
    return withLoader(module, this.resolved.options.loader);
  }

  /**
   * Nodes that an update adds, with new ids. @param stream finds one of the graph by its name.
   * @throws MillraceError ERR_MILLRACE_CONFIG for streams and nodes that there are not.
   */
  addUpdate(added: readonly AddedNode[], stream: (name: string) => Stream): void {
    addUpdateNodes(added, {
      links: this.links,
      nextId: () => this.nextId,
      addFiled: (node) => this.addFiled(node),
      find: (alias) => this.find(alias),
      feed: ({ node, output }, id) => void this.connect(new Stream(this.graph, node, output), id),
      outputCalled: (name) => {
        const { nodeId: node, index: output } = stream(name);
        return { node, output };
      },
    });
  }

  /** The alias, from outside, of what is called so in the sub-graph that is being built. */
  qualified(alias: string): string {
    return this.scopes.qualified(alias);
  }

  /** Of the next node. */
  get nextId(): number {
    return this.nodes.reduce((highest, node) => Math.max(highest, node.id), this.highest) + 1;
  }

  /** Adds a node, or those of a sub-graph. @throws ConfigError for parameters that are wrong. */
  add(source: ModuleSource, options: unknown, parameters: NodeParameters): NodeHandle {
    const module = this.loadable(moduleReference(source));
    const graph = this.files.templateOf(module);
    if (graph !== undefined) return addSubgraph(this.graph, this, { ...module, graph }, options, parameters);
    if (source instanceof WarmModule) return new NodeHandle(this.graph, this.addWarm(source, options, parameters));
    return new NodeHandle(this.graph, this.addNode(module, options, parameters));
  }

  /** @returns its id. */
  private addWarm(warm: WarmModule, options: unknown, parameters: NodeParameters): number {
    const problems = warmArguments(options, parameters);
    if (problems.length > 0) throw new ConfigError(`wrong use of the warm module ${warm.alias}`, problems);
    const id = this.addNode(warm.spec.module, warm.spec.options, parameters);
    placeWarm(this.nodes.at(-1)!, warm);
    return id;
  }

  /** @returns its id. */
  private addNode(module: ModuleRef, options: unknown, parameters: NodeParameters): number {
    const isByName = !module.path && !module.definition;
    const { rest, output } = splitOutput(options as object, module);
    const own = copyOptions(rest, module, module.name);
    const given = isByName && 'on_error' in own ? { on_error: own.on_error, ...parameters } : parameters;
    if (isByName) delete own.on_error;
    const { inputs, ...checked } = checkParameters(given, module.name);
    const id = this.nextId;
    const links = this.linksInto(id, module.name, inputs ?? []);
    let { alias } = checked;
    // BMF's builder takes the alias among the options, and graph files have it there.
    if (isByName && typeof own.alias === 'string') {
      alias ??= own.alias || undefined;
      delete own.alias;
    }
    const { inputManager, queueLimit, on_error } = checked;
    const taken = takeDistNums(module, own, 'option');
    if (taken.problems.length > 0) throw new ConfigError(`wrong options of ${module.name}`, taken.problems);
    const { distNums = taken.distNums } = checked;
    this.nodes.push({
      id,
      alias: this.scopes.qualified(alias ?? defaultAlias({ id, module })),
      module,
      options: own,
      ...said(this.scopes.inherited({ ...checked, onError: on_error })),
      ...(inputManager !== undefined && { inputManager }),
      ...(queueLimit !== undefined && { queueLimit }),
      ...(distNums !== undefined && distNums > 1 && { distNums }),
    });
    this.links.push(...links);
    if (output) this.addOutput(id, output);
    return id;
  }

  /** The node that hands the bytes of an encoder to the program. */
  private addOutput(encoder: number, { sink, indexFirst }: ProgramOutput): void {
    const { alias, onError } = this.nodes.find((node) => node.id === encoder)!;
    const id = this.nextId;
    const module = { name: 'output', definition: sinkModule(sink, alias, indexFirst) };
    this.nodes.push({ id, alias: `${alias}.output`, module, options: {}, ...(onError !== undefined && { onError }) });
    this.links.push({ from: { node: encoder, output: 0 }, to: { node: id, input: 0 } });
    this.sinks.add(id);
  }

  // --- sub-graphs ---------------------------------------------------------------------------------------------------

  freeAlias(name: string, isAsked: boolean): string {
    return this.names.free(name, isAsked);
  }

  inside<T>(alias: string, inherited: Inherited, build: () => T): { built: T; last: number | undefined } {
    const [nodes, links] = [this.nodes.length, this.links.length];
    const { paths } = this.names;
    try {
      const built = this.scopes.within(alias, inherited, build);
      return { built, last: this.nodes.length > nodes ? this.nodes.at(-1)!.id : undefined };
    } catch (error) {
      // Nothing is left of a sub-graph that could not be built.
      for (const { id } of this.nodes.splice(nodes)) this.filed.delete(id);
      this.links.length = links;
      this.names.keep(paths);
      throw error;
    }
  }

  note(alias: string, handle: NodeHandle): void {
    this.names.note(alias, handle);
  }

  // --- callbacks ----------------------------------------------------------------------------------------------------

  /** @param node Alias or id of the node whose callback it is; absent: the graph's. @throws ConfigError for what is none. */
  addCallback(key: string | number, callback: KeyCallback | string, node?: string | number): void {
    checkCallback(key, callback, node !== undefined);
    if (node === undefined) this.callbacks.set(String(key), callback as KeyCallback);
    else {
      for (const spec of this.askedBy(node, String(key))) {
        spec.callbacks = new Map([...(spec.callbacks ?? []), [String(key), callback]]);
      }
    }
  }

  /**
   * @param change Options that the node has from the first packet of that input on.
   * @returns the number of the input.
   */
  connect(stream: Stream, id: number, input?: number, change?: Record<string, unknown>): number {
    const { alias } = this.find(id);
    const free = this.wiring.inputOf(id, alias, input);
    const [link] = this.linksInto(id, alias, [stream]);
    this.links.push({ ...link!, to: { node: id, input: free }, ...(change !== undefined && { change }) });
    return free;
  }

  /** The node, or those of a sub-graph that may call such a callback. */
  private askedBy(alias: string | number, key: string): NodeSpec[] {
    const path = this.names.pathOf(alias);
    if (path === undefined) return [this.find(alias)];
    const asked = this.names.within(path).filter((node) => mayCall(node, key));
    if (asked.length > 0) return asked;
    throw new MillraceError('ERR_MILLRACE_CONFIG', `no module of the sub-graph ${path} calls the callback '${key}'`);
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

  /** Ids of a running graph are not given again. */
  startAbove(id: number): void {
    this.highest = Math.max(this.highest, id);
  }

  /** The links are no part of the graph any more. */
  drop(links: readonly LinkSpec[]): void {
    this.wiring.drop(links);
  }

  /** The node is no part of the graph any more, and its alias is free; so is that of a sub-graph with its last node. */
  remove(id: number): void {
    const at = this.nodes.findIndex((node) => node.id === id);
    const [node] = at >= 0 ? this.nodes.splice(at, 1) : [];
    if (node === undefined) this.session.remove(id);
    this.wiring.leave(id);
    if (node !== undefined) this.names.forget(node);
  }

  /** Ids of the nodes of a sub-graph, by its alias or handle; undefined for what is none. */
  membersOf(node: Stream | string | number): number[] | undefined {
    const path = this.names.pathOf(node);
    return path === undefined ? undefined : this.names.within(path).map(({ id }) => id);
  }

  /** The node that hands the bytes of an encoder to the program. */
  sinkBehind(encoder: number): number | undefined {
    return this.links.find(({ from, to }) => from.node === encoder && this.sinks.has(to.node))?.to.node;
  }

  /** What the ports of the program have to know of who is connected to them. */
  lookAtPorts(): void {
    this.session.look(this.spec());
  }

  /** Of nodes and sub-graphs. */
  get aliases(): string[] {
    return [...this.spec().nodes.map(({ alias }) => alias), ...this.names.paths];
  }

  // --- names --------------------------------------------------------------------------------------------------------

  /** The node, or the sub-graph, with that alias, or the node with that id. @throws as `find`. */
  handle(alias: string | number): NodeHandle {
    const path = this.names.pathOf(alias);
    return path === undefined ? new NodeHandle(this.graph, this.find(alias).id) : this.names.handleOf(path);
  }

  /** The node with that alias or id. @throws MillraceError ERR_MILLRACE_CONFIG if there is none. */
  find(alias: string | number): NodeSpec {
    return this.names.find(alias);
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
    const { nodes, session } = this;
    const { id, module, alias } = nodes[index] ?? session.nodes[index - nodes.length]!;
    return id < 0 ? `${module.name} "${alias}"` : `nodes[${index}] (${module.name} "${alias}")`;
  };

  /** Whether a stream is known to be sound. */
  isAudio(nodeId: number, output: number): boolean {
    return isSound(this, nodeId, output);
  }

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

  /**
   * What is wrong with it; `later` is what asynchronous schemas have to say.
   * @param only as of `validate`.
   */
  check({ nodes, links } = this.spec(), only?: ReadonlySet<number>): ReturnType<typeof validate> {
    const { problems, later } = validate({ nodes, links, pathOf: this.pathOf }, only);
    // Of its own nodes: those that a server adds have none, and no place in it.
    const unbound = this.nodes.flatMap((node, index) =>
      callbackProblems(node, () => this.pathOf(index), this.callbacks),
    );
    const cold = warmProblems({ nodes: this.nodes, threads: this.resolved.options.threads }, this.pathOf);
    const unused = only === undefined ? this.session.problems(links) : [];
    return { problems: [...problems, ...unbound, ...cold, ...unused], later };
  }

  /** @throws ConfigError with the problems, if there are any. */
  refuse(problems: readonly Problem[]): void {
    if (problems.length === 0) return;
    const name = this.options.graph_name === undefined ? 'the graph' : `graph '${this.resolved.name}'`;
    throw new ConfigError(`${name} cannot run`, problems);
  }

  /** What was given and has no effect. */
  get idle(): string[] {
    const uncalls = uncalled(this.nodes, this.callbacks);
    return [...this.resolved.idle, ...uncalls.map((key) => `no module of the graph calls the callback '${key}'`)];
  }

  toConfig(): GraphConfig {
    const { config, problems } = this.written();
    if (problems.length > 0) throw new ConfigError('the graph cannot be written to a file', problems);
    return config;
  }

  /** @throws ConfigError for what the command does not have. */
  toFFmpeg(): string {
    const { nodes, links } = this.spec();
    const { command, problems } = ffmpegCommand(nodes, links, this.pathOf);
    if (problems.length > 0) throw new ConfigError('the ffmpeg command cannot do what the graph does', problems);
    return command;
  }

  private written(): ReturnType<typeof writeConfig> {
    const inputs = [...this.session.inputs.values()].map(({ node }) => node);
    const outputs = [...this.declared, ...this.session.links.map(({ from }) => from)];
    const { loader: _loader, ...options } = this.options;
    return writeConfig(options, this.nodes, inputs, outputs, this.links, this.streamAliases, this.pathOf);
  }

  /** Writes the file that `dump_graph` asks for. @returns as `dumpGraph`. */
  dump(): string[] {
    const { dumpPath } = this.resolved;
    return dumpPath === undefined ? [] : dumpGraph(dumpPath, this.written());
  }
}

/** Of what a node has, that which something is said of. */
function said(inherited: Inherited): Partial<NodeSpec> {
  return Object.fromEntries(Object.entries(inherited).filter(([, value]) => value !== undefined));
}
