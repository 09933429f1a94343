/**
 * The stall watchdog: fails a graph in which nothing at all has changed for `time_out` (BMF's option).
 *
 * Every worker of the graph has one, and the calling thread has one: whoever is stuck in a loop is seen by the others,
 * and none of them needs the calling thread. The first to raise the alarm ends the graph for everybody.
 *
 * Time is counted in looks, not by the clock: a process that was suspended, or a thread that was busy elsewhere, must not
 * take its own absence for a stall.
 */
import { clearInterval, performance, setInterval } from '../../../ringbuffer/clock.js';
import { GraphError } from '../../errors/errors.js';
import type { WatchSpec } from '../protocol.js';
import type { Board } from './board.js';
import { findStall, type Stall } from './stall.js';
import { GraphState, NodeCall, NodeFigure, type NodeFigureName, NodePhase, ThreadState } from './states.js';

/** Longest and shortest time in ms between two looks; else a quarter of the limit. */
const LONGEST = 1000;
const SHORTEST = 20;

/**
 * Figures that change when a module takes or makes something, or comes back from waiting for something outside. That it was
 * called, or that a wait began anew, is no progress.
 */
const STILL = new Set<NodeFigureName>(['calls', 'milliseconds', 'callSince', 'idleCalls']);
const MOVES = ([...Object.keys(NodeFigure)] as NodeFigureName[])
  .filter((name) => !STILL.has(name) && !/^(starv|block|wait)/.test(name))
  .map((name) => NodeFigure[name]);
/** Words of a node and of a link that change when anything moves. */
const NODE_WORDS = MOVES.length + 4;
const LINK_WORDS = 4;

export class Watchdog {
  private timer: NodeJS.Timeout | undefined;
  private over = false;
  /** Its thread is told no more of what comes to the graph. */
  private isLast = false;
  private readonly interval: number;
  private lastLook = performance.now();
  /** Milliseconds for which this one has seen nothing change. */
  private still = 0;
  private before: Float64Array;
  private now: Float64Array;

  /**
   * @param epoch makes milliseconds after the start of the run of this thread's performance.now().
   * @param isCallingThread whether it judges the nodes of the calling thread.
   */
  constructor(
    private readonly board: Board,
    private readonly spec: WatchSpec,
    private readonly epoch: number,
    private readonly isCallingThread: boolean,
    private readonly onStall: (stall: Stall) => void,
  ) {
    this.interval = Math.max(SHORTEST, Math.min(LONGEST, spec.timeOut / 4));
    this.before = new Float64Array(this.size);
    this.now = new Float64Array(this.size);
  }

  /** The graph may have grown since the last look. */
  private get size(): number {
    return this.spec.nodes.length * NODE_WORDS + this.spec.links.length * LINK_WORDS;
  }

  start(): void {
    this.timer = setInterval(() => this.look(performance.now()), this.interval);
  }

  stop(): void {
    clearInterval(this.timer);
    this.over = true;
  }

  /** The part of its thread has ended: it goes on as long as it knows all of the graph. */
  untilGrowth(): void {
    this.isLast = true;
  }

  /** @param time performance.now() */
  look(time: number): void {
    if (this.over) return;
    // Who waits for what has come, and whether that rests, it cannot know.
    if (this.board.isOutgrown) {
      this.still = 0;
      this.lastLook = time;
      if (this.isLast) this.stop();
      return;
    }
    if (this.board.state === GraphState.aborting || this.allEnded()) {
      this.stop();
      return;
    }
    const passed = Math.min(time - this.lastLook, 2 * this.interval);
    this.lastLook = time;
    // Of a graph that is paused the time for it stands still, and it gets all of it when it goes on.
    if (this.moved() || this.board.paused) {
      this.still = 0;
      return;
    }
    this.still += passed;
    if (this.still < this.spec.timeOut) return;
    const stall = findStall(this.board, this.spec, time + this.epoch, this.isCallingThread);
    if (stall === undefined) {
      // Somebody outside may come back at any time, and gives the graph its full time then.
      this.still = 0;
      return;
    }
    this.stop();
    this.onStall(stall);
  }

  /** Threads of an endless module do not end; those whose share is done go on watching them. */
  private allEnded(): boolean {
    for (let thread = 0; thread < this.board.threads; thread++) {
      const state = this.board.threadState(thread);
      if (state !== ThreadState.ended && state !== ThreadState.dead) return false;
    }
    return true;
  }

  private moved(): boolean {
    if (this.now.length !== this.size) {
      this.before = new Float64Array(this.size);
      this.now = new Float64Array(this.size);
    }
    const { board, now, before, spec } = this;
    let at = 0;
    for (let node = 0; node < spec.nodes.length; node++) {
      const [phase, call] = [board.phase(node), board.call(node)];
      now[at++] = phase === NodePhase.running ? NodePhase.waiting : phase;
      now[at++] = call === NodeCall.process ? NodeCall.none : call;
      now[at++] = board.outside(node) ? 1 : 0;
      now[at++] = board.threadState(this.spec.nodes[node]!.thread);
      const figures = board.figuresAt(node);
      for (const figure of MOVES) now[at++] = board.figures[figures + figure]!;
    }
    for (let link = 0; link < spec.links.length; link++) {
      now[at++] = board.sent(link);
      now[at++] = board.taken(link);
      now[at++] = board.left(link) ? 1 : 0;
      now[at++] = board.allowance(link);
    }
    this.now = before;
    this.before = now;
    return now.some((word, index) => !Object.is(word, before[index]));
  }
}

export function stallError({ node, phase, text }: Stall): GraphError {
  const where = node === undefined ? {} : { nodeId: node.id, alias: node.alias, module: node.module };
  return new GraphError('ERR_MILLRACE_STALLED', text, { ...where, phase });
}
