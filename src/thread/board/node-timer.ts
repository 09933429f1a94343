/** What a node's time went into: its calls and its waits, as figures on the board and as slices of the trace. */
import { performance } from '../../../ringbuffer/clock.js';
import type { Packet } from '../../media/packet/packet.js';
import type { SyncEvent } from '../../sync/index.js';
import type { Board } from './board.js';
import { NodeFigure, NodeStatus } from './states.js';
import type { TraceRecorder } from './trace-recorder.js';

/** What is noted of a call's inputs, before the call consumes them. */
export interface Given {
  packets: number;
  timestamp: number | undefined;
}

/** All times are of performance.now(): nobody looks at the clock but for a call's begin and end. */
export class NodeTimer {
  private readonly at: number;
  /** What the node waits for, or waited for until its next call (which knows the time), and since when. */
  private cause: number = NodeStatus.live;
  private since = 0;
  private dropped = 0;

  /** @param epoch makes milliseconds after the start of the run of this thread's performance.now(). */
  constructor(
    private readonly board: Board,
    private readonly node: number,
    private readonly epoch: number,
    private readonly trace: TraceRecorder | undefined,
  ) {
    this.at = board.figuresAt(node);
  }

  /** @param call one of NodeCall. */
  beginCall(call: number, now: number): void {
    this.endWait(now);
    this.board.beginCall(this.node, call, now + this.epoch);
  }

  endCall(began: number, now: number): void {
    this.board.endCall(this.node);
    this.count(NodeFigure.milliseconds, now - began);
  }

  /**
   * Makes a call of the module and takes its time: until it has returned or settled, without what comes of it.
   * @param make has to call `returned`, then `settled`.
   * @param settled returns the packets the call has brought, for the trace.
   * @param inputs what it is given, if it is given anything.
   */
  measure(
    call: number,
    make: (ends: { returned(): void; settled(failed: boolean): void }) => void | Promise<void>,
    settled: (failed: boolean, milliseconds: number) => number,
    inputs?: ReadonlyMap<number, readonly Packet[]>,
  ): void | Promise<void> {
    const began = performance.now();
    let ended = began;
    this.beginCall(call, began);
    const given = inputs && this.given(inputs);
    let asynchronous = false;
    const pending = make({
      returned: () => {
        ended = performance.now();
        this.endCall(began, ended);
      },
      settled: (failed) => this.record(call, began, ended, asynchronous, given, settled(failed, ended - began)),
    });
    asynchronous = true;
    return pending;
  }

  /** What a traced call was given; undefined if nobody traces. */
  given(inputs: ReadonlyMap<number, readonly Packet[]>): Given | undefined {
    if (this.trace === undefined) return undefined;
    const given: Given = { packets: 0, timestamp: undefined };
    for (const packets of inputs.values()) {
      for (const packet of packets) {
        if (packet.isEof) continue;
        given.packets++;
        given.timestamp ??= packet.timestamp;
      }
    }
    return given;
  }

  /** The slice of a call that is over, with the levels of the queues after it. */
  record(
    call: number,
    began: number,
    ended: number,
    asynchronous: boolean,
    given: Given = { packets: 0, timestamp: undefined },
    packetsOut = 0,
  ): void {
    if (this.trace === undefined) return;
    const { node, board } = this;
    const dropped = board.figure(node, 'dropped') - this.dropped;
    this.dropped += dropped;
    const { packets: packetsIn, timestamp } = given;
    this.trace.call({ node, call, began, ended, asynchronous, packetsIn, packetsOut, dropped, timestamp });
  }

  /** A packet of that input was left out or used again by the node's input manager. */
  told(event: SyncEvent, input: number): void {
    this.trace?.use({ node: this.node, input, event }, performance.now());
    // `record` tells of those that nobody told of one by one.
    if (event.kind === 'drop') this.dropped++;
  }

  /** @param cause NodeStatus.starving or NodeStatus.blocked. */
  waits(cause: number, now: number): void {
    if (this.cause === cause) return;
    this.endWait(now);
    this.cause = cause;
    this.since = now;
    this.count(cause === NodeStatus.blocked ? NodeFigure.blockings : NodeFigure.starvings, 1);
    this.board.figures[this.at + NodeFigure.waitSince] = now + this.epoch;
  }

  private endWait(now: number): void {
    if (this.cause === NodeStatus.live) return;
    const blocked = this.cause === NodeStatus.blocked;
    this.count(blocked ? NodeFigure.blockedMilliseconds : NodeFigure.starvingMilliseconds, now - this.since);
    this.cause = NodeStatus.live;
  }

  private count(figure: number, by: number): void {
    this.board.figures[this.at + figure]! += by;
  }
}
