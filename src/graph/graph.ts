/** The builder, and all that can be done with what it has built. */

import { ConfigError, MillraceError } from '../errors/errors.js';
import { stateError } from '../errors/make.js';
import { describeValue } from '../errors/naming.js';
import { setLogLevel } from '../media/ffmpeg.js';
import type { Packet } from '../media/packet/packet.js';
import type { LogListener } from '../module/log.js';
import type { WrittenPacket } from '../module/written-packet.js';
import type { SyncModule } from '../scheduler/call/sync-module.js';
import type { PlacementExplanation } from '../scheduler/plan/explain.js';
import type { GraphFileOptions } from '../scheduler/plan/graph-options.js';
import { explainPlacement } from '../scheduler/plan/plan.js';
import type { KeyCallback } from '../scheduler/plan/spec.js';
import type { GraphStats, Progress, Report } from '../scheduler/run/report.js';
import type { GraphStatus } from '../scheduler/run/status.js';
import { requireObject } from '../schema/argument.js';
import { setParts } from './build/burn.js';
import { GraphDefinition } from './build/definition.js';
import { toGraphviz, toMermaid } from './build/draw.js';
import { type EncodeStreams, encode } from './build/encode.js';
import { type FilterInput, readFilterCall } from './build/filters/call.js';
import type { DecoderOptions, EncoderOptions } from './build/module-options.js';
import type { ModuleOptions, ModuleSource } from './build/module-source.js';
import type { NodeParameters } from './build/node.js';
import { type NodeHandle, Stream } from './build/stream.js';
import { isDecoder, noteSelection, setChooser } from './build/stream-selection.js';
import { type CallHost, makeModule, moduleOfNode, ownCallHost, type SyncParameters } from './call/sync-module.js';
import { Adding } from './changes/adding.js';
import { changesOf, GraphChanges } from './changes/changes.js';
import type { GraphConfig } from './file/format.js';
import { readConfig } from './file/read.js';
import { type Allowed, checkSettings } from './file/trust.js';
import { forbiddenResets, readUpdate, type UpdateConfig } from './file/update.js';
import { outputNamed } from './file/write.js';
import { Lifecycle } from './lifecycle.js';
import type { GraphOptionsInput } from './options/graph-options.js';
import { requireGraphOptions } from './options/resolve.js';
import {
  checkOnLog,
  checkRunOptions,
  checkStartOptions,
  type RunOptions,
  type StartOptions,
} from './options/run-options.js';
import { withoutUrls } from './options/urls.js';
import { GraphPorts } from './ports/graph-ports.js';
import { InputStream } from './ports/input-stream.js';
import { checkRuntime, type Runtime } from './runtime.js';
import type { Server } from './serve/server.js';
import { checkServeOptions, type ServeOptions } from './serve/serving.js';

/**
 * A media graph. Build it from `decode`, `module` and the methods of the streams they return, then `run` it once.
 *
 *     const graph = new Graph();
 *     const input = graph.decode({ input_path: 'in.mp4' });
 *     input.video.scale(640, 360).encode(input.audio, { output_path: 'out.mp4' });
 *     const report = await graph.run();
 */
export class Graph {
  private readonly blueprint: GraphDefinition;
  private readonly session: GraphPorts;
  private readonly launch: Lifecycle;
  private readonly adding: Adding;
  private readonly runtime: Runtime | undefined;
  private readonly onLog: LogListener | undefined;
  private readonly syncModules = new Map<number, SyncModule>();

  /**
   * @param options See docs/options.md. Environment variables stand in for options that are not given.
   * @throws ConfigError naming every option that is wrong.
   */
  constructor(options: GraphOptionsInput = {}) {
    requireObject(options, 'options of a graph');
    const { runtime, onLog, ...rest } = options;
    const own = withoutUrls(rest);
    this.runtime = checkRuntime(runtime);
    const given = Array.isArray(options) ? options : { ...this.runtime?.defaults, ...own };
    const resolved = requireGraphOptions(given, checkOnLog(onLog, 'option.onLog'));
    this.onLog = onLog ?? this.runtime?.onLog;
    const cap = (): number => this.blueprint.resolved.options.hardCap;
    const isOpen = (): boolean => this.adding.active;
    this.session = new GraphPorts(this, { cap, isOpen, start: () => this.launch.ensure() });
    this.blueprint = new GraphDefinition(this, structuredClone(own), resolved, this.session);
    setParts(this, this.blueprint);
    setChooser(this, {
      choose: (id, selection) => noteSelection(this.blueprint.find(id), selection, this.isFixed(id)),
      isDecoder: (id) => isDecoder(this.blueprint.find(id)),
    });
    this.launch = new Lifecycle(this.blueprint, this.session, this.runtime, this.onLog);
    this.adding = new Adding(this.blueprint);
    new GraphChanges(this, this.blueprint, this.adding, () => this.launch.run);
  }

