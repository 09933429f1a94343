/** Hands a discontinuity on: what a filter makes of the frame behind one says so as well, on each of its outputs. */
import type { Packet } from '../../../src/media/index.js';

export class Breaks {
  readonly #outputs: readonly number[];
  /** Frames that came with one and have not gone in. */
  readonly #frames = new WeakSet<object>();
  /** Outputs of which the next frame says so. */
  readonly #pending = new Set<number>();

  constructor(outputs: readonly number[]) {
    this.#outputs = outputs;
  }

  /** @param frame that was taken out of the packet. */
  came({ discontinuity }: Packet, frame: object): void {
    if (discontinuity) this.#frames.add(frame);
  }

  /** The frame goes in. */
  went(frame: object): void {
    if (this.#frames.delete(frame)) for (const output of this.#outputs) this.#pending.add(output);
  }

  /** Whether the frame that comes out now is the first behind one. */
  isNext(output: number): boolean {
    return this.#pending.size > 0 && this.#pending.delete(output);
  }
}
