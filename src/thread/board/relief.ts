/**
 * Starvation relief: no graph that finishes with unbounded queues may hang with bounded ones.
 *
 * A consumer may starve on one input while another of its inputs is full and blocks the producer both come from
 * (split -> two branches -> concat). Nothing moves then until one full link takes more than its limit. This file finds
 * that state and lifts exactly the links that cause it. It runs in whichever thread is about to have nothing to do, on
 * the board alone: the thread that built the graph may be blocked.
 *
 * Which nodes can move is a least fixpoint over the wait-for graph. A node is LIVE when
 *   - its published status says so (it runs, or can run, or waits for the outside world), or
 *   - it is starving, and for one of the links it waits on: a packet is under way, or the producer is live, or
 *   - it is blocked, and for every link it waits on: the consumer has taken something since, or has left, or is live.
 * The input streams of a push graph are one producer, their user, who does one thing after the other: an input stream
 * that waits for a user who waits for room on others (it is shown as starving then, without links) is LIVE when one of
 * those is, and the walk goes on from it to them.
 * A graph that grows: each thread learns of what has come at its own time, and looks once more then. A link that it does
 * not know yet makes a producer look as if it could move, which lifts nothing; a consumer that starves on one only is not
 * walked on from. The last thread of a deadlocked set to write or to learn knows all of it.
 * What is not live will never move by itself. From every such starving node we walk upstream along the links it
 * starves on; the walk ends at blocked producers, and those of their full links whose consumers are not live are lifted.
 *
 * Why none is missed: a thread calls `relieve` after its own last word on the board (Part.mayNotSleep; all words are
 * sequentially consistent), so the last thread of a deadlocked set to write sees all of it. Why a stale reading does no
 * harm: the status words of the whole dead set are read again before anything is lifted, and they carry a sequence
 * number; a lift that was not needed is only a larger queue.
 */
import type { LinkEnds } from '../protocol.js';
import type { Board } from './board.js';
import { NodeStatus } from './states.js';

export class Relief {
  private readonly inLinks: number[][] = [];
  private readonly outLinks: number[][] = [];
  private readonly words: Int32Array;
  private readonly live: Uint8Array;
  /** Those that may have to be looked at. */
  private readonly nodes: number[] = [];

  constructor(
    private readonly board: Board,
    private readonly links: readonly LinkEnds[],
    /** Nodes of the input streams. */
    private readonly pushed: readonly number[] = [],
  ) {
    for (let node = 0; node < board.nodes; node++) {
      this.inLinks.push([]);
      this.outLinks.push([]);
      // It will never send or take again. Of a graph that grows and shrinks for days most are.
      if ((board.status(node) & 3) !== NodeStatus.over) this.nodes.push(node);
    }
    links.forEach((ends, link) => {
      if (isSpent(board, ends, link)) return;
      this.inLinks[ends.consumer]!.push(link);
      this.outLinks[ends.producer]!.push(link);
    });
    this.words = new Int32Array(board.nodes).fill(NodeStatus.over);
    this.live = new Uint8Array(board.nodes);
  }

  /** Lifts what has to be lifted; returns the links whose limit this call raised (their producers must be woken). */
  relieve(): number[] {
    const { board, words } = this;
    let targets: Map<number, number>;
    do {
      for (const node of this.nodes) words[node] = board.status(node);
      this.findLive();
      targets = this.findTargets();
      if (targets.size === 0) return [];
      // Again if somebody of the dead set moved while we looked: that one need not come here (its part may end), and the
      // rest of the set may be a deadlock without it. It ends, because each round means that somebody made progress.
    } while (this.deadSetMoved());
    const raised: number[] = [];
    for (const [link, allowance] of targets) {
      if (board.raiseAllowance(link, allowance, this.links[link]!.limit)) raised.push(link);
    }
    return raised;
  }

  private deadSetMoved(): boolean {
    const { board, live, words } = this;
    return this.nodes.some((node) => !live[node] && board.status(node) !== words[node]);
  }

  private status(node: number): number {
    return this.words[node]! & 3;
  }

  private findLive(): void {
    const { live, nodes } = this;
    for (const node of nodes) live[node] = this.status(node) === NodeStatus.live ? 1 : 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of nodes) {
        if (!live[node] && this.canMove(node)) {
          live[node] = 1;
          changed = true;
        }
      }
    }
  }

  private canMove(node: number): boolean {
    const { board, links, live } = this;
    switch (this.status(node)) {
      case NodeStatus.starving:
        if (this.pushed.includes(node)) return this.pushed.some((other) => live[other] === 1);
        return this.inLinks[node]!.some(
          (link) => board.starved(link) && (this.underWay(link) || live[links[link]!.producer] === 1),
        );
      case NodeStatus.blocked:
        return this.outLinks[node]!.every(
          (link) =>
            !this.holds(link) ||
            board.left(link) ||
            board.taken(link) !== board.blockedAtTaken(link) ||
            live[links[link]!.consumer] === 1,
        );
      default:
        return false; // over: it will never send or take again
    }
  }

  /**
   * A packet of a link that starves its consumer will get there. What waits with the producer does: a link from which
   * everything was taken has room, and its producer, who asked for it, is woken to use it.
   */
  private underWay(link: number): boolean {
    const { board } = this;
    return board.queued(link) !== 0 || board.outbox(link) > 0;
  }

  /**
   * The link keeps its producer from running. One that was lifted before may be full and yet within its allowance: its
   * producer does not wait for it, and lifting it further would help nobody.
   */
  private holds(link: number): boolean {
    return this.board.blocked(link) && this.board.outbox(link) > this.board.allowance(link);
  }

  /** Full links to lift, with the allowance they had when we looked. */
  private findTargets(): Map<number, number> {
    const { board, links, live } = this;
    const targets = new Map<number, number>();
    const seen = new Set<number>();
    const pending: number[] = [];
    for (const node of this.nodes) {
      if (!live[node] && this.status(node) === NodeStatus.starving) pending.push(node);
    }
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      for (const link of this.inLinks[node]!) {
        if (!board.starved(link)) continue;
        const { producer } = links[link]!;
        const waiting = this.pushed.includes(producer) && this.status(producer) === NodeStatus.starving;
        for (const source of waiting ? this.pushed : [producer]) {
          if (seen.has(source) || live[source]) continue;
          seen.add(source);
          if (this.status(source) === NodeStatus.starving) pending.push(source);
          if (this.status(source) !== NodeStatus.blocked) continue;
          for (const full of this.outLinks[source]!) {
            if (this.holds(full) && !live[links[full]!.consumer]) targets.set(full, board.allowance(full));
          }
        }
      }
    }
    return targets;
  }
}

/** Nothing will ever be sent or taken on it again: nobody waits for it. */
function isSpent(board: Board, { producer, consumer }: LinkEnds, link: number): boolean {
  const isOver = (node: number): boolean => (board.status(node) & 3) === NodeStatus.over;
  return isOver(consumer) || (isOver(producer) && board.queued(link) === 0 && board.outbox(link) === 0);
}
