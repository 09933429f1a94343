/** How the hop benchmark takes its time: by the window, once code has been compiled, and until enough has been seen. */
import { performance } from '../../ringbuffer/clock.js';

/** Frames whose time is taken together. Several queue lengths (8), because packets arrive in bursts of up to a queue. */
const WINDOW = 32;
/** Milliseconds from the first frame on that do not count: until then code is compiled, again and better. */
const WARM_UP = 300;

/** What is to be seen after the warm-up: at least so many frames and so many milliseconds, and whole windows. */
export interface Enough {
  frames: number;
  milliseconds: number;
  /** Milliseconds; `WARM_UP` unless given. */
  warmUp?: number;
  /** Frames whose time is taken together; `WINDOW` unless given. */
  window?: number;
}

/** Counts the frames that come, and takes the time of every window of them. */
export class Windows {
  /** Microseconds per frame, of each window. */
  readonly microseconds: number[] = [];
  /** Frames that have come. */
  seen = 0;
  /** When the first frame came. */
  private entered = 0;
  /** When the warm-up was over, and how many had come by then. */
  private begin = 0;
  private before = 0;
  /** When the window in progress began. */
  private start = 0;
  /** How much has been seen of what is enough; as of the last window. */
  private share = 0;

  constructor(private readonly enough: Enough) {}

  /** One more frame has come. @returns How much has been seen of what is enough; from 1 on it is. */
  count(): number {
    if (this.seen++ === 0) this.entered = performance.now();
    const { frames, milliseconds, warmUp = WARM_UP, window = WINDOW } = this.enough;
    if (this.seen % window !== 0) return this.share;
    const now = performance.now();
    if (now < this.entered + warmUp) return this.share;
    if (this.begin === 0) {
      this.begin = now;
      this.before = this.seen;
    } else this.microseconds.push(((now - this.start) * 1000) / window);
    this.start = now;
    this.share = Math.min((this.seen - this.before) / frames, (now - this.begin) / milliseconds);
    return this.share;
  }
}
