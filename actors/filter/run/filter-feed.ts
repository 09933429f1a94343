/**
 * What goes into a filter graph: the frames that have come, one at a time, of the input that the demand names. While it
 * watches what the graph does with frames, the last one of each input is held here, to see whether the graph still has it.
 */
import type { Task } from '../../../src/module/contract.js';
import type { Breaks } from './breaks.js';
import { hasHead, type Input, inputOf, releaseInput, unwatch } from './filter-inputs.js';
import type { Demand } from './input-demand.js';
import type { KeptFrames } from './kept-frames.js';
import type { Newcomer } from './newcomers.js';
import type { RunningGraph } from './running-graph.js';
import { formatKey } from './stream-format.js';
import { adopt, type MediaFrame } from './take-frame.js';

export type Fed =
  /** A frame or an end has gone in. */
  | 'frame'
  | 'end'
  /** The next frame has another format than the graph was made for. */
  | 'other format'
  | 'nothing';

export class FilterFeed {
  readonly #all: Input[];
  readonly #demand: Demand;
  readonly #breaks: Breaks;
  readonly #kept: KeptFrames;

  constructor(ids: readonly number[], demand: Demand, breaks: Breaks, kept: KeptFrames) {
    this.#all = ids.map((id) => inputOf(id));
    this.#demand = demand;
    this.#breaks = breaks;
    this.#kept = kept;
  }

  get all(): readonly Input[] {
    return this.#all;
  }

  /** The format of each is known, or it has ended before. */
  get areKnown(): boolean {
    return this.#all.every(hasHead);
  }

  /** Each has ended, and nothing of it is left. */
  get areEmpty(): boolean {
    return this.#all.length > 0 && this.#all.every(({ queue }) => queue.length === 0);
  }

  /** Ids of those whose packets are of use now. @param isRunning there is a graph. */
  wanted(isRunning: boolean): number[] {
    if (!isRunning) return this.#all.filter((input) => !hasHead(input)).map(({ id }) => id);
    const next = this.#demand.next(this.#held);
    return this.#all.filter(({ id }) => id === next).map(({ id }) => id);
  }

  /** Takes the frames of a call over from their packets. @param further queues of those that are no inputs yet. */
  take(task: Task, title: string, further: readonly (Input | Newcomer)[] | undefined): void {
    for (const input of further === undefined ? this.#all : [...this.#all, ...further]) {
      for (const packet of task.inputs.get(input.id) ?? []) {
        if (packet.isEof) input.ending = true;
        else if (packet.control === undefined && !('ended' in input && input.ended)) {
          const frame = adopt(packet, title, input.id);
          this.#breaks.came(packet, frame);
          input.queue.push(frame);
        }
      }
    }
  }

  /** Feeds one end or one frame, if there is any. */
  feed(graph: RunningGraph): Fed {
    const ending = this.#all.find(({ queue, ending, ended }) => ending && !ended && queue.length === 0);
    if (ending) {
      graph.end(ending.id);
      this.#close(ending);
      return 'end';
    }
    const id = this.#demand.next(this.#held);
    const input = this.#all.find((candidate) => candidate.id === id);
    const frame = input?.queue[0];
    if (input === undefined || frame === undefined) return 'nothing';
    if (formatKey(frame) !== input.format?.key) return 'other format';
    input.queue.shift();
    this.#breaks.went(frame);
    this.#feedFrame(graph, input, frame);
    return 'frame';
  }

  #feedFrame(graph: RunningGraph, input: Input, frame: MediaFrame): void {
    const time = frame.timestamp;
    const watching = this.#demand.watching;
    if (!watching) for (const each of this.#all) unwatch(each);
    let taken = false;
    // Before it is made the only one of its kind.
    this.#kept.feeding(input.id, frame);
    try {
      // A watched frame is made the only one of its kind, so that a second reference to it can only be the graph's.
      if (watching) frame.writable();
      taken = graph.feed(input.id, frame, watching);
    } finally {
      unwatch(input);
      if (watching && taken) input.watched = frame;
      else frame.close();
    }
    if (taken) this.#demand.fed(input.id, time);
    else this.#close(input);
  }

  readonly #held = (id: number): boolean => {
    const watched = this.#all.find((input) => input.id === id)?.watched;
    return watched !== undefined && !watched.av.isWritable;
  };

  /** This input has ended, for the graph at least. */
  #close(input: Input): void {
    input.ended = true;
    unwatch(input);
    for (const frame of input.queue.splice(0)) frame.close();
    this.#demand.ended(input.id);
  }

  isLive(id: number): boolean {
    return this.#all.some((input) => input.id === id && !input.ended);
  }

  get areOver(): boolean {
    return this.#all.every(({ ended }) => ended);
  }

  /** What the graph has closed by itself (the audio beside a finished trim) need not be produced any more. */
  leave(task: Task): void {
    for (const input of this.#all) {
      if (!input.ended || input.ending) continue;
      input.ending = true;
      task.closeInput(input.id);
    }
  }

  add(inputs: readonly Input[]): void {
    this.#all.push(...inputs);
  }

  /** Those that have ended and are none of these are forgotten. */
  keep(staying: readonly Input[]): void {
    for (const input of this.#all) {
      if (staying.includes(input)) continue;
      this.#demand.remove(input.id);
      input.format?.frames?.release();
    }
    this.#all.splice(0, this.#all.length, ...staying);
  }

  release(): void {
    for (const input of this.#all) releaseInput(input);
  }
}
