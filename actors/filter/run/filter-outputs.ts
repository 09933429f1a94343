/**
 * What comes out of a filter graph. The output with the lowest time goes first, at most EMIT frames in a call of the module;
 * what nobody takes is taken out as well, and dropped, because a graph that is not emptied stops. What comes out of a graph
 * that was given the pictures of the one before once more is not given twice.
 */
import { Packet, VideoFrame } from '../../../src/media/index.js';
import type { Meter, Task } from '../../../src/module/contract.js';
import type { Breaks } from './breaks.js';
import { advance, type Demand } from './input-demand.js';
import type { KeptFrames } from './kept-frames.js';
import type { RunningGraph } from './running-graph.js';
import type { MediaFrame } from './take-frame.js';

/** Frames a call emits at most. */
const EMIT = 4;
/** Frames a call takes out and drops at most for an output whose consumers have left. */
const DROP = 16;
/** µs by which the times of a frame that comes out may differ from those of the one that went in. */
export const ROUNDING = 1000;

interface Output {
  readonly id: number;
  ended: boolean;
  /** Nothing more comes before the next frame goes in. */
  dry: boolean;
  /** µs of the last frame. */
  time: number;
}

/** Who is told of what comes out. */
export interface Watchers {
  readonly meter: Meter;
  readonly demand: Demand;
  readonly kept: KeptFrames;
  readonly breaks: Breaks;
}

export class FilterOutputs {
  readonly #all: readonly Output[];
  readonly #watchers: Watchers;
  readonly #discards: boolean;
  /** Pictures that may come out once more. */
  #repeats = 0;

  /** @param discards nobody is connected to them. */
  constructor(ids: readonly number[], discards: boolean, watchers: Watchers) {
    this.#all = ids.map((id) => ({ id, ended: false, dry: false, time: -Infinity }));
    this.#discards = discards;
    this.#watchers = watchers;
  }

  /** All have ended, or everybody has left them. */
  areOver(task: Task): boolean {
    if (this.#all.length === 0) return false;
    return this.#all.every(({ id, ended }) => ended || (!this.#discards && task.output(id).closed));
  }

  /** A frame or an end has gone in: more may come. */
  stir(): void {
    for (const output of this.#all) output.dry = false;
  }

  /** A picture was fed that the graph before had as well. */
  expectRepeated(): void {
    this.#repeats++;
  }

  /**
   * Takes out what the graph has.
   * @param isReplaced by another graph, so that its end is none of the stream.
   * @returns false at the limit of a call.
   */
  emit(graph: RunningGraph, task: Task, isReplaced: boolean): boolean {
    const { demand, kept, breaks } = this.#watchers;
    let emitted = 0;
    let dropped = 0;
    for (;;) {
      const output = this.#next();
      if (output === undefined) return true;
      const { id } = output;
      const frame = graph.pull(id);
      if (frame === 'again') output.dry = true;
      else if (frame === 'end') {
        if (isReplaced) output.dry = true;
        else this.#end(output, task);
      } else {
        const time = frame.timestamp;
        kept.given(frame);
        if (this.#repeats > 0 && this.#isRepeated(frame, output.time)) {
          frame.close();
          continue;
        }
        output.time = advance(output.time, time);
        demand.produced(id, time);
        // What one output asked for may have brought frames for the others.
        for (const other of this.#all) if (other !== output) other.dry = false;
        const port = task.output(id);
        if (this.#discards) {
          frame.close();
          if (++dropped >= DROP) return false;
        } else if (port.closed) {
          frame.close();
          demand.outputEnded(id);
          if (++dropped >= DROP) output.dry = true;
        } else {
          this.#count(frame, time);
          port.push(new Packet(frame, { discontinuity: breaks.isNext(id) }));
          if (++emitted >= EMIT) return false;
        }
      }
    }
  }

  /** The one with the lowest time of those that may have something; of equal ones the first. */
  #next(): Output | undefined {
    let next: Output | undefined;
    for (const output of this.#all) {
      if (!output.ended && !output.dry && (next === undefined || output.time < next.time)) next = output;
    }
    return next;
  }

  /** Ends those that have not ended. */
  endAll(task: Task): void {
    for (const output of this.#all) if (!output.ended) this.#end(output, task);
  }

  /** It came out of the graph before, from which this one was given its pictures. */
  #isRepeated(frame: MediaFrame, last: number): boolean {
    if (!(frame instanceof VideoFrame)) return false;
    const { timestamp } = frame;
    const isRepeated = timestamp !== undefined && timestamp < last + ROUNDING;
    this.#repeats = isRepeated ? this.#repeats - 1 : 0;
    return isRepeated;
  }

  #count(frame: MediaFrame, time: number | undefined): void {
    const { meter } = this.#watchers;
    if (frame instanceof VideoFrame) meter.frames++;
    if (time !== undefined) meter.position = time;
  }

  #end(output: Output, task: Task): void {
    output.ended = true;
    this.#watchers.demand.outputEnded(output.id);
    const port = task.output(output.id);
    if (!port.closed) port.push(Packet.eof());
  }
}