  /**
   * A graph from a file (BMF's graph.json).
   * @param source A path; the text itself if it begins with `{`; or the parsed object. Relative paths inside are relative
   *   to the current directory.
   * @param settings `allow`: what the file may do beyond built-in and registered modules working on files. Everything
   *   else is refused, so that files of unknown origin can be run. `onLog`, `loader`: as of `new Graph`. `subgraphs: false`: files that
   *   stand for sub-graphs are not loaded, and their nodes stay as they are; for a graph that is drawn, not run.
   * @throws ConfigError with everything that is wrong, each problem with its JSON path.
   */
  static fromConfig(
    source: string | URL | object,
    settings: {
      allow?: Allowed | undefined;
      onLog?: LogListener | undefined;
      subgraphs?: boolean | undefined;
      loader?: readonly string[] | undefined;
    } = {},
  ): Graph {
    requireObject(settings, 'settings of fromConfig');
    const { onLog, loader, ...rest } = settings;
    const files = checkSettings(rest);
    const { options, ...read } = readConfig(source, files.allowed);
    const graph = new Graph({ ...options, onLog, ...(loader !== undefined && { loader }) });
    graph.blueprint.adopt(read, files);
    return graph;
  }

  /**
   * A stream into which you push packets; the graph is started by `start({ mode: 'push' })`. Asking again for the same
   * name gives the same stream.
   * @throws MillraceError ERR_MILLRACE_CONFIG for a name that is empty, ERR_MILLRACE_STATE for a new one after the start, but
   *   within `addNode()`.
   */
  inputStream(name: string): InputStream {
    if (typeof name !== 'string' || name === '') {
      throw new MillraceError('ERR_MILLRACE_CONFIG', 'an input stream needs a name');
    }
    if (!this.session.inputs.has(name)) {
      this.requireOpen(`the input stream '${name}' was added to a graph that has been started`);
    }
    return new InputStream(this, this.session.input(name).id, this.session, this.session.feed(name));
  }

  /** A decoder: `.video` and `.audio` are its outputs. */
  decode(options: DecoderOptions, parameters: NodeParameters = {}): NodeHandle {
    return this.module('c_ffmpeg_decoder', options, parameters);
  }

  /** An FFmpeg filter that begins a stream (`testsrc2`, `anullsrc`, …); arguments as in `stream.filter`. */
  filter(name: string, ...args: readonly FilterInput[]): NodeHandle {
    const { streams, options, parameters } = readFilterCall(name, args, (value) => value instanceof Stream);
    return this.module('c_ffmpeg_filter', options, { ...parameters, inputs: streams });
  }

  /**
   * Adds a node, or the nodes of a sub-graph.
   * @param source Name of a built-in or registered module, path or URL of a module file, a module of this process, or a
   *   sub-graph (`defineGraph`), which may have a name or be in a file as well.
   * @param options The module's own options.
   * @returns The node's handle, which also stands for its output 0.
   * @throws ConfigError for parameters that are wrong. What is wrong with the module and its options is reported by
   *   `run`, together with everything else.
   */
  module<const M extends ModuleSource>(
    source: M,
    options?: ModuleOptions<M>,
    parameters: NodeParameters = {},
  ): NodeHandle {
    this.requireOpen('a node was added to a graph that has been run');
    return this.blueprint.add(source, options ?? {}, parameters);
  }

