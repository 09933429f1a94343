/** What the scheduler and a thread's host say to each other. Rare: starting, ending, telling. Packets never go this way. */
import type { MessagePort } from 'node:worker_threads';
import type { ErrorWire } from '../errors/wire.js';
import type { InputManagerSpec, NodeSources, OnError } from '../module/contract.js';
import type { LogSeverity } from '../module/log.js';
import type { ModuleRef } from '../module/ref.js';
import type { BoardBlock } from './board/memory.js';
import type { WarmSpec } from './warm/warm-modules.js';

/** Who produces and who consumes a link, by node index; `limit` is also the step by which it is lifted. */
export interface LinkEnds {
  producer: number;
  consumer: number;
  limit: number;
}

/** What a graph is called and how it is wired, for the watchdog. */
export interface WatchSpec {
  graph: string;
  /** Milliseconds without progress after which the graph fails. */
  timeOut: number;
  nodes: { id: number; alias: string; module: string; thread: number }[];
  links: (LinkEnds & { output: number; input: number })[];
  /**
   * Index of the calling thread if it hosts nodes. Others take them for resting: whether that thread is stuck in a module
   * or busy with affairs of the user's cannot be seen from outside. It judges them itself.
   */
  localThread: number | undefined;
}

export interface TraceSpec {
  /** One per thread of the board. */
  rings: SharedArrayBuffer[];
  /** process.hrtime at the start of the run, in ms: a clock that is the same in all threads. */
  origin: number;
}

/** What a called module is. Everything but a definition in `module` can cross threads. */
export interface CalledSpec {
  module: ModuleRef;
  alias: string;
  options: Record<string, unknown>;
  inputs: number[];
  outputs: number[];
  /** Of a graph's node; absent: what the module asks for. */
  inputManager?: InputManagerSpec;
  /** As of a graph's node. */
  protocolWhitelist?: string;
}

/** Keys for which somebody answers a module's `ctx.callback`. */
export type CalledKeys = 'all' | readonly string[];

/** A node as its thread needs it. */
export interface PartitionNode {
  /** Index on the board. */
  index: number;
  id: number;
  alias: string;
  rank: number;
  module: ModuleRef;
  options: Record<string, unknown>;
  /** The keys for which `ctx.callback` is answered. */
  called: CalledKeys;
  /** Id of a module that is there already. */
  warm?: number | undefined;
  /** As in the graph's specification. */
  onError?: OnError | undefined;
  /** One of several parallel copies of a node. */
  isCopy?: boolean;
  /** Filters it runs as one with itself, upstream first and itself last. */
  chain?: PartitionNode[];
  /** Absent: what the module asks for, else `immediate`. */
  inputManager?: InputManagerSpec | undefined;
  /** FFmpeg's list of the protocols that it may open; absent: any. */
  protocolWhitelist?: string | undefined;
  /** Where its packets come from, for what files say of themselves. */
  sources?: NodeSources | undefined;
  /** Number of its first job, of a node that serves them one after the other. */
  firstJob?: number | undefined;
}

/** A link that touches this thread. */
export interface PartitionLink extends LinkEnds {
  index: number;
  output: number;
  input: number;
  /** An end of it is in the user's hands. */
  patient: boolean;
  /** Both ends are modules or users of the calling thread: whatever is placed where, nothing on it crosses threads. */
  free: boolean;
  /** The producer sends one job after the other. */
  serving: boolean;
  /** Of a further input of a running node: options that come with it. */
  change?: Record<string, unknown> | undefined;
  /** Absent: both ends are in this thread. */
  ring?: { buffer: SharedArrayBuffer; port: MessagePort };
  producerThread: number;
  consumerThread: number;
}

/** 'auto' and 'reference' copy where references are not possible; 'reference' warns of it. */
export type Transport = 'auto' | 'reference' | 'copy';

/** The share of one graph that one thread runs. */
export interface PartitionSpec {
  run: number;
  /** Index of this thread on the board. */
  thread: number;
  board: SharedArrayBuffer;
  /** What has come since the graph was started; absent: nothing. */
  blocks?: BoardBlock[];
  /** The thread comes to a graph that runs: it waits for what it is to host. */
  late?: boolean;
  /** Doorbell of every thread of the graph, by index. */
  bells: SharedArrayBuffer[];
  nodes: PartitionNode[];
  /** Links that touch this thread. */
  links: PartitionLink[];
  /** Thread of every node of the graph, by node index. */
  nodeThreads: number[];
  /** What every node is called in messages, by node index. */
  names: string[];
  /** Every link of the graph, for the relief rule. */
  allLinks: LinkEnds[];
  /** How frames cross threads. */
  transport: Transport;
  /** Nodes of the input streams of a push graph. */
  pushed: number[];
  bytesLimit: number;
  hardCap: number;
  /** performance.timeOrigin-based start in ms, comparable between threads. */
  startedAt: number;
  /** Longest wait in ms for an asynchronous call when the graph is aborted. */
  stopGrace: number;
  /** Present when somebody has to watch that the graph moves. */
  watch: WatchSpec | undefined;
  /** Present when the run is traced. */
  trace: TraceSpec | undefined;
  /** Somebody listens to the log. Warnings and errors are told in any case. */
  heard: boolean;
}

