/**
 * What a module is, to the engine and to its author. Built-in modules (`actors/`) and users' modules follow the same
 * contract; nothing here knows threads, rings or FFmpeg.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Packet } from '../media/packet/packet.js';
import type { OptionSchema } from '../schema/standard.js';
import { SYNC_MODES } from '../sync/options.js';
import type { DropPolicy, PerPad } from '../sync/types.js';

export interface OutputPort {
  /**
   * Hands a packet on. The packet is consumed: `clone()` first to keep it. Several pushes may share a packet or a payload
   * as long as nothing is awaited between them: every consumer gets a reference of its own. Pushing `Packet.eof()` ends this output
   * early (the engine does it otherwise). A packet pushed to an output that nobody consumes, or whose consumers have
   * all closed, is released at once.
   * @throws MillraceError ERR_MILLRACE_STATE after the end of this output.
   */
  push(packet: Packet): void;
  /** True when pushing is pointless: no consumer is connected, all of them have closed, or this output has ended. */
  readonly closed: boolean;
  /**
   * Packets that are taken before this node is held back. A source may give that many in one call, which is cheaper than a
   * call for each; what it gives beyond waits here, and it is not called again before that has gone. Infinity if nobody is
   * connected; 1 in a module that is called like a function.
   */
  readonly room: number;
}

export interface Task {
  /** Packets by input id, each list in order; an ended input's list ends with a packet whose `isEof` is true. */
  readonly inputs: Map<number, Packet[]>;
  /** Time of what was put together by an input manager, in nanoseconds; undefined under `immediate` and at the end. */
  readonly pts?: bigint | undefined;
  /** Its length in nanoseconds, where the policy knows it. */
  readonly duration?: bigint | undefined;
  output(id: number): OutputPort;
  /**
   * This module takes no more from that input: what is queued there is released, its end counts as seen, and its
   * producer learns it (a decoder stops decoding what nobody takes). Harmless for an input that has ended.
   */
  closeInput(id: number): void;
  /** This module has finished for good, once the call has settled: EOF goes out on every output, its inputs are closed, then `close()` is called. */
  done(): void;
}

/** Names of the input managers, as builder, options and graph files have them. */
export const INPUT_MANAGERS = ['immediate', 'default', 'framesync', 'clocksync', 'server', ...SYNC_MODES] as const;

/**
 * How packets of several inputs are put together into calls of `process`:
 * `immediate` everything queued, unaligned; `default` equal timestamps together; `framesync` at the pace of the first
 * input; `clocksync` at the ticks of input 0; `server` as `immediate`, job by job; `nosync`, `slowest`, `basepad`, `refresh` by a policy of NNStreamer's.
 */
export type InputManagerName = (typeof INPUT_MANAGERS)[number];

/** A manager with settings; all but `mode` are of the policies. */
export interface InputManagerSettings {
  readonly mode: InputManagerName;
  /** basepad: the base pad and the length of its window in nanoseconds; as text `N:D`. */
  readonly option?: string | { readonly basePad?: number; readonly duration?: bigint | number | string } | undefined;
  /** refresh: ends with the first input that ends (`any`, the default), or when `all` have. */
  readonly end?: 'any' | 'all' | undefined;
  /**
   * Seconds without a packet after which an input no longer holds the others: its last packet is used again. One value
   * for all inputs, or one per connected input, null for none.
   */
  readonly timeout?: PerPad<number> | undefined;
  /**
   * Packets that may wait on one input for the others; then `dropPolicy` decides instead of back-pressure. For all
   * inputs, or per connected input, null for none.
   */
  readonly maxQueue?: PerPad<number> | undefined;
  /** What a full queue gives up; default `fail`. */
  readonly dropPolicy?: DropPolicy | undefined;
}

export type InputManagerSpec = InputManagerName | InputManagerSettings;

/**
 * What ends when a node fails: `fail` the graph, `drop-branch` the node alone. Then its consumers see the end of the stream,
 * its producers go on for their other consumers, and the report has the error.
 */
export const ON_ERROR = ['fail', 'drop-branch'] as const;
export type OnError = (typeof ON_ERROR)[number];

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  /** Also listed in the run's report. */
  warn(message: string): void;
  error(message: string): void;
}