  /**
   * Sets an option of the graph in place of what it had, before the start; several as an object.
   * @param name As of `new Graph`; `runtime` and `onLog` are given there. undefined as a value: as if it had not been given.
   * @throws ConfigError naming everything that is wrong, and then nothing is set; MillraceError ERR_MILLRACE_STATE after the start.
   * @example
   * graph.setOption('queue_length_limit', 4).setOption({ threads: 2, wait: { spin: 0 } });
   */
  setOption<K extends keyof GraphFileOptions>(name: K, value: GraphFileOptions[K]): this;
  setOption(options: Partial<GraphFileOptions>): this;
  setOption(...[first, value]: [string | object, unknown?]): this {
    this.requireUnbegun('setOption()', 'Set options before the start');
    if (typeof first !== 'string') requireObject(first, 'options of a graph');
    const changes = typeof first === 'string' ? { [first]: value } : { ...first };
    const options = { ...this.blueprint.given, ...withoutUrls(changes) };
    const resolved = requireGraphOptions({ ...this.runtime?.defaults, ...options });
    this.blueprint.setOptions(structuredClone(options), resolved);
    return this;
  }

  /**
   * Answers `ctx.callback(key, value)` of the graph's modules on this thread, before the start: of all nodes that have no
   * callback of their own. Encoders call `'packet'` with every packet that they write. A second callback for a key takes
   * the place of the first.
   * @param key A number and its text are the same key.
   * @param callback Gets the value, and which node asks. What it returns or resolves to is the module's answer; what it
   *   throws, or rejects with, is thrown in the module. An encoder fails of it, and waits for its promise.
   * @param node Alias or id of a node: then it answers this one only (`handle.addCallback`). Instead of a function the key of
   *   one of the graph's callbacks may stand there; graph files keep it (`meta_info.callback_binding`).
   * @throws ConfigError for what is no key or no function; MillraceError ERR_MILLRACE_CONFIG for a node that is not there,
   *   ERR_MILLRACE_STATE after the start, but for nodes that `addNode()` is adding.
   * @example
   * graph.addCallback('packet', ({ kind, timestamp, size, key }, { node }) => console.log(node, kind, timestamp, size, key));
   */
  addCallback(key: 'packet', callback: KeyCallback<WrittenPacket>): this;
  addCallback<T = unknown>(key: string | number, callback: KeyCallback<T>): this;
  addCallback<T = unknown>(key: string | number, callback: KeyCallback<T> | string, node: string | number): this;
  addCallback(key: string | number, callback: KeyCallback<never> | string, node?: string | number): this {
    const asked = node === undefined ? [] : (this.blueprint.membersOf(node) ?? [this.idOf(node)]);
    if (this.launch.begun && (node === undefined || asked.some((id) => this.isFixed(id)))) {
      throw stateError(
        'addCallback() of a graph that has been run',
        'Add callbacks before the start, or within graph.addNode() to a node that comes: handle.addCallback(key, fn)',
      );
    }
    this.blueprint.addCallback(key, callback as KeyCallback | string, node);
    return this;
  }

  /**
   * The handle of a node, or of a sub-graph.
   * @param alias Its alias, or its id. Nodes in a sub-graph are `<its alias>/<their alias>`, and within its function theirs alone.
   * @throws MillraceError ERR_MILLRACE_CONFIG if there is none.
   */
  node(alias: string | number): NodeHandle {
    return this.blueprint.handle(alias);
  }

  /**
   * The stream that a graph file gave this alias (`stream_alias`).
   * @throws MillraceError ERR_MILLRACE_CONFIG if there is none.
   */
  stream(alias: string): Stream {
    const name = this.blueprint.streamCalled(alias);
    if (this.session.inputs.has(name)) return this.inputStream(name);
    const { node, output } = outputNamed(name)!;
    return new Stream(this, node, output);
  }

  /** The streams that a graph file names as outputs of the graph (`output_streams`), to be read by `packets()`. */
  get outputs(): Stream[] {
    return this.blueprint.declared.map(({ node, output }) => new Stream(this, node, output));
  }

  /** Name of a node's output in graph files. @throws MillraceError ERR_MILLRACE_CONFIG if there is no such node. */
  streamName(nodeId: number, output: number): string {
    return this.blueprint.streamName(nodeId, output);
  }

