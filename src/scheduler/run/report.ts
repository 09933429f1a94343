/** What a run tells about itself: while it runs (`GraphStats`, `Progress`) and at its end (`Report`). */
import type { GraphError } from '../../errors/errors.js';

export interface NodeStats {
  id: number;
  alias: string;
  module: string;
  /** Index of the thread the node runs on; -1 is the calling thread. */
  thread: number;
  /** Id of the node that runs this one as a part of itself (`optimize_graph`) and counts for it: the figures here stay 0. */
  mergedInto: number | undefined;
  state: 'waiting' | 'running' | 'finished' | 'closed';
  /** Calls of `process`. */
  calls: number;
  /** Milliseconds inside `init`, `process` and `close` together (an asynchronous call counts until it settles). */
  milliseconds: number;
  packetsIn: number;
  /** Packets pushed, taken by somebody or not. */
  packetsOut: number;
  /** See Meter in the module contract; positions and durations in microseconds. */
  frames: number;
  bytes: number;
  dropped: number;
  duplicated: number;
  corrupt: number;
  /** Mean PSNR in dB of what an encoder with `video_params.psnr` made; undefined without. */
  psnr: number | undefined;
  position: number;
  duration: number;
  /** What the module is being called for and for how long; undefined between its calls. */
  call: { phase: 'load' | 'init' | 'process' | 'reset' | 'close'; milliseconds: number } | undefined;
  /**
   * What the node waits for, as its thread last showed before it slept (or within 20 ms, if it does not sleep): packets,
   * room on a link, or somebody outside the graph. undefined: it can run or does.
   */
  waitsFor: 'packets' | 'room' | 'outside' | undefined;
  /** Waits while the node's thread had nothing else to do for it: for packets, and for room (back-pressure). */
  waits: { starving: WaitStats; blocked: WaitStats };
  /** References kept for packets on their way to other threads. */
  held: number;
  /** Microseconds; of the last packet the node took, and of the last of its packets that a consumer took. */
  timestampIn: number | undefined;
  timestampOut: number | undefined;
}

export interface WaitStats {
  count: number;
  /** The one in progress included. */
  milliseconds: number;
}

export interface LinkStats {
  from: { node: number; output: number };
  to: { node: number; input: number };
  /** Whether the link crosses threads (a ring), stays inside one (direct), or is inside of merged nodes: nothing is counted. */
  kind: 'ring' | 'direct' | 'merged';
  /** Packets handed over so far. */
  packets: number;
  /** Packets waiting now, and the most that ever waited. */
  queued: number;
  highWater: number;
  /** Of the packets waiting now, those beyond the limit, as the producer last showed. */
  outbox: number;
  /** References the producer keeps for packets of this link on their way. */
  held: number;
  /** Microseconds; of the last packet that was taken. */
  timestamp: number | undefined;
  /** Packets the link takes before its producer is held back. */
  limit: number;
  /** Times the limit was lifted because a consumer starved on another input. */
  reliefs: number;
}

/** How often and how long a thread slept because nothing of the graph could run on it. */
export interface SleepStats extends WaitStats {
  /** Index of the thread; -1 is the calling thread. */
  thread: number;
}

export interface GraphStats {
  nodes: NodeStats[];
  links: LinkStats[];
  /** One entry per thread that hosts nodes. */
  sleeps: SleepStats[];
}

/** What was done by now. What is unknown is undefined, nothing is NaN, and only `fps`, `speed`, `eta` and `bitRate` ever go back. */
export interface Progress {
  /** Milliseconds since start. */
  elapsed: number;
  /** Video frames written by the encoders, or made by the last node that counts frames. */
  frames: number;
  /** Frames per second so far; undefined before the first frame. */
  fps: number | undefined;
  /** Microseconds of stream time done, and expected; undefined while unknown. */
  position: number | undefined;
  duration: number | undefined;
  /** Of the duration, 0 to 100; 100 when the run has come to its end by itself. undefined while one of both is unknown. */
  percent: number | undefined;
  /** Stream time per elapsed time so far; undefined while the position is unknown. */
  speed: number | undefined;
  /** Milliseconds until the end at the speed so far; undefined while that or the duration is unknown. */
  eta: number | undefined;
  /** Bytes written by all outputs; undefined before the first. */
  size: number | undefined;
  /** Bits per second of stream time so far, of all outputs; undefined while size or position is unknown. */
  bitRate: number | undefined;
  /** One entry per encoder and per other node at the end of the graph, in the order of the nodes. */
  outputs: OutputProgress[];
}

/** The progress of one output; see `Progress`. */
export interface OutputProgress {
  /** Id of the node. */
  node: number;
  alias: string;
  /** What it writes, without passwords; undefined for what has no path. */
  path: string | undefined;
  frames: number;
  position: number | undefined;
  size: number | undefined;
  bitRate: number | undefined;
}

/** A node that failed and ended alone (`on_error: 'drop-branch'`). */
export interface DroppedBranch {
  /** Id of the node. */
  node: number;
  alias: string;
  module: string;
  /** As the run would have failed with it. */
  error: GraphError;
  /** Packets that had reached the node and were not worked off: those of the call that failed, and those that waited. */
  packetsLost: number;
}

export interface Report extends GraphStats {
  name: string;
  /** Milliseconds from `start` to the close of the last module. */
  milliseconds: number;
  /** Milliseconds from `start` until the first packet left a source; undefined if none did. */
  firstPacketMilliseconds: number | undefined;
  frames: number;
  bytes: number;
  threads: number;
  /** Things worth knowing that did not fail the graph: lifted limits, skipped packets, later errors. */
  warnings: string[];
  /** Nodes that failed without ending the graph, in the order in which they did; each is a warning, too. */
  dropped: DroppedBranch[];
  /** `stop()` was called before the run ended. */
  stopped: boolean;
  /**
   * Native objects still alive in the graph's worker threads after all modules were closed, by kind. Empty unless a module
   * leaks.
   */
  leaked: Record<string, number>;
}