/** Figures a module publishes for statistics and progress; reading them from other threads costs the module nothing. */
export interface Meter {
  /** Expected length of the whole in microseconds; 0 if unknown. */
  duration: number;
  /** How far the module has come, in microseconds of stream time. */
  position: number;
  /** Video frames in the module's output (decoded, filtered or encoded). */
  frames: number;
  /** Bytes read from or written to the outside. */
  bytes: number;
  /** Frames or packets left out on purpose (frame-rate conversion, limits). */
  dropped: number;
  /** Frames repeated on purpose. */
  duplicated: number;
  /** Packets that could not be decoded and were skipped. */
  corrupt: number;
  /** Mean PSNR of what was encoded, in dB, where an encoder was asked for it. */
  psnr?: number;
  /** Times that a peer of the network was lost, and milliseconds of those that are over. */
  outages?: number;
  outageMilliseconds?: number;
  /** Running time in milliseconds at which the outage in progress began; 0 without one. */
  outageSince?: number;
  /** Counted up by what waits for a peer that may stay away: the graph is not stalled meanwhile. */
  awaited?: number;
  /**
   * Milliseconds between a packet that came into a live input and what went out of it here: of the last one, the most, and
   * sum and number for the mean.
   */
  latency?: number;
  latencyMost?: number;
  latencySum?: number;
  latencyCount?: number;
}

/** Where a node's packets come from, as far as decoders are concerned. */
export interface NodeSources {
  /** Name under which the decoders of this run tell the encoders of their thread what their inputs say of themselves. */
  readonly channel: string;
  /** Of a decoder: to encoders of other threads. Their part of the graph closes these and those below. */
  readonly tell: readonly MessagePort[];
  /** Of a node that writes: from decoders of other threads. Nobody listens there: it is asked. */
  readonly hear: readonly MessagePort[];
  /** Whether their chapters are wanted: to find out about them takes its time. */
  readonly chapters: boolean;
  /** Of a decoder: its outputs that nobody but encoders takes. What they can copy is not decoded for them. */
  readonly forEncoders: readonly number[];
  /** Of a node that writes: the decoders' outputs from which its inputs come, whatever is between. */
  readonly inputs: readonly {
    readonly input: number;
    readonly from: readonly { readonly node: number; readonly output: number }[];
    /** It comes from a decoder that knows that nobody but encoders takes it. */
    readonly direct: boolean;
  }[];
}

/** Of an event in a trace. */
export type TracePhase = 'begin' | 'end';

export interface ModuleContext<Options = Record<string, unknown>> {
  readonly options: Options;
  /** Node id in the graph. */
  readonly id: number;
  readonly alias: string;
  /** Ids of the inputs that are connected, ascending. */
  readonly inputs: readonly number[];
  /** Ids of the outputs that somebody consumes, ascending. */
  readonly outputs: readonly number[];
  readonly log: Log;
  readonly meter: Meter;
  /**
   * Asks the application: the callback that it has for this key (`addCallback` of the node or of the graph, or the node's
   * `callback`) is called on the thread that built the graph.
   * @returns what it returns, or what that resolves to.
   * @throws what it throws, and MillraceError ERR_MILLRACE_STATE if there is none.
   */
  callback(key: string | number, value: unknown): Promise<unknown>;
  /** Whether somebody answers `callback(key, …)`. */
  hasCallback(key: string | number): boolean;
  /**
   * Aborted when the graph is aborted or has failed, and for a source also when it is stopped (`graph.stop()`). A
   * `process` that waits for something should return soon after; a source may also reject then.
   */
  readonly signal: AbortSignal;
  /** The graph was asked to stop (`graph.stop()`): an end that comes early is no failure then. */
  readonly stopping: boolean;
  /**
   * Running time: microseconds since the graph began to run, that is since all of its modules were initialised; 0 before.
   * The same for all nodes, whatever their thread, and never going back. Of a module that is called like a function: since
   * its `init`.
   */
  elapsed(): number;
  /**
   * Resolves when so much running time has passed. A module that waits by it, instead of by a timer of its own, is woken by
   * `signal`, and its tests can move the time by hand (`FakeClock` of `millrace/testing`).
   * @param milliseconds 0 or more.
   * @throws AbortError when `signal` aborts.
   */
  sleep(milliseconds: number): Promise<void>;
  /**
   * FFmpeg's `protocol_whitelist` ('file,crypto,data') for everything this node opens: it comes from a graph file that may
   * open nothing else. Absent: anything may be opened.
   */
  readonly protocolWhitelist?: string | undefined;
  /** Of an encoder with decoders upstream, and of these; absent for all others, and in calls. */
  readonly sources?: NodeSources | undefined;
  /** Number of the job in progress, from 1 on, in a graph that serves them (`graph.serve()`); 0 where there are none. */
  readonly job: number;
  /**
   * An event in the trace of the run (docs/observing.md), with what is known of it: plain data of at most 4000 characters of
   * JSON. Without a trace it does nothing.
   * @param phase the begin or the end of something that lasts, told by the same name; absent: a moment.
   * @throws MillraceError ERR_MILLRACE_CONFIG for a name that is no text, or another phase.
   */
  trace(name: string, data?: unknown, phase?: TracePhase): void;
  /** Tells that a file was written, for the result of the job. Where there are no jobs it says nothing to anybody. */
  wrote(path: string): void;
  /**
   * Tells those who watch the process: `{ graph, node, ...facts }` is published on the `diagnostics_channel` named
   * `millrace:<event>`, on the thread that built the graph. Without listeners, and in calls, it goes nowhere.
   * @param facts Plain data.
   */
  tell(event: string, facts: Readonly<Record<string, unknown>>): void;
}

