/**
 * When the packets of a live input came, by their times, for whoever writes what was made of them: so the way through the
 * graph is measured, whatever is between, as long as times are kept. Memory that threads share: one writes, any may read.
 * Only figures follow from it, so an entry that is overwritten while it is read does no harm.
 */
import { now } from './clock.js';

/** Packets that may be under way at once. */
const ENTRIES = 512;
/** Times are compared after they were rounded to ticks, microseconds. */
const ROUNDED = 1000;
/** What is shown so much later than any packet is a copy that fills a gap, microseconds. */
const FILLED = 100_000;

export class Arrivals {
  readonly buffer: SharedArrayBuffer;
  /** Time in microseconds and arrival in ms, in turns. */
  readonly #pairs: Float64Array;
  readonly #count: Int32Array;

  constructor(buffer = new SharedArrayBuffer(8 + ENTRIES * 16)) {
    this.buffer = buffer;
    this.#count = new Int32Array(buffer, 0, 1);
    this.#pairs = new Float64Array(buffer, 8);
  }

  /** A packet with this time came then. */
  note(time: number, arrival: number): void {
    const count = this.#count[0]!;
    const at = (count % ENTRIES) * 2;
    this.#pairs[at] = time;
    this.#pairs[at + 1] = arrival;
    Atomics.store(this.#count, 0, (count + 1) & 0x7fff_ffff);
  }

  /** ms since the packet came that was shown at a time; undefined if there is none, or it is not known any more. */
  age(time: number): number | undefined {
    const count = Math.min(Atomics.load(this.#count, 0), ENTRIES);
    let best = Number.NEGATIVE_INFINITY;
    let arrival = 0;
    for (let at = 0; at < count * 2; at += 2) {
      const own = this.#pairs[at]!;
      if (own > time + ROUNDED || own < best) continue;
      best = own;
      arrival = this.#pairs[at + 1]!;
    }
    return time - best > FILLED ? undefined : Math.max(0, now() - arrival);
  }
}