  /**
   * A module that is called like a function (BMF's C++ form of `syncModule`), with this graph's settings: on a thread of
   * its runtime if it has one, on the calling thread with `threads: 0`, with its `transport` and `wait.spin`.
   * @throws ConfigError with everything that is wrong.
   */
  sync<const I extends readonly number[], const O extends readonly number[]>(
    inputs: I,
    outputs: O,
    options: object,
    source: ModuleSource,
    parameters: SyncParameters = {},
  ): SyncModule<I, O> {
    return makeModule<I, O>(source, options, inputs, outputs, parameters, this.home());
  }

  /**
   * The module of a node of this graph, to be called like a function instead of being run, where `sync` has them or where
   * the node says (`thread`, `scheduler`). Again for the same node: the same object. Its inputs are those
   * that are connected (0 if none is, for modules that have inputs); its outputs those that are consumed, or if none is, those
   * that the module has.
   * @param alias Alias or id of the node.
   * @throws MillraceError ERR_MILLRACE_CONFIG if there is none, ERR_MILLRACE_STATE when the graph has been run; ConfigError.
   */
  getModule(alias: string | number, parameters: SyncParameters = {}): SyncModule {
    const node = this.blueprint.find(alias);
    const known = this.syncModules.get(node.id);
    if (known) return known;
    this.requireUnbegun('getModule()', 'Build a graph that is not run');
    const module = moduleOfNode(this.blueprint.asRun(node), this.blueprint.links, parameters, this.home());
    this.syncModules.set(node.id, module);
    return module;
  }

  /**
   * Checks the graph as a whole, as `run` does before it starts anything.
   * @throws ConfigError with everything that is wrong.
   */
  async validate(): Promise<void> {
    const { problems, later } = this.blueprint.check();
    for (const found of await Promise.all(later)) problems.push(...found);
    this.blueprint.refuse(problems);
  }

  /**
   * Runs the graph to its end; once.
   * @returns What was done, when every module has been closed and every thread has gone.
   * @throws ConfigError when the graph is wrong: nothing was started. GraphError when it failed. MillraceError
   *   ERR_MILLRACE_STATE when it has been run before, ERR_MILLRACE_OUTPUT when `dump_graph` or `trace` cannot be written.
   */
  async run(options: RunOptions = {}): Promise<Report> {
    const checked = checkRunOptions(options);
    const [fed] = this.session.inputs.keys();
    if (fed !== undefined) {
      throw stateError(
        `run() cannot feed the input stream '${fed}'`,
        "Call start({ mode: 'push' }), push, and close()",
      );
    }
    return (await this.launch.begin(checked)).finished;
  }

  /**
   * Starts the graph and returns: to push into it, to read from it, or to wait for `close()`.
   * @param options `mode` says what is expected of the graph, and is checked: 'push' needs an input stream, 'generator' a
   *   reader, 'normal' neither. Without it anything is right.
   * @throws as `run` for what is wrong before anything is started. A module that fails later fails the graph: `close()`,
   *   pushes and readers reject with its error.
   */
  async start(options: StartOptions = {}): Promise<void> {
    const { mode, ...checked } = checkStartOptions(options);
    if (mode) this.blueprint.refuse(this.session.mismatched(mode));
    await this.launch.begin(checked);
  }

  /**
   * BMF's form of `inputStream(name).push(packet)`. The packet is consumed, also when this throws.
   * @param options.block Wait for room on this thread, which does nothing else meanwhile. Otherwise the packet is queued:
   *   up to 65,536 packets of together at most `hard_cap` bytes may wait in an input stream.
   * @returns false if the packet was released because nobody takes it any more.
   * @throws as `push`, ConfigError for other options, and with `block` MillraceError ERR_MILLRACE_WOULD_DEADLOCK when something on this thread would have
   *   to go on meanwhile: a node (`threads: 0`, a module of this process), a reader, a callback that was not answered.
   */
  fillPacket(name: string, packet: Packet, options: { readonly block?: boolean | undefined } = {}): boolean {
    return this.session.fill(name, packet, options);
  }

  /**
   * Starts the graph to do jobs one after the other: every node works under the input manager `server`, its modules are
   * constructed once and `reset()` between two jobs. Everything a job works on comes in by input streams. docs/server.md.
   * @throws ConfigError with everything that is wrong; nothing was started. GraphError of a module that could not be
   *   initialised. MillraceError ERR_MILLRACE_STATE when the graph has been run.
   */
  async serve(options: ServeOptions = {}): Promise<Server> {
    return this.launch.serve(checkServeOptions(options, this));
  }

