/**
 * The graph as plain data: what the builder (or a graph file) produces, validated, and the scheduler runs.
 * Everything but `definition` and `callback` can cross threads.
 */
import type { InputManagerSpec } from '../../module/contract.js';
import type { ModuleRef } from '../../module/ref.js';
import type { Transport } from '../../thread/protocol.js';

export type { ModuleRef } from '../../module/ref.js';

export interface NodeSpec {
  id: number;
  /** Never empty. */
  alias: string;
  module: ModuleRef;
  options: Record<string, unknown>;
  /** Index of the thread (BMF's field); absent: placed automatically. */
  scheduler?: number;
  /** Name of the thread: nodes with the same name share one. */
  thread?: string;
  /** Absent: what the module asks for, else `immediate`. */
  inputManager?: InputManagerSpec;
  /** Packets that may wait on each of this node's inputs; overrides the graph's `queue_length_limit`. */
  queueLimit?: number;
  /** Parallel copies of the node, each on a thread of its own; absent: just the node. */
  distNums?: number;
  /** Of a parallel copy: the node that was built, and which of its copies this is, from 1 on. */
  copyOf?: { id: number; alias: string; number: number; count: number };
  /** FFmpeg's list of the protocols that this node may open ('file,crypto,data'); absent: any. */
  protocolWhitelist?: string;
  /** The user is behind this node: it is an input stream, or a reader of packets. */
  outside?: 'input' | 'reader';
  callback?: (key: string | number, value: unknown) => unknown;
}

export interface LinkSpec {
  from: { node: number; output: number };
  to: { node: number; input: number };
}

/** Every option resolved: defaults and environment variables are applied before this is built. */
export interface GraphOptions {
  threads: number | 'auto';
  transport: Transport;
  /** Times a thread looks at its links again before it parks. */
  spin: number;
  /** Filters that follow one another in one thread are run as one actor. */
  optimizeGraph: boolean;
  /** Packets per link. */
  queueLengthLimit: number;
  /** Bytes per link that may wait in shared memory. */
  queueBytesLimit: number;
  /** Bytes per link that may wait beyond the limit when a starving consumer forces it to be lifted. */
  hardCap: number;
  /** Milliseconds after which a thread that ignores a stop is terminated. */
  stopGrace: number;
  /** Milliseconds without any progress after which the graph fails; 0: never. */
  timeOut: number;
}

export interface GraphSpec {
  name: string;
  /** Number of the first job of a graph that serves them one after the other; absent: it runs once. */
  firstJob?: number;
  options: GraphOptions;
  nodes: NodeSpec[];
  links: LinkSpec[];
}
