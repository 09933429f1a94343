/**
 * A filter node that has become a member of a chain: one input, one output, a graph of its own. It does what the node
 * would do by itself, frame by frame.
 */

import type { ChosenDevice } from '../../../src/media/index.js';
import type { Plan } from '../plan/plan.js';
import { commandsBetween } from '../run/change.js';
import { RunningGraph } from '../run/running-graph.js';
import { formatKey, formatOf, type StreamFormat } from '../run/stream-format.js';
import type { MediaFrame } from '../run/take-frame.js';
import type { Progress, Stage, Step } from './line.js';

export class Member implements Stage {
  /** Of the frames that come in; kept when the graph is given up, since a new one must be configured alike. */
  format: StreamFormat | undefined;
  graph: RunningGraph | undefined;
  /** Times the graph was configured. */
  configured = 0;
  full = false;
  /** A frame of another format: it waits until the graph has given what it still held. */
  #next: MediaFrame | undefined;
  /** Its options have changed: the graph that is there has been told the end, and there will be another one. */
  #changing = false;

  constructor(
    readonly number: number,
    public plan: Plan,
    private readonly progress: Progress,
    private readonly device?: ChosenDevice,
  ) {}

  /** @throws what FFmpeg refuses of it: then everything is as it was. */
  change(plan: Plan): void {
    const { graph } = this;
    if (graph !== undefined && this.format !== undefined && !this.#changing) {
      const commands = commandsBetween(this.plan, plan);
      new RunningGraph(plan, new Map([[0, this.format]]), this.device).close();
      if (!(commands && graph.command(commands))) {
        // As when the format changes: what it holds comes out first.
        if (this.plan.hasSources || plan.hasSources) this.release();
        else {
          this.#changing = true;
          graph.end(0);
        }
      }
    }
    this.plan = plan;
  }

  step(): Step {
    this.progress.at = this.number;
    for (;;) {
      if (this.graph !== undefined) {
        const pulled = this.graph.pull(0);
        if (typeof pulled !== 'string') return pulled;
        if (this.#next !== undefined) {
          this.#replace(this.#next);
          continue;
        }
        if (this.#changing && !this.full) {
          this.release();
          return 'hungry';
        }
        // As for a node by itself: a graph that neither ends nor gives anything after the end of its input is over.
        if (pulled === 'end' || this.full) return this.#finish();
      } else if (this.full) return 'end';
      return 'hungry';
    }
  }

  end(): void {
    this.progress.at = this.number;
    this.full = true;
    if (!this.#changing) this.graph?.end(0);
  }

  give(frame: MediaFrame): void {
    this.progress.at = this.number;
    if (this.graph !== undefined && formatKey(frame) !== this.format?.key) {
      this.#next = frame;
      // What the graph holds comes out first, as at the end. Not with filters that make frames of their own: such a graph
      // might never end.
      if (this.plan.hasSources) this.#replace(frame);
      else this.graph.end(0);
    } else this.#feed(frame);
  }

  #replace(frame: MediaFrame): void {
    this.#next = undefined;
    this.release();
    this.#feed(frame);
  }

  #feed(frame: MediaFrame): void {
    try {
      this.graph ??= this.#configure(frame);
      if (!this.graph.feed(0, frame, false)) this.full = true;
    } finally {
      frame.close();
    }
  }

  #configure(frame: MediaFrame): RunningGraph {
    if (formatKey(frame) !== this.format?.key) {
      this.format?.frames?.release();
      this.format = formatOf(frame);
    }
    this.configured++;
    return new RunningGraph(this.plan, new Map([[0, this.format]]), this.device);
  }

  #finish(): 'end' {
    this.full = true;
    this.release();
    return 'end';
  }

  /** Frees the graph; with the next frame there will be another one. */
  release(): void {
    this.graph?.close();
    this.graph = undefined;
    if (this.format?.frames) {
      this.format.frames.release();
      this.format = undefined;
    }
    this.#changing = false;
    this.#next?.close();
    this.#next = undefined;
  }
}