  /**
   * Ends every input stream that is not and waits until the graph has ended; what readers have not taken by then they still
   * have to, or leave.
   * @returns What was done, as `run`.
   * @throws the graph's GraphError when it has failed; MillraceError ERR_MILLRACE_STATE before the start.
   */
  async close(): Promise<Report> {
    return this.launch.close();
  }

  /**
   * Ends the graph now, and resolves when every thread has gone: whatever waits is released, pending pushes, readers, `run`
   * and `close` reject with ERR_MILLRACE_ABORTED, files that were begun are finalised where that is quick. Threads that do
   * not answer within a second are terminated. Before the start and after the end it does nothing.
   */
  async forceClose(): Promise<void> {
    await this.launch.forceClose();
  }

  /**
   * Ends a running graph early and cleanly: its sources end, what is under way is finished, outputs are finalised and
   * `run` resolves with `report.stopped`. After the end it does nothing.
   * @throws MillraceError ERR_MILLRACE_STATE before the run.
   */
  stop(): void {
    this.launch.stop();
  }

  /**
   * Figures of every node and link, at any time from the start of the run on. Costs the graph nothing.
   * @throws MillraceError ERR_MILLRACE_STATE before the run.
   */
  stats(): GraphStats {
    return this.launch.stats();
  }

  /**
   * What the graph is doing: its nodes, their states, the queues between them and the threads, as data for JSON. At any
   * time, also before the start and after the end; costs the graph nothing.
   * @example
   * console.log(JSON.stringify(graph.status(), null, 2));
   */
  status(): GraphStatus {
    return this.launch.status();
  }

  /**
   * Pauses the graph: its sources give nothing, input streams keep what is pushed, and the running time stands still, with
   * all that goes by it (`realtime`, `clock`, timeouts of input managers, `ctx.sleep`, `time_out`). What is under way is
   * finished; files stay open. `resume()` goes on, `stop()` ends a paused graph as well. Again: does nothing.
   * @param node Handle, stream, alias or id of one node without inputs (a decoder, an input stream), which is paused by itself while the rest
   *   of the graph and its time go on.
   * @throws MillraceError ERR_MILLRACE_STATE before the start and for a node that has inputs, ERR_MILLRACE_CONFIG if there is no such node.
   */
  pause(node?: Stream | string | number): void {
    this.launch.pause(node === undefined ? undefined : this.idOf(node));
  }

  /**
   * Ends a pause. Of the graph as a whole it leaves inputs that were paused by themselves as they are.
   * @throws as `pause`
   */
  resume(node?: Stream | string | number): void {
    this.launch.resume(node === undefined ? undefined : this.idOf(node));
  }

