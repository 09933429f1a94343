/** `graph.status()`: what a graph is doing at this moment, as data that can be written as JSON. */
import type { Board } from '../../thread/board/board.js';
import { GraphState, ThreadState } from '../../thread/board/states.js';
import type { Partitions } from '../plan/partitions.js';
import { CALLING_THREAD, type Placement } from '../plan/placement.js';
import type { GraphSpec } from '../plan/spec.js';
import type { GraphStats, LinkStats, NodeStats, WaitStats } from './report.js';

/**
 * `built`: it has not been started. `starting`: its modules are being loaded and initialised. `running`. `paused`: by
 * `graph.pause()`. `stopping`: its sources end, by `graph.stop()`. `aborting`: it has failed or was aborted, and its modules
 * are being closed. `ended`, `failed`: it is over.
 */
export type GraphPhase = 'built' | 'starting' | 'running' | 'paused' | 'stopping' | 'aborting' | 'ended' | 'failed';

export interface NodeState extends NodeStats {
  /** It gives nothing: it is paused, or the graph is. */
  paused: boolean;
}

export interface QueueState extends LinkStats {
  /** Aliases of the nodes at its ends. */
  names: { from: string; to: string };
  /** Its producer is held back until something is taken. */
  full: boolean;
  /** Its consumer waits for the next packet. */
  starving: boolean;
}

export interface ThreadStatus {
  /** Index of the thread; -1 is the calling thread. */
  thread: number;
  /** Its name, or the index that was asked for (`scheduler`); undefined for one that was placed automatically. */
  asked: number | string | undefined;
  /** `ready`: it runs its nodes. `ended`: all of them have closed. */
  state: 'starting' | 'ready' | 'ended' | 'dead';
  /** Nothing of the graph can run on it now. */
  asleep: boolean;
  /** How often and how long it slept so far. */
  sleeps: WaitStats;
  /** Aliases of its nodes. */
  nodes: string[];
}

/** What `graph.status()` says. Keys whose value is not known are left out of the JSON, and out of the object. */
export interface GraphStatus {
  /** `graph_name`. */
  name: string;
  state: GraphPhase;
  /** Milliseconds since the start; until its end for one that has ended; 0 before the start. */
  elapsed: number;
  nodes: NodeState[];
  /** The links between the nodes. */
  queues: QueueState[];
  /** Those that host nodes. */
  threads: ThreadStatus[];
}

const THREAD_STATES: Readonly<Record<number, ThreadStatus['state']>> = {
  [ThreadState.starting]: 'starting',
  [ThreadState.ready]: 'ready',
  [ThreadState.ended]: 'ended',
  [ThreadState.dead]: 'dead',
};

/** What the status of a run is made of. */
export interface StatusSource {
  readonly spec: GraphSpec;
  readonly board: Board;
  readonly placement: Placement;
  readonly cut: Partitions;
  readonly stats: GraphStats;
  readonly elapsed: number;
  /** How it has ended, if it has. */
  readonly over: 'ended' | 'failed' | undefined;
}

export function statusOf(source: StatusSource): GraphStatus {
  const { spec, board, stats, elapsed } = source;
  const aliasOf = new Map(spec.nodes.map(({ id, alias }) => [id, alias]));
  const nodes = stats.nodes.map((node, index) => ({ ...node, paused: board.isPaused(index) }));
  const queues = stats.links.map((link, index) => ({
    ...link,
    names: { from: aliasOf.get(link.from.node)!, to: aliasOf.get(link.to.node)! },
    full: !board.left(index) && board.blocked(index),
    starving: board.starved(index) && board.queued(index) === 0,
  }));
  // What came to a thread that had ended before is told of by its new number.
  const isTold = ({ thread, state }: ThreadStatus): boolean =>
    thread < source.placement.threads || state !== THREAD_STATES[ThreadState.ended];
  const threads = stats.sleeps.map((sleep) => threadStatus(source, sleep)).filter(isTold);
  return withoutUnknown({ name: spec.name, state: phaseOf(source), elapsed, nodes, queues, threads });
}

/** Of a graph that has not been started: what it consists of. */
export function statusOfBuilt({ name, nodes, links }: GraphSpec): GraphStatus {
  const aliasOf = new Map(nodes.map(({ id, alias }) => [id, alias]));
  const none = { starving: { count: 0, milliseconds: 0 }, blocked: { count: 0, milliseconds: 0 } };
  const zero = { calls: 0, milliseconds: 0, packetsIn: 0, packetsOut: 0, frames: 0, bytes: 0 };
  const further = { dropped: 0, duplicated: 0, corrupt: 0, position: 0, duration: 0, held: 0 };
  return withoutUnknown<GraphStatus>({
    name,
    state: 'built',
    elapsed: 0,
    nodes: nodes.map(({ id, alias, module, scheduler }) => ({
      ...{ id, alias, module: module.name, thread: scheduler ?? CALLING_THREAD, state: 'waiting', paused: false },
      ...{ ...zero, ...further, waits: none, call: undefined, waitsFor: undefined, mergedInto: undefined },
      ...{
        outages: none.starving,
        latency: undefined,
        psnr: undefined,
        timestampIn: undefined,
        timestampOut: undefined,
      },
    })),
    queues: links.map(({ from, to }) => ({
      ...{ from: { ...from }, to: { ...to }, names: { from: aliasOf.get(from.node)!, to: aliasOf.get(to.node)! } },
      ...{ kind: 'direct', packets: 0, queued: 0, highWater: 0, outbox: 0, held: 0, limit: 0, reliefs: 0 },
      ...{ full: false, starving: false, timestamp: undefined },
    })),
    threads: [],
  });
}

function phaseOf({ board, over }: StatusSource): GraphPhase {
  if (over !== undefined) return over;
  if (board.state === GraphState.aborting) return 'aborting';
  if (board.stopping) return 'stopping';
  if (board.paused) return 'paused';
  return board.state === GraphState.starting ? 'starting' : 'running';
}

function threadStatus(
  { spec, board, placement, cut }: StatusSource,
  { thread, ...sleeps }: GraphStats['sleeps'][number],
): ThreadStatus {
  const index = thread === CALLING_THREAD ? cut.localThread! : thread;
  const state = THREAD_STATES[board.threadState(index)]!;
  const asleep = state === 'ready' && board.ticketOfSleep(index) !== undefined;
  const nodes = spec.nodes.flatMap(({ alias }, node) => (cut.threadOf(node) === index ? [alias] : []));
  return { thread, asked: placement.asked[thread], state, asleep, sleeps, nodes };
}

/** The same without keys that have no value: equal to what is read back from its JSON. */
function withoutUnknown<T>(value: T): T {
  if (Array.isArray(value)) return value.map((entry: unknown) => withoutUnknown(entry)) as T;
  if (typeof value !== 'object' || value === null) return value;
  // Key by key: lists of entries take ten times as long, and a status has hundreds of objects.
  const known: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const entry = (value as Record<string, unknown>)[key];
    if (entry !== undefined) known[key] = withoutUnknown(entry);
  }
  return known as T;
}
