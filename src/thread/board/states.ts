/** What may stand in the words of the board: the states of a graph, its threads and nodes, and the figures of a node. */

export const GraphState = { starting: 0, running: 1, aborting: 2 } as const;
export const ThreadState = { starting: 0, ready: 1, ended: 2, dead: 3 } as const;
/**
 * What the relief rule has to know of a node (relief.ts). The status word holds a sequence number above these two
 * bits, so that a change and back is seen.
 */
export const NodeStatus = { live: 0, starving: 1, blocked: 2, over: 3 } as const;
/** What a node's thread is in; `none` between its calls. */
export const NodeCall = { none: 0, load: 1, init: 2, process: 3, close: 4, reset: 5 } as const;
/** merged: another node runs it as a part of itself; dropped: it has failed and ended alone; removed: by `graph.removeNode`. */
export const NodeFate = { own: 0, merged: 1, dropped: 2, removed: 3 } as const;
export const NodePhase = { waiting: 0, running: 1, finished: 2, closed: 3 } as const;

/** float64 figures of a node, from its second half line on. */
export const NodeFigure = {
  calls: 0,
  milliseconds: 1,
  packetsIn: 2,
  packetsOut: 3,
  frames: 4,
  bytes: 5,
  dropped: 6,
  duplicated: 7,
  corrupt: 8,
  position: 9,
  duration: 10,
  /** Waits for packets, and for room, begun; and the milliseconds of those that are over. */
  starvings: 11,
  starvingMilliseconds: 12,
  blockings: 13,
  blockedMilliseconds: 14,
  /** Milliseconds after the start of the run at which the wait, or the call, in progress began. */
  waitSince: 15,
  callSince: 16,
  /** Calls in a row that neither took nor gave anything (idle-calls.ts). */
  idleCalls: 17,
  /** Calls that waited for something outside (a timer, I/O) and came back, though with nothing. */
  patientCalls: 18,
  psnr: 19,
  /** Times that a peer was lost, the ms of those that are over, and the running time in ms at which the one in progress began. */
  outages: 20,
  outageMilliseconds: 21,
  outageSince: 22,
  /** ms between a packet that came in and what of it went out: of the last one, the most, the sum, and of how many. */
  latency: 23,
  latencyMost: 24,
  latencySum: 25,
  latencyCount: 26,
  /** Counts up while a peer is waited for that may stay away for longer than `time_out`. */
  awaited: 27,
} as const;
export type NodeFigureName = keyof typeof NodeFigure;