  /**
   * Adds nodes to the running graph; resolves when packets go to them. They are initialised first, while everything goes on.
   * @param build makes them, by methods of the graph it is given and of any stream of this graph; one node or many. A stream that
   *   runs goes to its new consumers from the next packet on; one of encoded packets begins with its StreamInfo, and
   *   with a key frame if it is video.
   * @returns what `build` returns: the handle, as a rule.
   * @throws what `build` throws; ConfigError with everything that is wrong; GraphError of a module that could not be initialised;
   *   MillraceError ERR_MILLRACE_CLOSED when the streams, or the graph, have ended, ERR_MILLRACE_STATE before the start and
   *   where nothing can join. Nothing has been added then, and the graph goes on.
   * @example
   * const half = await graph.addNode((g) => g.node('decoder').video.scale('iw/2', -2).encode(null, { output_path: 'half.mp4' }));
   */
  async addNode<T>(build: (graph: Graph) => T): Promise<T> {
    if (typeof build !== 'function') {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `addNode() cannot be given ${describeValue(build)}`, {
        hint: 'It takes a function that adds nodes: addNode((g) => g.node(alias).video.fps(1).encode(null, options))',
      });
    }
    return changesOf(this).add(() => build(this));
  }

  /**
   * Connects a stream to a further input of a node: before the start, and within `addNode()` to a node that runs under the
   * input manager `immediate`: a filter that mixes, `pass_through`, or a module of your own, which gets packets of a new input then.
   * @param node Handle, alias or id.
   * @param input Its number; default: the next free one.
   * @param options of a node that runs, as of `handle.reset`: what it is from the first packet of that input on. A filter that counts its inputs
   *   (`amix`, `hstack`) needs none.
   * @returns the number of the input.
   * @throws MillraceError ERR_MILLRACE_STATE for a graph that has been started, and for options before; ERR_MILLRACE_CONFIG for an input that is
   *   connected, and for a stream of another graph.
   * @example
   * await graph.addNode(() => {
   *   const guest = graph.decode({ input_path: 'guest.mp4' });
   *   graph.connect(guest.audio, 'mix');
   *   graph.connect(guest.video, 'stage', undefined, { graph: '[0][1]overlay=x=10:y=10[0]' });
   * });
   */
  connect(
    stream: Stream,
    node: Stream | string | number,
    input?: number,
    options?: Readonly<Record<string, unknown>>,
  ): number {
    this.requireOpen('connect() of a graph that has been run');
    const id = this.idOf(node);
    if (options === undefined) return this.blueprint.connect(stream, id, input);
    requireObject(options, 'options of connect');
    if (!this.launch.begun) {
      throw stateError(
        'connect() was given options before the start',
        'They belong to the node: give them where it is made',
      );
    }
    return this.blueprint.connect(stream, id, input, structuredClone(options));
  }

  /**
   * Adds an encoder to the running graph; as `addNode`.
   * @param streams one stream, or several by their kinds as `encode` takes them. One stream that is sound is given as
   *   `{ audio: stream }`, unless it comes straight from a decoder's `.audio`.
   * @example
   * const recording = await graph.addOutput(input.video, { output_path: 'recording.mp4' });
   * …
   * await graph.removeNode(recording); // the file is complete
   */
  addOutput(
    streams: Stream | EncodeStreams,
    options: EncoderOptions,
    parameters: NodeParameters = {},
  ): Promise<NodeHandle> {
    return this.addNode(() => {
      if (!(streams instanceof Stream)) return encode(streams, options, parameters);
      const isAudio = this.blueprint.isAudio(streams.nodeId, streams.index);
      return encode(isAudio ? { audio: streams } : { video: streams }, options, parameters);
    });
  }

  /**
   * Removes a node from the running graph; resolves when its module has been closed. It takes nothing more from the next packet
   * boundary on: what waits at its inputs is released, what it has brought goes to its consumers, and they see the end of
   * the stream (BMF's DYN_EOS). What leads to it goes on with its other consumers, or ends if it has none. An encoder completes its file.
   * Of a sub-graph all nodes leave.
   * @param node Handle, alias or id; handle or alias of a sub-graph.
   * @throws GraphError of its module that could not be closed: it has left the graph all the same. MillraceError ERR_MILLRACE_CONFIG if there is no
   *   such node, ERR_MILLRACE_STATE before the start.
   * @example
   * await graph.removeNode('preview');
   */
  async removeNode(node: Stream | string | number): Promise<void> {
    const members = this.blueprint.membersOf(node);
    await changesOf(this).remove(members ?? [this.idOf(node)]);
  }

  /**
   * Changes the running graph by data, as BMF's `update` does: nodes with an `action`. Those to `add` come together, as by
   * `addNode`; then those to `remove` leave and those to `reset` change. Resolves when all of it is in effect.
   * @param json an object, its text, or the path of a file. docs/dynamic.md describes it.
   * @param settings `allow`: as of `fromConfig`.
   * @throws ConfigError with everything that is wrong, each problem with its JSON path: nothing has been changed then. What `addNode`,
   *   `removeNode` and `handle.reset` throw.
   * @example
   * await graph.update({ nodes: [{ action: 'remove', alias: 'preview' }, { action: 'reset', alias: 'loud', option: { volume: 0.5 } }] });
   */
  async update(
    json: UpdateConfig | string | URL,
    settings: { readonly allow?: Allowed | undefined } = {},
  ): Promise<void> {
    requireObject(settings, 'settings of update');
    const { allowed } = checkSettings(settings);
    const update = readUpdate(json, allowed, this.blueprint.aliases);
    const wrong = forbiddenResets(update.reset, allowed, (alias) => this.blueprint.find(alias));
    if (wrong.length > 0) throw new ConfigError('the update cannot be used', wrong);
    if (update.add.length > 0)
      await this.addNode(() => this.blueprint.addUpdate(update.add, (name) => this.streamNamed(name)));
    await Promise.all(update.remove.map((alias) => this.removeNode(alias)));
    await Promise.all(update.reset.map(({ alias, options }) => this.node(alias).reset(options)));
  }

  /** A stream by its alias, or by its name in graph files. */
  private streamNamed(name: string): Stream {
    if (this.session.inputs.has(name)) return this.inputStream(name);
    const from = outputNamed(name);
    if (from === undefined) return this.stream(name);
    return new Stream(this, this.blueprint.find(from.node).id, from.output);
  }

  private requireUnbegun(what: string, instead: string): void {
    if (this.launch.begun) throw stateError(`${what} of a graph that has been run`, instead);
  }

  /** It is too late to say what the node is. */
  private isFixed(id: number): boolean {
    return this.launch.begun && !this.adding.comes(id);
  }

  /** Nodes and links may come to it now. */
  private requireOpen(what: string): void {
    if (!this.launch.begun || this.adding.active) return;
    throw stateError(what, 'Build the whole graph first, or do it within graph.addNode() while the graph runs');
  }

  /** The id of a node of this graph. */
  private idOf(node: Stream | string | number): number {
    if (!(node instanceof Stream))
      return this.session.inputs.get(String(node))?.node.id ?? this.blueprint.find(node).id;
    if (node.graph === this) return node.nodeId;
    throw new MillraceError('ERR_MILLRACE_CONFIG', 'it is a node of another graph', {
      hint: 'Call it on the graph that the node was built with',
    });
  }

  /**
   * The progress while the graph runs, about four times a second, and once at its end: the latest whenever the loop asks
   * for it. Ends with the run, however that ends; why a run failed is told by `run()`. The same is published on the
   * `diagnostics_channel` named `millrace:progress`, as `{ graph, progress }`.
   * @throws MillraceError ERR_MILLRACE_STATE, from the first `next()`, before the run.
   * @example
   * const run = graph.run();
   * for await (const { percent, eta } of graph.progress()) console.log(percent?.toFixed(), '%', eta, 'ms left');
   * await run;
   */
  progress(): AsyncGenerator<Progress, void, undefined> {
    return this.launch.progress();
  }

  /**
   * The graph as a graph file, which `fromConfig` reads back to the same graph. Modules that are files need
   * `allow: { modules: true }` there.
   * @throws ConfigError for what a file cannot hold: unregistered modules of this process, callbacks, options that are
   *   not JSON.
   */
  toConfig(): GraphConfig {
    return this.blueprint.toConfig();
  }

  /**
   * The ffmpeg command that makes the same, for a POSIX shell: to compare, or to run without this package. Of decoders of files,
   * filters by name, and encoders into files.
   * @throws ConfigError naming every node and option that the command does not have.
   */
  toFFmpeg(): string {
    return this.blueprint.toFFmpeg();
  }

  /**
   * Which thread runs which node, and why, as `run` places them: data, and as a string a text. At any time, also before
   * the run; nothing is started or opened.
   * @throws ConfigError with everything that is wrong with the graph.
   */
  explainPlacement(): PlacementExplanation {
    this.blueprint.refuse(this.blueprint.check().problems);
    return explainPlacement(this.blueprint.spec());
  }

  /** The graph as a Mermaid flowchart. */
  toMermaid(): string {
    return toMermaid(this.blueprint.spec());
  }

  /** The graph as Graphviz source (DOT). */
  toDot(): string {
    return toGraphviz(this.blueprint.spec());
  }

  /** Where modules of this graph that are called live. */
  private home(): CallHost {
    const { loglevel, options } = this.blueprint.resolved;
    if (loglevel) setLogLevel(loglevel);
    const { runtime, onLog } = this;
    if (runtime === undefined) return ownCallHost(options, onLog);
    return {
      inline: runtime.inline,
      make: (spec, place) => runtime.make(spec, { ...place, onLog: place.onLog ?? onLog }),
    };
  }
}