export interface Module<Options = Record<string, unknown>> {
  /** Options are checked against it before anything starts; what it returns is `ctx.options`. */
  readonly schema?: OptionSchema<Options>;
  /** Called once in the actor's thread before any actor of the graph is scheduled. */
  init?(ctx: ModuleContext<Options>): void | Promise<void>;
  /**
   * Called with new packets, never concurrently with itself. A source (a node without inputs) is called until it calls
   * `task.done()`. When all inputs have ended it is called with empty inputs until it calls `done()` or
   * emits nothing, neither a packet nor the end of an output.
   * The packets in `task.inputs` are released when the call settles, unless they were pushed to an output.
   */
  process(task: Task): void | Promise<void>;
  /**
   * Which inputs the next `process` call can use. Packets of other inputs stay queued, which holds their producers
   * back. `undefined` (or no such method): any. An empty list: none, but call me again, I have output of my own to
   * make. Asked before every call until all inputs have ended.
   */
  wants?(): readonly number[] | undefined;
  /**
   * For sources that are called like functions (`sendEof()`): reads no more. The calls of `process` that follow emit what
   * was read before, until `done()`. A source without it ends at once.
   */
  drain?(): void | Promise<void>;
  /** Its input manager, for nodes that do not name one. `options` are those of the node, checked. */
  inputManager?(options: Options): InputManagerSpec;
  /**
   * Makes the module ready for another job with the same options: what it keeps of the one before must have no part in
   * the next. Called between two jobs, when the outputs of the first have ended; `ctx.job` is still its number.
   */
  reset?(): void | Promise<void>;
  /** Changes options between two `process` calls. */
  dynamicReset?(options: Partial<Options>): void | Promise<void>;
  /**
   * Asked between two `process` calls whether it takes a further input while it runs (`graph.connect()` within
   * `graph.addNode()`); it refuses by throwing. A module without it takes every input that comes without options. Packets of the input
   * may never come, because something else of the addition was refused; then the same number may be asked for again.
   * @param options what was given to `connect` with it: options that are to hold from the first packet of that input on.
   */
  addInput?(input: number, options: Readonly<Record<string, unknown>> | undefined): void | Promise<void>;
  /** Called exactly once on every module that was constructed, also when the graph fails. */
  close?(): void | Promise<void>;
}

/** A module as a class: constructed without arguments, once per node. */
export type ModuleClass<Options = Record<string, unknown>> = { new (): Module<Options> } & {
  schema?: OptionSchema<Options>;
};

/**
 * Declares a module. Every node gets an object of its own that inherits from `definition`, so state belongs on `this`.
 */
export function defineModule<Options = Record<string, unknown>, State extends object = Record<string, unknown>>(
  definition: Module<Options> & ThisType<Module<Options> & State>,
): Module<Options> {
  return definition;
}
