/**
 * The graph as plain data: what the builder (or a graph file) produces, validated, and the scheduler runs.
 * Everything but `definition`, `warm` and callbacks can cross threads.
 */
import type { InputManagerSpec, OnError } from '../../module/contract.js';
import type { ModuleRef } from '../../module/ref.js';
import type { WarmModule } from '../warm/warm-module.js';
import type { GraphOptions } from './graph-options.js';

export type { ModuleRef } from '../../module/ref.js';

/** Who asks a callback. */
export interface CallbackAsked {
  /** The key as the module gave it. */
  readonly key: string | number;
  /** Alias of the node. */
  readonly node: string;
}

/**
 * Answers `ctx.callback(key, value)` for one key, on the thread that built the graph. What it returns, or what that resolves
 * to, is the module's answer; what it throws is thrown in the module.
 */
export type KeyCallback<T = unknown> = (value: T, asked: CallbackAsked) => unknown;

export interface NodeSpec {
  id: number;
  /** Never empty. */
  alias: string;
  module: ModuleRef;
  options: Record<string, unknown>;
  /** Made beforehand, on the thread that `thread` names, or on the calling one. */
  warm?: WarmModule;
  /** Index of the thread (BMF's field); absent: placed automatically. */
  scheduler?: number;
  /** Name of the thread: nodes with the same name share one. */
  thread?: string;
  /** Absent: what the module asks for, else `immediate`. */
  inputManager?: InputManagerSpec;
  /** Packets that may wait on each of this node's inputs; overrides the graph's `queue_length_limit`. */
  queueLimit?: number;
  /** What ends when it fails; absent: the graph, unless nothing reached it because its branch was dropped. */
  onError?: OnError;
  /** Parallel copies of the node, each on a thread of its own; absent: just the node. */
  distNums?: number;
  /** Of a parallel copy: the node that was built, and which of its copies this is, from 1 on. */
  copyOf?: { id: number; alias: string; number: number; count: number };
  /** Deals out to parallel copies, or gathers from them: id of the node that was built. */
  helps?: number;
  /** FFmpeg's list of the protocols that this node may open ('file,crypto,data'); absent: any. */
  protocolWhitelist?: string;
  /** The user is behind this node: it is an input stream, or a reader of packets. */
  outside?: 'input' | 'reader';
  /** Answers every key for which `callbacks` has nothing. */
  callback?: (key: string | number, value: unknown) => unknown;
  /** By key; a text is the name of one of the graph's callbacks. */
  callbacks?: ReadonlyMap<string, KeyCallback | string>;
}

export interface LinkSpec {
  from: { node: number; output: number };
  to: { node: number; input: number };
  /** Of a further input of a running node: options that the node is to have from its first packet on. */
  change?: Record<string, unknown>;
}

export interface GraphSpec {
  name: string;
  /** Number of the first job of a graph that serves them one after the other; absent: it runs once. */
  firstJob?: number;
  options: GraphOptions;
  nodes: NodeSpec[];
  links: LinkSpec[];
  /** Answer all nodes that have no callback of their own, by key. */
  callbacks?: ReadonlyMap<string, KeyCallback>;
}