/** An actor that is called from another thread. */
export interface CallServerSpec {
  run: number;
  called: CalledSpec;
  /** A board of two links: calls, and answers. */
  board: SharedArrayBuffer;
  mailbox: SharedArrayBuffer;
  /** Doorbell of the caller. */
  callerBell: SharedArrayBuffer;
  calls: { buffer: SharedArrayBuffer; port: MessagePort };
  answers: { buffer: SharedArrayBuffer; port: MessagePort };
  /** Packets and bytes each of the two may hold. */
  limit: number;
  bytesLimit: number;
  transport: Transport;
  /** As of a part of a graph. */
  heard: boolean;
}

/** A change of a running graph, by one of its threads; `order` is its number in the run. */
export type Order =
  /** Options of a node are changed between two packets. `member`: the node among those that the actor runs as one. */
  | { type: 'reset'; order: number; node: number; member?: number; options: Record<string, unknown> }
  /** A node ends at the next packet boundary, `drains`: with the end of its inputs; in effect when its module is closed. */
  | { type: 'remove'; order: number; node: number; drains?: boolean }
  /** A node ends by itself: in effect when its module is closed. */
  | { type: 'await-end'; order: number; node: number }
  /** `joins`: what comes concerns no other thread, so that it takes part as soon as it is initialised. */
  | { type: 'grow'; order: number; growth: Growth; joins: boolean }
  /** What has come takes part; in effect when packets go to it. Answered with the links whose producers have ended. */
  | { type: 'join'; order: number; growth: number }
  /** What has come is given up: it could not be initialised somewhere. */
  | { type: 'give-up'; order: number; growth: number };

/**
 * What comes to a running graph, as one of its threads is told: every thread learns of all of it, and initialises the nodes
 * that are its own. What concerns several takes part with `join`. Numbers go on from those that there are.
 */
export interface Growth {
  /** Names it in later orders. */
  id: number;
  /** The part was kept from ending until it knows of it. */
  announced: boolean;
  blocks: BoardBlock[];
  /** Of this thread. */
  nodes: PartitionNode[];
  /** That touch this thread. */
  links: PartitionLink[];
  /** Doorbells of the threads that come. */
  bells: SharedArrayBuffer[];
  /** Of the nodes that come: their threads, and what messages call them. */
  nodeThreads: number[];
  names: string[];
  /** Ends of the links that come. */
  allLinks: LinkEnds[];
  pushed: number[];
  watched: Pick<WatchSpec, 'nodes' | 'links' | 'localThread'> | undefined;
  /** Position of every node of the graph in topological order. */
  ranks: number[];
}

export type ToHost =
  | { type: 'order'; run: number; order: Order }
  | { type: 'start'; part: PartitionSpec }
  | { type: 'serve-calls'; spec: CallServerSpec }
  | { type: 'make-warm'; run: number; spec: WarmSpec; heard: boolean }
  | { type: 'close-warm'; run: number; id: number }
  | { type: 'callback-result'; run: number; call: number; ok: boolean; value: unknown };

export type FromHost =
  | { type: 'failed'; run: number; first: boolean; error: ErrorWire }
  /** A node has failed, and its branch only has ended. `packets` had reached it and were not worked off. */
  | { type: 'dropped'; run: number; node: number; error: ErrorWire; packets: number }
  /** `context`: who speaks, if not the module: FFmpeg, of a failure that is told as well. */
  | { type: 'log'; run: number; node: number; level: LogSeverity; text: string; context?: string | undefined }
  | { type: 'warning'; run: number; text: string }
  /** An order is in effect, or was refused and has changed nothing. */
  | { type: 'answer'; run: number; order: number; error: ErrorWire | undefined; ended?: number[] }
  | { type: 'warm-made'; run: number; error?: ErrorWire | undefined }
  | { type: 'warm-closed'; run: number; error?: ErrorWire | undefined }
  /** For those who watch the process (`ctx.tell`). */
  | { type: 'told'; run: number; node: number; event: string; facts: Readonly<Record<string, unknown>> }
  | { type: 'job'; run: number; node: number; job: number; files: string[] }
  | { type: 'relief'; run: number; link: number }
  | { type: 'callback'; run: number; node: number; call: number; key: string | number; value: unknown }
  /** Thrown while nothing ran on the thread; of no run. */
  | { type: 'unexpected'; run: 0; error: ErrorWire }
  | { type: 'ended'; run: number; thread: number; leaked: Record<string, number> };

/** What a thread gets when it is started. */
export interface BootData {
  bell: SharedArrayBuffer;
  port: MessagePort;
  spin: number;
  /** The process's table of threads that wait inside native calls. */
  nativeWaits: SharedArrayBuffer;
  /** How it is asked to come to rest. */
  rest: SharedArrayBuffer;
}
