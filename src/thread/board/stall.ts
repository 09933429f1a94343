/**
 * Who waits for whom in a graph that does not move: read from the board, when nothing has changed for a while.
 *
 * A graph may rest for a good reason: its user pushes nothing, or does not read. Those nodes say so on the board
 * (`outside`), and whoever waits for them rests with them:
 *   - a node that is paused (`graph.pause`),
 *   - a node that starves, if a producer it starves for rests and nothing is under way,
 *   - a node that is held back, if a consumer it waits for rests,
 *   - a node that is not being loaded or initialised, as long as anybody is: its thread starts up, or waits for others.
 * Everybody else is stuck: in a call that does not return, in a circle of waits, or on a thread that does not run.
 * Resting is a least fixpoint, so a circle of waits does not excuse itself.
 */

import type { Phase } from '../../errors/errors.js';
import type { LinkEnds, WatchSpec } from '../protocol.js';
import type { Board } from './board.js';
import { GraphState, NodeCall, NodeStatus, ThreadState } from './states.js';

export interface Stall {
  /** The node to blame, if there is one: it is in a call that does not return. */
  node: WatchSpec['nodes'][number] | undefined;
  phase: Phase;
  text: string;
}

const CALLS: Record<number, Phase> = {
  [NodeCall.load]: 'load',
  [NodeCall.init]: 'init',
  [NodeCall.process]: 'process',
  [NodeCall.close]: 'close',
  [NodeCall.reset]: 'reset',
};

/**
 * @param now milliseconds after the start of the run.
 * @param isCallingThread whether the nodes of the calling thread are to be judged as well.
 * @returns undefined if everybody rests.
 */
export function findStall(board: Board, spec: WatchSpec, now: number, isCallingThread: boolean): Stall | undefined {
  const resting = findResting(board, spec, isCallingThread);
  const stuck = spec.nodes.map((_, node) => node).filter((node) => !resting.has(node));
  if (stuck.length === 0) return undefined;
  // Whoever is called again and again is between two calls most of the time, and in one by chance.
  const isIdle = (node: number): boolean => board.figure(node, 'idleCalls') > 0;
  const calling = stuck.filter((node) => board.call(node) !== NodeCall.none && !isIdle(node));
  const idling = stuck.filter(isIdle);
  const culprits = [...calling, ...idling];
  const blamed = culprits[0];
  const what = (culprits.length > 0 ? culprits : stuck).map(
    (node) => `${nameOf(spec, node)} ${state(board, spec, node, now)}`,
  );
  const all = spec.nodes.flatMap((_, node) =>
    (board.status(node) & 3) === NodeStatus.over
      ? []
      : [
          `  ${nameOf(spec, node)} on ${threadName(spec, node)} ${state(board, spec, node, now)}${times(board, spec, node)}`,
        ],
  );
  return {
    node: blamed === undefined ? undefined : spec.nodes[blamed],
    phase: blamed === undefined ? 'run' : (CALLS[board.call(blamed)] ?? 'process'),
    text:
      `graph ${spec.graph} made no progress for ${spec.timeOut / 1000} s (time_out): ${what.join('; ')}\n` +
      all.join('\n'),
  };
}

function findResting(board: Board, spec: WatchSpec, isCallingThread: boolean): Set<number> {
  const resting = new Set<number>();
  for (let changed = true; changed; ) {
    changed = false;
    spec.nodes.forEach((_, node) => {
      if (resting.has(node) || !rests(node)) return;
      resting.add(node);
      changed = true;
    });
  }
  return resting;

  function rests(node: number): boolean {
    const { thread } = spec.nodes[node]!;
    const status = board.status(node) & 3;
    if (status === NodeStatus.over || board.outside(node) || board.isPaused(node)) return true;
    if (thread === spec.localThread && !isCallingThread) return true;
    if (board.call(node) !== NodeCall.none) return false;
    if (board.state === GraphState.starting) return true;
    const waitsForRest = (link: number, producer: number, consumer: number): boolean =>
      status === NodeStatus.starving
        ? consumer === node && starves(board, link) && resting.has(producer)
        : status === NodeStatus.blocked && producer === node && isFull(board, link) && resting.has(consumer);
    return spec.links.some(({ producer, consumer }, link) => waitsForRest(link, producer, consumer));
  }
}

/** The consumer waits for packets, and none is under way. */
function starves(board: Board, link: number): boolean {
  return board.starved(link) && board.queued(link) === 0;
}

/** The producer waits for room, and nothing was taken since it looked. */
function isFull(board: Board, link: number): boolean {
  return board.blocked(link) && !board.left(link) && board.taken(link) === board.blockedAtTaken(link);
}

function state(board: Board, spec: WatchSpec, node: number, now: number): string {
  const idle = board.figure(node, 'idleCalls');
  if (idle > 0) return `has been called ${idle} times in a row without taking or giving anything`;
  const call = CALLS[board.call(node)];
  if (call !== undefined) return `has been in ${call} for ${seconds(now - board.figure(node, 'callSince'))}`;
  if (board.outside(node)) return 'waits for its user';
  const status = board.status(node) & 3;
  if (board.state === GraphState.starting) {
    const ready = board.threadState(spec.nodes[node]!.thread) === ThreadState.ready;
    return ready ? 'waits for the others to be initialised' : 'has not been initialised';
  }
  const waits = spec.links.flatMap((ends, link) => {
    if (status === NodeStatus.starving && ends.consumer === node && board.starved(link)) {
      return `for packets of ${nameOf(spec, ends.producer)} on input ${ends.input} (${level(board, ends, link)})`;
    }
    if (status === NodeStatus.blocked && ends.producer === node && board.blocked(link)) {
      return `for ${nameOf(spec, ends.consumer)} to take from output ${ends.output} (${level(board, ends, link)})`;
    }
    return [];
  });
  return waits.length > 0 ? `waits ${waits.join(' and ')}` : 'could run, but its thread does not';
}

function level(board: Board, ends: LinkEnds, link: number): string {
  const queued = board.queued(link);
  const beyond = board.outbox(link);
  return `${queued} of ${ends.limit + board.allowance(link)} queued${beyond > 0 ? `, ${beyond} without room` : ''}`;
}

function times(board: Board, spec: WatchSpec, node: number): string {
  const latest = (end: 'producer' | 'consumer'): number | undefined => {
    const known = spec.links.flatMap((ends, link) => (ends[end] === node ? (board.takenTimestamp(link) ?? []) : []));
    return known.length > 0 ? Math.max(...known) : undefined;
  };
  const [taken, given] = [latest('consumer'), latest('producer')];
  const parts = [
    ...(taken === undefined ? [] : [`last packet taken at ${taken / 1e6} s`]),
    ...(given === undefined ? [] : [`last of its packets taken at ${given / 1e6} s`]),
  ];
  return parts.map((part) => `; ${part}`).join('');
}

function nameOf(spec: WatchSpec, node: number): string {
  const { id, alias, module } = spec.nodes[node]!;
  return alias === '' ? `node ${id} (${module})` : `"${alias}" (${module})`;
}

function threadName(spec: WatchSpec, node: number): string {
  const { thread } = spec.nodes[node]!;
  return thread === spec.localThread ? 'the calling thread' : `thread ${thread}`;
}

function seconds(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`;
}
